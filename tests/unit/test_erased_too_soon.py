"""Entries of the record that were erased before they were old enough are told by their numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from governance.record.verify import Walk
from governance.record.young import erased_too_soon

KEEP = timedelta(days=100)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def told(days: int) -> str:
    return f"{NOW - timedelta(days=days):%Y-%m-%d %H:%M:%S.%f}"


def walked(*since: tuple[int, str]) -> Walk:
    """Entries 3, 4 and 7 are gone, and entry 9 of today says so."""
    erasures = [(9, told(0), range(3, 5)), (9, told(0), range(7, 8))]
    return Walk(size=9, erased=[3, 4, 7], erasures=erasures, since=since)


@pytest.mark.parametrize(
    ("since", "made", "said"),
    [
        (((3, told(300)), (7, told(101))), (), []),
        (((3, told(300)), (7, told(99))), (), ["Entry 7 was"]),
        (((3, told(99)), (7, told(98))), (), ["Entries 3-4, 7 were"]),
        # Nothing stands before them, but a checkpoint of so many entries was made that day.
        (((3, ""),), (), []),
        (((3, ""),), ((3, NOW - timedelta(days=5)),), ["Entries 4, 7 were"]),
        (((3, ""),), ((3, NOW - timedelta(days=500)), (8, NOW)), []),
    ],
)
def test_what_was_erased_too_soon_is_told(since, made, said) -> None:
    found = erased_too_soon(walked(*since), KEEP, made)
    assert [one.split(" erased")[0] for one in found] == said


def test_what_nothing_says_was_erased_is_told_elsewhere() -> None:
    assert erased_too_soon(Walk(size=9, erased=[3], since=[(3, told(1))]), KEEP, ()) == []
