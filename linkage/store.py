"""The identity store: encodings, candidate links and the person registry, and never an event.

Every function takes an open connection whose current database is the store; opening it, and so
its key, is the caller's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import polars as pl

from schemas.encoded import encoded_schema

# Tells an encoded record from what it was; of encodings only, so it says no more than they do.
_FINGERPRINT = "md5(CAST(one AS VARCHAR))"

_SQL_TYPES = {
    pl.Int64(): "BIGINT NOT NULL",
    pl.Int8(): "TINYINT",
    pl.String(): "VARCHAR NOT NULL",
}


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the store's tables where they are missing."""
    columns = ", ".join(_column(name, dtype) for name, dtype in encoded_schema().items())
    for statement in (
        f"CREATE TABLE IF NOT EXISTS encoded_record ({columns})",
        """CREATE TABLE IF NOT EXISTS candidate_link (
            record_id_l BIGINT NOT NULL, record_id_r BIGINT NOT NULL,
            match_weight DOUBLE NOT NULL, linked BOOLEAN NOT NULL)""",
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
        """CREATE TABLE IF NOT EXISTS carried_record (
            record_id BIGINT PRIMARY KEY, fingerprint VARCHAR NOT NULL)""",
        """CREATE TABLE IF NOT EXISTS carried_link (
            record_id_l BIGINT NOT NULL, record_id_r BIGINT NOT NULL,
            match_weight DOUBLE NOT NULL, linked BOOLEAN NOT NULL, model VARCHAR NOT NULL)""",
    ):
        connection.execute(statement)


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
    encoded = encoded.select(list(encoded_schema()))
    connection.execute("BEGIN")
    try:
        connection.execute("DELETE FROM encoded_record WHERE partner = ?", [partner])
        connection.register("arriving", encoded.to_arrow())
        connection.execute("INSERT INTO encoded_record SELECT * FROM arriving")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        connection.unregister("arriving")


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


def carry_links(connection: duckdb.DuckDBPyConnection, pairs: pl.DataFrame, model: str) -> None:
    """Keep what was decided of pairs of records in the old key epoch, under their new record ids.

    Filters of another key differ by chance, so a pair near a threshold could be judged otherwise
    for no reason of its own. What was decided holds for as long as neither record changes and the
    model stays.

    Args:
        connection: The identity store of the new epoch, its bridge still there.
        pairs: The pairs as linking found them in the old epoch.
        model: The name of the model that judged them.
    """
    connection.register("arriving", pairs.to_arrow())
    try:
        connection.execute(
            """INSERT INTO carried_link
            SELECT least(l.record_id_after, r.record_id_after),
                greatest(l.record_id_after, r.record_id_after), match_weight, linked, ?
            FROM arriving
            JOIN bridge l ON l.record_id_before = record_id_l
            JOIN bridge r ON r.record_id_before = record_id_r""",
            [model],
        )
        connection.execute(
            f"""INSERT INTO carried_record
            SELECT record_id, {_FINGERPRINT} FROM encoded_record one
            JOIN bridge ON record_id = record_id_after"""
        )
    finally:
        connection.unregister("arriving")


@dataclass(frozen=True)
class Carried:
    """What holds from an older key epoch.

    Attributes:
        records: The records that have not changed since.
        pairs: ``record_id_l`` < ``record_id_r``, ``match_weight``, ``linked``: what was decided.
    """

    records: pl.Series = field(repr=False)
    pairs: pl.DataFrame = field(repr=False)


def read_carried(connection: duckdb.DuckDBPyConnection, model: str) -> Carried | None:
    """What a model decided in an older key epoch and still holds; None where nothing does."""
    pairs = connection.execute(
        """SELECT record_id_l, record_id_r, match_weight, linked FROM carried_link
        WHERE model = ? ORDER BY 1, 2""",
        [model],
    ).pl()
    if pairs.is_empty():
        return None
    records = connection.execute(
        f"""SELECT record_id FROM encoded_record one JOIN carried_record USING (record_id)
        WHERE fingerprint = {_FINGERPRINT} ORDER BY 1"""
    ).pl()
    return Carried(records["record_id"], pairs)


def read_encoded(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every encoded record, in the order of its id."""
    return connection.execute("SELECT * FROM encoded_record ORDER BY record_id").pl()


def replace_links(connection: duckdb.DuckDBPyConnection, pairs: pl.DataFrame) -> None:
    """Keep the candidate links of this run in place of the last one's."""
    connection.register("arriving", pairs.to_arrow())
    try:
        connection.execute(
            """CREATE OR REPLACE TABLE candidate_link AS
            SELECT record_id_l, record_id_r, match_weight, linked FROM arriving"""
        )
    finally:
        connection.unregister("arriving")
