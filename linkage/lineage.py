"""What a person id became: the registry's history, followed from one id.

Every function takes an open connection whose current database is the identity store.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import polars as pl


@dataclass(frozen=True)
class Lineage:
    """What became of a person id.

    Attributes:
        created_at: When it was given out.
        created_run: In which run.
        records: How many records are the person's now; none where the id is no longer in use.
        now: The ids in use that its records may be under, its own among them where it is.
        events: What happened to it, oldest first: ``happened_at``, ``run_id``, ``cause``
            (merged, split or retired), ``person_before``, ``person_after``, ``records`` moved.
    """

    created_at: datetime
    created_run: str
    records: int
    now: tuple[str, ...]
    events: tuple[dict[str, Any], ...]


def lineage(connection: duckdb.DuckDBPyConnection, person_id: str) -> Lineage | None:
    """What became of a person id; None where it was never given out."""
    known = connection.execute(
        "SELECT created_at, created_run FROM person WHERE person_id = ?", [person_id]
    ).fetchone()
    if known is None:
        return None
    (records,) = connection.execute(
        "SELECT count(*) FROM person_record WHERE person_id = ?", [person_id]
    ).fetchall()[0]
    events = connection.execute(
        """SELECT happened_at, run_id, cause, person_before, person_after, records
        FROM person_history WHERE person_before = $1 OR person_after = $1
        ORDER BY happened_at, person_before, person_after""",
        [person_id],
    ).pl()
    created_at, created_run = known
    return Lineage(
        created_at, created_run, records, _now(connection, person_id), tuple(events.to_dicts())
    )


def read_history(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Everything that happened to person ids: the columns of ``Lineage.events``, oldest first."""
    return connection.execute(
        """SELECT happened_at, run_id, cause, person_before, person_after, records
        FROM person_history ORDER BY happened_at, person_before, person_after"""
    ).pl()


def _now(connection: duckdb.DuckDBPyConnection, person_id: str) -> tuple[str, ...]:
    """The ids in use that are reached by following what moved, each step later than the last.

    What moved out of a person in the very run in which other records moved in was there before.
    """
    rows = connection.execute(
        """WITH RECURSIVE went(person_id, since) AS (
            SELECT ?::VARCHAR, TIMESTAMP '0001-01-01'
            UNION
            SELECT person_after, happened_at
            FROM went JOIN person_history ON person_before = went.person_id
            WHERE happened_at > since AND person_after IS NOT NULL)
        SELECT DISTINCT person_id FROM went SEMI JOIN person_record USING (person_id) ORDER BY 1""",
        [person_id],
    ).fetchall()
    return tuple(row[0] for row in rows)
