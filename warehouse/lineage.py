"""Which columns a column is worked out from, as DuckDB itself plans it.

Every model is built empty, and for each of its columns DuckDB is asked how it would work that
column out alone. What its plan reads is where the column comes from: the columns whose values it
takes, and those by which rows are joined, filtered, grouped and put in order, since they decide it
too. So the answer can name more than a reader would, and never less. No row of anybody is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from schemas.errors import StoreError
from warehouse.analyst import nodes, syntax_tree
from warehouse.models import Model
from warehouse.staging import TABLES

Column = tuple[str, str]
"""A table and one of its columns."""

# Taking out what is not needed is the one thing the planner is to do; its other steps look at
# values, and empty tables have none.
_PLANNER_STEPS = ("unused_columns", "cte_inlining")


# What Python works out from a model and hands back: no plan of the engine tells of it.
_BY_PYTHON = {"survival_given": "int_time_seen"}


@dataclass(frozen=True)
class Lineage:
    """Every table of a build, and what each of its columns is worked out from.

    Attributes:
        types: Table → column → DuckDB's type, of staging tables, models and seeds.
        parents: A model's column → the columns it is worked out from, one step back.
    """

    types: Mapping[str, Mapping[str, str]]
    parents: Mapping[Column, frozenset[Column]]

    def origins(self, *columns: Column) -> frozenset[Column]:
        """Return the columns of the staging store that some columns come from, all the way back."""
        found = self.behind(*columns) | set(columns)
        return frozenset(column for column in found if column[0] in TABLES)

    def behind(self, *columns: Column) -> frozenset[Column]:
        """Return every column that some columns come from, over any number of steps."""
        found: set[Column] = set()
        ahead = list(columns)
        while ahead:
            for parent in self.parents.get(ahead.pop(), frozenset()) - found:
                found.add(parent)
                ahead.append(parent)
        return frozenset(found)


def trace(con: duckdb.DuckDBPyConnection, models: tuple[Model, ...]) -> Lineage:
    """Find out what every column of some models comes from.

    Args:
        con: A connection in which the models have been built, empty or not, and what they read is.
            Its planner is left as it is needed here, so that nothing else should be run on it.
        models: The models.

    Raises:
        StoreError: A model cannot be planned.
    """
    types: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE NOT internal ORDER BY table_name, column_index"
    ).fetchall():
        types.setdefault(table, {})[column] = kind
    _plan_columns_only(con)
    parents: dict[Column, frozenset[Column]] = {}
    for model in models:
        sql = _inlined(model.sql)
        for column in types[model.name]:
            parents[model.name, column] = _read(con, f'SELECT "{column}" FROM ({sql}) AS asked')
    for table, made_from in _BY_PYTHON.items():
        behind = frozenset((made_from, column) for column in types.get(made_from, {}))
        parents |= {(table, column): behind for column in types.get(table, {})}
    return Lineage(types, parents)


def columns_read(con: duckdb.DuckDBPyConnection, sql: str) -> frozenset[Column]:
    """Return the columns that DuckDB reads to answer one SELECT.

    Raises:
        StoreError: The SELECT cannot be planned.
    """
    _plan_columns_only(con)
    return _read(con, _inlined(sql))


def _plan_columns_only(con: duckdb.DuckDBPyConnection) -> None:
    """Have the planner take out the columns that are not needed, and nothing else."""
    steps = con.execute("SELECT name FROM duckdb_optimizers()").fetchall()
    off = ",".join(name for (name,) in steps if name not in _PLANNER_STEPS)
    con.execute(f"SET disabled_optimizers = '{off}'")


def _read(con: duckdb.DuckDBPyConnection, sql: str) -> frozenset[Column]:
    """Return the columns that the plan of a SELECT reads."""
    planned = None
    try:
        planned = con.execute(f"EXPLAIN (FORMAT json) {sql}").fetchone()
    except duckdb.Error:
        planned = None
    if planned is None:
        raise StoreError(
            "It cannot be said where a column comes from: a model cannot be planned.",
            "Correct the model's SQL, which is under `warehouse/sql`.",
        )
    return frozenset(found for step in json.loads(planned[1]) for found in _scanned(step))


def _inlined(sql: str) -> str:
    """Return a SELECT whose common table expressions are planned where they are used.

    One that is worked out once for several uses is worked out with all its columns.
    """
    for node in nodes(syntax_tree(sql)):
        for entry in (node.get("cte_map") or {}).get("map", []):
            name = re.escape(str(entry["key"]))
            sql = re.sub(rf"\b{name} AS \(", f"{entry['key']} AS NOT MATERIALIZED (", sql)
    return sql


def _scanned(step: dict[str, Any]) -> Iterator[Column]:
    """Yield the columns that the scans of a plan read, from one step of it downwards."""
    told = step.get("extra_info", {})
    if "Table" in told:
        read = told.get("Projections", [])
        table = str(told["Table"]).rsplit(".", 1)[-1].strip('"')
        for column in [read] if isinstance(read, str) else read:
            if column:  # a scan that only counts rows reads no column
                yield table, column
    for child in step.get("children", []):
        yield from _scanned(child)
