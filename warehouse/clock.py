"""Weeks on a person's own clock: what a release without exact days tells of when things happened.

Between a calendar week and the days that lie between two events there is often one day only that
fits. So a person's days are all moved back by the same few days, 0 to 6, before the week is taken.
How many is secret, and the same in every release and every file of a partnership, so that two of
them tell no more than one. Whatever is known of the days between a person's events, seven days fit.

People of one household have one clock: they share days, such as that of their application.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import duckdb
import polars as pl

CLOCK: Final = "clock_given"
"""The table ``person_id``, ``days_off`` that a mart with weeks of people reads."""

OWN_WEEK: Final = (
    "The week is one of the person's own calendar: the day is this Monday or one of the twelve "
    "after it."
)
"""What is said of every column that ends in ``_week``, in a release without exact days."""

_IN_WEEKS: Final = (
    "CREATE MACRO own_week(day, days_off) AS date_trunc('week', day - days_off)::DATE",
    # What is open goes from Monday to Monday: it says no more than the week in which it began.
    "CREATE MACRO lasted(since, until, has_ended, days_off) AS CASE WHEN has_ended "
    "THEN until - since ELSE date_trunc('week', until)::DATE - own_week(since, days_off) END",
    "CREATE MACRO is_in_weeks(days) AS days % 7 = 0",
)
_IN_DAYS: Final = (
    "CREATE MACRO own_week(day, days_off) AS date_trunc('week', day)::DATE",
    "CREATE MACRO lasted(since, until, has_ended, days_off) AS until - since",
    "CREATE MACRO is_in_weeks(days) AS TRUE",
)


def macros(*, exact_dates: bool) -> tuple[str, ...]:
    """Return the statements that make the macros by which models tell weeks and lengths.

    ``own_week(day, days_off)``
        Monday of the week of a day.
    ``lasted(since, until, has_ended, days_off)``
        Days from one day to another, which is the date of the data if it has not ended.
    ``is_in_weeks(days)``
        Whether such days of what has not ended may be told.

    Args:
        exact_dates: Whether the release tells exact days. Its weeks are those of the calendar.
    """
    return _IN_DAYS if exact_dates else _IN_WEEKS


def own_clocks(con: duckdb.DuckDBPyConnection, clock_key: bytes) -> pl.DataFrame:
    """Say by how many days each person's days are moved back before their week is taken.

    Args:
        con: A connection on which ``record_person`` and the whole staging store can be read.
        clock_key: The partnership's secret, of up to 64 bytes.

    Returns:
        ``person_id`` and ``days_off``, 0 to 6, the same for everybody of a household.
    """
    persons = con.execute("SELECT DISTINCT person_id FROM record_person ORDER BY 1").pl()
    households = con.execute(
        "SELECT list(DISTINCT person_id) FROM store.main.housing_person "
        "INNER JOIN record_person USING (record_id) "
        "GROUP BY case_key HAVING count(DISTINCT person_id) > 1"
    ).fetchall()
    head = _heads(people for (people,) in households)
    moved = [_days_off(head.get(person, person), clock_key) for person in persons["person_id"]]
    return persons.with_columns(days_off=pl.Series(moved, dtype=pl.Int32))


def _days_off(name: str, clock_key: bytes) -> int:
    digest = hashlib.blake2b(name.encode(), digest_size=8, key=clock_key).digest()
    return int.from_bytes(digest) % 7


def _heads(households: Iterable[Sequence[str]]) -> dict[str, str]:
    """Person → the lowest id of all whom households join to them, over however many."""
    head: dict[str, str] = {}

    def of(person: str) -> str:
        while head.setdefault(person, person) != person:
            head[person] = head[head[person]]
            person = head[person]
        return person

    for people in households:
        first = min(of(person) for person in people)
        for person in people:
            head[of(person)] = first
    return {person: of(person) for person in head}
