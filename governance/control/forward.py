"""Bringing a control database of an earlier version forward: all or nothing, a copy beside."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from governance.control.database import open_engine, unusable
from governance.control.versions import NEWEST, bring_forward, lacking_columns, version_of


def is_behind(url: str) -> bool:
    """Whether a database was made by an earlier version, so that this one refuses to open it.

    Raises:
        StoreError: It cannot be read.
    """
    with _begun(url) as connection:
        found = version_of(connection)
        return found is not None and found < NEWEST and (found > 0 or _lacks(connection))


def forward(url: str, copy: Path | None, *, dry_run: bool = False) -> list[str]:
    """Bring a database forward in one transaction.

    Args:
        url: Where it is. The lock of the one writer has to be held.
        copy: Where to keep a copy of a SQLite file first; it replaces an earlier one.
        dry_run: Do it, tell, and take it all back.

    Returns:
        What was done, in words; nothing where it is of this version.

    Raises:
        StoreError: It cannot be read, written or copied.
        NotOfThisVersion: It was made by a later version, or by none that can be brought forward.
    """
    if not is_behind(url):
        return []
    if copy is not None and not dry_run:
        _keep(url, copy)
    with _begun(url) as connection:
        done = bring_forward(connection)
        if dry_run:
            connection.rollback()
    return done


def _lacks(connection: sa.Connection) -> bool:
    return bool(lacking_columns(connection))


@contextmanager
def _begun(url: str) -> Iterator[sa.Connection]:
    """A transaction that changes of tables are part of."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            if engine.dialect.name == "sqlite":
                # The driver begins one by itself only before rows are written.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
    except SQLAlchemyError as error:
        raise unusable(error) from None
    finally:
        engine.dispose()


def _keep(url: str, copy: Path) -> None:
    """Copy a SQLite file, whole or not at all."""
    engine, beside = open_engine(url), copy.with_name(f".{copy.name}.part")
    if engine.dialect.name != "sqlite":
        engine.dispose()
        return
    failed = False
    try:
        beside.unlink(missing_ok=True)
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        raw = engine.raw_connection()
        with closing(sqlite3.connect(beside)) as target:
            raw.driver_connection.backup(target)  # type: ignore[union-attr]
        raw.close()
        beside.replace(copy)
    except (OSError, sqlite3.Error, SQLAlchemyError):
        failed = True
    finally:
        engine.dispose()
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    if failed:
        raise unusable()
