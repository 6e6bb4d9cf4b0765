"""What a publication holds, whatever it is written as: tables of gated counts, and their notes.

The writers (page, workbook, CSV, JSON) take a ``Pack`` and nothing else. Its counts come from
certified releases alone, one release a window of days, so nothing in a pack was counted after it
was audited. Every count and percentage is text: a multiple of the rounding base, a shorthand
(``[c]`` confidential, ``[x]`` not available, ``[z]`` not applicable), or 0 where nobody can be. Of
records there are ``[low]`` (few) and ``[u]`` (too few to rely on) too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

import polars as pl

from governance.disclosure import MASKED, NOT_APPLICABLE, NOT_AVAILABLE, DisclosureError
from governance.disclosure.release import Release

PERIOD = ("period", "period_start", "period_end")

# Table → its columns, in order. A pack has every table; one that nothing is published of is empty.
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "funnel": (
            *("cohort", "title", *PERIOD, "split", "category", "step_number", "step", "is_part"),
            *("people", "of_people", "percent"),
        ),
        "survival": ("cohort", *PERIOD, "event", "days", "percent"),
        "transitions": (*PERIOD, "from_step", "to_step", "people", "of_people", "percent"),
        "outcomes": (
            *("metric", "measure", "title", *PERIOD, "split", "category"),
            *("numerator", "denominator", "percent", "unit"),
        ),
        "framework": (
            *("list", "place", "area", "indicator", *PERIOD, "numerator", "denominator", "value"),
            *(
                "unit",
                "england",
                "source",
                "target",
                "target_is",
                "target_status",
                "low",
                "high",
                "status",
            ),
            "note",
        ),
        "data_quality": ("source", "field", "measure", "records", "percent"),
        "linkage_quality": ("partners", "measure", "records", "percent"),
        "linkage_sensitivity": ("name", "measure", "period", "value", "unit", "low", "high"),
        "changes": ("table", "what", "before", "now"),
    }
)
# Columns of counts and percentages, which hold what the gate let through and nothing else.
COUNTS = frozenset({"people", "of_people", "numerator", "denominator", "records"})
PERCENTS = frozenset({"percent"})
_WHOLE_NUMBER = r"^(0|[1-9][0-9]*)$"
_SHORTHAND = (MASKED, NOT_AVAILABLE, NOT_APPLICABLE)
LOW, UNRELIABLE = "[low]", "[u]"
LINKS_RIGHT, LINKS_FOUND = "links made that are right", "links there are that were found"
EVERYWHERE = "all partners"
OF_RECORDS = frozenset({"data_quality", "linkage_quality"})
"""The tables of records, which alone have the shorthand of records; of people there is ``[c]``."""


@dataclass(frozen=True)
class Pack:
    """A publication, before it is written as anything.

    Attributes:
        release_id: The id of the newest certified release in it, and of the publication.
        partnership: The partnership's name.
        contact: Whom to ask.
        demonstration: Whether the people in it are made up, which every file must say.
        made_at: When it was made (UTC).
        as_at: Partner → the day its extract reaches to.
        next_due: The first day on which the next window could be published, if one can be told.
        tables: Name → table, of the columns in ``COLUMNS``; windows oldest first.
        notes: Sentences that must go with the tables.
        definitions: What is published, each as in the marts ``metric`` and ``cohort``.
        releases: Every certified release whose counts are in it, oldest window first.
        base: What counts are rounded to.
        threshold: Counts below it are masked.

    Raises:
        DisclosureError: If a table is missing or a count in it did not come through the gate.
    """

    release_id: str
    partnership: str
    contact: str
    demonstration: bool
    made_at: datetime
    as_at: Mapping[str, date]
    tables: Mapping[str, pl.DataFrame]
    notes: tuple[str, ...]
    definitions: tuple[Mapping[str, str], ...]
    releases: tuple[Release, ...] = field(repr=False)
    next_due: date | None = None
    base: int = 5
    threshold: int = 5

    def __post_init__(self) -> None:
        if {name: tuple(table.columns) for name, table in self.tables.items()} != COLUMNS:
            raise DisclosureError(
                "A publication lacks a table, or one has other columns than are declared.",
                "Make it with warehouse.publish.assemble.",
            )
        for name, table in self.tables.items():
            check_shown(name, table, self.base)


def check_shown(name: str, table: pl.DataFrame, base: int) -> None:
    """Raise DisclosureError unless every count and percentage of a table could be the gate's.

    Args:
        name: The table's name, for the message.
        table: One of a pack's tables.
        base: What counts are rounded to.
    """
    instead = (*_SHORTHAND, LOW, UNRELIABLE) if name in OF_RECORDS else _SHORTHAND
    for column in sorted((COUNTS | PERCENTS) & set(table.columns)):
        shown = table.get_column(column)
        whole = (
            shown.str.contains(_WHOLE_NUMBER) if shown.dtype == pl.String else pl.Series([False])
        )
        numbers = shown.filter(whole).cast(pl.Int64) if shown.dtype == pl.String else None
        odd = (
            numbers is None
            or not (whole | shown.is_in(instead)).fill_null(value=False).all()
            or (column in COUNTS and (numbers % base != 0).any())
        )
        if odd:
            raise DisclosureError(
                f"The column {column} of the table {name} holds something that did not come "
                "through the gate.",
                "Publish certified counts only.",
            )


def empty(name: str) -> pl.DataFrame:
    """A table of a pack without rows: text, but for the columns that are not."""
    return pl.DataFrame(schema={column: TYPES.get(column, pl.String) for column in COLUMNS[name]})


# The columns that are not text.
TYPES: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "period_start": pl.Date(),
        "period_end": pl.Date(),
        "step_number": pl.Int64(),
        "is_part": pl.Boolean(),
        "days": pl.Int64(),
        "place": pl.Int64(),
    }
)
