"""The models that metrics count, built of nobody: which columns they have, and what a metric asks.

A column that is not there would otherwise be met in the night, as a model that fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache

import duckdb
import polars as pl

from schemas.errors import ConfigError
from warehouse import staging
from warehouse.basis import Basis
from warehouse.connect import memory_connection
from warehouse.deaths import tell
from warehouse.described import AGE_BANDS, NO_AGE, OLDEST
from warehouse.metrics.condition import columns_in, texts_compared
from warehouse.metrics.definition import Metric, Span
from warehouse.metrics.read import MOST_LISTED
from warehouse.models import Model, load_models, load_seed
from warehouse.release import prepare

ADDED = {
    "age_band": "VARCHAR",
    "sex": "VARCHAR",
    "ethnicity_group": "VARCHAR",
    "area": "VARCHAR",
    "period_start": "DATE",
    "period_end": "DATE",
}
"""What a condition may name beside the columns of its frame: who the person is, and the window."""
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_NUMBERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "FLOAT"})


@cache
def frames() -> Mapping[str, dict[str, str]]:
    """Return every model of the layer intermediate that a metric may count: column → type.

    A frame has a ``person_id``, and is made of the partners' records alone.
    """
    con = memory_connection(spill=None)
    try:
        con.execute("ATTACH ':memory:' AS store")
        con.execute("USE store")
        staging.create(con)
        con.execute("USE memory")
        con.execute("ATTACH ':memory:' AS release")
        persons = pl.DataFrame(schema={"record_id": pl.Int64, "person_id": pl.String})
        prepare(con, Basis(persons, "", _NEVER))
        tell(con, told=True)
        built = list(_of_records(load_models(), _tables(con)))
        for model in built:
            con.execute(f"CREATE TABLE memory.main.{model.name} AS {model.sql}")
        found = {model.name: _types(con, model.name) for model in built}
    finally:
        con.close()
    return {
        name: types
        for name, types in found.items()
        if name.startswith("int_") and "person_id" in types
    }


def check_metrics(metrics: Sequence[Metric]) -> None:
    """Check that the frames of some metrics have what the metrics ask of them.

    Raises:
        ConfigError: A frame cannot be counted, a column is not there, or a condition is neither
            true nor false; the message names the file, the measure and the column.
    """
    _check(tuple(metrics))


@cache  # what was found sound is not asked again in one process
def _check(metrics: tuple[Metric, ...]) -> None:
    con = memory_connection(spill=None)
    try:
        con.execute("CREATE MACRO policy(wanted) AS 0")
        for metric in metrics:
            if faults := list(_faults(con, metric)):
                raise ConfigError(
                    f"{metric.metric}.yaml cannot be used: {'; '.join(faults[:MOST_LISTED])}.",
                    f"Correct those keys; `journeys metrics words {metric.frame}` lists the "
                    "columns.",
                )
    finally:
        con.close()


def _faults(con: duckdb.DuckDBPyConnection, metric: Metric) -> Iterator[str]:
    """Yield what a metric asks that its frame does not have."""
    frame = frames().get(metric.frame, {})
    if not frame:
        yield "`frame` is not a model with a row per unit and its person"
        return
    dated = metric.dated_by
    days = (dated.start, dated.end) if isinstance(dated, Span) else (dated,)
    yield from _not_there("`dated_by`", days, frame, metric.frame, frozenset({"DATE"}), "a date")
    yield from _not_there("`by`", metric.by, frame | ADDED, metric.frame)
    for name in metric.by:
        if _is_of_one(name, (frame | ADDED).get(name, "")):
            yield f"`by` names {name}, a day or an id: a category is of many"
    for one in metric.measures:
        value = () if one.value is None else (one.value,)
        place = f"`value` of the measure {one.measure}"
        yield from _not_there(place, value, frame, metric.frame, _NUMBERS, "a number")
    asked = {}
    for place, rule in metric.rules:
        faults = list(_not_there(place, columns_in(rule.where), frame | ADDED, metric.frame))
        yield from faults
        for column, text in texts_compared(rule.where):
            if text not in accepted(metric.frame).get(column, {text}):
                faults.append(f"{place} holds {column} against a word that no row has")
                yield faults[-1]
        if not faults:
            asked[place] = rule.where
    for place in _no_conditions(con, asked, frame | ADDED):
        yield f"{place} is no condition on the columns of {metric.frame}: true or false"


@cache
def accepted(frame: str) -> Mapping[str, frozenset[str]]:
    """Return the columns of a frame that have a closed list of words, each with them."""
    groups = {row["category"] for row in load_seed("code") if row["list"] == "ethnicity"}
    found = {
        "age_band": frozenset({*AGE_BANDS.values(), OLDEST, NO_AGE}),
        "sex": frozenset({"M", "F", "U"}),
        "ethnicity_group": frozenset({*groups, "Not stated"}),
    }
    model = next(one for one in load_models() if one.name == frame)
    for check in model.checks:
        kind, _, rest = check.partition(" ")
        column, _, words = rest.partition(":")
        if kind == "accepted":
            found[column] = frozenset(word.strip() for word in words.split(","))
    return found


def _is_of_one(name: str, kind: str) -> bool:
    """Say whether a column holds a day or an id, which `outcome` would tell of each person."""
    return kind.startswith(("DATE", "TIMESTAMP")) or name.endswith(("_id", "_key"))


def _not_there(
    place: str,
    names: Collection[str],
    columns: Mapping[str, str],
    frame: str,
    kinds: frozenset[str] = frozenset(),
    kind: str = "",
) -> Iterator[str]:
    """Yield the columns that a frame does not have, or not of the kind that is wanted."""
    for name in names:
        if name not in columns:
            near = get_close_matches(name, columns, 1)
            meant = f"; {near[0]} is" if near else ""
            yield f"{place} names {name}, which is no column of {frame}{meant}"
        elif kinds and columns[name] not in kinds:
            yield f"{place} names {name}, which is not {kind}"


def _no_conditions(
    con: duckdb.DuckDBPyConnection, asked: Mapping[str, str], columns: Mapping[str, str]
) -> list[str]:
    """Return the places whose condition is neither true nor false of a row of some columns.

    DuckDB is asked of a row, as it is only then that a constant of the wrong kind is met; and of
    all at once, as hardly ever is there anything to find.
    """
    kinds = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
    con.execute(f"CREATE OR REPLACE TEMP TABLE frame ({kinds})")
    con.execute(f"INSERT INTO frame ({next(iter(columns))}) VALUES (NULL)")
    if _are_yes_or_no(con, asked.values()):
        return []
    return [place for place, where in asked.items() if not _are_yes_or_no(con, [where])]


def _are_yes_or_no(con: duckdb.DuckDBPyConnection, conditions: Collection[str]) -> bool:
    """Say whether DuckDB finds each of some conditions to be true, false or unknown."""
    told = ", ".join(f"({one}\n)" for one in conditions)
    try:
        asked = con.execute(f"SELECT {told} FROM frame")
        kinds = [str(column[1]) for column in asked.description]
        return kinds == ["BOOLEAN"] * len(conditions) and bool(asked.fetchall())
    except duckdb.Error:
        return False


def _of_records(models: Sequence[Model], there: frozenset[str]) -> Iterator[Model]:
    """Yield the models that are made of the tables that are there alone, in their order."""
    known = set(there)
    for model in models:
        if model.layer != "marts" and model.reads <= known:
            known.add(model.name)
            yield model


def _tables(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    return frozenset(
        name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    )


def _types(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE memory.main.{table}").fetchall()}
