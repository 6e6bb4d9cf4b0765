"""The control database: a run counts once it is committed, with all that belongs to it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from servers import PostgresServer

from governance.audit import Recorder
from governance.control import (
    Approval,
    Control,
    DraftRelease,
    DraftRow,
    Extract,
    Publication,
    Withdrawal,
)
from governance.control.tables import RUN
from governance.disclosure.officers import officer_key
from schemas.errors import StoreError

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
APPROVED = Recorder("me", "journeys").entry("oversight", NOW)


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with Control(f"sqlite:///{tmp_path / 'control.db'}") as opened:
        yield opened


def extract(run_id: str, partner: str = "police", digest: str = "sha256:a") -> Extract:
    return Extract(run_id, partner, digest, "sha256:t", 1, "k", 10, 8, 1, 1, 0, date(2026, 6, 30))


def begin(control: Control, run_id: str, at: datetime = NOW) -> None:
    control.begin_run(run_id, at=at, actor="someone", purpose="journeys")


def commit(control: Control, run_id: str, at: datetime = NOW, *extracts: Extract) -> None:
    begin(control, run_id, at)
    control.commit_run(
        run_id, at=at, report={"people": 3}, extracts=extracts, draft_digest=f"sha256:{run_id}"
    )


def test_a_run_is_current_once_it_is_committed(control: Control) -> None:
    assert control.current_run() is None and control.last_run() is None
    begin(control, "r1")
    assert control.current_run() is None and control.unfinished_runs() == ["r1"]
    control.commit_run("r1", at=NOW, report={"n": 1}, extracts=[extract("r1")], draft_digest="d")
    current = control.current_run()
    assert current is not None and current.run_id == "r1" and current.report == {"n": 1}
    assert control.unfinished_runs() == []


def test_a_failed_run_leaves_the_current_one(control: Control) -> None:
    commit(control, "r1")
    begin(control, "r2", NOW + timedelta(hours=1))
    control.fail_run("r2", at=NOW + timedelta(hours=2), problem="A problem.")
    current, last = control.current_run(), control.last_run()
    assert current is not None and current.run_id == "r1"
    assert last is not None and (last.run_id, last.problem) == ("r2", "A problem.")
    assert control.failed_runs() == ["r2"] and control.committed_runs() == ["r1"]


def test_a_commit_is_all_or_nothing(control: Control) -> None:
    begin(control, "r1")
    with pytest.raises(StoreError):
        control.commit_run(
            "r1", at=NOW, report={}, extracts=[extract("r1"), extract("r1")], draft_digest="d"
        )
    assert control.unfinished_runs() == ["r1"]
    assert control.staged_extracts() == {} and control.draft("r1") is None


def test_a_run_ends_once(control: Control) -> None:
    commit(control, "r1")
    with pytest.raises(StoreError):
        control.fail_run("r1", at=NOW, problem="Too late.")
    with pytest.raises(StoreError):
        control.fail_run("never", at=NOW, problem="Never begun.")


def test_what_a_run_wrote_is_removed_only_where_it_did_not_commit(control: Control) -> None:
    commit(control, "r1")
    begin(control, "r2", NOW + timedelta(hours=1))
    undone: list[str] = []
    with pytest.raises(StoreError):
        control.fail_run("r1", at=NOW, problem="Too late.", undo=lambda: undone.append("r1"))
    control.fail_run("r2", at=NOW, problem="A problem.", undo=lambda: undone.append("r2"))
    assert undone == ["r2"] and control.failed_runs() == ["r2"]


def test_a_database_that_another_program_holds_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.control.database.LONGEST_WAIT", 0)
    path = tmp_path / "control.db"
    with Control(f"sqlite:///{path}") as control, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="Another program holds the control database"):
            control.run_ids()
        other.rollback()
        assert control.run_ids() == set()


def test_a_row_that_a_dead_client_holds_in_postgresql_is_not_waited_for_for_ever(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.control.database.LONGEST_WAIT", 1)
    monkeypatch.setattr("governance.control.database.LONGEST_IDLE", 2)
    url = postgres_server.new_database()
    undone: list[str] = []
    with Control(url) as dead, Control(url) as control:
        begin(control, "r1")
        with pytest.raises(StoreError, match="broke off"), dead._transaction() as held:
            held.execute(sa.select(RUN).with_for_update())
            with pytest.raises(StoreError, match="Another program holds the control database"):
                control.fail_run("r1", at=NOW, problem="A", undo=lambda: undone.append("r1"))
            assert undone == []
            time.sleep(1.2)  # by when the server has given the silent one up
            control.fail_run("r1", at=NOW, problem="A", undo=lambda: undone.append("r1"))
            held.execute(sa.select(RUN))
        assert undone == ["r1"] and control.failed_runs() == ["r1"]


def test_the_ledger_gives_each_partners_latest_committed_extract(control: Control) -> None:
    commit(control, "r1", NOW, extract("r1"), extract("r1", "housing"))
    commit(control, "r2", NOW + timedelta(days=1), extract("r2", digest="sha256:b"))
    begin(control, "r3", NOW + timedelta(days=2))
    staged = control.staged_extracts()
    assert staged["police"].digest == "sha256:b" and staged["housing"].run_id == "r1"
    assert staged["police"].data_as_at == date(2026, 6, 30)


def test_moments_are_kept_as_utc(control: Control) -> None:
    summer = datetime(2026, 7, 1, 2, 0, tzinfo=timezone(timedelta(hours=1)))
    begin(control, "r1", summer)
    run = control.run("r1")
    assert run is not None and run.started_at == summer
    assert run.started_at.utcoffset() == timedelta(0) and run.started_at.hour == 1


def test_a_moment_without_a_zone_is_refused(control: Control) -> None:
    with pytest.raises((ValueError, StoreError)):
        begin(control, "r1", datetime(2026, 7, 1, 2, 0))


def test_an_officer_approves_once_whatever_the_case(control: Control) -> None:
    commit(control, "r1")
    assert control.approve(Approval("r1", "A. Officer", "d", "me", NOW), APPROVED)
    assert not control.approve(Approval("r1", "a. OFFICER", "d", "me", NOW), APPROVED)
    assert control.approve(
        Approval("r1", "B. Officer", "d", "me", NOW + timedelta(minutes=1)), APPROVED
    )
    assert [one.officer for one in control.approvals("r1")] == ["A. Officer", "B. Officer"]


def test_a_published_draft_no_longer_waits(control: Control) -> None:
    commit(control, "r1")
    commit(control, "r2", NOW + timedelta(days=1))
    assert [one.run_id for one in control.waiting_drafts()] == ["r2", "r1"]
    entry = Recorder("me", "journeys", "r2").entry("disclosure", NOW, recipients="the board")
    control.record_publication(Publication("r2", "r2", "sha256:r2", NOW), entry)
    assert [one.run_id for one in control.waiting_drafts()] == ["r1"]
    assert [one.publication_id for one in control.publications()] == ["r2"]
    assert control.audit_entries("disclosure")[0].recipients == "the board"


def window(draft: str, number: int, run: str) -> DraftRelease:
    month = 3 * number + 1
    first, last = date(2026, month, 1), date(2026, month + 2, 28)
    return DraftRelease(draft, number, f"{draft}-{number}", f"w{number}", first, last, run)


def test_what_is_public_is_told_in_order_until_it_is_withdrawn(control: Control) -> None:
    begin(control, "r1")
    two = [window("r1", 0, "r1"), window("r1", 1, "r1")]
    control.commit_run("r1", at=NOW, report={}, extracts=[], draft_digest="d", draft_releases=two)
    entry = Recorder("me", "journeys", "r1").entry("disclosure", NOW)
    control.add_draft(DraftRow("t1", "e", NOW), [window("t1", 2, "r1")], entry)
    assert control.draft_ids() == {"r1", "t1"} and control.public_releases() == []
    for day, name in enumerate(("r1", "t1")):
        at = NOW + timedelta(days=day)
        control.record_publication(Publication(name, name, "d", at), entry)
    assert [one.digest for _, one in control.public_releases()] == ["r1-0", "r1-1", "t1-2"]
    control.withdraw(Withdrawal("r1", NOW, "me", "Wrong", count_again=True), entry)
    assert [one.publication_id for one in control.publications()] == ["t1"]
    assert [one.digest for _, one in control.public_releases()] == ["t1-2"]
    assert [one.digest for _, one in control.withdrawn_releases()] == ["r1-0", "r1-1"]
    with pytest.raises(StoreError):
        control.withdraw(Withdrawal("r1", NOW, "me", "Twice", count_again=False), entry)


def test_a_run_with_nothing_to_publish_leaves_no_draft(control: Control) -> None:
    begin(control, "r1")
    control.commit_run("r1", at=NOW, report={}, extracts=[], draft_digest=None)
    assert control.committed_runs() == ["r1"] and control.waiting_drafts() == []


def test_audit_entries_keep_their_order_and_counts(control: Control) -> None:
    recorder = Recorder("me", "journeys", "r1")
    for action in ("collection", "erasure"):
        control.add_audit(recorder.entry(action, NOW, partner="police", detail={"rows": 4}))
    entries = control.audit_entries()
    assert [one.action for one in entries] == ["collection", "erasure"]
    assert entries[0].detail == {"rows": 4} and entries[0].actor == "me"
    with pytest.raises(ValueError, match="not an action"):
        recorder.entry("snooping", NOW)


def test_a_corrupt_database_is_told_without_its_url(tmp_path: Path) -> None:
    path = tmp_path / "secret-place.db"
    path.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError) as caught:
        Control(f"sqlite:///{path}")
    assert "secret-place" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "nodialect://u:secret@h/d", "sqlite+nodriver:///x"])
def test_an_unusable_url_is_told_without_being_shown(url: str) -> None:
    with pytest.raises(StoreError, match="control_database") as caught:
        Control(url)
    assert "secret" not in str(caught.value)


def test_names_of_officers_are_compared_as_people_read_them() -> None:
    same = ["A. Name", "a. name", " A.  Name ", "A. Name\u200b", "\uff21. Name"]
    assert len({officer_key(name) for name in same}) == 1
    assert officer_key("B. Name") != officer_key("A. Name")
