"""Two releases beside each other: what changed between them, in counts and names of definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from warehouse.connect import attach, memory_connection, store_errors

BEFORE, AFTER = "before", "after"

DEFINED: Final = {
    "metric": ("metric",),
    "measure": ("metric", "measure"),
    "cohort": ("cohort",),
    "policy": ("name",),
}
"""Mart that holds definitions → the columns that name one."""

FIGURES, FIGURE_OF = "figure", ("metric", "measure", "period_id")
PEOPLE, HISTORY = "person", "person_history"


@dataclass(frozen=True)
class Compared:
    """What differs between two releases; empty where nothing does.

    Attributes:
        rows: Mart → its rows before and after; None where a release has no such mart.
        columns: Marts that gained or lost a column, or one of another type.
        figures: Metric, measure and period → how many of its figures are other, of how many.
        people: Persons new and gone, and persons that were merged, split or retired since.
        definitions: What is defined, its name → added, removed or changed.
    """

    rows: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    figures: Mapping[tuple[str, ...], tuple[int, int]] = field(default_factory=dict)
    people: Mapping[str, int] = field(default_factory=dict)
    definitions: Mapping[tuple[str, str], str] = field(default_factory=dict)


@store_errors(
    "The two releases could not be compared.",
    "Check with `journeys sql` that each can be read; restore from backup the one that cannot.",
)
def compare(before: Path, before_key: str, after: Path, after_key: str) -> Compared:
    """Compare two releases.

    Args:
        before: The earlier release.
        before_key: Its key.
        after: The later one.
        after_key: Its key.

    Raises:
        StoreError: One cannot be opened or read.
    """
    con = memory_connection(spill=None)
    try:
        attach(con, before, BEFORE, before_key, read_only=True)
        attach(con, after, AFTER, after_key, read_only=True)
        layout = {name: _layout(con, name) for name in (BEFORE, AFTER)}
        both = sorted(layout[BEFORE].keys() & layout[AFTER].keys())
        return Compared(
            rows=_rows(con, layout),
            columns=tuple(name for name in both if layout[BEFORE][name] != layout[AFTER][name]),
            figures=_figures(con, layout) if FIGURES in both else {},
            people=_people(con) if {PEOPLE, HISTORY} <= set(both) else {},
            definitions={
                said: change
                for name, named_by in DEFINED.items()
                if name in both
                for said, change in _definitions(con, layout, name, named_by).items()
            },
        )
    finally:
        con.close()


Layout = dict[str, dict[str, str]]
"""Mart → column → type."""


def _layout(con: duckdb.DuckDBPyConnection, release: str) -> Layout:
    found = con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = ? AND schema_name = 'main' AND NOT internal",
        [release],
    ).fetchall()
    layout: Layout = {}
    for table, column, kind in found:
        layout.setdefault(table, {})[column] = kind
    return layout


def _rows(
    con: duckdb.DuckDBPyConnection, layout: Mapping[str, Layout]
) -> dict[str, tuple[int | None, int | None]]:
    """The number of rows of each mart in both releases, where the two differ."""
    marts = sorted(layout[BEFORE].keys() | layout[AFTER].keys())
    counted = {
        mart: (_count(con, layout, BEFORE, mart), _count(con, layout, AFTER, mart))
        for mart in marts
    }
    return {mart: rows for mart, rows in counted.items() if rows[0] != rows[1]}


def _count(
    con: duckdb.DuckDBPyConnection, layout: Mapping[str, Layout], release: str, mart: str
) -> int | None:
    if mart not in layout[release]:
        return None
    (rows,) = con.execute(f"SELECT count(*) FROM {release}.main.{mart}").fetchall()[0]
    return int(rows)


def _changed(layout: Mapping[str, Layout], mart: str) -> str:
    """SQL of the rows that only one release has, by the columns that both have."""
    shared = [c for c, kind in layout[BEFORE][mart].items() if layout[AFTER][mart].get(c) == kind]
    listed = ", ".join(f'"{column}"' for column in shared)
    one, other = (f"SELECT {listed} FROM {release}.main.{mart}" for release in (BEFORE, AFTER))
    return f"(({one}) EXCEPT ({other})) UNION ALL (({other}) EXCEPT ({one}))"


def _figures(
    con: duckdb.DuckDBPyConnection, layout: Mapping[str, Layout]
) -> dict[tuple[str, ...], tuple[int, int]]:
    """How many figures of each metric, measure and period differ, and how many there are."""
    by = ", ".join(FIGURE_OF)
    cell = f"{by}, period_kind, split, category"
    counted = f"SELECT {by}, count(DISTINCT ({cell})) AS figures"
    both = (
        f"SELECT {cell} FROM {BEFORE}.main.figure UNION ALL SELECT {cell} FROM {AFTER}.main.figure"
    )
    found = con.execute(
        f"WITH changed AS ({counted} FROM ({_changed(layout, FIGURES)}) GROUP BY ALL), "
        f"every AS ({counted} FROM ({both}) GROUP BY ALL) "
        f"SELECT {by}, changed.figures, every.figures "
        f"FROM changed JOIN every USING ({by}) ORDER BY ALL"
    ).fetchall()
    return {tuple(map(str, row[:3])): (row[3], row[4]) for row in found}


def _people(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Persons that only one release has, and what became of ids between the two."""
    ids = {name: f"SELECT person_id FROM {name}.main.{PEOPLE}" for name in (BEFORE, AFTER)}
    told = {
        "new": f"{ids[AFTER]} EXCEPT {ids[BEFORE]}",
        "gone": f"{ids[BEFORE]} EXCEPT {ids[AFTER]}",
    }
    for cause in ("merged", "split", "retired"):
        moves = (
            f"SELECT person_before, happened_at FROM {{}}.main.{HISTORY} WHERE cause = '{cause}'"
        )
        since = f"{moves.format(AFTER)} EXCEPT {moves.format(BEFORE)}"
        told[cause] = f"SELECT DISTINCT person_before FROM ({since})"
    counted = {
        name: con.execute(f"SELECT count(*) FROM ({sql})").fetchall()[0][0]
        for name, sql in told.items()
    }
    return {name: count for name, count in counted.items() if count}


def _definitions(
    con: duckdb.DuckDBPyConnection,
    layout: Mapping[str, Layout],
    mart: str,
    named_by: tuple[str, ...],
) -> dict[tuple[str, str], str]:
    """The definitions of a mart that were added, removed or changed."""
    name = f"concat_ws('/', {', '.join(named_by)})"
    found = con.execute(
        f"SELECT DISTINCT {name} AS name, "
        f"name IN (SELECT {name} FROM {BEFORE}.main.{mart}) AS was, "
        f"name IN (SELECT {name} FROM {AFTER}.main.{mart}) AS stands "
        f"FROM ({_changed(layout, mart)}) ORDER BY name"
    ).fetchall()
    return {
        (mart, said): "changed" if was and stands else "added" if stands else "removed"
        for said, was, stands in found
    }
