"""A partner's database, read by one query a table and streamed into CSV.

All queries see the database at one moment, in a transaction that is for reading only where the
database has such; the account should be able to read and nothing else.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from flows.sources.problems import LackingExtra, SourceRefused, away, not_there
from flows.sources.remote import Item
from flows.sources.said import DatabaseSource

ONE_MOMENT: dict[str, dict[str, Any]] = {
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    "mysql": {"isolation_level": "REPEATABLE READ"},
    "mariadb": {"isolation_level": "REPEATABLE READ"},
    "oracle": {"isolation_level": "SERIALIZABLE"},
    "mssql": {"isolation_level": "SNAPSHOT"},
}
"""What makes all queries of a connection see one moment, by dialect."""

DRIVERS = {
    "postgresql": ("psycopg", "postgresql"),
    "mysql": ("pymysql", "mysql"),
    "mariadb": ("pymysql", "mysql"),
    "oracle": ("oracledb", "oracle"),
    "mssql": ("pyodbc", "sqlserver"),
}
"""Dialect → the driver that a URL without one means, and the extra that brings it."""

# It writes tracebacks of what we handle, with what the drivers quote of queries and values.
logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


@contextmanager
def open_database(source: DatabaseSource) -> Iterator[Queries]:
    """Connect to a database.

    Raises:
        LackingExtra: Its driver is not installed.
        SourceProblem: It cannot be reached, or refuses the credential.
    """
    engine = _engine(source.url.read("url"))
    try:
        with _told(connecting=True):
            connection = engine.connect()
        with connection:
            said = ONE_MOMENT.get(engine.dialect.name, {})
            with _told():
                connection = connection.execution_options(**said)
                connection.begin()
            yield Queries(connection, source)
    finally:
        engine.dispose()


class Queries:
    """The tables that a database's queries give."""

    def __init__(self, connection: sa.Connection, source: DatabaseSource) -> None:
        self._connection, self._source = connection, source
        self._queries = {f"{table}.csv": query for table, query in source.queries.items()}

    def items(self) -> list[Item]:
        """One CSV a query. How large it will be nobody knows."""
        return [Item(name, None) for name in self._queries]

    def item(self, name: str) -> Item:
        """The same."""
        return Item(name, None)

    def read(self, item: Item) -> Iterator[bytes]:
        """What a query gives, as CSV in UTF-8 with a header, some thousand rows at a time."""
        rows = self._source.batch_rows
        with _told():
            # A colon or percent sign in a query of theirs is no parameter of ours.
            streamed = self._connection.execution_options(
                stream_results=True, yield_per=rows, no_parameters=True
            )
            result = streamed.exec_driver_sql(self._queries[item.name])
            yield _as_csv([list(result.keys())])
            for part in result.partitions():
                yield _as_csv(part)

    def archive(self, name: str, folder: str) -> None:
        """There is nothing to move."""
        raise not_there()


def _engine(url: str) -> sa.Engine:
    """An engine for a URL.

    Raises:
        LackingExtra: Its driver is not installed.
        SourceRefused: It is no URL of a database, or names a driver that is not ours.
    """
    lacking, ours = "", False
    try:
        made = sa.make_url(url)
        driver, lacking = DRIVERS.get(made.get_backend_name(), ("", ""))
        if driver and "+" not in made.drivername:
            made = made.set(drivername=f"{made.drivername}+{driver}")
        ours = made.drivername.endswith(f"+{driver}")
        return sa.create_engine(made, hide_parameters=True, poolclass=sa.NullPool)
    except ImportError:
        pass
    except (ArgumentError, NoSuchModuleError, ValueError):
        lacking = ""
    if lacking and ours:
        raise LackingExtra(lacking)
    raise SourceRefused(
        "The `url` of the database source is no database URL that this installation knows.",
        "Give one such as postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, in a variable or a "
        "private file.",
    )


def _as_csv(rows: Any) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


@contextmanager
def _told(*, connecting: bool = False) -> Iterator[None]:
    """Turn what the drivers raise, which quotes queries and values, into what a person is told."""
    try:
        yield
        return
    except OperationalError as error:
        problem: Exception = _refused() if _is_refusal(error) else away()
    except DBAPIError as error:
        if connecting:
            problem = _refused() if _is_refusal(error) else _not_connected()
        else:
            problem = away() if error.connection_invalidated else _not_readable()
    except sa.exc.SQLAlchemyError:
        problem = _not_connected() if connecting else _not_readable()
    raise problem


REFUSALS = ("28", "42501", "18456", "1044", "1045", "1017")
"""How databases' own codes of a refusal begin: SQLSTATE class 28, SQL Server, MySQL, Oracle."""


def _is_refusal(error: DBAPIError) -> bool:
    """Whether a login failed, by the driver's own code; psycopg has none while it connects."""
    original: Any = error.orig
    first: Any = (getattr(original, "args", None) or [""])[0]
    # Oracle's driver gives an object with the code in it, the others the code itself.
    code = str(getattr(original, "sqlstate", None) or getattr(first, "code", first))
    return code.startswith(REFUSALS) or "authentication failed" in str(original)


def _refused() -> SourceRefused:
    return SourceRefused(
        "The database refused the user or the password.",
        "Check the `url`, and that the account has not expired; renew it with the partner.",
    )


def _not_connected() -> SourceRefused:
    return SourceRefused(
        "The driver of the database could not connect with the `url`.",
        "For SQL Server, install the ODBC driver that the `url` names (`odbcinst -q -d` lists what "
        "is there); for any database, check the parts of the `url` after its `?`.",
    )


def _not_readable() -> SourceRefused:
    return SourceRefused(
        "A query of the database source cannot be carried out.",
        "Try it at the database with the same account: its tables and columns must be there, the "
        "account must be allowed to read them, and it must only read.",
    )
