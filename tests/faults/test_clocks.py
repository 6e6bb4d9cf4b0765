"""A clock that is wrong, goes back or jumps: a run refuses or goes on, and nothing is lost.

What is told of the clock is in docs/reference (the record refuses to be written before itself by
more than clocks are set by); deleting by retention refuses a clock that is ahead, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scenes import Ground, differing, well
from wholeness import faults, untidy

BACK = {"an hour": 1 / 24, "a day": 1, "a year": 365}
JUMPS = {"an hour back": -1 / 24, "a day back": -1, "a day on": 1, "a year on": 365}


def moment(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def stands(ground: Ground, home: Path, before: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands now, of which nothing may be wrong."""
    after = ground.look(home)
    assert not faults(before, after)
    return after


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("ago", BACK)
def test_a_run_on_a_clock_that_went_back_refuses(ground: Ground, ago: str) -> None:
    home, before = ground.live("ran"), ground.look(ground.live("ran"))
    home = ground.live("ran")
    done = ground.plug.do("run", home, now=moment(-BACK[ago]))
    print(f"{ago} back: {done.problem}")
    assert done.problem is not None and "clock" in done.problem
    after = stands(ground, home, before)
    assert after["runs"] == before["runs"]
    ground.next_run(home)
    assert not untidy(stands(ground, home, before))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_clock_a_year_ahead_is_told_when_it_is_right_again(ground: Ground) -> None:
    home = ground.live("ran")
    before, wanted = ground.look(home), ground.rows(home)
    ahead = ground.plug.do("run", home, now=moment(365))
    print(f"a year on: {ahead.problem or 'went on'}")
    after = stands(ground, home, before)
    right = ground.plug.do("run", home)
    print(f"right again: {right.problem or 'went on'}")
    if ahead.problem is None:
        assert right.problem is not None and "clock" in right.problem
        well(ground.plug.do("accept_clock", home))
        right = ground.plug.do("run", home)
    assert right.problem is None, right
    assert not untidy(stands(ground, home, after))
    assert not differing(wanted, ground.rows(home))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_clock_that_jumps_in_mid_run_loses_nothing(ground: Ground, jump: str, after: int) -> None:
    home = ground.live("ran")
    before = ground.look(home)
    done = ground.plug.do("run", home, now=moment(0), then=moment(JUMPS[jump]), after=after)
    assert not done.crashed, done
    later = stands(ground, home, before)
    again = ground.plug.do("run", home)
    if again.problem is not None and "clock" in again.problem:
        well(ground.plug.do("accept_clock", home))
        again = ground.plug.do("run", home)
    print(f"{jump} after {after} looks at it: {done.problem or 'went on'}; {again.problem or 'on'}")
    assert again.problem is None, again
    assert not untidy(stands(ground, home, later))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_nights_when_clocks_are_set_are_as_others(ground: Ground) -> None:
    """On 28 March 2027 01:00 UTC becomes 02:00 BST; 31 October has the hour before twice."""
    home = ground.live("ran")
    year = datetime.now(UTC).year + 1
    spring = last_sunday(year, 3)
    nights = [spring + timedelta(minutes=m) for m in (-90, 30, 59, 61, 90, 1500)]
    before = ground.look(home)
    for night in nights:
        well(ground.plug.do("run", home, now=night.isoformat()))
        after = stands(ground, home, before)
        assert len(after["runs"]) == len(before["runs"]) + 1
        assert after["current"] == max(after["runs"])
        before = after
    assert not untidy(before)


def last_sunday(year: int, month: int) -> datetime:
    day = datetime(year, month, 31, tzinfo=UTC)
    return day - timedelta(days=(day.weekday() + 1) % 7)
