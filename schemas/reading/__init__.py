"""How a partner's file becomes a table of strings, whatever program wrote it.

`schemas.extract.read_table` is the way in. In the order a file meets them:

    guard          what no file may exceed, and how one is refused
    encodings      text in any common encoding, as UTF-8
    header         the names of the columns, and whether those that are needed are there
    rows           which row of the file a record stands in
    lines          every line's fields counted before anything else reads them
    delimited      the rows of a text file
    archive        a spreadsheet's zip archive and XML, unpacked in pieces by our own count
    excel          what an .xlsx holds, and whether any of it is active
    opendocument   the same of an .ods
    sheets         one sheet of either as text
    parquet        a Parquet file as text
    dates          dates as they are written into dates as we write them
    translate      the columns of a supplying system into ours
"""
