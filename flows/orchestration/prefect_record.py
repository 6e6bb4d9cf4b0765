"""Prefect's own record of runs in the partnership folder: how old it is, and forgetting of it.

It holds ids of runs, names of steps and our own sentences. Its tables are Prefect's, so what is not
there or is called otherwise in another version is passed over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from schemas.errors import StoreError

DATABASE = "prefect.db"
TABLES = {
    "log": "timestamp",
    "events": "occurred",
    "event_resources": "occurred",
    "artifact": "created",
    "task_run": "created",
    "flow_run": "created",
}
"""What grows with every run, and when each row is of; states of runs go with their runs."""


def oldest(home: Path) -> datetime | None:
    """When the oldest row is of; None where there is none.

    Raises:
        StoreError: The database cannot be read.
    """
    if not (home / DATABASE).is_file():
        return None
    with _opened(home) as database:
        found = [
            row[0]
            for table, column in _present(database).items()
            for row in database.execute(f"SELECT min({column}) FROM {table}")
        ]
    told = [datetime.fromisoformat(str(one)) for one in found if one is not None]
    aware = [one if one.tzinfo else one.replace(tzinfo=UTC) for one in told]
    return min(aware, default=None)


def forget(home: Path, before: datetime) -> None:
    """Delete the rows from before a moment, and write the database anew without them.

    Raises:
        StoreError: The database cannot be written; Prefect's server may be at work in it.
    """
    if not (home / DATABASE).is_file():
        return
    moment = before.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    with _opened(home) as database:
        for table, column in _present(database).items():
            database.execute(f"DELETE FROM {table} WHERE {column} < ?", [moment])
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def _opened(home: Path) -> Iterator[sqlite3.Connection]:
    failed = False
    try:
        database = sqlite3.connect(home / DATABASE, timeout=10, isolation_level=None)
        try:
            database.execute("PRAGMA foreign_keys = ON")
            database.execute("PRAGMA secure_delete = ON")
            yield database
        finally:
            database.close()
    except (sqlite3.Error, ValueError):
        failed = True
    if failed:
        raise StoreError(
            "Prefect's own record of runs cannot be read or written.",
            "Stop Prefect's server if one is at work, then try again; or remove `.prefect`, which "
            "holds nothing that the control database does not.",
        )


def _present(database: sqlite3.Connection) -> dict[str, str]:
    """The tables there are, of those that grow, each with its column."""
    return {
        table: column
        for table, column in TABLES.items()
        if column in {row[1] for row in database.execute(f"PRAGMA table_info({table})")}
    }
