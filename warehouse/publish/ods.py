"""A publication as an OpenDocument spreadsheet, with nothing but the standard library.

ODF 1.3 needs four small XML files in a ZIP archive, of which the first names the format. What the
Excel workbook has is here too: headings as styles, one named table a sheet whose header repeats on
every printed page, links in the contents, and British English as the language of the text.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from warehouse.publish.pack import Pack
from warehouse.publish.sheets import (
    COVER,
    COVER_WIDTH,
    LINE,
    Cell,
    Cover,
    Sheet,
    contents,
    cover,
    day_in_words,
    is_number,
    lines_of,
    sheets,
    title,
)

NAME: Final = "tables.ods"
MIME: Final = "application/vnd.oasis.opendocument.spreadsheet"
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever they are written
MOST_LINES: Final = 25
"""Rows are no higher than so many lines: spreadsheets allow little more."""
_CHARACTER: Final = 0.21  # centimetres to a character of 12 points

_SPACES: Final = (
    " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in (
            ("office", "office"),
            ("style", "style"),
            ("text", "text"),
            ("table", "table"),
            ("fo", "xsl-fo-compatible"),
            ("number", "datastyle"),
            ("meta", "meta"),
            ("manifest", "manifest"),
        )
    )
    + ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def ods(pack: Pack) -> bytes:
    """Write a publication as an OpenDocument spreadsheet.

    Args:
        pack: The publication.

    Returns:
        The spreadsheet: a cover, the contents and a sheet a table. Counts are numbers.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in (
            ("mimetype", MIME),
            ("META-INF/manifest.xml", _manifest()),
            ("meta.xml", _meta(pack)),
            ("styles.xml", _styles()),
            ("content.xml", _content(pack)),
        ):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            # Programs tell the format by the first bytes, so its name is not compressed.
            plain = name == "mimetype"
            entry.compress_type = zipfile.ZIP_STORED if plain else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return written.getvalue()


def _manifest() -> str:
    entries = [("/", MIME), *((name, "text/xml") for name in ("content", "styles", "meta"))]
    files = "".join(
        f'<manifest:file-entry manifest:full-path="{path if path == "/" else path + ".xml"}" '
        f'manifest:media-type="{kind}"/>'
        for path, kind in entries
    )
    return _document("manifest:manifest", files, 'manifest:version="1.3"')


def _meta(pack: Pack) -> str:
    said = (
        f"<dc:title>{escape(title(pack))}</dc:title>"
        f"<dc:creator>{escape(pack.partnership)}</dc:creator>"
        f"<dc:date>{pack.made_at:%Y-%m-%dT%H:%M:%S}</dc:date><dc:language>en-GB</dc:language>"
    )
    return _document("office:document-meta", f"<office:meta>{said}</office:meta>")


def _styles() -> str:
    return _document(
        "office:document-styles",
        '<office:styles><style:default-style style:family="table-cell"><style:text-properties '
        'fo:font-family="Arial" fo:font-size="12pt" fo:language="en" fo:country="GB"/>'
        "</style:default-style>"
        + _cell_style("Heading", 'fo:font-size="16pt" fo:font-weight="bold"')
        + _cell_style("Subheading", 'fo:font-size="14pt" fo:font-weight="bold"')
        + "</office:styles><office:automatic-styles>"
        '<style:page-layout style:name="A4"><style:page-layout-properties '
        'style:print-orientation="landscape" fo:page-width="29.7cm" fo:page-height="21cm" '
        'style:scale-to-X="1" style:scale-to-Y="0"/></style:page-layout>'
        "</office:automatic-styles><office:master-styles>"
        '<style:master-page style:name="Default" style:page-layout-name="A4"/>'
        "</office:master-styles>",
    )


def _content(pack: Pack) -> str:
    held = sheets(pack)
    listed = contents(held)
    widths = sorted({width for sheet in (*listed, *held) for width in sheet.widths} | {COVER_WIDTH})
    tables = (
        _cover(cover(pack)),
        *(_sheet(sheet, links=True) for sheet in listed),
        *(_sheet(sheet) for sheet in held),
    )
    ranges = "".join(
        f"<table:database-range table:name={quoteattr(sheet.table_name)} "
        f'table:contains-header="true" table:target-range-address={quoteattr(_range(sheet))}/>'
        for sheet in (*listed, *held)
    )
    return _document(
        "office:document-content",
        f"<office:automatic-styles>{_automatic(widths)}</office:automatic-styles><office:body>"
        f"<office:spreadsheet>{''.join(tables)}<table:database-ranges>{ranges}"
        "</table:database-ranges></office:spreadsheet></office:body>",
    )


def _automatic(widths: Sequence[int]) -> str:
    columns = "".join(
        f'<style:style style:name="w{width}" style:family="table-column">'
        f'<style:table-column-properties style:column-width="{width * _CHARACTER:.2f}cm"/>'
        "</style:style>"
        for width in widths
    )
    return (
        '<number:date-style style:name="day"><number:day/><number:text> </number:text>'
        '<number:month number:style="long" number:textual="true"/><number:text> </number:text>'
        '<number:year number:style="long"/></number:date-style>'
        '<number:number-style style:name="thousands"><number:number number:decimal-places="0" '
        'number:min-integer-digits="1" number:grouping="true"/></number:number-style>'
        + columns
        + "".join(_row_style(lines) for lines in range(2, MOST_LINES + 1))
        + _cell_style("column", 'fo:font-weight="bold"', wraps=True, ruled=True)
        + _cell_style("figures", 'fo:font-weight="bold"', wraps=True, ruled=True, to_right=True)
        + _cell_style("words", wraps=True)
        + _cell_style("figure", to_right=True)
        + _cell_style("count", to_right=True, data_style="thousands")
        + _cell_style("date", data_style="day")
        + _cell_style("link", 'fo:color="#0000ff" style:text-underline-style="solid"')
    )


def _cell_style(
    name: str,
    text: str = "",
    *,
    wraps: bool = False,
    ruled: bool = False,
    to_right: bool = False,
    data_style: str = "",
) -> str:
    cell = ' fo:wrap-option="wrap"' if wraps else ""
    cell += ' fo:border-bottom="0.5pt solid #000000"' if ruled else ""
    data = f' style:data-style-name="{data_style}"' if data_style else ""
    align = "end" if to_right else "start"
    return (
        f'<style:style style:name="{name}" style:family="table-cell"{data}>'
        f'<style:table-cell-properties style:vertical-align="top" fo:padding-left="0.15cm"{cell}/>'
        f'<style:paragraph-properties fo:text-align="{align}"/>'
        f"<style:text-properties {text}/></style:style>"
    )


def _cover(told: Cover) -> str:
    rows = [_row([_text(told.title, "Heading")])]
    for heading, lines in (
        ("Introductory information", told.intro),
        ("About these data", told.about),
        ("Contact", told.contact),
    ):
        rows.append(_row([_text(heading, "Subheading")]))
        rows += [_row([_text(line, "words")], lines_of((line,), (COVER_WIDTH,))) for line in lines]
    return _table(COVER, [COVER_WIDTH], "".join(rows))


def _sheet(sheet: Sheet, *, links: bool = False) -> str:
    """One sheet; with links, its first column holds the names of others."""
    above = "".join(
        _row([_text(line, style)])
        for line, style in ((sheet.title, "Heading"), *((line, "") for line in sheet.lines))
    )
    header = _row(
        [
            _text(heading, "figures" if is_number(kind) else "column")
            for heading, kind in zip(sheet.headings, sheet.kinds, strict=True)
        ],
        lines_of(sheet.headings, sheet.widths),
    )
    rows = "".join(
        _row(
            [
                _link(str(cell)) if links and place == 0 else _cell(cell, kind)
                for place, (cell, kind) in enumerate(zip(row, sheet.kinds, strict=True))
            ],
            lines_of(row, sheet.widths),
        )
        for row in sheet.rows
    )
    body = f"{above}<table:table-header-rows>{header}</table:table-header-rows>{rows}"
    return _table(sheet.name, sheet.widths, body)


def _table(name: str, widths: Sequence[int], rows: str) -> str:
    columns = "".join(f'<table:table-column table:style-name="w{width}"/>' for width in widths)
    return f"<table:table table:name={quoteattr(name)}>{columns}{rows}</table:table>"


def _row_style(lines: int) -> str:
    """A row as high as its text: what programs reckon for the screen is too little on paper."""
    return (
        f'<style:style style:name="r{lines}" style:family="table-row">'
        f'<style:table-row-properties style:row-height="{LINE * lines}pt" '
        'style:use-optimal-row-height="false"/></style:style>'
    )


def _row(of: Sequence[str], lines: int = 1) -> str:
    named = f' table:style-name="r{min(lines, MOST_LINES)}"' if lines > 1 else ""
    return f"<table:table-row{named}>{''.join(of)}</table:table-row>"


def _cell(cell: Cell, kind: str) -> str:
    if isinstance(cell, date):
        return _typed("date", f'office:date-value="{cell.isoformat()}"', day_in_words(cell), "date")
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        style = "count" if kind == "count" else "figure"
        return _typed("float", f'office:value="{cell}"', str(cell), style)
    return _text(str(cell), "figure" if is_number(kind) else "words")


def _text(said: str, style: str) -> str:
    return _typed("string", "", said, style)


def _typed(kind: str, value: str, said: str, style: str) -> str:
    named = f' table:style-name="{style}"' if style else ""
    return (
        f'<table:table-cell office:value-type="{kind}" {value}{named}>'
        f"<text:p>{escape(said)}</text:p></table:table-cell>"
    )


def _link(name: str) -> str:
    address = quoteattr(f"#'{name}'.A1")
    return (
        '<table:table-cell office:value-type="string" table:style-name="link"><text:p>'
        f'<text:a xlink:type="simple" xlink:href={address}>{escape(name)}</text:a></text:p>'
        "</table:table-cell>"
    )


def _range(sheet: Sheet) -> str:
    """Where a sheet's table is, its header with it."""
    first = 2 + len(sheet.lines)
    last = _letters(len(sheet.headings))
    return f"'{sheet.name}'.A{first}:'{sheet.name}'.{last}{first + len(sheet.rows)}"


def _letters(number: int) -> str:
    """The letters of a column, the first being 1."""
    return "".join(reversed(list(_reversed_letters(number))))


def _reversed_letters(number: int) -> Iterator[str]:
    while number:
        number, letter = divmod(number - 1, 26)
        yield chr(ord("A") + letter)


def _document(element: str, content: str, attributes: str = 'office:version="1.3"') -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{element} {_SPACES} {attributes}>{content}'
        f"</{element}>"
    )
