"""The identity store: encodings, candidate links and the person registry, and never an event.

Every function takes an open connection whose current database is the store; opening it, and so
its key, is the caller's business.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import duckdb
import polars as pl

from linkage.blocking import CROWDED
from linkage.incremental import PAIRS, RECORDS, Kept
from linkage.reduced import LINKS
from linkage.rows import replace_rows
from schemas.encoded import encoded_schema

# Whatever names a record does so in a column of such a name, so that erasure finds it.
NAMED: Final = {"first": "record_id_first"}

_SQL_TYPES = {
    pl.Int64(): "BIGINT NOT NULL",
    pl.Int8(): "TINYINT",
    pl.String(): "VARCHAR NOT NULL",
}


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the store's tables where they are missing.

    Encoded records of a version of the encoding with other columns are left behind: they compare
    with none of this one, and every partner's extract is taken in again.
    """
    if not of_this_encoding(connection):
        connection.execute("DROP TABLE encoded_record")
    columns = ", ".join(_column(name, dtype) for name, dtype in encoded_schema().items())
    for statement in (
        f"CREATE TABLE IF NOT EXISTS encoded_record ({columns})",
        """CREATE TABLE IF NOT EXISTS delivered_record (
            record_id BIGINT NOT NULL, partner VARCHAR NOT NULL, fingerprint UBIGINT)""",
        """CREATE TABLE IF NOT EXISTS candidate_link (
            record_id_l BIGINT NOT NULL, record_id_r BIGINT NOT NULL,
            match_weight DOUBLE NOT NULL, guarded BOOLEAN NOT NULL, linked BOOLEAN NOT NULL)""",
        """CREATE TABLE IF NOT EXISTS person (
            person_id VARCHAR PRIMARY KEY, created_at TIMESTAMP NOT NULL,
            created_run VARCHAR NOT NULL, retired_run VARCHAR)""",
        """CREATE TABLE IF NOT EXISTS person_record (
            record_id BIGINT PRIMARY KEY, person_id VARCHAR NOT NULL)""",
        """CREATE TABLE IF NOT EXISTS person_history (
            happened_at TIMESTAMP NOT NULL, run_id VARCHAR NOT NULL, cause VARCHAR NOT NULL,
            person_before VARCHAR NOT NULL, person_after VARCHAR, records BIGINT NOT NULL)""",
        """CREATE TABLE IF NOT EXISTS bridge (
            record_id_before BIGINT NOT NULL, record_id_after BIGINT PRIMARY KEY)""",
        """CREATE TABLE IF NOT EXISTS linked_record (
            record_id BIGINT NOT NULL, fingerprint UBIGINT NOT NULL,
            record_id_first BIGINT NOT NULL)""",
        "CREATE TABLE IF NOT EXISTS crowded_block (block VARCHAR NOT NULL, token BIGINT NOT NULL)",
        "CREATE TABLE IF NOT EXISTS linked_by (method VARCHAR NOT NULL)",
    ):
        connection.execute(statement)


def of_this_encoding(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the encoded records, if the store holds that table, have this version's columns."""
    held = connection.execute(
        """SELECT column_name FROM duckdb_columns()
        WHERE table_name = 'encoded_record' AND database_name = current_database()
        ORDER BY column_index"""
    ).fetchall()
    return not held or [name for (name,) in held] == list(encoded_schema())


def _column(name: str, dtype: pl.DataType) -> str:
    if name in ("record_id", "partner"):
        return f"{name} {_SQL_TYPES[dtype]}"
    return f"{name} {_SQL_TYPES[dtype].removesuffix(' NOT NULL')}"


def replace_partner(
    connection: duckdb.DuckDBPyConnection, partner: str, encoded: pl.DataFrame
) -> None:
    """Put one partner's encoded records in place of those it supplied before.

    Args:
        connection: The identity store.
        partner: Whose records.
        encoded: The columns of ``encoded_schema()``, all of this partner.
    """
    rows = encoded.select(list(encoded_schema()))
    replace_rows(connection, {"encoded_record": rows}, partner)


def replace_delivered(
    connection: duckdb.DuckDBPyConnection, partner: str, fingerprints: pl.DataFrame
) -> None:
    """Keep what tells which records a partner delivers as before, in place of what was kept.

    Args:
        connection: The identity store.
        partner: Whose records.
        fingerprints: ``record_id``, ``fingerprint``.
    """
    rows = fingerprints.with_columns(partner=pl.lit(partner))
    replace_rows(connection, {"delivered_record": rows}, partner)


def leave_out(connection: duckdb.DuckDBPyConnection, partners: Collection[str]) -> None:
    """Note that something was delivered which the records of all but these were not beside.

    Their fingerprints are null until they deliver again.

    Args:
        connection: The identity store.
        partners: Those that have an agreement.
    """
    connection.execute(
        "UPDATE delivered_record SET fingerprint = NULL WHERE partner NOT IN ?", [sorted(partners)]
    )


def read_delivered(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What :func:`replace_delivered` kept: ``record_id``, ``partner``, ``fingerprint``."""
    return connection.execute("FROM delivered_record").pl()


def add_bridge(connection: duckdb.DuckDBPyConnection, bridge: pl.DataFrame) -> None:
    """Write down which record of the old key epoch each record of the new one is.

    Args:
        connection: The identity store of the new epoch.
        bridge: ``record_id_before``, ``record_id_after``; a record seen before is replaced.
    """
    connection.register("arriving", bridge.to_arrow())
    try:
        connection.execute(
            "INSERT OR REPLACE INTO bridge SELECT record_id_before, record_id_after FROM arriving"
        )
    finally:
        connection.unregister("arriving")


def read_encoded(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every encoded record, in the order of its id."""
    return connection.execute("SELECT * FROM encoded_record ORDER BY record_id").pl()


def read_bridge(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Which record of the old epoch each of the new one is."""
    return connection.execute("SELECT * FROM bridge ORDER BY record_id_after").pl()


def keep(connection: duckdb.DuckDBPyConnection, kept: Kept) -> None:
    """Keep what linking found, in place of what the last run left.

    Args:
        connection: The identity store.
        kept: From linking, or carried over from another key epoch.
    """
    tables = {
        "candidate_link": kept.pairs.select(list(PAIRS)),
        "linked_record": kept.records.select(list(RECORDS)).rename(NAMED),
        "crowded_block": kept.crowded.select(list(CROWDED)),
        "linked_by": pl.DataFrame({"method": [kept.method]}),
    }
    connection.execute("BEGIN")
    try:
        for table, rows in tables.items():
            connection.register("arriving", rows.to_arrow())
            connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM arriving")
            connection.unregister("arriving")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def keep_attached(connection: duckdb.DuckDBPyConnection, links: pl.DataFrame) -> None:
    """Keep which clients known by initials only joined whom, in place of what the last run left.

    Args:
        connection: The identity store.
        links: ``record_id_l``, ``record_id_r``, ``match_weight``.
    """
    connection.register("arriving", links.to_arrow())
    connection.execute("CREATE OR REPLACE TABLE attached_link AS SELECT * FROM arriving")
    connection.unregister("arriving")


def read_attached(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What :func:`keep_attached` kept; nothing before the first run that did."""
    listed = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'attached_link'"
    if connection.execute(listed).fetchone() is None:
        return pl.DataFrame(schema=LINKS)
    return connection.execute("FROM attached_link").pl()


def read_kept(connection: duckdb.DuckDBPyConnection) -> Kept | None:
    """What the last run of linking left; None before the first."""
    method = connection.execute("SELECT method FROM linked_by").fetchone()
    if method is None:
        return None
    records = connection.execute("SELECT * FROM linked_record").pl()
    return Kept(
        method[0],
        records.rename({stored: name for name, stored in NAMED.items()}),
        connection.execute("SELECT * FROM crowded_block").pl(),
        connection.execute("SELECT * FROM candidate_link").pl(),
    )
