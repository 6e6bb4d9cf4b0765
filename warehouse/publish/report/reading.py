"""What a pack's tables say, brought into the order in which it is told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from governance.disclosure import NOT_APPLICABLE
from warehouse.publish.assemble import TWELVE_MONTHS
from warehouse.publish.pack import Pack
from warehouse.publish.report.numbers import Figure, Window, number

Row = dict[str, Any]
WHOLE = "all"
SPLITS = {
    "age_band": "Age",
    "area": "Area",
    "ethnicity_group": "Ethnic group",
    "sex": "Sex",
    "substance_group": "Substance",
}
FACTS = {
    "numerator": "Numerator",
    "denominator": "Denominator",
    "period": "Period",
    "lag": "Lag",
    "exclusions": "Left out",
    "sources": "Sources",
    "status": "Status",
    "owner": "Owner",
}


def rows_of(table: pl.DataFrame) -> list[Row]:
    """The rows of a table, in its order."""
    return table.to_dicts()


def grouped(rows: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by the values of some columns, in the order in which those first come."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return groups


def is_whole(row: Mapping[str, Any]) -> bool:
    """Whether a row is of everyone, not of a group."""
    return str(row["split"]).lower() == WHOLE


def oldest_first(rows: Iterable[Row]) -> list[Row]:
    """Rows by their windows, the oldest first."""
    return sorted(rows, key=lambda row: row["period_start"])


def windows(rows: Iterable[Row]) -> list[Row]:
    """The rows of single windows: twelve months added up are left out."""
    return [row for row in rows if not _is_sum(row)]


def year(rows: Iterable[Row]) -> Row | None:
    """The row of the newest twelve months added up, if it ends with the newest window."""
    every = list(rows)
    newest = max((row["period_end"] for row in every), default=None)
    found = [row for row in every if _is_sum(row) and row["period_end"] == newest]
    return found[0] if found else None


def latest(rows: Sequence[Row]) -> list[Row]:
    """The rows of the newest window among them, in their order."""
    newest = max((row["period_end"] for row in rows), default=None)
    return [row for row in rows if row["period_end"] == newest]


def series(
    rows: Iterable[Row], above: str, below: str, base: int
) -> tuple[tuple[Window, Figure], ...]:
    """The figure of each window, the oldest first.

    Args:
        rows: One a window.
        above: The column of numerators.
        below: That of denominators.
        base: What counts are rounded to.
    """
    return tuple(
        (Window.of(row), Figure(row[above], row[below], base)) for row in oldest_first(rows)
    )


def sum_of(rows: Iterable[Row], above: str, below: str, base: int) -> tuple[str, Figure] | None:
    """What twelve months of a figure are called, and the figure, where they are published.

    Args:
        rows: As for ``series``, with those of twelve months.
        above: The column of numerators.
        below: That of denominators.
        base: What counts are rounded to.
    """
    every = list(rows)
    row = year(every)
    if row is None:
        return None
    parts = sum(row["period_start"] <= one["period_start"] for one in windows(every))
    return row["period"], Figure(row[above], row[below], base, parts)


def split_name(split: str) -> str:
    """What a split is called: Ethnic group."""
    return SPLITS.get(split) or split[:1].upper() + split[1:].replace("_", " ")


def facts(definition: Mapping[str, str]) -> dict[str, str]:
    """How something is defined and who answers for it: heading → words."""
    return {
        heading: str(definition[key])[:1].upper() + str(definition[key])[1:]
        for key, heading in FACTS.items()
        if definition.get(key)
    }


def defined(pack: Pack) -> dict[str, Mapping[str, str]]:
    """The definitions of a pack, by the name of their metric or cohort."""
    return {str(one.get("metric") or one.get("cohort")): one for one in pack.definitions}


def linkage_ranges(pack: Pack) -> dict[tuple[str, str], float]:
    """By how much figures may move with the link threshold, either way, in their unit.

    Returns:
        Name and measure → half the range that the pack gives, rounded up to whole numbers.
    """
    return {
        (row["name"], row["measure"]): math.ceil((int(row["high"]) - int(row["low"])) / 2)
        for row in rows_of(pack.tables["linkage_sensitivity"])
        if number(str(row["low"])) is not None and number(str(row["high"])) is not None
    }


def _is_sum(row: Mapping[str, Any]) -> bool:
    """Whether a row is of twelve months, the published counts of their windows added up."""
    return str(row["period"]).startswith(TWELVE_MONTHS)


def share(figure: Figure) -> str:
    """The percentage of a figure, or its shorthand."""
    return figure.shown if figure.is_share else NOT_APPLICABLE
