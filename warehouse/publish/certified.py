"""From a release of the warehouse to a certified one: what is due, counted, through the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb
import polars as pl

from governance.disclosure import MASKED, DisclosureError
from governance.disclosure.certify import Certified, Submission, certify
from governance.disclosure.release import Published, Release
from governance.disclosure.rules import Rule
from warehouse.connect import store_errors
from warehouse.publish.counts import COUNTED_BY, Counted, counted, name_in, splits_of
from warehouse.publish.groupings import as_published
from warehouse.publish.indexes import Index, indexes
from warehouse.publish.windows import Window, whole_windows, window_of

MOST_WINDOWS = 4  # of one index, in a first publication: enough for twelve months


@dataclass(frozen=True)
class Due:
    """An index in a window that is complete and not public yet."""

    index: Index
    window: Window


@dataclass(frozen=True)
class Beside:
    """What new counts are set beside, and by what rule.

    Attributes:
        earlier: Every earlier release that is still public, oldest first.
        still_public: Their digests, as the partnership recorded them.
        withdrawn: The digests of releases that are public no longer.
        also_public: Public tables of analysts, counted again.
        rule: The threshold and base.
        limit: Seconds that the audits may take together.
    """

    earlier: Sequence[Release] = ()
    still_public: Sequence[str] = ()
    withdrawn: Sequence[str] = ()
    also_public: Sequence[Submission] = ()
    rule: Rule = Rule()  # noqa: RUF009 - it cannot be changed
    limit: float = 3600.0


@dataclass(frozen=True)
class Reasons:
    """What the approvers of a release are told, and nobody else.

    Attributes:
        masks: A row a masked cell: population, table, labels and reason.
        left_out: A sentence for each split that is left out.
        findings: A row a population: cells, and how many are masked why.
    """

    masks: pl.DataFrame
    left_out: tuple[str, ...]
    findings: pl.DataFrame


@store_errors("The release could not be read.", "Run `journeys run` to build it again.")
def due(
    con: duckdb.DuckDBPyConnection,
    length: str,
    public: Sequence[Release],
    most: int = MOST_WINDOWS,
) -> tuple[Due, ...]:
    """What can be published and is not yet, oldest window first.

    A window that shares a day with one that is public of the same index is never due.

    Args:
        con: A connection from ``warehouse.connect.open_release``.
        length: quarter, half-year or year: how long windows are.
        public: Every release that is still public.
        most: How many of an index's latest windows may be due; a stock has one.
    """
    found = []
    for index in indexes(con):
        taken = _taken(index, public)
        whole = list(index.quarters) if index.is_stock else whole_windows(index.quarters, length)
        for window in whole[-(1 if index.is_stock else most) :]:
            if not any(window.overlaps(one) for one in taken):
                found.append(Due(index, window))
    return tuple(sorted(found, key=lambda one: (one.window.last, one.index.key)))


@store_errors("The release could not be read.", "Run `journeys run` to build it again.")
def next_due(
    con: duckdb.DuckDBPyConnection, length: str, public: Sequence[Release], after: date
) -> date | None:
    """The first day after another on which more will be due, as far as the release can tell.

    Args:
        con: A connection from ``warehouse.connect.open_release``.
        length: quarter, half-year or year.
        public: Every release that is still public, and the one about to be.
        after: The day up to which data are there.
    """
    days = [
        done
        for index in indexes(con)
        for window, done in index.complete_on
        if done > after
        and (index.is_stock or window.last == window_of(window.first, length).last)
        and not any(window.overlaps(one) for one in _taken(index, public))
    ]
    return min(days, default=None)


def certify_due(
    con: duckdb.DuckDBPyConnection,
    release_id: str,
    dues: Sequence[Due],
    beside: Beside | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[Certified, Reasons]:
    """Count what is due and put it through the gate.

    Args:
        con: A connection from ``warehouse.connect.open_release``.
        release_id: The id of the release.
        dues: From ``due``.
        beside: What is public; nothing by default.
        progress: Is told each population that is audited.

    Raises:
        StoreError: The release cannot be read.
        DisclosureError: Anything is undeclared, unsafe or in doubt.
    """
    beside = beside or Beside()
    all_of = [counted(con, one.index, one.window, beside.rule) for one in dues]
    again = public_again(con, beside.earlier, beside.rule, [one.window for one in dues])
    made = _through(release_id, [one.submission for one in all_of], again, beside, progress)
    return made, reasons(made, all_of)


def certify_table(
    con: duckdb.DuckDBPyConnection,
    release_id: str,
    table: Submission,
    beside: Beside | None = None,
) -> tuple[Certified, Reasons]:
    """Put one table of an analyst through the gate, compared with all that is public.

    Its rows carry no days, so it is compared with what is public of any days.

    Args:
        con: A connection from ``warehouse.connect.open_release``.
        release_id: The id of the release.
        table: Its population, whose periods must be apart, its period, and a row a unit with the
            release's ``person_id`` as ``person``.
        beside: What is public; nothing by default.

    Raises:
        StoreError: The release cannot be read.
        DisclosureError: Anything is undeclared, unsafe or in doubt.
    """
    beside = beside or Beside()
    if table.population.relation != "apart":
        raise DisclosureError(
            "A table on its own was declared to build on earlier ones.",
            "Declare that its periods are apart.",
        )
    again = public_again(con, beside.earlier, beside.rule)
    made = _through(release_id, [replace(table, on_its_word=True)], again, beside)
    return made, reasons(made, ())


def public_again(
    con: duckdb.DuckDBPyConnection,
    earlier: Sequence[Release],
    rule: Rule,
    windows: Sequence[Window] | None = None,
) -> tuple[Submission, ...]:
    """What is public, of the days of some windows or of any, counted again to be compared.

    Tables that analysts published are not among them: their rows are not in the release.

    Raises:
        StoreError: The release cannot be read.
        DisclosureError: Something public can no longer be counted.
    """
    known = {index.key: index for index in indexes(con)}
    return tuple(
        _again(con, known, shown, rule)
        for release in earlier
        for shown in release.populations
        if (windows is None or any(window.overlaps(shown.period) for window in windows))
        and shown.population.name.split(" ")[0] != "table"
    )


def reasons(made: Certified, all_of: Sequence[Counted]) -> Reasons:
    """What the approvers are told of a certified release.

    Args:
        made: The release.
        all_of: What was counted for it.
    """
    masks = [
        (shown.population.name, table.name, ", ".join(row.labels), finding.reasons[place])
        for shown, finding in zip(made.release.populations, made.findings, strict=True)
        for table in shown.population.tables
        for row in table.rows
        if shown.shown[place := shown.population.position[row.where]] == MASKED
    ]
    left_out = tuple(
        f"{one.index.key}, {one.window.label}: not by {split}, too much of which would be masked."
        for one in all_of
        for split in one.left_out
    )
    findings = [
        (f.population, f.cells, f.primary, f.overlap, f.secondary, f.seconds) for f in made.findings
    ]
    return Reasons(
        pl.DataFrame(masks, schema=["population", "table", "labels", "reason"], orient="row"),
        left_out,
        pl.DataFrame(
            findings,
            schema=["population", "cells", "small", "overlap", "protecting", "seconds"],
            orient="row",
        ),
    )


def _through(
    release_id: str,
    submissions: Sequence[Submission],
    again: Sequence[Submission],
    beside: Beside,
    progress: Callable[[str], None] | None = None,
) -> Certified:
    """Put counts through the gate, beside what is public of the same days."""
    return certify(
        release_id,
        submissions,
        earlier=beside.earlier,
        still_public=beside.still_public,
        withdrawn=beside.withdrawn,
        rule=beside.rule,
        limit=beside.limit,
        public=(*again, *beside.also_public),
        progress=progress,
    )


def _taken(index: Index, public: Sequence[Release]) -> list[Window]:
    """The windows that are public of an index."""
    return [
        Window(shown.period.first, shown.period.last)
        for release in public
        for shown in release.populations
        if shown.population.name == name_in(index, Window(shown.period.first, shown.period.last))
    ]


def _again(
    con: duckdb.DuckDBPyConnection, known: dict[str, Index], shown: Published, rule: Rule
) -> Submission:
    """A published population, counted again."""
    window = Window(shown.period.first, shown.period.last)
    index = known.get(shown.population.name.rsplit(" ", 1)[0])
    if index is None:
        raise DisclosureError(
            f"What is public as {shown.population.name.rsplit(' ', 1)[0]} can no longer be "
            "counted, so new counts cannot be compared with it.",
            "Bring its definition back, or withdraw the publication that shows it.",
        )
    index = _as_defined(index, shown)
    declared = {one.name: one.categories for one in shown.population.dimensions}
    groupings = {
        split.name: as_published(split, declared[split.name])
        for split in splits_of(con, index)
        if split.name in declared
    }
    if set(declared) != {COUNTED_BY, *groupings}:
        raise _otherwise(index)  # it is split by something else now
    rows = counted(con, index, window, rule, groupings).submission.rows
    return Submission(
        shown.population,
        shown.period,
        rows.filter(pl.col(COUNTED_BY).is_in(index.states)),
    )


def _as_defined(index: Index, shown: Published) -> Index:
    """An index, or its wider one, as it was published.

    Raises:
        DisclosureError: It is defined otherwise now.
    """
    states = shown.population.dimensions[0].categories
    meanings = {row.meaning for row in shown.population.tables[0].rows if row.meaning}
    for one in (index, *index.wider):
        if one.states == states and meanings <= {line.meaning for line in one.lines}:
            return one
    raise _otherwise(index)


def _otherwise(index: Index) -> DisclosureError:
    return DisclosureError(
        f"What is public of {index.subject} was counted by another definition, so new counts "
        "cannot be compared with it.",
        "Bring its definition back and give the changed one a name of its own, or withdraw the "
        "publication that shows it.",
    )
