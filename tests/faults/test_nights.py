"""A month of nights, with what comes over a partnership in a month, as the clock goes on.

Deliveries come changed, twice, spoilt and not at all; somebody is erased; the plug is pulled. After
each night everything is counted.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from renewing import renewed
from scenes import Ground
from wholeness import disk_used, faults

CUSTODY, HOUSING = "p/inbox/police/custody.csv", "p/inbox/housing"


def one_more(home: Path) -> None:
    """An arrest more, as `deeds.change`."""
    path = home / CUSTODY
    lines = path.read_text().splitlines(keepends=True)
    reference, _, rest = lines[-1].partition(",")
    path.write_text("".join([*lines, f"{reference}N{len(lines)},{rest}"]))


def spoilt(home: Path) -> None:
    path = home / CUSTODY
    shutil.copy2(path, home / "custody.csv")
    path.write_bytes(path.read_bytes()[:-40].replace(b"custody_ref", b"cust\0dy_ref", 1))


def mended(home: Path) -> None:
    shutil.copy2(home / "custody.csv", home / CUSTODY)


def missing(home: Path) -> None:
    (home / HOUSING).rename(home / "housing")
    (home / HOUSING).mkdir()


def found_again(home: Path) -> None:
    (home / HOUSING).rmdir()
    (home / "housing").rename(home / HOUSING)


def touched(home: Path) -> None:
    """The same delivery once more."""
    (home / CUSTODY).touch()


WEEK: Mapping[int, Callable[[Path], None]] = {
    2: one_more,
    3: touched,
    4: spoilt,
    5: mended,
    6: missing,
    7: found_again,
}
MONTH = {**WEEK, 10: one_more, 17: one_more, 20: missing, 23: found_again, 26: one_more}
ERASED, KILLED, PUBLISHED = {9, 19}, {5, 13, 22, 28}, {3, 12, 18, 25}
LAPSED = range(11, 15)
"""Nights on which the housing agreement has run out; it is renewed on the day after."""

LONDON = ZoneInfo("Europe/London")
HOUR = time(1, 30)
"""Which is twice in one night of October, and not at all in one of March."""


def last_sunday(year: int, month: int) -> date:
    day = date(year, month, 31)
    return day - timedelta(days=(day.weekday() + 1) % 7)


def ten_days_before_a_quarter() -> date:
    """Ten days before the first quarter's end that is more than ten days away."""
    day = datetime.now(LONDON).date() + timedelta(days=12)
    while (day + timedelta(days=1)).month == day.month or day.month % 3:
        day += timedelta(days=1)
    return day - timedelta(days=10)


@dataclass(frozen=True)
class Nights:
    """What happens in the nights, counted from 1, that come after a day."""

    after: date
    count: int
    happens: Mapping[int, Callable[[Path], None]]
    erased: AbstractSet[int] = frozenset()
    killed: AbstractSet[int] = frozenset()
    published: AbstractSet[int] = frozenset()
    lapsed: Sequence[int] = ()

    def day(self, night: int) -> date:
        """The day that a night is of."""
        return self.after + timedelta(days=night)

    def moment(self, night: int) -> str:
        """When its run begins: the same time by the clocks of London."""
        return datetime.combine(self.day(night), HOUR, LONDON).astimezone(UTC).isoformat()


def live_through(ground: Ground, nights: Nights) -> None:
    home = ground.live("ran")
    stands, used = ground.look(home), []
    for night in range(1, nights.count + 1):
        now = nights.moment(night)
        nights.happens.get(night, lambda _: None)(home)
        if nights.lapsed and night == nights.lapsed[0]:
            renewed(home / "p", "housing", expires=nights.day(night - 1))
        if nights.lapsed and night == nights.lapsed[-1] + 1:
            renewed(home / "p", "housing", expires=nights.day(night + 365))
        if night in nights.erased:
            assert ground.plug.do("erase", home, turn=night, now=now).problem is None
        if night in nights.killed:
            assert ground.plug.do("run", home, how="kill", at=150 + night, now=now).killed
        done = ground.plug.do("run", home, now=now)
        assert not done.crashed, done
        after = ground.look(home)
        wrong = faults(stands, after, erased=night in nights.erased)
        assert not wrong, (night, wrong)
        assert len(after["runs"]) == len(stands["runs"]) + (done.problem is None), night
        assert after["stores"] == [after["current"]] and len(after["releases"]) <= 6, night
        stopped = set(done.made["stopped"]) if done.made else set()
        assert stopped == ({"housing"} if night in nights.lapsed else set()), night
        said = done.problem or f"went on{' without housing' * bool(stopped)}"
        if night in nights.published:
            public = ground.plug.do("approve", home, now=now)
            assert not public.crashed, public
            said += f"; {public.problem or 'published'}"
            after = ground.look(home)
        used.append(disk_used(home / "p"))
        print(f"night {night:2}, {nights.day(night)}: {said}; {used[-1] / 1e6:.1f} MB")
        stands = after
    assert max(used[7:] or used) < 1.3 * max(used[:7]), used


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("month", [3, 10])
def test_a_week_of_nights_in_which_clocks_are_set(ground: Ground, month: int) -> None:
    year = datetime.now(LONDON).year + 1
    live_through(ground, Nights(last_sunday(year, month) - timedelta(days=4), 7, WEEK))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_month_of_nights(ground: Ground) -> None:
    """Over the end of a quarter, with an agreement that runs out in mid-week."""
    after = ten_days_before_a_quarter()
    live_through(ground, Nights(after, 30, MONTH, ERASED, KILLED, PUBLISHED, LAPSED))
