"""One sheet of an Excel workbook (.xlsx) or an OpenDocument spreadsheet (.ods) as text.

A spreadsheet is a zip archive of XML, and either can unpack to more than the machine has. So the
archive is unpacked to nowhere first, in pieces, and counted: its size, its cells, the rectangle
they span and the text they repeat. Only a sheet that fits is handed to calamine. Nothing in a
workbook is run or followed: one with macros, links, embedded objects or formulas is refused, and
so is one with cells in error, which would otherwise read as empty.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from xml.parsers import expat

import polars as pl

from schemas.errors import ExtractRejected
from schemas.reading import excel, opendocument
from schemas.reading.archive import SAVE_VALUES, Book, BoundedFile, Extent, parts_of
from schemas.reading.guard import SEND_AGAIN, Unfit


def read_sheet(
    path: Path, what: str, sheet: str | None, table: str, day_numbers: bool = False
) -> pl.DataFrame:
    """Read one sheet as it stands: no header, every cell as text, blank cells null.

    Args:
        path: The file, known to begin as a zip archive does.
        what: What messages call it.
        sheet: The sheet's name, or a pattern of it such as `custody*`, in any case; if None, the
            sheet named as the table is, or else the only sheet.
        table: The table it should hold.
        day_numbers: Whether dates are read from day numbers.

    Returns:
        The cells from the first row of the sheet to the last used one. Dates are written
        `2024-01-05 00:00:00`, whole numbers without a point, yes and no as `true` and `false`.

    Raises:
        ExtractRejected: It is no workbook, is damaged or too large, holds macros, links, embedded
            objects, formulas or errors, or has no such sheet.
    """
    unfit: Unfit | None = None
    try:
        return _read(path, sheet, table, day_numbers)
    except Unfit as found:
        unfit = found
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, OSError, EOFError, ValueError,
            KeyError, RuntimeError, UnicodeError):  # fmt: skip
        unfit = Unfit("is a spreadsheet or zip archive that is damaged", SEND_AGAIN)
    raise ExtractRejected(f"{what} {unfit.problem}.", unfit.remedy)


def _read(path: Path, sheet: str | None, table: str, day_numbers: bool) -> pl.DataFrame:
    with BoundedFile(io.FileIO(path)) as file, zipfile.ZipFile(file) as archive:
        parts = parts_of(archive)
        book = Book(file, parts)
        book.require_sound()
        if "xl/workbook.xml" in parts:
            names = excel.check_workbook(book, day_numbers)
            chosen = _choose(names, sheet, table)
            extent = excel.sheet_extent(book, names[chosen])
        elif "content.xml" in parts:
            names = opendocument.check_spreadsheet(book)
            chosen = _choose(names, sheet, table)
            extent = opendocument.sheet_extent(book, chosen)
        else:
            raise Unfit(
                "is a spreadsheet or zip archive that holds no .xlsx or .ods workbook", SAVE_VALUES
            )
    if extent.refused:
        raise Unfit(extent.refused, SAVE_VALUES)
    return _cells(path, chosen, extent)


def _choose(names: dict[str, str], sheet: str | None, table: str) -> str:
    """The sheet that is meant. Sheets' names come from the file, so none is ever in a message."""
    wanted = (sheet or table).lower()
    found = [name for name in names if fnmatchcase(name.strip().lower(), wanted)]
    if not found and sheet is None and len(names) == 1:
        found = list(names)
    if len(found) == 1:
        return found[0]
    how_many = "none" if not found else f"{len(found)}"
    raise Unfit(
        f"has {len(names)} sheets, of which {how_many} could be this table",
        "Name the sheet under `sheet` in the mapping, or ask the partner for a sheet so named.",
    )


def _cells(path: Path, sheet: str, extent: Extent) -> pl.DataFrame:
    """Let calamine read a sheet that is known to be safe and to fit."""
    import fastexcel

    if not extent.rows:
        return pl.DataFrame()
    frame: pl.DataFrame | None = None
    try:
        with _stderr_unseen():
            book = fastexcel.read_excel(path.read_bytes())
            read = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
            frame = read.to_polars()
    except BaseException as fault:
        # A panic of the library is no Exception, and its text may quote a cell: neither it nor
        # anything chained to it is let out.
        if not isinstance(fault, Exception) and type(fault).__name__ != "PanicException":
            raise
    if frame is None or frame.height > extent.rows:
        raise Unfit("is a spreadsheet that cannot be read", SAVE_VALUES)
    return frame.select(pl.all().cast(pl.String))


@contextmanager
def _stderr_unseen() -> Iterator[None]:
    """Send file descriptor 2 nowhere: a panic is printed there before Python hears of it."""
    kept = -1
    with suppress(OSError):
        kept = os.dup(2)
    if kept < 0:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
