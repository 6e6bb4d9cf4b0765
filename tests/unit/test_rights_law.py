"""Rights, grounds of refusing them, and the day by which a person has to be told."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.rights.law import (
    _bank_holidays,
    by_when,
    due_on,
    grounds,
    grounds_for,
    last_working_day,
    route,
)

RIGHTS = ("objection", "erasure", "rectification", "access", "opt-out")


@pytest.mark.parametrize(
    ("received", "due", "extended"),
    [
        ((2026, 9, 3), (2026, 10, 3), (2026, 12, 3)),
        ((2026, 1, 31), (2026, 2, 28), (2026, 4, 30)),
        ((2027, 12, 31), (2028, 1, 31), (2028, 3, 31)),
        ((2027, 11, 30), (2027, 12, 30), (2028, 2, 29)),
    ],
)
def test_a_month_ends_on_the_same_day_or_the_last(received, due, extended) -> None:
    assert due_on(date(*received)) == date(*due)
    assert due_on(date(*received), extended=True) == date(*extended)


@given(st.dates(date(2018, 5, 25), date(2100, 1, 1)))
def test_nobody_waits_longer_than_three_months(received: date) -> None:
    first, extended = due_on(received), due_on(received, extended=True)
    assert received + timedelta(28) <= first <= received + timedelta(31)
    assert first < extended <= received + timedelta(92)
    assert due_on(received) <= due_on(received + timedelta(1))


@pytest.mark.parametrize("right", RIGHTS)
@pytest.mark.parametrize("regime", ["part_2", "part_3"])
def test_every_right_has_a_route_and_what_can_be_refused_has_a_ground(right, regime) -> None:
    found = route(right, regime)
    assert found.provision and found.label
    if right != "opt-out":
        assert grounds_for(right, regime)


def test_part_3_knows_no_objection_and_its_grounds_are_its_own() -> None:
    assert route("objection", "part_3").standing == "none"
    assert grounds_for("objection", "part_3") == ("s43-court-documents", "no-right-to-object")
    of_part_2 = set(grounds_for("erasure", "part_2"))
    assert "public-task" in of_part_2 and not of_part_2 & set(grounds_for("erasure", "part_3"))


def test_a_ground_is_a_code_that_can_hold_no_value() -> None:
    for code, one in grounds().items():
        assert code.replace("-", "").isalnum() and code == code.lower() and len(code) <= 40
        assert one.rights <= set(RIGHTS)


@pytest.mark.parametrize(
    ("due", "working"),
    [
        ((2026, 12, 24), (2026, 12, 24)),
        ((2026, 12, 26), (2026, 12, 24)),  # a Saturday after Christmas Day
        ((2026, 12, 28), (2026, 12, 24)),  # the Monday in the place of Boxing Day
        ((2027, 1, 3), (2026, 12, 31)),
        ((2027, 3, 29), (2027, 3, 25)),  # Easter Monday
    ],
)
def test_the_last_working_day_is_shown_beside_the_law_s_day(due, working) -> None:
    assert last_working_day(date(*due)) == date(*working)
    said = by_when(date(*due))
    assert said.startswith(f"{date(*due)}") and (due == working or f"{date(*working)}" in said)


def test_every_listed_year_has_its_eight_bank_holidays_on_weekdays() -> None:
    days = _bank_holidays()
    assert {sum(day.year == year for day in days) for year in range(2026, 2036)} == {8}
    assert all(day.weekday() < 5 for day in days)
