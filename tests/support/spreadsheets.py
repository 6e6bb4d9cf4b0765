"""Spreadsheets written by hand, part by part, so that each can be spoiled in one place."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from xml.sax.saxutils import escape, quoteattr

Cell = str | int | float | bool | date | None
Sheets = Mapping[str, Sequence[Sequence[Cell]]]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
OASIS = "urn:oasis:names:tc:opendocument:xmlns"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def zipped(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of those parts."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def xlsx_parts(sheets: Sheets) -> dict[str, str | bytes]:
    """The parts of an Excel workbook, every text a shared string, dates in a date format."""
    texts: list[str] = []
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'{DECLARATION}<Types xmlns="{PACKAGE}/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/></Types>',
        "_rels/.rels": relations({"rId1": ("officeDocument", "xl/workbook.xml", "")}),
        "xl/_rels/workbook.xml.rels": relations(
            {f"rId{at}": ("worksheet", f"worksheets/sheet{at}.xml", "")
             for at in range(1, len(sheets) + 1)}
        ),
        "xl/workbook.xml": f'{DECLARATION}<workbook xmlns="{MAIN}" xmlns:r="{RELS}"><sheets>'
        + "".join(f'<sheet name={quoteattr(name)} sheetId="{at}" r:id="rId{at}"/>'
                  for at, name in enumerate(sheets, 1))
        + "</sheets></workbook>",
        "xl/styles.xml": f'{DECLARATION}<styleSheet xmlns="{MAIN}"><cellXfs count="2">'
        '<xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
    }  # fmt: skip
    for at, rows in enumerate(sheets.values(), 1):
        parts[f"xl/worksheets/sheet{at}.xml"] = sheet_xml(
            "".join(_row(number, row, texts) for number, row in enumerate(rows, 1))
        )
    parts["xl/sharedStrings.xml"] = f'{DECLARATION}<sst xmlns="{MAIN}">' + "".join(
        f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts
    ) + "</sst>"  # fmt: skip
    return parts


def xlsx(sheets: Sheets) -> bytes:
    """An Excel workbook."""
    return zipped(xlsx_parts(sheets))


def sheet_xml(rows: str) -> str:
    """A worksheet part of those rows."""
    return f'{DECLARATION}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def relations(given: Mapping[str, tuple[str, str, str]]) -> str:
    """A part of relations: identifier to kind, target and mode."""
    return f'{DECLARATION}<Relationships xmlns="{PACKAGE}/relationships">' + "".join(
        f'<Relationship Id="{key}" Type="{RELS}/{kind}" Target={quoteattr(target)}'
        + (f' TargetMode="{mode}"/>' if mode else "/>")
        for key, (kind, target, mode) in given.items()
    ) + "</Relationships>"  # fmt: skip


def letters(column: int) -> str:
    """The letters of a column, from 1."""
    made = ""
    while column:
        column, rest = divmod(column - 1, 26)
        made = chr(65 + rest) + made
    return made


def _row(number: int, row: Sequence[Cell], texts: list[str]) -> str:
    cells = "".join(
        _cell(f"{letters(at)}{number}", cell, texts)
        for at, cell in enumerate(row, 1)
        if cell is not None
    )
    return f'<row r="{number}">{cells}</row>'


def _cell(place: str, cell: Cell, texts: list[str]) -> str:
    if isinstance(cell, bool):
        return f'<c r="{place}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, date):
        return f'<c r="{place}" s="1"><v>{(cell - date(1899, 12, 30)).days}</v></c>'
    if isinstance(cell, int | float):
        return f'<c r="{place}"><v>{cell}</v></c>'
    texts.append(str(cell))
    return f'<c r="{place}" t="s"><v>{len(texts) - 1}</v></c>'


def ods_parts(sheets: Sheets) -> dict[str, str | bytes]:
    """The parts of an OpenDocument spreadsheet, blank to the edge as office programs write it."""
    tables = "".join(
        f"<table:table table:name={quoteattr(name)}>{''.join(map(_ods_row, rows))}"
        '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
        'table:number-columns-repeated="16384"/></table:table-row></table:table>'
        for name, rows in sheets.items()
    )
    return ods_of(tables)


def ods_of(tables: str) -> dict[str, str | bytes]:
    """The parts of an OpenDocument spreadsheet with that content."""
    spaces = " ".join(f'xmlns:{name}="{OASIS}:{name}:1.0"' for name in ("office", "table", "text"))
    return {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": f'{DECLARATION}<manifest:manifest xmlns:manifest="{OASIS}:'
        'manifest:1.0"/>',
        "content.xml": f'{DECLARATION}<office:document-content {spaces} '
        'xmlns:xlink="http://www.w3.org/1999/xlink"><office:body><office:spreadsheet>'
        f"{tables}</office:spreadsheet></office:body></office:document-content>",
    }  # fmt: skip


def ods(sheets: Sheets) -> bytes:
    """An OpenDocument spreadsheet."""
    return zipped(ods_parts(sheets))


def _ods_row(row: Sequence[Cell]) -> str:
    return f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>"


def _ods_cell(cell: Cell) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, bool):
        kind = f'boolean" office:boolean-value="{str(cell).lower()}'
    elif isinstance(cell, date):
        kind = f'date" office:date-value="{cell.isoformat()}'
    elif isinstance(cell, int | float):
        kind = f'float" office:value="{cell}'
    else:
        kind = "string"
    text = f"<text:p>{escape(str(cell))}</text:p>"
    return f'<table:table-cell office:value-type="{kind}">{text}</table:table-cell>'
