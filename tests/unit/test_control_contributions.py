"""A partner that was taken out has nothing staged, and what is forgotten is in no byte any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from governance.audit import Recorder
from governance.control import Control, Extract, Reading, Removal

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
CANARY = "ONCE-IN-A-REPORT"
ENTRY = Recorder("someone", "journeys").entry("erasure", NOW)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with Control(f"sqlite:///{tmp_path / 'control.db'}") as opened:
        yield opened


def commit(control: Control, run_id: str, at: datetime, *partners: str) -> None:
    control.begin_run(run_id, at=at, actor="someone", purpose="journeys")
    extracts = [
        Extract(run_id, one, "d", "t", 1, "k", 10, 8, 1, 1, 0, date(2026, 6, 30))
        for one in partners
    ]
    control.commit_run(
        run_id,
        at=at,
        report={"said": [f"{CANARY}-{run_id}"] * 200},
        extracts=extracts,
        draft_digest=None,
        profiles={one: {"said": f"{CANARY}-{run_id}"} for one in partners},
    )


def staged(control: Control) -> dict[str, str]:
    return {partner: one.run_id for partner, one in control.staged_extracts().items()}


def test_nothing_of_a_partner_that_was_taken_out_is_staged_until_it_sends_again(
    control: Control,
) -> None:
    commit(control, "r1", NOW, "police", "housing")
    commit(control, "r2", NOW + timedelta(days=1), "housing")
    commit(control, "r3", NOW + timedelta(days=2))
    control.decide_reading(Reading("r2", NOW, "someone", "why"), ENTRY)
    assert staged(control) == {"police": "r1", "housing": "r2"}
    assert control.runs_before_a_removal() == set() and control.held() is not None
    control.begin_removal(Removal("police", "r3", NOW, "someone", "it left"), ENTRY)
    (removal,) = control.removals()
    assert (removal.partner, removal.ended_at, removal.number) == ("police", None, 1)
    assert staged(control) == {"housing": "r2"}
    # Whoever was taken back to an earlier release is let go: the partner is in it.
    assert control.runs_of_the_past() == {"r1", "r2", "r3"} and control.held() is None
    control.end_removal(1, NOW + timedelta(days=3))
    assert control.removals()[0].ended_at == NOW + timedelta(days=3)
    commit(control, "r4", NOW + timedelta(days=4), "police")
    assert staged(control) == {"housing": "r2", "police": "r4"}
    assert control.runs_of_the_past() == {"r1", "r2", "r3"}


def test_what_is_forgotten_of_runs_is_in_no_byte_of_the_database(
    control: Control, tmp_path: Path
) -> None:
    file = tmp_path / "control.db"
    assert control.oldest_report() is None
    for number in range(1, 4):
        commit(control, f"r{number}", NOW + timedelta(days=number), "police")
    assert control.oldest_report() == NOW + timedelta(days=1)
    # A release that is still there is read on the terms that its run's report says.
    assert control.oldest_report(["r1"]) == NOW + timedelta(days=2)
    assert control.forget_reports(NOW + timedelta(days=2), ["r1"]) == 0
    assert f"{CANARY}-r1".encode() in file.read_bytes()
    assert control.forget_reports(NOW + timedelta(days=9)) == 2  # the current run's stays
    control.compact()
    content = file.read_bytes()
    assert f"{CANARY}-r1".encode() not in content and f"{CANARY}-r2".encode() not in content
    assert f"{CANARY}-r3".encode() in content
    assert control.oldest_report() is None  # what always stays is never due
    assert [one.profile for one in control.past_extracts("police")][1:] == [{}, {}]
    assert control.forget_reports(NOW + timedelta(days=9)) == 0


def test_what_is_deleted_is_written_over(control: Control, tmp_path: Path) -> None:
    commit(control, "r1", NOW, "police")
    commit(control, "r2", NOW)
    control.forget_reports(NOW + timedelta(days=1))
    assert f"{CANARY}-r1".encode() not in (tmp_path / "control.db").read_bytes()
