"""The suppression store: the tokens that are kept of people, and nothing else.

Every function takes an open connection whose current database is the store; opening it, and so its
key, is the caller's business.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import polars as pl

from governance.rights.suppression import TOKEN_SCHEMA

if TYPE_CHECKING:
    import duckdb


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the store's table where it is missing."""
    connection.execute(
        """CREATE TABLE IF NOT EXISTS suppression_token (
            request_id VARCHAR NOT NULL, line INTEGER NOT NULL, value_id BIGINT NOT NULL,
            ground VARCHAR NOT NULL, epoch INTEGER NOT NULL, token BIGINT NOT NULL,
            PRIMARY KEY (value_id, epoch))"""
    )


def read_tokens(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every suppression token, as `TOKEN_SCHEMA`."""
    query = f"SELECT {', '.join(TOKEN_SCHEMA)} FROM suppression_token ORDER BY value_id, epoch"
    return connection.execute(query).pl().cast(TOKEN_SCHEMA)  # type: ignore[arg-type]


def add_tokens(connection: duckdb.DuckDBPyConnection, tokens: pl.DataFrame) -> None:
    """Keep tokens beside those there are.

    Args:
        connection: The suppression store.
        tokens: As `TOKEN_SCHEMA`; none of them is there yet.
    """
    connection.register("arriving", tokens.select(list(TOKEN_SCHEMA)).to_arrow())
    try:
        connection.execute("INSERT INTO suppression_token SELECT * FROM arriving")
    finally:
        connection.unregister("arriving")


def keep_requests(connection: duckdb.DuckDBPyConnection, requests: Collection[str]) -> None:
    """Remove the tokens of every request but those named."""
    connection.execute(
        "DELETE FROM suppression_token WHERE NOT list_contains(?, request_id)", [sorted(requests)]
    )


def forget_older(connection: duckdb.DuckDBPyConnection, epoch: int) -> None:
    """Remove the tokens of older epochs that are in one as new as this."""
    connection.execute(
        """DELETE FROM suppression_token WHERE epoch < ? AND value_id IN
        (SELECT value_id FROM suppression_token WHERE epoch >= ?)""",
        [epoch, epoch],
    )


def keep_epochs(connection: duckdb.DuckDBPyConnection, epochs: Collection[int]) -> None:
    """Remove the tokens of every key epoch but those named."""
    connection.execute(
        "DELETE FROM suppression_token WHERE NOT list_contains(?, epoch)", [sorted(epochs)]
    )
