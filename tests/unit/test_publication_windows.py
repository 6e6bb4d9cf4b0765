"""Publication windows: they never overlap, and fill twelve months only when whole."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from warehouse.publish.windows import MONTHS, Window, twelve_months, whole_windows, window_of

DAYS = st.dates(date(2000, 1, 1), date(2090, 12, 31))
LENGTHS = st.sampled_from(sorted(MONTHS))


def quarters(many: int, first: date = date(2025, 4, 1)) -> list[Window]:
    found = [window_of(first, "quarter")]
    while len(found) < many:
        found.append(window_of(found[-1].last + timedelta(days=1), "quarter"))
    return found


@given(DAYS, LENGTHS)
def test_a_day_is_in_its_window_and_in_no_other(day: date, length: str) -> None:
    window = window_of(day, length)
    after = window_of(window.last + timedelta(days=1), length)
    assert window.first <= day <= window.last
    assert window_of(window.first, length) == window_of(window.last, length) == window
    assert after.first == window.last + timedelta(days=1)
    assert not window.overlaps(after)


@given(DAYS, LENGTHS)
def test_a_window_is_of_whole_quarters_from_april(day: date, length: str) -> None:
    window = window_of(day, length)
    assert window_of(window.first, "quarter").first == window.first
    assert window_of(window.last, "quarter").last == window.last
    assert (window.first.month - 4) % MONTHS[length] == 0


def test_windows_are_named_in_words() -> None:
    day = date(2026, 2, 3)
    labels = [window_of(day, length).label for length in ("quarter", "half-year", "year")]
    assert labels == [
        "January to March 2026",
        "October 2025 to March 2026",
        "April 2025 to March 2026",
    ]


def test_a_length_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigError, match="publication period"):
        window_of(date(2026, 1, 1), "month")


def test_a_window_that_lacks_a_quarter_is_not_whole() -> None:
    year = quarters(4)
    assert whole_windows(year, "year") == [Window(date(2025, 4, 1), date(2026, 3, 31))]
    assert whole_windows(year[1:], "year") == []
    assert len(whole_windows(year[1:], "half-year")) == 1


def test_twelve_months_need_every_window_of_theirs() -> None:
    six = quarters(6)
    assert [len(parts) for _, parts in twelve_months(six)] == [4, 4, 4]
    assert twelve_months([*six[:2], *six[3:]]) == []
    halves = whole_windows(quarters(4), "half-year")
    assert [parts for _, parts in twelve_months(halves)] == [tuple(halves)]
    assert all(a.last < b.first for _, parts in twelve_months(six) for a, b in pairwise(parts))


def test_a_year_is_not_the_sum_of_itself() -> None:
    assert twelve_months(whole_windows(quarters(4), "year")) == []
