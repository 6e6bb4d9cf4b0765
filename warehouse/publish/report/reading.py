"""What a pack's tables say, brought into the order in which it is told."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from warehouse.publish.assemble import TWELVE_MONTHS
from warehouse.publish.pack import Pack
from warehouse.publish.report.content import Part, Section
from warehouse.publish.report.numbers import Figure, Window, number, thousands
from warehouse.publish.report.told import Told
from warehouse.publish.words import Titles

Row = dict[str, Any]
WHOLE = "all"
PER_CENT = "per cent"
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


@dataclass(frozen=True)
class Reader:
    """Reads a pack for the sections of a report.

    Attributes:
        pack: The pack.
    """

    pack: Pack

    def rows(self, table: str) -> list[Row]:
        """The rows of a table of the pack, in its order."""
        return rows_of(self.pack.tables[table])

    @cached_property
    def definitions(self) -> Mapping[str, Mapping[str, str]]:
        """The definitions, by the name of their metric or cohort."""
        return {str(one.get("metric") or one.get("cohort")): one for one in self.pack.definitions}

    def definition(self, name: str) -> Mapping[str, str]:
        """How a metric or cohort is defined; empty where the pack does not say."""
        return self.definitions.get(name, {})

    @cached_property
    def titles(self) -> Titles:
        """What metrics, cohorts and measures are called."""
        return Titles.of(self.pack)

    @cached_property
    def linkage(self) -> Mapping[tuple[str, str], float]:
        """By how much figures may move with the link threshold, either way, in their unit.

        Name and measure → half the range that the pack gives, rounded up to whole numbers.
        """
        return {
            named: math.ceil((int(row["high"]) - int(row["low"])) / 2)
            for named, row in self._ranges.items()
            if number(row["low"]) is not None and number(row["high"]) is not None
        }

    def otherwise(self, name: str, measure: str) -> str:
        """Between which values a figure would lie, linked otherwise; empty where none is told."""
        row = self._ranges.get((name, measure))
        if row is None:
            return ""
        if number(row["low"]) is None:
            return str(row["low"])
        sign = "%" if row["unit"] == PER_CENT else ""
        return f"{thousands(row['low'])}{sign} to {thousands(row['high'])}{sign}"

    @cached_property
    def _ranges(self) -> Mapping[tuple[str, str], Row]:
        return {(row["name"], row["measure"]): row for row in self.rows("linkage_sensitivity")}

    def told(
        self,
        named: tuple[str, str],
        title: str,
        unit: str,
        whole: Sequence[Row],
        columns: tuple[str, str],
    ) -> Told:
        """One measure of everyone.

        What a count hangs on linkage by is of twelve months where they are shown; each of their
        windows has its part of it.

        Args:
            named: Its name and measure in the table of linkage sensitivity.
            title: What a reader calls it.
            unit: What is counted.
            whole: Its rows of everyone, those of twelve months among them.
            columns: The columns of numerators and denominators.
        """
        base = self.pack.base
        summed = sum_of(whole, *columns, base)
        is_of_year = summed is not None and summed[1].value is not None and not summed[1].is_share
        parts = summed[1].parts if summed is not None and is_of_year else 1
        return Told(
            title=title,
            unit=unit,
            series=series(windows(whole), *columns, base),
            linkage=math.ceil(self.linkage.get(named, 0) / parts),
            year=summed,
        )

    def section(
        self, key: str, name: str, title: str, parts: tuple[Part, ...], lead: str = ""
    ) -> Section:
        """A section of something that is defined, with how it is.

        Args:
            key: Its name in links.
            name: The metric or cohort.
            title: What a reader sees.
            parts: Its parts.
            lead: The sentence it begins with.
        """
        definition = self.definition(name)
        return Section(
            key=key.replace("_", "-"),
            title=title,
            lead=lead,
            question=definition.get("definition", ""),
            parts=parts,
            caveat=definition.get("caveat") or "",
            facts=facts(definition),
        )


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


def capital(said: str) -> str:
    """Some words with a capital first."""
    return said[:1].upper() + said[1:]


def facts(definition: Mapping[str, str]) -> dict[str, str]:
    """How something is defined and who answers for it: heading → words."""
    return {
        heading: capital(
            str(definition[key]).replace("_", " ") if key == "sources" else str(definition[key])
        )
        for key, heading in FACTS.items()
        if definition.get(key)
    }


def _is_sum(row: Mapping[str, Any]) -> bool:
    """Whether a row is of twelve months, the published counts of their windows added up."""
    return str(row["period"]).startswith(TWELVE_MONTHS)
