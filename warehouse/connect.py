"""The only place that opens a persistent database, and the lock an analyst's session is behind.

DuckDB writes encrypted files only with the OpenSSL inside its ``httpfs`` extension, which is loaded
from the installed package: nothing is downloaded. DuckDB's own error messages may quote a key, a
query or a value, so none of them leaves this module except those about an analyst's own SQL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Timer
from typing import Any, ParamSpec, TypeVar

import duckdb

from schemas.errors import RefusedQuery, StoreError

CIPHER = "GCM"
_KEY_HEX = re.compile(r"[0-9a-f]{64,}")

# Applied when the connection is made, before any file is attached.
_SETTINGS: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,  # a query may not read Python variables
    "temp_file_encryption": True,  # what spills to disk is otherwise plain text
}

# A SELECT can call functions that write: with every setting locked, enable_logging and
# enable_profiling wrote files outside the release, and query() hides further SQL in a string.
# So table functions are allowed by name. Listed on 2026-11-21 against DuckDB 1.5.5.
ANALYST_TABLE_FUNCTIONS = frozenset(
    {
        "duckdb_columns",
        "duckdb_constraints",
        "duckdb_functions",
        "duckdb_keywords",
        "duckdb_schemas",
        "duckdb_tables",
        "duckdb_types",
        "duckdb_views",
        "generate_series",
        "json_each",
        "json_tree",
        "pragma_table_info",
        "range",
        "unnest",
    }
)
# No other scalar function of DuckDB 1.5.5 writes, waits or reads the session's settings.
# The JSON ones run SQL hidden in a string, or end the process on a text nested deeply enough.
REFUSED_FUNCTIONS = frozenset(
    {
        "current_setting",
        "getvariable",
        "json_contains",
        "json_deserialize_sql",
        "json_serialize_plan",
        "json_serialize_sql",
        "json_structure",
        "pg_sleep",
        "setseed",
        "sleep_ms",
        "write_log",
    }
)
# Views of the system by another name than the functions behind them; they show the server's paths.
_SYSTEM_VIEWS = ("duckdb_", "pragma_", "sqlite_", "pg_")

# Limits of 2026-11-21 on what one question may take of the council's server.
MOST_ROWS = 1_000_000
MOST_SECONDS = 300.0
MOST_MEMORY = "4GB"

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Selected:
    """What a query returned.

    Attributes:
        columns: Column names, in order.
        types: DuckDB's type name of each column.
        rows: The rows, read to the end.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def httpfs_path() -> Path:
    """Return the installed ``httpfs`` extension that belongs to the installed DuckDB.

    Raises:
        StoreError: It is not installed, or was built for another version of DuckDB.
    """
    spec = find_spec("duckdb_extension_httpfs")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}"
        path = folder / "httpfs.duckdb_extension"
        if path.is_file():
            return path
    raise StoreError(
        f"The httpfs extension for DuckDB {duckdb.__version__} is not installed, "
        "so encrypted stores cannot be written.",
        "Run `make install` to build the environment from its lock.",
    )


def store_errors(problem: str, remedy: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function raise StoreError in place of any DuckDB error, whose text may hold values.

    The new error is raised after the old one has been let go, so no traceback, context or cause
    leads back to it.

    Args:
        problem: The sentence that says what is wrong.
        remedy: The sentence that says what to do.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except duckdb.Error:
                pass
            raise StoreError(problem, remedy)

        guarded.__name__ = function.__name__
        guarded.__doc__ = function.__doc__
        return guarded

    return decorate


def memory_connection(*, spill: Path | None) -> duckdb.DuckDBPyConnection:
    """Open an in-memory connection with the house settings and no file attached.

    Args:
        spill: Folder for encrypted temporary files, made when first needed; None for no spill.
    """
    settings = {**_SETTINGS, "temp_directory": "" if spill is None else str(spill)}
    return duckdb.connect(":memory:", config=settings)


def load_encryption(con: duckdb.DuckDBPyConnection) -> None:
    """Load the OpenSSL that encrypted writing needs. Reading does without it.

    Raises:
        StoreError: The extension is missing or cannot be loaded.
    """
    path = httpfs_path()
    if not _succeeds(con, f"LOAD {_quoted(path)}"):
        raise StoreError(
            "The httpfs extension could not be loaded, so encrypted stores cannot be written.",
            "Run `make install` to build the environment from its lock.",
        )


def attach(
    con: duckdb.DuckDBPyConnection, path: Path, alias: str, key_hex: str, *, read_only: bool
) -> None:
    """Attach one encrypted database file to a connection.

    Args:
        con: An open connection; for writing, one that has had :func:`load_encryption`.
        path: The file. It is created, for its owner only, when absent and not ``read_only``.
        alias: The name the database has in SQL; one of ours, never from outside.
        key_hex: At least 64 hexadecimal digits.

    Raises:
        StoreError: Missing, damaged, unencrypted, open elsewhere for writing, or the wrong key.
    """
    if not _KEY_HEX.fullmatch(key_hex):
        raise StoreError(
            f"The key given for {path.name} is not 64 or more hexadecimal digits.",
            "Pass the key that governance.keys.envelope made for this store.",
        )
    if read_only and not path.is_file():
        raise StoreError(
            f"There is no {path.name} where it was recorded.",
            "Run `journeys run` to build it again, or restore it from backup.",
        )
    created = not path.exists()
    mode = "READ_ONLY, " if read_only else ""
    attached = _succeeds(
        con,
        f"ATTACH {_quoted(path)} AS {alias} "
        f"({mode}ENCRYPTION_KEY '{key_hex}', ENCRYPTION_CIPHER '{CIPHER}')",
    )
    if not attached or not _is_encrypted(con, alias):
        raise StoreError(
            f"{path.name} cannot be opened: it is damaged, is in use, or was written with "
            "another key.",
            "Check that the keys folder is the one the store was made with; if it is, restore "
            "the store from backup or run `journeys run` to build it again.",
        )
    if created:
        path.chmod(0o600)


def open_store(path: Path, key_hex: str, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open an encrypted store as the database ``store``, which unqualified names then mean.

    Args:
        path: The store's file; created when absent, unless ``read_only``.
        key_hex: The store's key, from ``governance.keys.envelope``.
        read_only: Open without being able to write.

    Raises:
        StoreError: The store cannot be opened, or encryption is not available.
    """
    con = memory_connection(spill=path.parent / f".{path.name}.spill")
    try:
        load_encryption(con)
        attach(con, path, "store", key_hex, read_only=read_only)
        con.execute("USE store")
    except StoreError:
        con.close()
        raise
    return con


@store_errors(
    "A store could not be copied: it is damaged, or the disk is full.",
    "Check the disk's free space; if there is enough, restore the store from backup.",
)
def rewrite_store(source: Path, target: Path, source_key: str, target_key: str) -> None:
    """Write a store's living rows into a new file.

    A copy of the file would carry deleted rows with it: they survive in freed blocks.

    Args:
        source: The store, only read.
        target: The new file, which must not exist.
        source_key: The key of the store.
        target_key: The key of the new file.

    Raises:
        StoreError: The store cannot be opened or read to the end, or the new one not written.
    """
    con = memory_connection(spill=target.parent / f".{target.name}.spill")
    try:
        load_encryption(con)
        attach(con, source, "kept", source_key, read_only=True)
        attach(con, target, "store", target_key, read_only=False)
        con.execute("COPY FROM DATABASE kept TO store")
        con.execute("CHECKPOINT store")
    finally:
        con.close()


def open_release(path: Path, key_hex: str) -> duckdb.DuckDBPyConnection:
    """Open a release for an analyst: read-only, no files, no network, nothing to be changed.

    The ``httpfs`` extension is left out on purpose: without it the session cannot write an
    encrypted file and knows no network protocol. Use :func:`select` to query it.

    Raises:
        StoreError: The release cannot be opened.
    """
    con = memory_connection(spill=None)
    try:
        attach(con, path, "release", key_hex, read_only=True)
    except StoreError:
        con.close()
        raise
    con.execute("USE release")
    con.execute(f"SET memory_limit = '{MOST_MEMORY}'")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def select(con: duckdb.DuckDBPyConnection, sql: str, *, seconds: float = MOST_SECONDS) -> Selected:
    """Run exactly one SELECT and read its result to the end.

    The settings of :func:`open_release` do not hold by themselves (COPY to the open file, file
    logging and profiling get past them), so the query's own syntax tree is read first.

    Args:
        con: A connection from :func:`open_release`.
        sql: What the analyst typed.
        seconds: How long it may take.

    Raises:
        RefusedQuery: Not one SELECT, a function that is not allowed, a mistake in the SQL, or more
            rows, memory or time than one question may take. The message may quote the analyst's
            SQL and names in the release, never its data.
    """
    # Half a character cannot be parsed, and DuckDB says so by an error of its own.
    if any("\ud800" <= character <= "\udfff" for character in sql):
        raise RefusedQuery("The query is not valid text.", "Type it again in UTF-8.")
    # The tree comes first: extracting a PRAGMA runs part of it already and makes it a SELECT.
    tree = syntax_tree(sql)
    _refuse_functions(tree)
    _refuse_system_views(tree)
    statement = _one_select(con, sql)
    explained, rows, description = "", None, None
    timer = Timer(seconds, con.interrupt)
    timer.start()
    try:
        cursor = con.execute(statement)
        description = cursor.description
        rows = cursor.fetchmany(MOST_ROWS + 1)
    except duckdb.InterruptException:
        explained = f"It took longer than {seconds:g} seconds."
    except (duckdb.OutOfMemoryException, MemoryError):
        explained = f"It needs more than {MOST_MEMORY} of memory."
    except (
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.ParserException,
        duckdb.SyntaxException,
    ) as error:
        explained = str(error).strip()
    except duckdb.Error:
        # Conversion, overflow and error() messages quote the value that failed.
        explained = "A value could not be converted or computed (the value is not shown)."
    finally:
        timer.cancel()
    if rows is not None and len(rows) > MOST_ROWS:
        raise RefusedQuery(
            f"The query returns more than {MOST_ROWS:,} rows.", "Aggregate, filter, or add a LIMIT."
        )
    if rows is None or description is None:
        raise RefusedQuery(f"The query could not be run. {explained}", "Correct the SQL.")
    return Selected(
        columns=tuple(column[0] for column in description),
        types=tuple(str(column[1]) for column in description),
        rows=rows,
    )


def syntax_tree(sql: str) -> Any:
    """Return DuckDB's own syntax tree of one SELECT, parsed without being run or bound.

    Raises:
        RefusedQuery: It is not a SELECT that DuckDB can describe.
    """
    with duckdb.connect(":memory:", config=_SETTINGS) as parser:
        row = parser.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if tree.get("error_type") == "parser":
        raise RefusedQuery(
            f"The query could not be read: {tree.get('error_message')}.", "Correct the SQL."
        )
    if tree.get("error", True) or len(tree.get("statements", [])) != 1:
        raise RefusedQuery("The query is not one SELECT statement.", _ONE_SELECT)
    return tree


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a syntax tree."""
    if isinstance(tree, dict):
        yield tree
        for child in tree.values():
            yield from nodes(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from nodes(child)


_ONE_SELECT = "Send one SELECT (or DESCRIBE, SHOW TABLES or SUMMARIZE) at a time."


def _one_select(con: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    """Return the one SELECT in ``sql``; raise RefusedQuery for anything else."""
    statements: list[duckdb.Statement] = []
    with suppress(duckdb.Error):
        statements = con.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise RefusedQuery("The query is not one SELECT statement.", _ONE_SELECT)
    return statements[0]


def _refuse_functions(tree: Any) -> None:
    """Raise RefusedQuery when the tree calls a function an analyst may not."""
    for node in nodes(tree):
        name = str(node.get("function_name", "")).lower()
        if node.get("type") == "TABLE_FUNCTION":
            called = str((node.get("function") or {}).get("function_name", "")).lower()
            if called not in ANALYST_TABLE_FUNCTIONS:
                raise RefusedQuery(
                    f"The table function {called} may not be used on a release.",
                    "Query the release's own tables; `SHOW TABLES` lists them.",
                )
        if name in REFUSED_FUNCTIONS:
            raise RefusedQuery(
                f"The function {name} may not be used on a release.", "Leave it out of the query."
            )


def _refuse_system_views(tree: Any) -> None:
    """Raise RefusedQuery when the tree reads a view of the system that an analyst may not."""
    for node in nodes(tree):
        name = str(node.get("table_name", "")).lower()
        schema = str(node.get("schema_name", "")).lower()
        system = schema == "pg_catalog" or name.startswith(_SYSTEM_VIEWS)
        if node.get("type") == "BASE_TABLE" and system and name not in ANALYST_TABLE_FUNCTIONS:
            raise RefusedQuery(
                f"The view {name} may not be read through a release.",
                "Query the release's own tables; `SHOW TABLES` lists them.",
            )


def _succeeds(con: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Run one of our own statements; say whether it worked, and keep no trace of why not."""
    try:
        con.execute(sql)
    except duckdb.Error:
        return False
    return True


def _is_encrypted(con: duckdb.DuckDBPyConnection, alias: str) -> bool:
    """Say whether an attached database is encrypted on disk."""
    row = con.execute(
        "SELECT encrypted FROM duckdb_databases() WHERE database_name = ?", [alias]
    ).fetchone()
    return bool(row and row[0])


def _quoted(path: Path) -> str:
    """Return a path as an SQL string literal."""
    return "'" + str(path).replace("'", "''") + "'"
