"""Put rows in the place of others in the identity store: all of it happens, or nothing."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl


def replace_rows(
    connection: duckdb.DuckDBPyConnection,
    arriving: Mapping[str, pl.DataFrame],
    partner: str | None = None,
) -> None:
    """Put frames in the place of the rows of their tables, in one transaction.

    Args:
        connection: The identity store.
        arriving: Table → the rows it is to hold, with its columns in any order.
        partner: Whose rows they take the place of; of everybody's if not given.
    """
    connection.execute("BEGIN")
    try:
        for table, rows in arriving.items():
            if partner is None:
                connection.execute(f"DELETE FROM {table}")
            else:
                connection.execute(f"DELETE FROM {table} WHERE partner = ?", [partner])
            connection.register("arriving", rows.to_arrow())
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM arriving")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    finally:
        connection.unregister("arriving")
