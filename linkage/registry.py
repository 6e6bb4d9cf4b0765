"""The registry of persons: ids that are random, permanent, and never derived from identifiers.

A group of linked records takes the person id that most of its records held, then the oldest, then
the lowest; each id goes to one group at most. What becomes of every id is written down.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl


@dataclass(frozen=True)
class RegistryChange:
    """Persons created, merged into another, split from another, and retired for want of records."""

    created: int
    merged: int
    split: int
    retired: int
    persons: int


def new_person_id() -> str:
    """A fresh person id: 64 random bits in hexadecimal."""
    return secrets.token_hex(8)


def record_person(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Which person each record is of now: ``record_id``, ``person_id``."""
    return connection.execute("SELECT record_id, person_id FROM person_record ORDER BY 1").pl()


def assign(
    connection: duckdb.DuckDBPyConnection,
    groups: pl.DataFrame,
    run_id: str,
    now: datetime,
    new_id: Callable[[], str] = new_person_id,
) -> RegistryChange:
    """Give every group a person id, keeping those that were held.

    Only groups that differ from the persons there are take part: a group of the very records of one
    person leaves nothing to decide, and on a night without changes nothing is written.

    Args:
        connection: The identity store.
        groups: ``record_id``, ``group``: every record once.
        run_id: The run that asks.
        now: When.
        new_id: Where fresh ids come from.

    Returns:
        What changed.
    """
    every = connection.execute(
        "SELECT record_id, person_id, created_at FROM person_record JOIN person USING (person_id)"
    ).pl()
    groups, held = _changed(groups, every)
    kept = _keep_ids(groups, held)
    homeless = groups.select("group").unique().join(kept, on="group", how="anti").sort("group")
    fresh = homeless.with_columns(
        person_id=pl.Series([new_id() for _ in range(homeless.height)], dtype=pl.String)
    )
    persons = pl.concat([kept, fresh])
    now_held = groups.join(persons, on="group").select("record_id", "person_id")
    history = _history(held, now_held)
    if not (groups.is_empty() and held.is_empty()):
        _write(connection, fresh["person_id"], held, now_held, history, run_id, now)
    _retire(connection, run_id)
    causes = dict(history.group_by("cause").agg(pl.col("person_before").n_unique()).iter_rows())
    return RegistryChange(
        created=fresh.height,
        merged=causes.get("merged", 0),
        split=causes.get("split", 0),
        retired=causes.get("retired", 0),
        persons=every["person_id"].n_unique() - held["person_id"].n_unique() + persons.height,
    )


def carry_over(before: duckdb.DuckDBPyConnection, after: duckdb.DuckDBPyConnection) -> int:
    """Bring the registry of one key epoch into the identity store of the next.

    Persons and their history come as they are; a record's person comes with it over the bridge. A
    record that has no bridge was not supplied again, and what becomes of its person is told by
    :func:`assign`. The bridge, which joins the two epochs, is then emptied.

    Args:
        before: The identity store of the old epoch.
        after: The identity store of the new epoch, whose registry is empty.

    Returns:
        Records that brought their person over.
    """
    persons = before.execute("SELECT * FROM person").to_arrow_table()
    history = before.execute("SELECT * FROM person_history").to_arrow_table()
    held = before.execute("SELECT record_id, person_id FROM person_record").to_arrow_table()
    found = {"old_person": persons, "old_history": history, "old_record": held}
    for name, table in found.items():
        after.register(name, table)
    after.execute("BEGIN")
    try:
        after.execute("INSERT INTO person SELECT * FROM old_person")
        after.execute("INSERT INTO person_history SELECT * FROM old_history")
        after.execute(
            """INSERT INTO person_record
            SELECT record_id_after, person_id FROM old_record
            JOIN bridge ON record_id = record_id_before"""
        )
        after.execute("DELETE FROM bridge")
        (carried,) = after.execute("SELECT count(*) FROM person_record").fetchall()[0]
        after.execute("COMMIT")
    except BaseException:
        after.execute("ROLLBACK")
        raise
    finally:
        for name in found:
            after.unregister(name)
    return int(carried)


def _changed(groups: pl.DataFrame, held: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The groups that are not the very records of one person, and the persons that are no group."""
    both = groups.join(held, on="record_id", how="full", coalesce=True)
    moved = both.filter(
        pl.col("group").is_null()
        | pl.col("person_id").is_null()
        | (pl.col("group") != pl.col("group").first().over("person_id"))
        | (pl.col("person_id") != pl.col("person_id").first().over("group"))
    )
    touched = both.filter(
        pl.col("group").is_in(moved["group"].drop_nulls().implode())
        | pl.col("person_id").is_in(moved["person_id"].drop_nulls().implode())
    ).select("record_id")
    return groups.join(touched, on="record_id", how="semi"), held.join(
        touched, on="record_id", how="semi"
    )


def _keep_ids(groups: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """The groups that keep an id and which: ``group``, ``person_id``.

    The strongest claims are met first: most records, then the oldest id, then the lowest.
    """
    claims = (
        groups.join(held, on="record_id")
        .group_by("group", "person_id", "created_at")
        .agg(records=pl.len())
    )
    # Where a group claims one id and nobody else does, there is nothing to decide.
    contested = (pl.len().over("group") > 1) | (pl.len().over("person_id") > 1)
    claims = claims.with_columns(contested=contested)
    ranked = claims.filter("contested").sort(
        "records", "created_at", "person_id", "group", descending=[True, False, False, False]
    )
    taken: dict[int, str] = {}
    given: set[str] = set()
    for group, person in ranked.select("group", "person_id").iter_rows():
        if group not in taken and person not in given:
            taken[group] = person
            given.add(person)
    decided = pl.DataFrame(
        {"group": list(taken), "person_id": list(taken.values())},
        schema={"group": groups.schema["group"], "person_id": pl.String},
    )
    return pl.concat([claims.filter(~pl.col("contested")).select("group", "person_id"), decided])


def _history(held: pl.DataFrame, now_held: pl.DataFrame) -> pl.DataFrame:
    """What became of each id whose records moved: cause, ids before and after, records moved.

    An id that still has records has been *split*; one whose records all went to others has
    *merged*; one whose records are all gone is *retired*.
    """
    living = now_held["person_id"].unique().implode()
    moved = (
        held.select("record_id", person_before="person_id")
        .join(now_held.rename({"person_id": "person_after"}), on="record_id", how="left")
        .filter(pl.col("person_before").ne_missing(pl.col("person_after")))
        .group_by("person_before", "person_after")
        .agg(records=pl.len())
    )
    survives = pl.col("person_before").is_in(living)
    gone = pl.col("person_after").is_null()
    went_on = (~gone).any().over("person_before")
    return (
        moved.filter(~(gone & (survives | went_on)))
        .with_columns(
            cause=pl.when(pl.col("person_after").is_null())
            .then(pl.lit("retired"))
            .when(survives)
            .then(pl.lit("split"))
            .otherwise(pl.lit("merged"))
        )
        .select("cause", "person_before", "person_after", pl.col("records").cast(pl.Int64))
        .sort("person_before", "person_after")
    )


def _write(
    connection: duckdb.DuckDBPyConnection,
    fresh: pl.Series,
    held: pl.DataFrame,
    now_held: pl.DataFrame,
    history: pl.DataFrame,
    run_id: str,
    now: datetime,
) -> None:
    connection.register("arriving_person", pl.DataFrame({"person_id": fresh}).to_arrow())
    connection.register("arriving_record", now_held.to_arrow())
    connection.register("leaving_record", held.select("record_id", "person_id").to_arrow())
    connection.register("arriving_history", history.to_arrow())
    connection.execute("BEGIN")
    try:
        connection.execute(
            "INSERT INTO person SELECT person_id, ?, ?, NULL FROM arriving_person", [now, run_id]
        )
        connection.execute(
            """DELETE FROM person_record WHERE record_id IN (SELECT record_id FROM leaving_record)
                AND record_id NOT IN (SELECT record_id FROM arriving_record)"""
        )
        connection.execute(
            """INSERT INTO person_record SELECT record_id, person_id FROM arriving_record
            ON CONFLICT DO UPDATE SET person_id = excluded.person_id"""
        )
        connection.execute(
            """INSERT INTO person_history
            SELECT ?, ?, cause, person_before, person_after, records FROM arriving_history""",
            [now, run_id],
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        for name in ("arriving_person", "arriving_record", "leaving_record", "arriving_history"):
            connection.unregister(name)


def _retire(connection: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Mark the persons who have no records any more, those left behind by a rotation included."""
    connection.execute(
        """UPDATE person SET retired_run = ?
        WHERE retired_run IS NULL AND person_id NOT IN (SELECT person_id FROM person_record)""",
        [run_id],
    )
