"""What an analyst may ask of a release: one SELECT, of functions that are known to be harmless.

`warehouse.connect.open_release` locks what settings can lock; this reads the query itself. Of
DuckDB's messages only those about the analyst's own SQL leave this module: others quote values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from threading import Timer
from typing import Any

import duckdb

from schemas.errors import RefusedQuery
from warehouse.connect import MOST_MEMORY, memory_connection

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
        "from_json",
        "from_json_strict",
        "getvariable",
        "json_contains",
        "json_deserialize_sql",
        "json_merge_patch",
        "json_serialize_plan",
        "json_serialize_sql",
        "json_structure",
        "json_transform",
        "json_transform_strict",
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


def select(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    *,
    seconds: float = MOST_SECONDS,
    most_rows: int | None = None,
) -> Selected:
    """Run exactly one SELECT and read its result to the end.

    The settings of :func:`warehouse.connect.open_release` do not hold by themselves (COPY to the
    open file, file logging and profiling get past them), so the query's syntax tree is read first.

    Args:
        con: A connection from :func:`warehouse.connect.open_release`.
        sql: What the analyst typed.
        seconds: How long it may take.
        most_rows: How many rows it may return; `MOST_ROWS` by default.

    Raises:
        RefusedQuery: Not one SELECT, a function that is not allowed, a mistake in the SQL, or more
            rows, memory or time than one question may take. The message may quote the analyst's
            SQL and names in the release, never its data.
    """
    refuse_what_is_no_text(sql)
    most = MOST_ROWS if most_rows is None else most_rows
    # The tree comes first: extracting a PRAGMA runs part of it already and makes it a SELECT.
    tree = syntax_tree(sql)
    _refuse_functions(tree)
    _refuse_system_views(tree)
    found = _answer(con, _one_select(con, sql), seconds, most)
    if isinstance(found, str):
        raise RefusedQuery(f"The query could not be run. {found}", "Correct the SQL.")
    if len(found.rows) > most:
        raise RefusedQuery(
            f"The query returns more than {most:,} rows.", "Aggregate, filter, or add a LIMIT."
        )
    return found


def _answer(
    con: duckdb.DuckDBPyConnection, statement: duckdb.Statement, seconds: float, most_rows: int
) -> Selected | str:
    """What a statement returns, one row more than is allowed at most, or why it could not run."""
    timer = Timer(seconds, con.interrupt)
    timer.start()
    try:
        cursor = con.execute(statement)
        described = cursor.description or ()
        rows = cursor.fetchmany(most_rows + 1)
    except duckdb.InterruptException:
        return f"It took longer than {seconds:g} seconds."
    except (duckdb.OutOfMemoryException, MemoryError):
        return f"It needs more than {MOST_MEMORY} of memory."
    except (
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.ParserException,
        duckdb.SyntaxException,
    ) as error:
        return str(error).strip()
    except duckdb.Error:
        # Conversion, overflow and error() messages quote the value that failed.
        return "A value could not be converted or computed (the value is not shown)."
    finally:
        timer.cancel()
    return Selected(
        columns=tuple(column[0] for column in described),
        types=tuple(str(column[1]) for column in described),
        rows=rows,
    )


def refuse_what_is_no_text(sql: str) -> None:
    """Refuse a query that DuckDB could not read to its end.

    Half a character cannot be parsed, and DuckDB says so by an error of its own; at a NUL it stops
    reading, so what follows would be recorded and never run.

    Raises:
        RefusedQuery: It holds either.
    """
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in sql):
        raise RefusedQuery("The query is not valid text.", "Type it again in UTF-8.")


def syntax_tree(sql: str) -> Any:
    """Return DuckDB's own syntax tree of one SELECT, parsed without being run or bound.

    Raises:
        RefusedQuery: It is not a SELECT that DuckDB can describe.
    """
    with _parser().cursor() as parser:
        row = parser.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone()
    try:
        tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    except RecursionError:
        raise RefusedQuery(
            "The query is nested too deeply.", "Write it in steps, with WITH."
        ) from None
    if tree.get("error_type") == "parser":
        raise RefusedQuery(
            f"The query could not be read: {tree.get('error_message')}.", "Correct the SQL."
        )
    if tree.get("error", True) or len(tree.get("statements", [])) != 1:
        raise RefusedQuery("The query is not one SELECT statement.", _ONE_SELECT)
    return tree


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Return the database in which nothing is but parsing; opening one takes longer than that."""
    return memory_connection(spill=None)


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a syntax tree, a node before those within it."""
    waiting = [tree]  # not by recursion: a query may be nested deeper than Python's stack
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(reversed(node.values()))
        elif isinstance(node, list):
            waiting.extend(reversed(node))


_ONE_SELECT = (
    "Send one SELECT (or DESCRIBE, SHOW TABLES or SUMMARIZE) at a time; a PIVOT names its columns "
    "with IN."
)


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
