"""Build a release: read the staging store, run the models, check them, and swap the file in.

Record ids and surrogate keys stay in memory; only marts, keyed by person id, reach the file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType

import duckdb
import polars as pl

from schemas.errors import StoreError
from warehouse.at_once import Work, at_once
from warehouse.basis import PERSON_HISTORY, Basis
from warehouse.basis import linkage_quality as quality_of
from warehouse.basis import person_history as history_of
from warehouse.checks import run_checks
from warehouse.clock import CLOCK, macros, own_clocks
from warehouse.cohorts import Cohort, cohort_tables, funnel_definitions, load_cohorts
from warehouse.cohorts.survival import SURVIVAL, survival
from warehouse.connect import attach, load_encryption, memory_connection, store_errors
from warehouse.days import refuse_undeclared_days
from warehouse.deaths import are_told, tell, without_reports
from warehouse.definitions import load_definitions
from warehouse.described import AGE_BAND_MACRO
from warehouse.generated import every_model
from warehouse.given import Given
from warehouse.metrics import Metric, load_metrics
from warehouse.metrics.told import metric_frames
from warehouse.models import Model, last_users, load_seed, seed_names
from warehouse.population import read_population, read_prevalence
from warehouse.restrict import EVERYTHING, Restriction, check_marts, hide, take_at_its_word
from warehouse.sensitivity import GIVEN, figures_over_range
from warehouse.takeover import EARLIER, Earlier, Standing, read_by_checks, standing, worked_out

BUILD_GB = 3.0  # of the 4 that a million records may take (2026-11-22); the rest spills, encrypted
MORE_GB = 1.25  # for each further million (2026-11-23): 3 were too few for five
CORRECT_IT = "correct the model, or restore the stores from backup if they are damaged"
MORE_ROOM = "make room on the disk, or see in docs/explanation/sizing.md what the machine needs"
RELEASE_MODE = 0o444  # COPY to the open file once overwrote a release that was writable

NOTHING_GIVEN = Given()


@dataclass(frozen=True)
class ReleaseSummary:
    """What was built.

    Attributes:
        tables: Mart → number of rows.
        checks: How many checks were run; all held.
        taken: How many marts were taken over from the release before.
        fingerprints: Model → its fingerprint, by which the next release may take marts over.
    """

    tables: dict[str, int]
    checks: int
    taken: int = 0
    fingerprints: Mapping[str, str] = field(default_factory=dict, repr=False)


def build_release(
    staging_path: Path,
    staging_key: str,
    record_person: pl.DataFrame,
    target: Path,
    release_key: str,
    *,
    run_id: str,
    built_at: datetime,
    linkage_quality: pl.DataFrame | None = None,
    linked_otherwise: Mapping[float, pl.DataFrame] | None = None,
    person_history: pl.DataFrame | None = None,
    given: Given = NOTHING_GIVEN,
    restriction: Restriction = EVERYTHING,
    earlier: Earlier | None = None,
) -> ReleaseSummary:
    """Build one release beside its place, check it, and rename it in.

    Args:
        staging_path: The staging store.
        staging_key: Its key.
        record_person: ``record_id`` (Int64) and ``person_id`` (String), one row a record.
        target: Where the release is to be; a file already there is replaced only on success.
        release_key: The release's key.
        run_id: The run that makes it.
        built_at: When, from the caller: this room has no clock. Without a time zone it is UTC.
        linkage_quality: Optional rows of :data:`LINKAGE_QUALITY`.
        linked_otherwise: Optional: match weight above or below the link threshold → the same
            columns as ``record_person``, as linked from there.
        person_history: Optional rows of :data:`PERSON_HISTORY`.
        given: What the partnership says of its warehouse. Unless its purpose lists exact dates,
            days of people's lives are told by the week.
        restriction: Whose records and which marts are in it; everything by default.
        earlier: The release before; marts that would come out the same are taken over from it.

    Raises:
        StoreError: A store cannot be opened, a model fails, or a check does not hold. Whatever
            was at ``target`` is then untouched.
    """
    basis = Basis(
        record_person,
        run_id,
        built_at,
        quality_of(linkage_quality),
        linked_otherwise or {},
        history_of(person_history),
        given,
        restriction,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_name(f".{target.name}.building")
    building.unlink(missing_ok=True)
    con = memory_connection(spill=target.parent / f".{target.name}.spill")
    try:
        load_encryption(con)
        con.execute(f"SET memory_limit = '{build_memory(record_person.height)}'")
        con.execute("SET preserve_insertion_order = false")  # which the limit cannot afford
        con.execute("SET threads = 1")  # of each query; two are run at once
        attach(con, staging_path, "store", staging_key, read_only=True)
        attach(con, building, "release", release_key, read_only=False, logged=False)
        if earlier is not None:
            attach(con, earlier.path, EARLIER, earlier.key, read_only=True)
        summary = build_into(con, basis, {} if earlier is None else earlier.fingerprints)
        con.close()
        _swap(building, target)
    finally:
        con.close()
        for leftover in (building, building.with_name(f"{building.name}.wal")):
            leftover.unlink(missing_ok=True)
    return summary


def build_memory(records: int) -> str:
    """What DuckDB may hold in memory while it builds, as its setting says it.

    Args:
        records: How many records name a person.
    """
    return f"{BUILD_GB + MORE_GB * max(records / 1e6 - 1, 0):.1f}GB"


@store_errors(
    "The release was not made: a model could not be built from the staging store.",
    "The last release stays in use; check that the stores are those of the current run, and "
    "restore them from backup if they are damaged.",
)
def build_into(
    con: duckdb.DuckDBPyConnection,
    basis: Basis,
    earlier: Mapping[str, str] = MappingProxyType({}),
    *,
    keeps_all: bool = False,
) -> ReleaseSummary:
    """Run every model and check on a connection with ``store`` and ``release`` attached.

    Args:
        con: The connection.
        basis: What the release is made from besides.
        earlier: The fingerprints of the release before, which is attached if there are any.
        keeps_all: Keep what is in memory when nobody of the release will read it any more.

    Raises:
        StoreError: A model fails, or a check does not hold.
    """
    given, restriction = basis.given, basis.restriction
    metrics, cohorts = _put_what_is_given(con, basis)
    models = every_model(metrics, cohorts)
    check_marts(restriction, models)
    make = partial(_materialise, restriction=restriction, exact_dates=given.exact_dates)
    staged = [model for model in models if model.layer == "staging"]
    at_once(
        con,
        {model.name: partial(make, model=model) for model in staged},
        {model.name: model.reads for model in staged},
    )
    linked = basis.linked_otherwise
    ranged = every_model(metrics, cohorts, only_ranged=True) if linked else ()
    from_models = worked_out(ranged)
    found = standing(
        con, models, linked, earlier, exact_dates=given.exact_dates, from_models=from_models
    )
    works, needs = _planned(found, make, from_models)
    built = [model for model in found.built if model.layer != "staging"]
    # What Python works out is worked out from finished models, and only where one reads it.
    asked = frozenset[str]().union(*(model.reads for model in built))
    if SURVIVAL in asked:
        works[SURVIVAL] = lambda own: _table(own, SURVIVAL, survival(own))
    if GIVEN in asked:
        works[GIVEN] = lambda own: _table(own, GIVEN, figures_over_range(own, ranged, linked))
    if not keeps_all:
        passing = [model for model in (*staged, *built) if not restriction.shows(model)]
        for name, users in last_users(passing, needs).items():
            works[f"end of {name}"] = partial(_drop, name=name)
            needs[f"end of {name}"] = users
    at_once(con, works, needs)
    marts = [model for model in models if restriction.shows(model)]
    for mart in marts:
        refuse_undeclared_days(con, mart)
    _comment(con, marts, given.exact_dates)
    tables = {mart.name: _count(con, mart.name) for mart in sorted(marts, key=lambda m: m.name)}
    con.execute("CHECKPOINT release")
    checks = sum(len(model.checks) for model in found.checked)
    return ReleaseSummary(tables, checks, len(found.taken), found.fingerprints)


def _put_what_is_given(
    con: duckdb.DuckDBPyConnection, basis: Basis
) -> tuple[tuple[Metric, ...], tuple[Cohort, ...]]:
    """Put all that the models read beside the stores; the metrics and cohorts that there are."""
    given = basis.given
    prepare(con, basis)
    tell(con, are_told(given))
    hide(con, without_reports(basis.restriction, given))
    take_at_its_word(con, given.complete_to)
    _table(con, "history_given", basis.person_history.select(list(PERSON_HISTORY)))
    _table(con, "population_given", read_population(given.population))
    _table(con, "prevalence_given", read_prevalence(given.prevalence))
    metrics = load_metrics(own=given.metrics)
    cohorts = load_cohorts(given.cohorts)
    others = [dict(one.row()) for one in load_definitions()] + funnel_definitions(cohorts)
    for name, frame in (cohort_tables(cohorts) | metric_frames(metrics, others, given)).items():
        _table(con, name, frame)
    return metrics, cohorts


def _planned(
    found: Standing, make: Callable[..., None], from_models: Mapping[str, frozenset[str]]
) -> tuple[dict[str, Work[None]], dict[str, frozenset[str]]]:
    """What is taken over, built and checked, by name, and what each has to wait for."""
    built = [model for model in found.built if model.layer != "staging"]
    works: dict[str, Work[None]] = {
        name: partial(_take_over, name=name) for name in sorted(found.taken)
    }
    works |= {model.name: partial(make, model=model) for model in built}
    needs = {model.name: model.reads for model in built} | dict(from_models)
    for model in found.checked:
        works[f"checks of {model.name}"] = partial(_check, model=model)
        needs[f"checks of {model.name}"] = read_by_checks(model)
    return works, needs


def prepare(con: duckdb.DuckDBPyConnection, basis: Basis) -> None:
    """Put what the models read beside the stores: seeds, the run, persons, metric definitions."""
    con.execute("SET search_path = 'memory.main,release.main,store.main'")
    for name in seed_names():
        _table(con, f"seed_{name}", pl.DataFrame(load_seed(name)))
    con.execute(
        "CREATE MACRO policy(wanted) AS "
        "(SELECT days::INTEGER FROM memory.main.seed_policy WHERE name = wanted)"
    )
    for macro in (AGE_BAND_MACRO, *macros(exact_dates=basis.given.exact_dates)):
        con.execute(macro)
    con.execute("CREATE TABLE memory.main.run (run_id VARCHAR, built_at TIMESTAMP)")
    at = basis.built_at
    utc = at.astimezone(UTC) if at.tzinfo else at
    con.execute("INSERT INTO run VALUES (?, ?)", [basis.run_id, utc.replace(tzinfo=None)])
    persons = basis.record_person.select(
        pl.col("record_id").cast(pl.Int64), pl.col("person_id").cast(pl.String)
    )
    _table(con, "record_person", persons)
    _table(con, CLOCK, own_clocks(con, basis.given.clock_key))
    _table(con, "linkage_given", basis.linkage_quality)


def _table(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Copy a frame into the in-memory database."""
    con.register("incoming", frame.to_arrow())
    con.execute(f"CREATE TABLE memory.main.{name} AS SELECT * FROM incoming")
    con.unregister("incoming")


def _take_over(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Copy a mart from the last release."""
    con.execute(f"CREATE TABLE release.main.{name} AS FROM {EARLIER}.main.{name}")


def _drop(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Let go of a table in memory that nobody will read any more, before it spills."""
    con.execute(f"DROP TABLE memory.main.{name}")


def _check(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Run the checks of one model."""
    run_checks(con, [model])


def _materialise(
    con: duckdb.DuckDBPyConnection, model: Model, restriction: Restriction, exact_dates: bool
) -> None:
    """Build one model: the marts that are shown into the release, the rest in memory.

    Raises:
        StoreError: It fails. Only the kind of error is said, as DuckDB's text may hold values.
    """
    database = "release" if restriction.shows(model) else "memory"
    kind, remedy = "", CORRECT_IT
    try:
        selected = model.selected(exact_dates=exact_dates)
        what = "VIEW" if model.is_view else "TABLE"
        con.execute(f"CREATE {what} {database}.main.{model.name} AS {selected}")
    except duckdb.OutOfMemoryException:
        kind, remedy = "it needs more memory or disk than there is", MORE_ROOM
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        kind = str(error).splitlines()[0]  # of names in our own SQL, never of values
    except duckdb.Error as error:
        kind = type(error).__name__
    if kind:
        raise StoreError(
            f"The release was not made: the model {model.name} failed ({kind}).",
            f"The last release stays in use; {remedy}.",
        )


def _comment(con: duckdb.DuckDBPyConnection, marts: Sequence[Model], exact_dates: bool) -> None:
    """Write the marts' explanations into the release.

    Raises:
        StoreError: A column is not explained, or an explanation has no column.
    """
    told = [line for mart in marts for line in _comments(con, mart, exact_dates)]
    # In one transaction: each would otherwise be written to disk by itself.
    con.execute("; ".join(["BEGIN TRANSACTION", *told, "COMMIT"]))


def _comments(con: duckdb.DuckDBPyConnection, mart: Model, exact_dates: bool) -> list[str]:
    there = {row[0] for row in con.execute(f"DESCRIBE release.main.{mart.name}").fetchall()}
    explained = mart.explained(exact_dates=exact_dates)
    if there != set(explained) or not mart.description:
        raise StoreError(
            f"The columns of {mart.name} and their explanations are not the same.",
            "Give every column of the model a `-- column name: meaning` line, and no others.",
        )
    table = f"release.main.{mart.name}"
    return [f"COMMENT ON TABLE {table} IS {_text(mart.description)}"] + [
        f"COMMENT ON COLUMN {table}.{column} IS {_text(meaning)}"
        for column, meaning in explained.items()
    ]


def _swap(building: Path, target: Path) -> None:
    """Make a finished file durable and read-only, then rename it into its place."""
    building.chmod(RELEASE_MODE)
    _fsync(building)
    building.replace(target)
    _fsync(target.parent)


def _fsync(path: Path) -> None:
    """Wait until a file or folder is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """Return the number of rows of a table."""
    row = con.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0]) if row else 0


def _text(value: str) -> str:
    """Return a string as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"
