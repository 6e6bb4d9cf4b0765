"""What the sheets of a publication's workbooks hold, whichever format they are written in.

They follow the Analysis Function's guidance on accessible spreadsheets: a cover, a list of
contents, one table a sheet with its title and shorthand above it, no merged and no empty cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Final

import polars as pl

from governance.disclosure import MASKED, NOT_APPLICABLE
from warehouse.publish.columns import NUMBERS, SHORTHAND, Cell, Table, cells, described, shorthand
from warehouse.publish.csvw import definitions
from warehouse.publish.pack import Pack
from warehouse.publish.words import Titles

COVER: Final = "Cover"
CONTENTS: Final = "Contents"
ONE_TABLE: Final = "This worksheet contains one table."
NARROWEST, WIDEST, OF_SENTENCES = 10, 40, 64
"""Widths of columns, in characters: the last is of those that hold sentences."""
_SENTENCE: Final = 120  # characters from which some text is taken to be one or more
LINE: Final = 16
"""Points to a line of text."""
_SPARE: Final = 3  # characters that a line may be shorter by, since it breaks between words
COVER_WIDTH: Final = 85
"""The width of the cover's only column, in characters."""
_SAID_IN_WORDS: Final = frozenset({"period_start", "period_end", "title"})
"""Said by the column period, and in the place of the codes of cohorts and measures."""
_DEFINED: Final = {
    "title": "Title",
    "definition": "What it tells",
    "theme": "Theme",
    "unit": "What is counted",
    "numerator": "Numerator",
    "denominator": "Denominator",
    "period": "Period",
    "lag": "Lag",
    "exclusions": "Left out",
    "partners": "Partners",
    "sources": "Sources",
    "status": "Status",
    "caveat": "What to bear in mind",
    "owner": "Owner",
    "metric": "Short name in the CSV files",
}
"""What the sheet of definitions says of each, and under which heading."""


@dataclass(frozen=True)
class Sheet:
    """One sheet, which holds one table.

    Attributes:
        name: The name of the sheet.
        title: The heading above the table.
        lines: What is said between the heading and the table, a line a cell.
        headings: The headings of its columns.
        kinds: What is in its columns, as in ``columns.yaml``.
        rows: The cells of its rows; none is empty.
    """

    name: str
    title: str
    lines: tuple[str, ...]
    headings: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def table_name(self) -> str:
        """A name for the table that spreadsheets accept."""
        return self.name.lower().replace(" ", "_")

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The widths of its columns, in characters; longer text is wrapped."""
        columns = zip(*self.rows, strict=True)
        return tuple(
            _width(heading, of) for heading, of in zip(self.headings, columns, strict=True)
        )


@dataclass(frozen=True)
class Cover:
    """The first sheet.

    Attributes:
        title: Its heading.
        intro: What the workbook is.
        about: What must be known of its figures.
        contact: Whom to ask.
    """

    title: str
    intro: tuple[str, ...]
    about: tuple[str, ...]
    contact: tuple[str, ...]


def cover(pack: Pack) -> Cover:
    """The cover of a publication's workbooks."""
    reach = ", ".join(f"{partner} {day_in_words(day)}" for partner, day in pack.as_at.items())
    empty = [one.title for one in described() if pack.tables[one.name].is_empty()]
    next_due = (
        ()
        if pack.next_due is None
        else (f"More figures are due once data reach {day_in_words(pack.next_due)}.",)
    )
    return Cover(
        title=title(pack),
        intro=(
            *(("A demonstration: the people in it are made up.",) if pack.demonstration else ()),
            "Aggregate tables about people who come to police, probation, treatment and housing "
            "services. Small numbers are masked and the others rounded.",
            f"Publication {pack.release_id}, made on {day_in_words(pack.made_at.date())}.",
            *((f"Data reach to: {reach}.",) if reach else ()),
            *next_due,
        ),
        about=(
            *(f"{short} stands for {means}." for short, means in shorthand().items()),
            *(note for note in pack.notes if not note.startswith(MASKED)),
            *((f"Nothing is published of: {'; '.join(empty)}.",) if empty else ()),
        ),
        contact=(pack.contact,),
    )


def sheets(pack: Pack) -> tuple[Sheet, ...]:
    """The sheets of a publication's workbooks after the cover and the contents."""
    tables = [_sheet(pack, one) for one in described() if not pack.tables[one.name].is_empty()]
    return (*tables, *_definitions(pack))


def contents(of: Sequence[Sheet]) -> tuple[Sheet, ...]:
    """The list of some sheets; nothing where there are none."""
    listed = Sheet(
        name=CONTENTS,
        title="Contents",
        lines=(ONE_TABLE,),
        headings=("Worksheet", "What it holds"),
        kinds=("text", "text"),
        rows=tuple((one.name, one.title) for one in of),
    )
    return (listed,) if of else ()


def title(pack: Pack) -> str:
    """What a publication is called."""
    return f"{pack.partnership}: cohort journeys"


def day_in_words(day: date) -> str:
    """A day as 30 June 2026."""
    return f"{day.day} {day:%B %Y}"


def is_number(kind: str) -> bool:
    """Whether a column of a kind is set to the right."""
    return kind in NUMBERS or kind == "number"


def _sheet(pack: Pack, told: Table) -> Sheet:
    read = [column for column in told.columns if column.name not in _SAID_IN_WORDS]
    frame, titles = pack.tables[told.name], Titles.of(pack)
    worded = [
        [said[column.name] for column in read]
        for said in (titles.row(told.name, row) for row in frame.to_dicts())
    ]
    schema = {column.name: frame.schema[column.name] for column in read}
    shown = pl.DataFrame(worded, schema=schema, orient="row")
    rows = _filled(cells(shown, replace(told, columns=tuple(read))))
    return Sheet(
        name=told.name.capitalize().replace("_", " "),
        title=told.title,
        lines=(told.says, ONE_TABLE, *_legend(rows)),
        headings=tuple(column.title for column in read),
        kinds=tuple(column.kind for column in read),
        rows=rows,
    )


def _definitions(pack: Pack) -> tuple[Sheet, ...]:
    told = definitions(pack)
    if told.is_empty():
        return ()
    told = told.select(name for name in _DEFINED if name in told.columns)
    if "sources" in told.columns:
        told = told.with_columns(pl.col("sources").str.replace_all("_", " ", literal=True))
    return (
        Sheet(
            name="Definitions",
            title="What is published, and how it is defined",
            lines=("One row per metric or cohort.", ONE_TABLE),
            headings=tuple(_DEFINED[name] for name in told.columns),
            kinds=("text",) * told.width,
            rows=_filled([list(row) for row in told.iter_rows()]),
        ),
    )


def _filled(rows: Sequence[Sequence[Cell]]) -> tuple[tuple[Cell, ...], ...]:
    """Rows without an empty cell, and with Yes and No for truths."""
    return tuple(tuple(_shown(cell) for cell in row) for row in rows)


def _shown(cell: Cell) -> Cell:
    if cell is None or cell == "":
        return NOT_APPLICABLE
    return ("Yes" if cell else "No") if isinstance(cell, bool) else cell


def _legend(rows: Sequence[Sequence[Cell]]) -> tuple[str, ...]:
    """What the shorthand that is used in some rows means."""
    used = {cell for row in rows for cell in row if cell in SHORTHAND}
    return tuple(f"{short} {means}." for short, means in shorthand().items() if short in used)


def _width(heading: str, of: Sequence[Cell]) -> int:
    longest = max(len(as_text(cell)) for cell in of)
    widest = OF_SENTENCES if longest > _SENTENCE else WIDEST
    return min(widest, max(NARROWEST, len(heading) + 2, longest) + 2)


def lines_of(row: Sequence[Cell], widths: Sequence[int]) -> int:
    """How many lines the longest of some cells takes in columns of so many characters."""
    return max(_lines(len(as_text(cell)), width) for cell, width in zip(row, widths, strict=True))


def _lines(length: int, width: int) -> int:
    return 1 if length <= width else -(-length // (width - _SPARE))


def as_text(cell: Cell) -> str:
    """A cell as a reader sees it."""
    return day_in_words(cell) if isinstance(cell, date) else str(cell)
