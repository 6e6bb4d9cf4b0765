"""No exact day of a person's life reaches a release by oversight.

A mart about people tells days by the week of each person's own clock, in columns whose names end in
``_week``. A column that holds an exact day has an ``-- exact`` line in its model, by which it is
left out of the release unless the purpose lists exact dates. Any other date in such a mart stops
the build.
"""

from __future__ import annotations

from typing import Final

import duckdb

from schemas.errors import StoreError
from warehouse.clock import CLOCK
from warehouse.models import Model

ABOUT_NOBODY: Final = frozenset({"period_start", "period_end"})
"""Dates of a count, not of a person."""


def refuse_undeclared_days(con: duckdb.DuckDBPyConnection, mart: Model) -> None:
    """Refuse a mart about people that holds a day which is neither declared nor a week's Monday.

    Args:
        con: A connection on which the mart is in the attached database ``release``.
        mart: Its model.

    Raises:
        StoreError: It does; the column is named.
    """
    described = con.execute(f"DESCRIBE release.main.{mart.name}").fetchall()
    columns = {row[0]: row[1] for row in described}
    if "person_id" not in columns:
        return
    for column, kind in columns.items():
        is_plain = not kind.startswith(("DATE", "TIMESTAMP")) or column in ABOUT_NOBODY
        if not (is_plain or column in mart.exact or _is_own_week(con, mart, column)):
            raise StoreError(
                f"The release was not made: {column} of {mart.name} holds exact days of people's "
                "lives, or weeks of the calendar.",
                f"Tell them by own_week, with the days_off of {CLOCK} and a name that ends in "
                "_week, or declare the column in an `-- exact` line.",
            )


def _is_own_week(con: duckdb.DuckDBPyConnection, mart: Model, column: str) -> bool:
    """Whether a column is named for weeks, reads people's clocks, and holds nothing but Mondays."""
    if not (column.endswith("_week") and CLOCK in mart.reads):
        return False
    row = con.execute(
        f"SELECT bool_or(isodow({column}) <> 1) FROM release.main.{mart.name}"
    ).fetchone()
    return not (row and row[0])
