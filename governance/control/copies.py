"""Copies of the control database: a file of SQLite's as it is, and rows that any database takes.

Rows are JSON lines. What the audit record commits to is the text that is kept, so a detail goes out
and in as the text that it is, and a moment to the microsecond.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from governance.control.database import Database
from governance.control.tables import METADATA, RECORD_HEAD, SCHEMA_VERSION, UtcDateTime
from schemas.errors import StoreError

AT_ONCE = 1_000


class Copies(Database):
    """Writing the whole database down, and filling an empty one."""

    def faults(self) -> list[str]:
        """What is wrong with the database itself, in sentences: damage, and tables that differ."""
        said = []
        with self._transaction() as connection:
            if self.is_sqlite:
                found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
                if found != "ok":
                    said.append("The file of the control database is damaged.")
            there = sa.inspect(connection)
            for table in METADATA.sorted_tables:
                has = {column["name"] for column in there.get_columns(table.name)}
                if lacking := {column.name for column in table.columns} - has:
                    names = ", ".join(sorted(lacking))
                    said.append(f"The table {table.name} of the control database lacks {names}.")
        return said

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite's."""
        return self._engine.dialect.name == "sqlite"

    def copy_file(self, path: Path) -> None:
        """Copy a SQLite database, as it is at one moment, while others go on writing to it.

        Args:
            path: Where to; nothing may be there.

        Raises:
            StoreError: It cannot be read, or written there.
        """
        failed = False
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            raw = self._engine.raw_connection()
            try:
                with closing(sqlite3.connect(path)) as copy:
                    raw.driver_connection.backup(copy)  # type: ignore[union-attr]
            finally:
                raw.close()
        except (OSError, sqlite3.Error, SQLAlchemyError):
            failed = True
        if failed:
            raise StoreError(
                "The control database cannot be copied.",
                "Check that it is sound and that there is room beside it, then try again.",
            )

    def rows(self) -> Iterator[str]:
        """Every row of every table at one moment, as lines of JSON, parents before children."""
        with self._transaction(at_one_moment=True) as connection:
            for table in METADATA.sorted_tables:
                kept = [_as_kept(column) for column in table.columns]
                found = connection.execute(
                    sa.select(*kept).execution_options(yield_per=AT_ONCE)
                ).mappings()
                for row in found:
                    said = {name: _plain(value) for name, value in row.items()}
                    yield json.dumps({"table": table.name, "row": said}) + "\n"

    def is_empty(self) -> bool:
        """Whether nothing has been written to it but an empty head, and its version."""
        with self._transaction() as connection:
            made = (RECORD_HEAD, SCHEMA_VERSION)
            tables = [table for table in METADATA.sorted_tables if table not in made]
            return not any(
                connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
                for table in tables
            )

    def fill(self, lines: Iterable[str]) -> int:
        """Put rows that `rows` gave into an empty database, all or nothing.

        Returns:
            How many rows there were.

        Raises:
            StoreError: It is not empty, or a line is none of ours.
        """
        if not self.is_empty():
            raise StoreError(
                "The control database is not empty, so nothing can be restored into it.",
                "Give `control_database` an empty database, or keep what is there.",
            )
        tables, count = {table.name: table for table in METADATA.sorted_tables}, 0
        with self._transaction() as connection:
            for made in (RECORD_HEAD, SCHEMA_VERSION):
                connection.execute(sa.delete(made))
            for name, rows in _in_parts(lines):
                if name not in tables:
                    raise _no_rows()
                table = tables[name]
                connection.execute(_insert(table, connection), [_row(table, one) for one in rows])
                count += len(rows)
            if connection.dialect.name == "postgresql":
                _go_on_counting(connection)
        return count


def _in_parts(lines: Iterable[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The rows in parts of one table each."""
    name = ""
    rows: list[dict[str, Any]] = []
    for line in lines:
        try:
            said = json.loads(line)
            table, row = str(said["table"]), dict(said["row"])
        except (ValueError, KeyError, TypeError):
            raise _no_rows() from None
        if rows and (table != name or len(rows) == AT_ONCE):
            yield name, rows
            rows = []
        name = table
        rows.append(row)
    if rows:
        yield name, rows


def _as_kept(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """A column as it is read: JSON as the text that is kept."""
    if isinstance(column.type, sa.JSON):
        return sa.cast(column, sa.Text).label(column.name)
    return column


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else value


def _row(table: sa.Table, said: dict[str, Any]) -> dict[str, Any]:
    """A row as it is inserted.

    Raises:
        StoreError: It has other columns, or a value is not of its column's kind.
    """
    if said.keys() != {column.name for column in table.columns}:
        raise _no_rows()
    try:
        return {f"b_{name}": _value(table.columns[name], value) for name, value in said.items()}
    except (ValueError, TypeError):
        raise _no_rows() from None


def _value(column: sa.Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, sa.LargeBinary):
        return bytes.fromhex(value)
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if isinstance(column.type, sa.Date) else value


def _insert(table: sa.Table, connection: sa.Connection) -> sa.Insert:
    """An insertion that takes JSON as text: `json` of PostgreSQL keeps it as it is given."""

    def given(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
        if not isinstance(column.type, sa.JSON):
            return sa.bindparam(f"b_{column.name}", type_=column.type)
        text: sa.ColumnElement[Any] = sa.bindparam(f"b_{column.name}", type_=sa.Text)
        if connection.dialect.name == "sqlite":
            return sa.type_coerce(text, sa.Text)
        return sa.cast(text, sa.JSON)

    return sa.insert(table).values({column.name: given(column) for column in table.columns})


def _go_on_counting(connection: sa.Connection) -> None:
    """Have the numbers that PostgreSQL gives go on after those that were put in."""
    for table in METADATA.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        last = connection.execute(sa.select(sa.func.max(column))).scalar()
        if last is not None:
            name = sa.func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(sa.select(sa.func.setval(name, last)))


def _no_rows() -> StoreError:
    return StoreError(
        "The rows of the control database in this backup are none that this version can take.",
        "Restore it with the version that made it, then bring that up to date.",
    )
