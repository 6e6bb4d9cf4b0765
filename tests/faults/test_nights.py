"""A month of nights, with what comes over a partnership in a month, as the clock goes on.

Deliveries come changed, twice, spoilt and not at all; somebody is erased; the plug is pulled. After
each night everything is counted.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
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
ERASED, KILLED = {9, 19}, {5, 13, 22, 28}


def nights(ground: Ground, count: int, happens: Mapping[int, Callable[[Path], None]]) -> None:
    home = ground.live("ran")
    stands, used = ground.look(home), []
    first = datetime.now(UTC) + timedelta(hours=2)
    for night in range(1, count + 1):
        happens.get(night, lambda _: None)(home)
        now = (first + timedelta(days=night)).isoformat()
        if night in ERASED and count > 9:
            assert ground.plug.do("erase", home, turn=night, now=now).problem is None
        if night in KILLED and count > 9:
            assert ground.plug.do("run", home, how="kill", at=150 + night, now=now).killed
        done = ground.plug.do("run", home, now=now)
        assert not done.crashed, done
        after = ground.look(home)
        wrong = faults(stands, after, erased=night in ERASED)
        assert not wrong, (night, wrong)
        assert len(after["runs"]) == len(stands["runs"]) + (done.problem is None), night
        assert after["stores"] == [after["current"]] and len(after["releases"]) <= 6, night
        used.append(disk_used(home / "p"))
        print(f"night {night:2}: {done.problem or 'went on'}; {used[-1] / 1e6:.1f} MB")
        stands = after
    assert max(used[7:] or used) < 1.3 * max(used[:7]), used


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_week_of_nights(ground: Ground) -> None:
    nights(ground, 7, WEEK)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_month_of_nights(ground: Ground) -> None:
    nights(ground, 30, MONTH)
