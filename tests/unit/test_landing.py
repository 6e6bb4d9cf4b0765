"""A delivery lands in the inbox whole, wherever whoever lands it is stopped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.sources.fetching import Pulled, Taken
from flows.sources.landing import Places, clear, finish, land
from flows.sources.naming import Naming
from flows.sources.problems import DiskFull
from schemas.mapping import own_layout

NAMING = Naming("police", own_layout("police"), "{table}_{period:%Y-%m}*.csv")


class Dead(BaseException):
    """The process is killed."""


def pulled(places: Places, period: str = "", suffix: str = "") -> Pulled:
    """A delivery of two files that lies in the hidden folder."""
    places.pulling.mkdir(parents=True)
    files = []
    for table in ("custody", "drug_test"):
        (places.pulling / table).write_text(f"new {table} {period}")
        name = f"{table}_{period}{suffix}.csv" if period else f"{table}.csv"
        files.append(Taken(table, name, (table,), 3, "0" * 64))
    return Pulled(period, tuple(files), "", None, 6, 2)


def inbox(places: Places) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(places.inbox.iterdir())}


@pytest.fixture
def places(tmp_path: Path) -> Places:
    there = Places(tmp_path / "police")
    there.inbox.mkdir()
    return there


def test_a_snapshot_takes_the_place_of_what_lay_there(places: Places) -> None:
    (places.inbox / "custody.xlsx").write_text("old")
    (places.inbox / "letter.txt").write_text("not ours")
    assert land(places, [pulled(places)], NAMING, "snapshot") == 1
    assert list(inbox(places)) == ["custody.csv", "drug_test.csv", "letter.txt"]
    assert [path.name for path in places.inbox.parent.iterdir()] == ["police"]


def test_an_increment_takes_the_place_of_its_own_period(places: Places) -> None:
    land(places, [pulled(places, "2026-10")], NAMING, "increment")
    land(places, [pulled(places, "2026-11")], NAMING, "increment")
    assert land(places, [pulled(places, "2026-10", "_v2")], NAMING, "increment") == 2
    assert list(inbox(places)) == [
        "custody_2026-10_v2.csv",
        "custody_2026-11.csv",
        "drug_test_2026-10_v2.csv",
        "drug_test_2026-11.csv",
    ]


@pytest.mark.parametrize("after", range(12))
def test_whoever_comes_next_finishes_or_removes_it(
    after: int, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    (places.inbox / "custody.csv").write_text("old")
    (places.inbox / "drug_test.csv").write_text("old")
    (places.inbox / "custody.xlsx").write_text("old")
    old = inbox(places)
    steps = [0]

    def stopping(honest):  # type: ignore[no-untyped-def]
        def step(*words, **more):  # type: ignore[no-untyped-def]
            if steps[0] == after:
                raise Dead
            steps[0] += 1
            return honest(*words, **more)

        return step

    delivery = pulled(places)
    with monkeypatch.context() as patch:
        for name in ("replace", "rename", "unlink", "rmdir"):
            patch.setattr(os, name, stopping(getattr(os, name)))
        for name in ("replace", "rename", "unlink"):
            patch.setattr(Path, name, stopping(getattr(Path, name)))
        died = False
        try:
            land(places, [delivery], NAMING, "snapshot")
        except Dead:
            died = True
    clear(places)
    new = {"custody.csv": "new custody ", "drug_test.csv": "new drug_test "}
    assert inbox(places) in ([old, new] if died else [new])
    assert [path.name for path in places.inbox.parent.iterdir()] == ["police"]


def test_a_list_that_cannot_be_read_stops_it(places: Places) -> None:
    places.landing.mkdir()
    (places.landing / "landing.json").write_text("{")
    with pytest.raises(DiskFull):
        finish(places)
    assert places.landing.is_dir()
