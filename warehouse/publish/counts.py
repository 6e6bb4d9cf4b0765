"""Counting an index in a window, and declaring what is published of it.

True counts are in what is returned here, and go nowhere but to the gate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from governance.disclosure.catalogue import ALL, Dimension, Population, Row, Table, Where, where
from governance.disclosure.rules import DisclosureError, Rule
from governance.disclosure.tally import PERSON
from warehouse.connect import store_errors
from warehouse.publish.groupings import (
    ELSEWHERE,
    Grouping,
    Split,
    few_small,
    finest,
    of_people,
    own,
)
from warehouse.publish.indexes import (
    DAYS,
    DENOMINATOR,
    FUNNEL,
    NO_KIND,
    OUTCOMES,
    Index,
    Line,
    outcome_state,
    state_of,
    transition_state,
)
from warehouse.publish.standing import COUNTED, NOT_ASKED, NOT_COUNTED
from warehouse.publish.windows import QUARTER, Window, window_of

if TYPE_CHECKING:
    from governance.disclosure.certify import Submission

COUNTED_BY = "counted"  # the dimension of the states
CURVE = "curve"
ENTRIES = "entries"  # people, but once in each quarter of a window


@dataclass(frozen=True)
class Counted:
    """An index in a window, ready for the gate.

    Attributes:
        index: The index.
        window: The window.
        submission: What the gate is given.
        left_out: Splits of which no grouping has few enough small cells.
    """

    index: Index
    window: Window
    submission: Submission
    left_out: tuple[str, ...]


@store_errors(
    "The release could not be counted.",
    "Run `journeys run` to build it again.",
)
def counted(
    con: duckdb.DuckDBPyConnection,
    index: Index,
    window: Window,
    rule: Rule,
    groupings: Mapping[str, Grouping] | None = None,
) -> Counted:
    """Count an index in a window, each split by its finest grouping that has few small cells.

    Args:
        con: A connection from ``warehouse.connect.open_release``.
        index: From ``warehouse.publish.indexes``.
        window: Whole quarters, or the year of a stock.
        rule: What is small.
        groupings: Split → grouping, where they are decided already; those not named are left out.

    Raises:
        StoreError: The release cannot be read.
        DisclosureError: A category is in no group.
    """
    from governance.disclosure.certify import Submission  # it brings the solver

    index, units = _fitting(con, index, window, rule, decided=groupings is not None)
    lines = [line.states for line in index.lines]
    chosen: dict[str, tuple[Split, Grouping]] = {}
    left_out = []
    for split in splits_of(con, index):
        given = units.get_column(split.name)
        grouping = (
            finest(split, given, units.get_column(COUNTED_BY), lines, rule)
            if groupings is None
            else groupings.get(split.name)
        )
        if grouping is None:
            left_out.append(split.name)
            continue
        chosen[split.name] = (split, grouping)
        units = units.with_columns(split.grouped(given, grouping).alias(split.name))
    rows = units.select(PERSON, COUNTED_BY, *chosen)
    if groupings is not None:
        rows = rows.drop_nulls()  # of categories that there were not yet when it was published
    elif sum(rows.null_count().row(0)):
        raise DisclosureError(
            f"No group holds one of the categories that {index.key} is split by.",
            "Name every category in warehouse/publish/groupings.yaml.",
        )
    population = declared(index, window, chosen, unit_in(index, window))
    return Counted(index, window, Submission(population, window.period, rows), tuple(left_out))


def splits_of(con: duckdb.DuckDBPyConnection, index: Index) -> tuple[Split, ...]:
    """What an index is split by, in a release."""
    areas = [area for (area,) in con.execute(_AREAS).fetchall()]
    splits = of_people(areas) if index.is_split else ()
    return splits if index.own == NO_KIND else (*splits, own(index.own, index.categories))


def name_in(index: Index, window: Window) -> str:
    """What the gate calls an index in a window."""
    return f"{index.key} {window.first.isoformat()}"


def unit_in(index: Index, window: Window) -> str:
    """The unit of an index in a window: people may enter once in each quarter of a long one."""
    long = not index.is_stock and window != window_of(window.first, QUARTER)
    return ENTRIES if long and index.unit == "people" else index.unit


def declared(
    index: Index, window: Window, splits: Mapping[str, tuple[Split, Grouping]], unit: str
) -> Population:
    """What is published of an index in a window.

    Args:
        index: The index.
        window: The window.
        splits: Split → itself and its grouping.
        unit: What is counted.
    """
    name = name_in(index, window)
    states = Dimension(COUNTED_BY, index.states)
    dimensions = [
        Dimension(split.name, tuple(grouping), split.known) for split, grouping in splits.values()
    ]
    columns = ("of", "split", "category", *index.columns)
    tables = [Table(f"{name} by {ALL}", columns, _rows(index, index.lines, None, ()))]
    if index.curve:
        rows = _rows(index, index.curve, None, ())
        tables.append(Table(f"{name} {CURVE}", ("of", "split", "category", "event", "days"), rows))
    tables += [
        Table(
            f"{name} by {one.name}",
            columns,
            tuple(
                row
                for category in one.categories
                for row in _rows(index, index.lines, one, (category,))
            ),
        )
        for one in dimensions
    ]
    return Population(name, unit, "apart", (states, *dimensions), tuple(tables))


def _rows(
    index: Index, lines: Sequence[Line], split: Dimension | None, category: tuple[str, ...]
) -> tuple[Row, ...]:
    """The rows of some lines, of everyone or of one category."""
    chosen = {} if split is None else {split.name: category}
    labels = (index.title, *((ALL, ALL) if split is None else (split.name, *category)))

    def cell(states: frozenset[str], kept: Mapping[str, tuple[str, ...]]) -> Where:
        counted_by = {} if len(states) == len(index.states) else {COUNTED_BY: sorted(states)}
        return where(**counted_by, **kept)

    return tuple(
        Row(
            (*labels, *line.labels),
            cell(line.states, chosen),
            (
                *([cell(line.of, chosen)] if line.of is not None else []),
                *([cell(line.states, {})] if split is not None and not split.known else []),
            ),
            tuple(cell(one, chosen) for one in line.within),
            _means(line, split, category),
        )
        for line in lines
    )


def _means(line: Line, split: Dimension | None, category: tuple[str, ...]) -> str:
    """What a row counts, by definition: its line, of a category that is named after what it holds.

    What is elsewhere hangs on which areas there are.
    """
    if not line.meaning or split is None:
        return line.meaning
    (one,) = category
    held = one if one != ELSEWHERE else "not " + ", ".join(split.categories[:-1])
    return f"{line.meaning} | {split.name}: {held}"


def _fitting(
    con: duckdb.DuckDBPyConnection, index: Index, window: Window, rule: Rule, *, decided: bool
) -> tuple[Index, pl.DataFrame]:
    """An index, or a wider one of which few lines are small, and its units."""
    units = _units(con, index, window)
    for one in index.wider if not decided else ():
        parts = _parts(index, units, rule)
        if parts and few_small(parts, rule):
            break
        index, units = one, _units(con, one, window)
    return index, units


def _parts(index: Index, units: pl.DataFrame, rule: Rule) -> list[int]:
    """The counts of the lines that are parts of a line that is not small."""
    state = units.get_column(COUNTED_BY)

    def count(states: frozenset[str]) -> int:
        return int(state.is_in(sorted(states)).sum())

    return [
        count(line.states)
        for line in index.lines
        if line.of is not None and count(line.of) >= rule.threshold
    ]


_AREAS = (
    "SELECT area FROM person WHERE area <> 'Not known' GROUP BY area ORDER BY count(*) DESC, area"
)
_PEOPLE = (
    "person_id, sex, age_band, ethnicity_group, coalesce(nullif(area, 'Not known'), '') AS area"
)


def _units(con: duckdb.DuckDBPyConnection, index: Index, window: Window) -> pl.DataFrame:
    """A row a unit: the person, the state, and the category of every split."""
    if index.kind == FUNNEL:
        units = _entries(con, index, window)
    elif index.kind == OUTCOMES:
        units = _outcomes(con, index, window)
    else:
        units = _steps(con, index, window)
    people = con.execute(f"SELECT {_PEOPLE} FROM person").pl()
    joined = units.join(people, on="person_id", how="left", maintain_order="left")
    if index.own != NO_KIND:
        joined = joined.rename({"category": index.own})
    return joined.rename({"person_id": PERSON})


def _entries(con: duckdb.DuckDBPyConnection, index: Index, window: Window) -> pl.DataFrame:
    """People of a cohort, by how far they came."""
    rows = con.execute(
        "SELECT person_id, period_id, list(stage_number ORDER BY stage_number) AS stages, "
        "max(days_from_index) FILTER (stage_number = 2) AS days "
        "FROM cohort_stage INNER JOIN period USING (period_id) "
        "WHERE cohort = ? AND is_reached AND start_date BETWEEN ? AND ? "
        "GROUP BY person_id, period_id ORDER BY person_id, period_id",
        [index.subject, window.first, window.last],
    ).fetchall()
    # Nobody who reached the second stage can be without the days that it took.
    states = [
        state_of(frozenset(stages), days if days is not None else DAYS[-1] + 1)
        for _, _, stages, days in rows
    ]
    return _frame([row[0] for row in rows], states, [""] * len(rows))


def _outcomes(con: duckdb.DuckDBPyConnection, index: Index, window: Window) -> pl.DataFrame:
    """The units of a metric, by how they stand in its measures.

    The mart says how many units of a person each measure asks about and counts, not which. Those
    that one measure counts are taken to be the first in every measure: it changes no published
    count, each of which is of one measure.
    """
    measures = sorted({line.labels[0] for line in index.lines})
    plain = {line.labels[0] for line in index.lines} - {
        line.labels[0] for line in index.lines if line.labels[-1] == DENOMINATOR
    }
    rows = con.execute(
        "SELECT person_id, category, period_id, measure, numerator, denominator "
        "FROM outcome INNER JOIN period USING (period_id) "
        "WHERE metric = ? AND category_kind = ? AND end_date BETWEEN ? AND ? "
        + ("AND end_date = ? " if index.is_stock else "AND ? IS NOT NULL ")
        + "ORDER BY person_id, category, period_id, measure",
        [index.subject, index.own, window.first, window.last, window.last],
    ).fetchall()
    told: dict[tuple[str, str, str], dict[str, tuple[int, int]]] = {}
    for person, category, period, measure, above, below in rows:
        if measure in measures:
            found = told.setdefault((person, category, period), {})
            found[measure] = (above, above if measure in plain else below)
    people, states, categories = [], [], []
    for (person, category, _), found in told.items():
        for unit in range(max(below for _, below in found.values())):
            standing = [_standing(unit, *found.get(one, (0, 0))) for one in measures]
            people.append(person)
            states.append(outcome_state(standing))
            categories.append(category)
    return _frame(people, states, categories)


def _standing(unit: int, above: int, below: int) -> str:
    """How a unit stands in a measure that asks about so many of them and counts so many."""
    if unit < above:
        return COUNTED
    return NOT_COUNTED if unit < below else NOT_ASKED


def _steps(con: duckdb.DuckDBPyConnection, index: Index, window: Window) -> pl.DataFrame:
    """First steps of a kind in a quarter, by what came next."""
    rows = con.execute(
        "SELECT person_id, code.label, next_kind FROM transition "
        "INNER JOIN period USING (period_id) "
        "INNER JOIN code ON code.list = 'step' AND code.code = transition.step "
        "WHERE period.start_date BETWEEN ? AND ? ORDER BY person_id, step, period_id",
        [window.first, window.last],
    ).fetchall()
    told = [
        (person, transition_state(step, index.groups[following]))
        for person, step, following in rows
    ]
    known = set(index.states)
    kept = [(person, state) for person, state in told if state in known]
    return _frame([p for p, _ in kept], [s for _, s in kept], [""] * len(kept))


def _frame(people: list[str], states: list[str], categories: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"person_id": people, COUNTED_BY: states, "category": categories},
        schema=dict.fromkeys(("person_id", COUNTED_BY, "category"), pl.String),
    )
