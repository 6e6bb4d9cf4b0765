"""The connection that every part of the control database shares, and its audit record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from governance.control.entries import AuditEntry
from governance.control.log import append, as_text, make_head
from governance.control.tables import AUDIT_ENTRY
from governance.control.versions import check_version
from schemas.errors import RecordProblem, StoreError

LONGEST_WAIT = 60
"""Seconds to wait for a lock: twenty analysts at once write their entries one after another."""
LOCK_NOT_AVAILABLE = "55P03"
"""What PostgreSQL answers then."""
LONGEST_IDLE = 600
"""Seconds for which PostgreSQL lets a transaction of ours stand idle: a client that died with its
machine, or whose network went, holds rows until its server gives it up."""


class Database:
    """A database at a SQLAlchemy URL; its tables are made where they are missing.

    Raises:
        StoreError: From every method, if the database cannot be reached or is not sound. The
            message never holds the URL, which may hold a password.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        with self._transaction() as connection:
            check_version(connection)
            make_head(connection)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add_audit(self, entry: AuditEntry) -> None:
        """Append one audit entry."""
        with self._transaction() as connection:
            append(connection, [entry])

    def audit_entries(self, action: str | None = None) -> list[AuditEntry]:
        """Audit entries in the order they were made.

        Raises:
            RecordProblem: One is not as this program writes it.
        """
        query = sa.select(AUDIT_ENTRY).order_by(AUDIT_ENTRY.c.entry_id)
        if action is not None:
            query = query.where(AUDIT_ENTRY.c.action == action)
        try:
            rows = self._rows(query)
        except (ValueError, TypeError):
            raise _changed_by_hand() from None
        found = [AuditEntry(**{k: v for k, v in row.items() if k != "entry_id"}) for row in rows]
        if not all(isinstance(one.detail, dict) for one in found):
            raise _changed_by_hand()
        return found

    def compact(self) -> None:
        """Write the database anew, so that no byte is left in it of what was deleted."""
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as one:
                one.execute(sa.text("VACUUM"))
        except SQLAlchemyError as error:
            raise unusable(error) from None

    # Plumbing

    def _rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        with self._transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _transaction(self, *, at_one_moment: bool = False) -> Iterator[sa.Connection]:
        """A transaction; `at_one_moment` has every query in it see the same rows."""
        try:
            with self._engine.connect() as connection:
                if at_one_moment and self._engine.dialect.name != "sqlite":
                    connection.execution_options(isolation_level="REPEATABLE READ")
                with connection.begin():
                    if at_one_moment and self._engine.dialect.name == "sqlite":
                        # The driver begins a transaction by itself only before it writes.
                        connection.exec_driver_sql("BEGIN")
                    yield connection
        except IntegrityError:
            raise StoreError(
                "The control database refused an entry that contradicts one it holds.",
                "Run `journeys status` to see what it holds, then try again.",
            ) from None
        except SQLAlchemyError as error:
            raise unusable(error) from None


def open_engine(url: str) -> sa.Engine:
    """The engine of a database; nothing is opened yet.

    Raises:
        StoreError: The URL is none that can be opened here.
    """
    try:
        # Parameters stay out of every message SQLAlchemy writes.
        engine = sa.create_engine(url, hide_parameters=True, json_serializer=as_text)
    except (SQLAlchemyError, ImportError, ValueError):
        raise StoreError(
            "`control_database` in partnership.yaml is not a database this installation can open.",
            "Give a SQLAlchemy URL such as sqlite:///control.db, and install its driver.",
        ) from None
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
    elif engine.dialect.name == "postgresql":
        sa.event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # What is deleted is written over; `compact` sees to what was deleted before.
    connection.execute("PRAGMA secure_delete = ON")
    # A commit is one when the journal's name has gone from the disk too: what it replaces is
    # removed next, and a power cut may not bring the row of before back.
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute(f"PRAGMA busy_timeout = {LONGEST_WAIT * 1000}")


def _set_up_postgresql(connection: Any, _: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT set_config('lock_timeout', '{LONGEST_WAIT}s', false), "
            f"set_config('idle_in_transaction_session_timeout', '{LONGEST_IDLE}s', false)"
        )
    connection.commit()  # what is rolled back would be set back too


def _is_held(error: DBAPIError) -> bool:
    """Whether it has waited for another writer in vain."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    busy = code is not None and code & 0xFF == sqlite3.SQLITE_BUSY
    return busy or getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE


def _changed_by_hand() -> RecordProblem:
    return RecordProblem(
        "An entry of the record of what was done is not as this program writes it.",
        "Run `journeys audit verify`, which says which, and tell the information-governance "
        "officer.",
    )


def unusable(error: SQLAlchemyError | None = None) -> StoreError:
    """What is told where a database cannot be read or written, and no more."""
    if isinstance(error, DBAPIError) and _is_held(error):
        return StoreError(
            "Another program holds the control database and has not let go of it.",
            "See that no copy, backup or shell of its own has it open, then try again.",
        )
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return StoreError(
            "The connection to the control database broke off.",
            "Check its server and the network, then run again; the next run clears away what this "
            "one left.",
        )
    return StoreError(
        "The control database cannot be read or written.",
        "Check that it is there, sound and writable, and the space left on its disk; restore it "
        "from its backup if it is not sound.",
    )
