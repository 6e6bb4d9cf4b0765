"""The checks a model declares, each turned into one query that counts the rows that break it.

======================================  ==========================================================
``unique a, b``                         no two rows share the values of a and b
``not_null a, b``                       neither is ever missing
``accepted a: X, Y``                    a is X or Y (or missing)
``related a -> table.b``                every a (where present) is a b
``rows = SELECT …``                     the table has exactly as many rows as the query says
``holds <condition>``                   the condition is true of every row
======================================  ==========================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

import duckdb

from schemas.errors import StoreError
from warehouse.models import Model

_RELATED = re.compile(r"(\w+) -> (\w+)\.(\w+)")


def check_sql(table: str, check: str) -> str:
    """Return the query that counts what breaks a check; nought means it holds.

    Raises:
        StoreError: The check is not one of the kinds above.
    """
    kind, _, rest = check.partition(" ")
    if kind == "unique":
        return (
            f"SELECT count(*) FROM (SELECT {rest} FROM {table} "
            f"GROUP BY {rest} HAVING count(*) > 1) AS repeated"
        )
    if condition := _broken_where(check):
        return f"SELECT count(*) FROM {table} WHERE {condition}"
    if match := related(check):
        column, other, key = match
        return (
            f"SELECT count(*) FROM {table} AS child WHERE {column} IS NOT NULL AND NOT EXISTS "
            f"(SELECT 1 FROM {other} AS parent WHERE parent.{key} = child.{column})"
        )
    if kind == "rows" and rest.startswith("= "):
        return f"SELECT abs((SELECT count(*) FROM {table}) - ({rest.removeprefix('= ')}))"
    raise StoreError(
        f"The model {table} declares a check of an unknown kind.",
        "Use unique, not_null, accepted, related, rows or holds.",
    )


def together_sql(table: str, checks: Iterable[str]) -> str:
    """Return one query with a number for each check, from one reading where that will do.

    Nought means that the check holds. What stands for `unique` is told by hashes: equal values
    have equal hashes, so nought still says that no two rows are alike, and a number may be wrong.

    Raises:
        StoreError: A check is not one of the kinds above.
    """
    return f"SELECT {', '.join(_counted(table, check) for check in checks)} FROM {table}"


def _counted(table: str, check: str) -> str:
    """Return what counts the rows that break a check, in a query that reads the table."""
    kind, _, rest = check.partition(" ")
    if kind == "unique":
        return f"count(*) - count(DISTINCT hash({rest}))"
    condition = _broken_where(check)
    if condition and "SELECT" not in condition:
        return f"count(*) FILTER ({condition})"
    return f"({check_sql(table, check)})"


def _broken_where(check: str) -> str:
    """Return the condition of the rows that break a check; nothing if a row alone cannot."""
    kind, _, rest = check.partition(" ")
    if kind == "not_null":
        return " OR ".join(f"{column} IS NULL" for column in _names(rest))
    if kind == "accepted":
        column, _, values = rest.partition(":")
        listed = ", ".join("'" + value.replace("'", "''") + "'" for value in _names(values))
        return f"{column} NOT IN ({listed})"
    return f"({rest}) IS NOT TRUE" if kind == "holds" else ""


def related(check: str) -> tuple[str, str, str] | None:
    """Return the column, the other table and its column, where a check relates two tables."""
    kind, _, rest = check.partition(" ")
    match = _RELATED.fullmatch(rest) if kind == "related" else None
    return (match[1], match[2], match[3]) if match else None


def check_words(check: str) -> str:
    """Return a check as a sentence in Markdown."""
    kind, _, rest = check.partition(" ")
    listed = ", ".join(f"`{name}`" for name in _names(rest))
    if kind == "unique":
        return f"No two rows share {listed}."
    if kind == "not_null":
        return f"Never missing: {listed}."
    if kind == "accepted":
        column, _, values = rest.partition(":")
        return f"`{column}` is one of: {', '.join(_names(values))}."
    if match := related(check):
        column, other, key = match
        return f"Every `{column}` is a `{key}` of `{other}`."
    if kind == "rows":
        return f"It has as many rows as this counts: `{rest.removeprefix('= ')}`."
    return f"In every row: `{rest}`."


def run_checks(con: duckdb.DuckDBPyConnection, models: Iterable[Model]) -> int:
    """Run every check of some models that have been built.

    Returns:
        How many checks were run.

    Raises:
        StoreError: One does not hold; it is named, with the number of rows that break it.
    """
    checked = [model for model in models if model.checks]
    for model in checked:
        if not _all_hold(con, model):
            _name_the_broken(con, model)
    return sum(len(model.checks) for model in checked)


def _all_hold(con: duckdb.DuckDBPyConnection, model: Model) -> bool:
    """Say whether all checks of a model hold, in one query; False too when it cannot be run."""
    row = None
    with suppress(duckdb.Error):
        row = con.execute(together_sql(model.name, model.checks)).fetchone()
    return row is not None and not any(row)


def _name_the_broken(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Run the checks of a model one by one, and raise StoreError for the first that is broken."""
    for check in model.checks:
        broken = _breaking(con, model.name, check)
        if broken:
            raise StoreError(
                f"The release was not made: in {model.name} the check “{check}” is broken by "
                f"{broken} row{'s' if broken != 1 else ''}.",
                "The last release stays in use; find the cause in the partners' extracts or "
                "in the model.",
            )


def _breaking(con: duckdb.DuckDBPyConnection, table: str, check: str) -> int:
    """Return how many rows break a check; raise StoreError when it cannot be run."""
    row = None
    with suppress(duckdb.Error):
        row = con.execute(check_sql(table, check)).fetchone()
    if row is None:
        raise StoreError(
            f"The release was not made: in {table} the check “{check}” cannot be run.",
            "Correct the check, which is in the model's file.",
        )
    return int(row[0] or 0)


def _names(listed: str) -> list[str]:
    """Split a comma-separated list."""
    return [name.strip() for name in listed.split(",")]
