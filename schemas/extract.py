"""Read one table file of an extract into strings, or refuse it in one clear sentence.

Without a mapping a file is comma-separated UTF-8 in our own layout and nothing else. With one it
may be text in another encoding and with another delimiter, an Excel workbook, an OpenDocument
spreadsheet or Parquet, with the columns of the supplying system. The rooms that do it are in
`schemas.reading`. Nothing that stands in a file is ever in a message: not a value, not the name of
a column that was not expected.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

import polars as pl

from schemas.errors import ExtractRejected
from schemas.mapping import OWN_LAYOUT, SystemMapping, TableMapping
from schemas.reading.delimited import read_text
from schemas.reading.encodings import AS_AGREED, PARQUET, ZIP, Form
from schemas.reading.guard import (
    MAX_BYTES,
    POLARS_ERRORS,
    SEND_AGAIN,
    SEND_AGREED,
    Wanted,
    is_untouched,
    require_file,
    require_short,
)
from schemas.reading.header import joined_names, normal_name, require_columns
from schemas.reading.parquet import read_columns
from schemas.reading.rows import numbered
from schemas.reading.sheets import read_sheet
from schemas.reading.translate import apply_mapping
from schemas.tables import Table

__all__ = ["MAX_BYTES", "POLARS_ERRORS", "read_table"]


def read_table(
    path: Path,
    table: Table,
    *,
    mapping: SystemMapping | None = None,
    columns: Collection[str] | None = None,
    max_bytes: int = MAX_BYTES,
    as_at: date | None = None,
) -> pl.DataFrame:
    """Read one table file.

    Args:
        path: The file. Without a mapping: comma-separated UTF-8 (a byte-order mark is allowed)
            with a header row. With one: whatever it says, or what the file shows itself to be.
        table: The table it should hold.
        mapping: How the supplying system writes it.
        columns: The columns that have to be there; all of the table's if not given. A column that
            the agreement does not share may be left out of them.
        max_bytes: The largest file read.
        as_at: The day of the extract, which two-digit years of birth are read against; today if
            not given.

    Returns:
        Without a mapping, every column of the file as strings, names in lower case, empty fields
        null. With one, those of our columns that it gives. Columns that are not the table's come
        too, for the agreement to count and drop. Where not every row of the file is a record of
        the table, `FILE_ROW` holds the number of the row that each stands in.

    Raises:
        ExtractRejected: The file is missing, not of this form, damaged or of another layout, or it
            changed while it was read.
    """
    what = f"The {table.partner} {table.name} file"
    before = require_file(path, what, max_bytes)
    refused: ExtractRejected | None = None
    try:
        frame = _read(path, what, table, mapping, columns, max_bytes)
    except ExtractRejected as error:
        refused = error
    except OSError:
        refused = ExtractRejected(f"{what} can no longer be read.", SEND_AGAIN)
    if not is_untouched(path, before):
        refused = ExtractRejected(
            f"{what} changed while it was being read.",
            "Wait until the delivery is complete, then try again.",
        )
    if refused is not None:
        raise refused
    return frame if mapping is None else _mapped(frame, what, table, mapping, as_at)


def _read(
    path: Path,
    what: str,
    table: Table,
    mapping: SystemMapping | None,
    columns: Collection[str] | None,
    max_bytes: int,
) -> pl.DataFrame:
    """The file's own columns, none of whose values is too long for any field."""
    if mapping is None:
        needed = [name for name in table.columns if columns is None or name in columns]
        frame = read_text(path, what, AS_AGREED, Wanted(needed, table.columns, "layout"))
    else:
        frame = _read_mapped(path, what, table, mapping, columns, max_bytes)
    require_short(frame, what, table.columns)
    if frame.is_empty() and table.identity is not None and not table.optional:
        # Nobody may have been tested or released, but an extract that names nobody failed.
        raise ExtractRejected(f"{what} has a header and no rows.", SEND_AGAIN)
    return frame


def _read_mapped(
    path: Path,
    what: str,
    table: Table,
    mapping: SystemMapping,
    columns: Collection[str] | None,
    max_bytes: int,
) -> pl.DataFrame:
    """Read whatever kind of file it is under the names that the supplying system gives."""
    mapped = mapping.tables.get(table.name)
    if mapped is None:
        raise ExtractRejected(
            f"The mapping for {mapping.system} does not say how {what[4:]} is read.",
            "Add the table to the mapping, or leave its file out of the extract.",
        )
    is_own = mapping.system == OWN_LAYOUT
    system = "layout" if is_own else f"mapping for {mapping.system}"
    wanted = Wanted(mapped.sources(columns), mapping.known(table.name), system)
    with path.open("rb") as file:
        start = file.read(4)
    if start == ZIP:
        grid = read_sheet(path, what, mapped.sheet, table.name, mapped.counts_days)
        return _under_header(grid, what, mapped, wanted)
    if start == PARQUET:
        frame = read_columns(path, what, max_bytes)
        given = [normal_name(name) for name in frame.columns]
        frame.columns = require_columns(given, what, wanted, "as Parquet")
        return frame
    form = Form(
        encoding=mapped.encoding,
        delimiter=mapped.delimiter,
        quotes=mapped.quotes,
        header_row=mapped.header_row,
        header_rows=mapped.header_rows,
        footer=mapped.footer,
    )
    return read_text(path, what, form, wanted)


def _under_header(
    grid: pl.DataFrame, what: str, mapped: TableMapping, wanted: Wanted
) -> pl.DataFrame:
    """The rows of a sheet under the names in its header; blank rows and footers left out."""
    above, deep = mapped.header_row - 1, mapped.header_rows
    if grid.height < above + deep:
        raise ExtractRejected(f"{what} has no header row.", SEND_AGREED)
    header, rows = grid.slice(above, deep), grid.slice(above + deep)
    used = [
        at
        for at, (named, cells) in enumerate(zip(header, rows, strict=True))
        if named.null_count() < deep or cells.null_count() < rows.height
    ]
    if not used:
        raise ExtractRejected(f"{what} has no header row.", SEND_AGREED)
    names = joined_names(header.select(pl.nth(used)).rows())
    if not any(names):
        raise ExtractRejected(f"{what} has no header row.", SEND_AGREED)
    rows = rows.select(pl.nth(used))
    rows.columns = require_columns(names, what, wanted, "in columns")
    return _without_blank(_without_footer(rows, tuple(map(normal_name, mapped.footer))))


def _without_footer(rows: pl.DataFrame, footer: tuple[str, ...]) -> pl.DataFrame:
    """The rows without those at the end that are blank or begin as a footer does."""
    filled = rows.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    while not filled.is_empty():
        first = next(cell for cell in rows.row(filled[-1]) if cell is not None)
        if not (footer and normal_name(first).startswith(footer)):
            return rows.head(filled[-1] + 1)
        filled = filled[:-1]
    return rows.head(0)


def _without_blank(rows: pl.DataFrame) -> pl.DataFrame:
    said = pl.any_horizontal(pl.all().str.strip_chars() != "").fill_null(False)
    filled = rows.select(said).to_series()
    return rows if filled.all() else numbered(rows).filter(filled)


def _mapped(
    frame: pl.DataFrame, what: str, table: Table, mapping: SystemMapping, as_at: date | None
) -> pl.DataFrame:
    """Bring a table into our layout; an error of polars, which may quote a record, stays here."""
    try:
        return apply_mapping(frame, table, mapping, as_at)
    except POLARS_ERRORS:
        fault = f"{what} could not be read by its mapping."
    raise ExtractRejected(
        fault,
        "Check the mapping's patterns and date formats against the file's layout.",
    )
