"""Some models and what they read, built in memory from rows of the staging store.

A whole release takes seconds and a random history is tried many times, so only what a property is
about is built; the SQL is the release's own, run by the same engine, and days are told exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

import duckdb
import polars as pl
import warehouse_rows as rows

from warehouse import staging
from warehouse.clock import CLOCK, macros
from warehouse.deaths import tell
from warehouse.described import AGE_BAND_MACRO
from warehouse.models import Model, load_models, load_seed

Rows = list[dict[str, Any]]


def told(
    persons: rows.Persons,
    names: Iterable[str],
    as_at: Mapping[str, date] | date = rows.AS_AT,
    data_from: Mapping[str, date] | None = None,
) -> dict[str, Rows]:
    """Return the rows of some models, each row by column.

    Args:
        persons: As :func:`warehouse_rows.build` takes them.
        names: The models wanted; what they read is built too.
        as_at: Date of every partner's extract, or of each.
        data_from: Partner → the first day its data are complete from.
    """
    frames, owners = rows.build(persons)
    days = as_at if isinstance(as_at, Mapping) else dict.fromkeys(staging.PARTNERS, as_at)
    extract = [{"partner": partner, "data_as_at": day} for partner, day in days.items()]
    con = duckdb.connect()
    try:
        for name, frame in frames.items():
            _table(con, name, frame)
        _table(con, "record_person", owners)
        _table(con, "extract", pl.DataFrame(extract, {"partner": pl.String, "data_as_at": pl.Date}))
        whole = [{"partner": name, "data_from": day} for name, day in (data_from or {}).items()]
        schema = {"partner": pl.String, "data_from": pl.Date}
        _table(con, "data_from_given", pl.DataFrame(whole, schema))
        for name in ("code", "policy", "untold_reason"):
            _table(con, f"seed_{name}", pl.DataFrame(load_seed(name)))
        con.execute(
            "CREATE MACRO policy(wanted) AS "
            "(SELECT days::INTEGER FROM seed_policy WHERE name = wanted)"
        )
        tell(con, told=True)
        con.execute(
            f"CREATE TABLE {CLOCK} AS SELECT DISTINCT person_id, 0 AS days_off FROM record_person"
        )
        for macro in (AGE_BAND_MACRO, *macros(exact_dates=True)):
            con.execute(macro)
        wanted = frozenset(names)
        for model in _needed(wanted):
            con.execute(f"CREATE TABLE {model.name} AS {model.sql}")
        return {name: con.execute(f"FROM {name}").pl().to_dicts() for name in wanted}
    finally:
        con.close()


@cache
def _needed(names: frozenset[str]) -> tuple[Model, ...]:
    """Return some models and all they read, each after what it reads."""
    needed = set(names)
    for model in reversed(_models()):
        if model.name in needed:
            needed |= model.reads
    return tuple(model for model in _models() if model.name in needed)


@cache
def _models() -> tuple[Model, ...]:
    """Return every model, in an order in which each comes after what it reads."""
    return load_models()


def _table(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Copy a frame into the database."""
    con.register("incoming", frame.to_arrow())
    con.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    con.unregister("incoming")
