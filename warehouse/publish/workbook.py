"""A publication as an accessible Excel workbook, laid out by gptables."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from warehouse.publish.pack import Pack
from warehouse.publish.sheets import (
    CONTENTS,
    COVER,
    COVER_WIDTH,
    LINE,
    ONE_TABLE,
    Cover,
    Sheet,
    contents,
    cover,
    is_number,
    lines_of,
    sheets,
    title,
)

if TYPE_CHECKING:
    import gptables

NAME: Final = "tables.xlsx"
_A4: Final = 9
_PAGE: Final = 260  # characters that a page is wide before print becomes too small to read
# Text stays text, whatever it looks like, and nothing touches the disk.
_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_FORMATS: Final = {
    "date": {"num_format": "d mmmm yyyy", "align": "left"},
    "count": {"num_format": "#,##0", "align": "right"},
    "percent": {"num_format": "0", "align": "right"},
}


def workbook(pack: Pack) -> bytes:
    """Write a publication as an Excel workbook.

    Args:
        pack: The publication.

    Returns:
        The workbook: a cover, the contents and a sheet a table. Counts are numbers.
    """
    import gptables

    held, told = sheets(pack), cover(pack)
    listed = contents(held)
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # notes are on the cover, not on a sheet
        book = gptables.produce_workbook(
            written,
            {sheet.name: _table(sheet) for sheet in held},
            cover=_cover(told),
            contentsheet_label=CONTENTS if listed else None,
            contentsheet_options={
                "column_names": [heading for one in listed for heading in one.headings],
                "title": CONTENTS,
                "instructions": ONE_TABLE,
            },
            auto_width=False,
            workbook_options=_OPTIONS,
        )
    book.set_properties({"title": title(pack), "author": pack.partnership, "created": pack.made_at})
    for sheet in (*listed, *held):
        _lay_out(book.get_worksheet_by_name(sheet.name), sheet)
    _lay_out_cover(book.get_worksheet_by_name(COVER), told)
    book.close()
    return written.getvalue()


def _table(sheet: Sheet) -> gptables.GPTable:
    import gptables
    import pandas as pd

    frame = pd.DataFrame(
        [[_plain(cell) for cell in row] for row in sheet.rows],
        columns=list(sheet.headings),
        dtype=object,
    )
    return gptables.GPTable(
        table=frame,
        table_name=sheet.table_name,
        title=_plain(sheet.title),
        subtitles=[],
        instructions=_plain(sheet.lines[0]),
        legend=[_plain(line) for line in sheet.lines[1:]],
        index_columns={2: 0},
        additional_formatting=[
            {"column": {"columns": [heading], "format": _format(kind, place)}}
            for place, (heading, kind) in enumerate(zip(sheet.headings, sheet.kinds, strict=True))
        ],
    )


def _format(kind: str, place: int) -> dict[str, Any]:
    """How a column is set; words keep away from the numbers before them."""
    words = {"indent": 1} if place else {}
    set_as = _FORMATS.get(kind, {"align": "right"} if is_number(kind) else words)
    return {"valign": "top", **set_as}


def _cover(told: Cover) -> gptables.Cover:
    import gptables

    return gptables.Cover(
        title=_plain(told.title),
        intro=[_plain(line) for line in told.intro],
        about=[_plain(line) for line in told.about],
        contact=[_plain(line) for line in told.contact],
        cover_label=COVER,
        width=COVER_WIDTH,
    )


def _lay_out(worksheet: Any, sheet: Sheet) -> None:
    """Set widths and heights, and how a sheet prints: A4, its header on every page.

    Rows are made as high as their wrapped text, because not every program does that itself.
    """
    header = 1 + len(sheet.lines)
    for place, width in enumerate(sheet.widths):
        worksheet.set_column(place, place, width)
    for place, row in enumerate((sheet.headings, *sheet.rows), header):
        _set_height(worksheet, place, row, sheet.widths)
    worksheet.repeat_rows(header)
    _print_on_a4(worksheet, -(-sum(sheet.widths) // _PAGE))


def _lay_out_cover(worksheet: Any, told: Cover) -> None:
    lines = [told.title, "", *told.intro, "", *told.about, "", *told.contact]
    for place, line in enumerate(lines[1:], 1):
        _set_height(worksheet, place, (line,), (COVER_WIDTH,))
    _print_on_a4(worksheet, 1)


def _set_height(worksheet: Any, place: int, row: Sequence[Any], widths: Sequence[int]) -> None:
    """Make a row as high as the longest of its cells; one of a single line is left alone."""
    lines = lines_of(row, widths)
    if lines > 1:
        worksheet.set_row(place, LINE * lines)


def _print_on_a4(worksheet: Any, pages_wide: int) -> None:
    worksheet.set_landscape()
    worksheet.set_paper(_A4)
    worksheet.fit_to_pages(pages_wide, 0)


def _plain(cell: Any) -> Any:
    """Text that gptables takes for neither a link nor a reference to a note."""
    if not isinstance(cell, str):
        return cell
    return cell.replace("](", "] (").replace("$$", "$ $")
