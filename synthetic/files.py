"""Text files, workbooks and Parquet as other systems write them, the same bytes each time."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import polars as pl

from schemas.errors import ConfigError
from schemas.mapping import TableMapping

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", None: ","}
FLAGS = {"true": True, "false": False}
MOST_ROWS = 1_048_576  # of a sheet, with its header
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
OASIS = "urn:oasis:names:tc:opendocument:xmlns"
ODS = "application/vnd.oasis.opendocument.spreadsheet"


@dataclass(frozen=True)
class Grid:
    """What stands in one file or sheet.

    Args:
        mapped: How it is written.
        titles: Lines above the header.
        rows: The system's columns, as strings.
    """

    mapped: TableMapping
    titles: list[str]
    rows: pl.DataFrame

    @property
    def header(self) -> list[list[str]]:
        """The rows that name the columns: a word of each name on each but the last, or none."""
        above = self.mapped.header_rows - 1
        words = [name.split(maxsplit=above) for name in self.rows.columns]
        if any(len(split) <= above for split in words):
            words = [[""] * above + [name] for name in self.rows.columns]
        return [list(line) for line in zip(*words, strict=True)]

    @property
    def footer(self) -> list[str]:
        """What stands below the records: the mapping's own word for it and their number."""
        width, words = self.rows.width, self.mapped.footer
        return [*words[:1], str(self.rows.height), *[""] * width][:width] if words else []


def write_text(path: Path, grid: Grid) -> None:
    """Write a text file in its encoding; a letter that the encoding lacks becomes `?`."""
    mapped = grid.mapped
    delimiter = DELIMITERS[mapped.delimiter]
    rows = grid.rows
    if not mapped.quotes:  # nothing can hold the delimiter
        rows = rows.with_columns(pl.all().str.replace_all(delimiter, " ", literal=True))
    encoding = mapped.encoding or "utf-8"
    end = "\n" if encoding == "utf-8" else "\r\n"
    text = rows.write_csv(
        separator=delimiter,
        quote_style="necessary" if mapped.quotes else "never",
        line_terminator=end,
    )
    above = [*grid.titles, *(delimiter.join(line) for line in grid.header[:-1])]
    if above:
        below_names = text.partition(end)[2]
        text = end.join([*above, delimiter.join(grid.header[-1]), below_names])
    if grid.footer:
        text += delimiter.join(grid.footer) + end
    path.write_bytes(text.encode(encoding, errors="replace"))


def write_parquet(path: Path, grid: Grid) -> None:
    """Write Parquet with typed dates and flags, but for a column in which a value is neither."""
    grid.rows.select(_typed(values) for values in grid.rows).write_parquet(path)


def _typed(values: pl.Series) -> pl.Series:
    filled = values.drop_nulls()
    if filled.is_empty():
        return values
    if filled.is_in(list(FLAGS)).all():
        return values.replace_strict(FLAGS, return_dtype=pl.Boolean)
    days = values.str.to_date("%Y-%m-%d", strict=False)
    return days if days.null_count() == values.null_count() else values


def write_workbook(path: Path, suffix: str, sheets: Mapping[str, Grid]) -> None:
    """Write an Excel (.xlsx) or OpenDocument (.ods) workbook, every cell as text.

    Raises:
        ConfigError: if a sheet would have more rows than one can.
    """
    if any(
        grid.rows.height + len(grid.titles) + len(grid.header) + 1 > MOST_ROWS
        for grid in sheets.values()
    ):
        raise ConfigError(
            "A workbook cannot hold that many rows.",
            "Ask for fewer people, or for a system that sends text.",
        )
    parts = _xlsx(sheets) if suffix == ".xlsx" else _ods(sheets)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts:
            # The time that an entry is given would make the same workbook other bytes each day.
            entry = zipfile.ZipInfo(name)
            # An OpenDocument file begins with its kind, as it is.
            plain = name == "mimetype"
            entry.compress_type = zipfile.ZIP_STORED if plain else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=None if plain else 3)


def _lines(grid: Grid) -> Iterator[tuple[str | None, ...]]:
    for title in grid.titles:
        yield (title or None,)
    for line in grid.header:
        yield tuple(name or None for name in line)
    yield from grid.rows.iter_rows()
    if grid.footer:
        yield tuple(cell or None for cell in grid.footer)


def _xlsx(sheets: Mapping[str, Grid]) -> Iterator[tuple[str, str]]:
    numbers = range(1, len(sheets) + 1)
    yield (
        "[Content_Types].xml",
        (
            f'{DECLARATION}<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{CONTENT}.sheet.main+xml"/>'
            + "".join(
                f'<Override PartName="/xl/worksheets/sheet{at}.xml" '
                f'ContentType="{CONTENT}.worksheet+xml"/>'
                for at in numbers
            )
            + "</Types>"
        ),
    )
    yield "_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")])
    yield (
        "xl/workbook.xml",
        (
            f'{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
            + "".join(
                f'<sheet name={quoteattr(name)} sheetId="{at}" r:id="rId{at}"/>'
                for at, name in enumerate(sheets, 1)
            )
            + "</sheets></workbook>"
        ),
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        _relations([("worksheet", f"worksheets/sheet{at}.xml") for at in numbers]),
    )
    for at, grid in enumerate(sheets.values(), 1):
        names = [_letters(column) for column in range(1, max(grid.rows.width, 1) + 1)]
        rows = "".join(
            f'<row r="{number}">'
            + "".join(
                f'<c r="{names[place]}{number}" t="inlineStr"><is><t xml:space="preserve">'
                f"{escape(cell)}</t></is></c>"
                for place, cell in enumerate(line)
                if cell is not None
            )
            + "</row>"
            for number, line in enumerate(_lines(grid), 1)
        )
        yield (
            f"xl/worksheets/sheet{at}.xml",
            f'{DECLARATION}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        )


def _relations(targets: list[tuple[str, str]]) -> str:
    return f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">' + "".join(
        f'<Relationship Id="rId{at}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(targets, 1)
    ) + "</Relationships>"  # fmt: skip


def _letters(column: int) -> str:
    """Return the letters of a column, counted from 1."""
    column, last = divmod(column - 1, 26)
    return (_letters(column) if column else "") + chr(65 + last)


def _ods(sheets: Mapping[str, Grid]) -> Iterator[tuple[str, str]]:
    yield "mimetype", ODS
    yield (
        "META-INF/manifest.xml",
        (
            f'{DECLARATION}<manifest:manifest xmlns:manifest="{OASIS}:manifest:1.0" '
            'manifest:version="1.2">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS}"/>'
            '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
            "</manifest:manifest>"
        ),
    )
    spaces = " ".join(f'xmlns:{name}="{OASIS}:{name}:1.0"' for name in ("office", "table", "text"))
    tables = "".join(
        f"<table:table table:name={quoteattr(name)}>"
        + "".join(
            f"<table:table-row>{''.join(map(_ods_cell, line))}</table:table-row>"
            for line in _lines(grid)
        )
        + "</table:table>"
        for name, grid in sheets.items()
    )
    yield (
        "content.xml",
        (
            f'{DECLARATION}<office:document-content {spaces} office:version="1.2"><office:body>'
            f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
        ),
    )


def _ods_cell(cell: str | None) -> str:
    if cell is None:
        return "<table:table-cell/>"
    return (
        f'<table:table-cell office:value-type="string"><text:p>{escape(cell)}</text:p>'
        "</table:table-cell>"
    )
