"""A release of nobody, in memory: what describes the warehouse needs its tables and no rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from warehouse import staging
from warehouse.basis import Basis
from warehouse.connect import memory_connection
from warehouse.given import Given
from warehouse.release import build_into

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@contextmanager
def empty_release(
    cohorts: Path | None = None, metrics: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection in which every model has been built from an empty staging store.

    Args:
        cohorts: The folder of a partnership's own cohort files.
        metrics: The folder of its own metrics.

    Raises:
        StoreError: A model or a check of one fails.
    """
    con = memory_connection(spill=None)
    try:
        for name in ("store", "release"):
            con.execute(f"ATTACH ':memory:' AS {name}")
        con.execute("USE store")
        staging.create(con)
        con.execute("USE memory")
        nobody = pl.DataFrame(schema={"record_id": pl.Int64, "person_id": pl.String})
        given = Given(cohorts=cohorts, metrics=metrics, exact_dates=True)
        build_into(con, Basis(nobody, "", _NEVER, given=given), keeps_all=True)
        yield con
    finally:
        con.close()
