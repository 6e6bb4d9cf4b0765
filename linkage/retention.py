"""What of the identity store has been kept long enough: decisions, history, links, records.

Every function takes an open connection whose current database is the store, which is to be written
anew after anything was deleted from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from linkage.review_store import RECTIFIED


@dataclass(frozen=True)
class Contribution:
    """What an identity store holds of one partner: its records, and who is known by those alone."""

    records: pl.Series
    persons: list[str]


def contribution(connection: duckdb.DuckDBPyConnection, partner: str) -> Contribution:
    """What of a partner is in the store; whom others have records of too is not its own."""
    records = connection.execute(
        """SELECT record_id FROM encoded_record WHERE partner = $1
        UNION SELECT record_id FROM mark WHERE partner = $1 ORDER BY 1""",
        [partner],
    ).pl()["record_id"]
    connection.register("of_partner", pl.DataFrame({"record_id": records}).to_arrow())
    try:
        persons = connection.execute(
            """SELECT person_id FROM person_record GROUP BY person_id
            HAVING bool_and(record_id IN (SELECT record_id FROM of_partner)) ORDER BY 1"""
        ).fetchall()
    finally:
        connection.unregister("of_partner")
    return Contribution(records, [person for (person,) in persons])


_FORGETTABLE = f"""NOT (reason = '{RECTIFIED}' AND number IN (
    SELECT max(number) FROM review_decision GROUP BY record_id_l, record_id_r))"""
"""What a person had put right holds for as long as the records do, unless it was decided anew."""


def oldest_decision(connection: duckdb.DuckDBPyConnection) -> tuple[datetime | None, int]:
    """When the oldest decision on a pair was made that may be forgotten, and how many there are."""
    query = f"SELECT min(decided_at), count(*) FROM review_decision WHERE {_FORGETTABLE}"
    return _first(connection, query)


def oldest_history(connection: duckdb.DuckDBPyConnection) -> tuple[datetime | None, int]:
    """When the oldest that is known of became of a person id, and how many such lines there are."""
    return _first(connection, "SELECT min(happened_at), count(*) FROM person_history")


def kept_links(connection: duckdb.DuckDBPyConnection) -> int:
    """How many candidate links are kept."""
    return _first(connection, "SELECT NULL, count(*) FROM candidate_link")[1]


def forget_decisions(connection: duckdb.DuckDBPyConnection, before: datetime) -> None:
    """Remove what was decided of pairs before a moment; linking then asks or decides anew.

    A wrong link that a person had put right is not brought back.
    """
    connection.execute(
        f"DELETE FROM review_decision WHERE decided_at < ? AND {_FORGETTABLE}", [before]
    )


def forget_history(connection: duckdb.DuckDBPyConnection, before: datetime) -> None:
    """Remove what became of person ids before a moment, and the ids that nothing tells of now."""
    connection.execute("DELETE FROM person_history WHERE happened_at < ?", [before])
    connection.execute(
        """DELETE FROM person WHERE retired_run IS NOT NULL AND created_at < ?
        AND person_id NOT IN (SELECT person_id FROM person_record)
        AND person_id NOT IN (SELECT person_before FROM person_history)
        AND person_id NOT IN (
            SELECT person_after FROM person_history WHERE person_after IS NOT NULL)""",
        [before],
    )


def forget_links(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove what linking goes on from; the next run compares every record anew."""
    for table in ("candidate_link", "linked_record", "crowded_block", "linked_by"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("DROP TABLE IF EXISTS attached_link")


def _first(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[datetime | None, int]:
    (row,) = connection.execute(query).fetchall()
    return row[0], int(row[1])
