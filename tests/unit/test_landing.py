"""A delivery lands in the inbox whole and once, wherever whoever lands it is stopped."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.sources.aside import let_go, put_back, settle
from flows.sources.fetching import Pulled, Taken
from flows.sources.landing import Entry, clear, finish, land, makes_room
from flows.sources.naming import Naming
from flows.sources.places import Places
from flows.sources.problems import DiskFull
from governance.audit import Recorder
from governance.control import Control, Pull, SourceLook
from schemas.mapping import own_layout

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
NAMING = Naming("police", own_layout("police"), "{table}_{period:%Y-%m}*.csv")


class Dead(BaseException):
    """The process is killed."""


def pulled(places: Places, period: str = "", suffix: str = "", text: str = "new") -> Pulled:
    """A delivery of two files that lies in the hidden folder."""
    places.pulling.mkdir(parents=True)
    files = []
    for table in ("custody", "drug_test"):
        (places.pulling / table).write_text(f"{text} {table} {period}")
        name = f"{table}_{period}{suffix}.csv" if period else f"{table}.csv"
        files.append(Taken(table, name, (table,), 3, "0" * 64))
    return Pulled(period, tuple(files), "", None, 6, 2)


def landed(places: Places, control: Control, one: Pulled, delivery: str = "snapshot") -> int:
    """Have a delivery land, and tell how many files made room."""
    gone = makes_room(places, [one], NAMING, delivery)  # type: ignore[arg-type]
    digest = f"keyed:{[file.lands_as for file in one.files]}{len(control.pulls('police'))}"
    row = Pull("police", one.period, digest[:60], "", 2, 6, NOW, "landed", NOW)
    audit = Recorder("tester", "testing").entry("collection", NOW, partner="police")
    entry = Entry(SourceLook("police", NOW, "pulled", "1 delivery."), [row], audit)
    land(places, control, [one], gone, entry)
    return len(gone)


def inbox(places: Places) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(places.inbox.iterdir())}


def beside(places: Places) -> list[str]:
    return sorted(path.name for path in places.inbox.parent.iterdir())


def ledger(control: Control) -> list[tuple[str, str]]:
    return [(row.period, row.state) for row in control.pulls("police")]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    there = Places(tmp_path / "hub" / "police")
    there.inbox.mkdir(parents=True)
    return there


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty control database, made once."""
    path = tmp_path_factory.mktemp("empty") / "control.db"
    Control(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def control(empty: Path, tmp_path: Path) -> Iterator[Control]:
    shutil.copyfile(empty, tmp_path / "control.db")
    with Control(f"sqlite:///{tmp_path}/control.db") as opened:
        yield opened


def test_a_snapshot_takes_the_place_of_what_lay_there(places: Places, control: Control) -> None:
    (places.inbox / "custody.xlsx").write_text("old")
    (places.inbox / "letter.txt").write_text("not ours")
    assert landed(places, control, pulled(places)) == 1
    assert list(inbox(places)) == ["custody.csv", "drug_test.csv", "letter.txt"]
    assert beside(places) == [".police.aside", "police"]
    let_go(places)
    assert beside(places) == ["police"]
    assert len(control.audit_entries("collection")) == 1


def test_an_increment_takes_the_place_of_its_own_period(places: Places, control: Control) -> None:
    landed(places, control, pulled(places, "2026-10"), "increment")
    landed(places, control, pulled(places, "2026-11"), "increment")
    assert landed(places, control, pulled(places, "2026-10", "_v2"), "increment") == 2
    assert list(inbox(places)) == [
        "custody_2026-10_v2.csv",
        "custody_2026-11.csv",
        "drug_test_2026-10_v2.csv",
        "drug_test_2026-11.csv",
    ]


def stopping_after(after: int, patch: pytest.MonkeyPatch) -> None:
    """Have the process die after so many changes to the disk or the ledger."""
    steps = [0]

    def dying(honest):  # type: ignore[no-untyped-def]
        def step(*words, **more):  # type: ignore[no-untyped-def]
            if steps[0] == after:
                raise Dead
            steps[0] += 1
            return honest(*words, **more)

        return step

    for name in ("replace", "rename", "unlink", "rmdir"):
        patch.setattr(os, name, dying(getattr(os, name)))
    for name in ("replace", "rename", "unlink"):
        patch.setattr(Path, name, dying(getattr(Path, name)))
    for name in ("record_look", "refuse_landed"):
        patch.setattr(Control, name, dying(getattr(Control, name)))


NEW = {"custody.csv": "new custody ", "drug_test.csv": "new drug_test "}


@pytest.fixture
def old(places: Places) -> dict[str, str]:
    for name in ("custody.csv", "drug_test.csv", "custody.xlsx"):
        (places.inbox / name).write_text(f"old {name}")
    return inbox(places)


@pytest.mark.parametrize("after", range(27))
def test_whoever_comes_next_finishes_or_removes_it(
    after: int,
    places: Places,
    control: Control,
    old: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delivery = pulled(places)
    died = False
    with monkeypatch.context() as patch:
        stopping_after(after, patch)
        try:
            landed(places, control, delivery)
        except Dead:
            died = True
    clear(places, control)
    # What is in the inbox is in the ledger, once: no second extract of a period is let through.
    there = inbox(places)
    assert there in ([old, NEW] if died else [NEW])
    assert ledger(control) == ([("", "landed")] if there == NEW else [])
    assert len(control.audit_entries("collection")) == (there == NEW)
    assert set(beside(places)) <= {".police.aside", "police"}
    # And it makes way again for what was there before.
    assert put_back(places, control, "terms", NOW) == (there == NEW)
    assert inbox(places) == old and beside(places) == ["police"]


@pytest.mark.parametrize("after", range(25))
def test_what_fails_its_checks_makes_way_for_what_stood(
    after: int,
    places: Places,
    control: Control,
    old: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    landed(places, control, pulled(places, "2026-10"), "increment")
    let_go(places)
    good = inbox(places)
    for suffix in ("", "", "_v2"):
        landed(places, control, pulled(places, "2026-10", suffix, "bad"), "increment")
    landed(places, control, pulled(places, "2026-11"), "increment")
    with monkeypatch.context() as patch:
        stopping_after(after, patch)
        with suppress(Dead):
            put_back(places, control, "terms", NOW)
    settle(places, control)
    put_back(places, control, "terms", NOW)
    assert inbox(places) == good and beside(places) == ["police"]
    assert ledger(control) == [
        ("2026-10", "landed"),
        ("2026-10", "refused"),
        ("2026-10", "refused"),
        ("2026-10", "refused"),
        ("2026-11", "refused"),
    ]
    assert {one.period for one in control.failed_checks("police")} == {"2026-10", "2026-11"}


def test_what_is_put_back_may_be_as_large_and_as_old_as_what_it_makes_way_for(
    places: Places, control: Control
) -> None:
    landed(places, control, pulled(places))
    let_go(places)
    landed(places, control, pulled(places, text="bad"))
    assert put_back(places, control, "terms", NOW) is True
    assert inbox(places) == NEW and beside(places) == ["police"]


def test_what_is_half_let_go_is_not_put_back(
    places: Places, control: Control, old: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    landed(places, control, pulled(places))
    with monkeypatch.context() as patch, suppress(Dead):
        patch.setattr("flows.sources.aside.remove_folder", lambda folder: (folder / "0").unlink())
        let_go(places)
    assert put_back(places, control, "terms", NOW) is False
    assert inbox(places) == NEW


def test_what_somebody_put_there_by_hand_stays(places: Places, control: Control, old) -> None:  # type: ignore[no-untyped-def]
    landed(places, control, pulled(places))
    (places.inbox / "custody.csv").write_text("put right by hand")
    assert put_back(places, control, "terms", NOW) is False
    assert inbox(places) == NEW | {"custody.csv": "put right by hand"}


def test_an_inbox_on_another_file_system(
    places: Places, control: Control, old: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = os.replace

    def across(source: Path, target: Path) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "another file system")
        honest(source, target)

    monkeypatch.setattr(os, "replace", across)
    landed(places, control, pulled(places))
    assert inbox(places) == NEW
    (places.inbox / ".arriving").symlink_to(places.inbox.parent / "elsewhere")
    assert put_back(places, control, "terms", NOW) is True
    assert inbox(places) == old and beside(places) == ["police"]


def test_a_disk_that_fills_while_a_file_is_copied_keeps_no_half_of_it(
    places: Places, control: Control, old: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, flush, flushed = os.replace, os.fsync, []

    def across(source: Path, target: Path) -> None:
        if Path(source).parent != Path(target).parent:
            raise OSError(errno.EXDEV, "another file system")
        honest(source, target)

    def full(handle: int) -> None:
        flushed.append(handle)
        if len(flushed) > 4 and (places.inbox / ".arriving").exists():
            raise OSError(errno.ENOSPC, "no room")
        flush(handle)

    monkeypatch.setattr(os, "replace", across)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        landed(places, control, pulled(places))
    assert places.landing.is_dir() and not (places.inbox / ".arriving").exists()
    monkeypatch.setattr(os, "fsync", flush)
    finish(places, control)
    assert inbox(places) == NEW


def test_a_plan_that_cannot_be_read_stops_it(places: Places, control: Control) -> None:
    places.landing.mkdir()
    (places.landing / "landing.json").write_text("{")
    with pytest.raises(DiskFull):
        finish(places, control)
    assert places.landing.is_dir()
