"""The last estimates of quality, in the identity store: an unchanged night makes none anew.

Every function takes an open connection whose current database is the store.
"""

from __future__ import annotations

import hashlib
from typing import Final

import duckdb
import polars as pl

from linkage.quality import ESTIMATES
from linkage.rows import replace_rows

_SQL_TYPES: Final = {pl.String: "VARCHAR", pl.Float64: "DOUBLE", pl.Int64: "BIGINT"}


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table where it is missing."""
    columns = ", ".join(f"{name} {_SQL_TYPES[kind]}" for name, kind in ESTIMATES.items())
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS quality_estimate (made_of VARCHAR NOT NULL, {columns})"
    )


def made_of(method: str, *frames: pl.DataFrame) -> str:
    """A digest of all that estimates follow from.

    Args:
        method: What judges the pairs.
        frames: The encoded records, and what is known of them; the order of rows is no matter.
    """
    sums = [int(frame.hash_rows().sum()) for frame in frames]
    return hashlib.sha256(repr((method, sums)).encode()).hexdigest()


def read_estimates(connection: duckdb.DuckDBPyConnection, digest: str) -> pl.DataFrame | None:
    """The estimates that were kept, if they were made of the same; else None."""
    kept = connection.execute(
        f"SELECT {', '.join(ESTIMATES)} FROM quality_estimate WHERE made_of = ? ORDER BY ALL",
        [digest],
    ).pl()
    return None if kept.is_empty() else kept


def keep_estimates(
    connection: duckdb.DuckDBPyConnection, digest: str, estimates: pl.DataFrame
) -> None:
    """Keep estimates in the place of the last ones."""
    arriving = estimates.select(pl.lit(digest).alias("made_of"), *ESTIMATES)
    replace_rows(connection, {"quality_estimate": arriving})
