"""The folder and its control database belong together, or nothing is touched."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from flows.clock import utc_now
from flows.context import open_control
from flows.refresh import run_refresh
from governance.keys.custody import FileSource, new_ring
from schemas.errors import JourneysError, RecordProblem, StoreError

if TYPE_CHECKING:
    from conftest import Partnership

pytestmark = pytest.mark.usefixtures("slight")

COUNT = "SELECT count(*) FROM event WHERE event_type = 'arrest'"


def database(ran: Partnership):
    return ran.folder / "control.db"


def add_an_arrest(ran: Partnership) -> None:
    path = ran.inbox("police", "custody")
    lines = path.read_text().splitlines(keepends=True)
    reference, _, rest = lines[-1].partition(",")
    path.write_text("".join([*lines, f"{reference}X,{rest}"]))


def test_a_missing_control_database_is_not_made_anew_over_what_runs_left(ran: Partnership) -> None:
    ran.journeys("publish", "--demo-officers")
    before = ran.kept()
    database(ran).unlink()
    for words in (["status"], ["sql", "SELECT 1"], ["publish"], ["run", "--no-server"]):
        found = ran.journeys(*words)
        assert found.exit_code == 1
        assert "control database is missing" in found.stderr
        assert not database(ran).exists()
    assert ran.kept() == before


def test_a_missing_ledger_key_is_not_made_anew_over_what_it_keyed(ran: Partnership) -> None:
    """With another nothing sent before would be known, nor anybody erased, nor anybody's clock."""
    before, key = ran.kept(), ran.folder / "ledger-key.json"
    content = key.read_bytes()
    key.unlink()
    add_an_arrest(ran)
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 1 and "ledger-key.json is missing" in " ".join(found.stderr.split())
    assert ran.kept() == before and not key.exists()
    key.write_bytes(content)
    key.chmod(0o600)
    assert run_refresh(ran.settings)["outcome"] == "committed"


def test_an_emptied_control_database_removes_nothing(ran: Partnership) -> None:
    before = ran.kept()
    database(ran).write_bytes(b"")
    with pytest.raises(StoreError, match="belong together"):
        run_refresh(ran.settings)
    assert ran.kept() == before


@pytest.mark.slow
def test_yesterday_s_control_database_removes_nothing(ran: Partnership) -> None:
    yesterday = ran.folder / "control.backup"
    shutil.copy2(database(ran), yesterday)
    add_an_arrest(ran)
    run_refresh(ran.settings)
    before, today = ran.kept(), database(ran).read_bytes()
    shutil.copy2(yesterday, database(ran))
    with pytest.raises(StoreError, match="belong together"):
        run_refresh(ran.settings)
    assert ran.kept() == before
    database(ran).write_bytes(today)
    run_refresh(ran.settings)


@pytest.mark.slow
def test_a_clock_put_back_does_not_make_an_older_run_current(ran: Partnership) -> None:
    def ahead() -> datetime:
        return utc_now() + timedelta(hours=2)

    run_refresh(ran.settings, clock=ahead)
    rows = ran.select(COUNT)
    add_an_arrest(ran)
    before = ran.kept()
    for _ in range(2):
        with pytest.raises(RecordProblem, match="119 minutes before the last entry"):
            run_refresh(ran.settings)
    assert ran.kept() == before
    with open_control(ran.settings) as control:
        refused = control.audit_entries("oversight")[-2:]
        assert [one.detail["refused"] for one in refused] == ["run", "run"]
    assert ran.journeys("audit", "clock", "--why", "it was ahead").exit_code == 0
    report = run_refresh(ran.settings)
    with open_control(ran.settings) as control:
        current = control.current_run()
        assert current is not None
        assert current.run_id == report["run_id"]
        assert control.staged_extracts()["police"].run_id == report["run_id"]
    assert ran.select(COUNT) != rows
    assert run_refresh(ran.settings)["partners"]["police"]["extract"] == "unchanged"


def test_another_identifier_key_does_not_quietly_end_every_person_id(ran: Partnership) -> None:
    before = ran.kept()
    key = ran.folder / "keys" / "identifier.key"
    kept = key.read_bytes()
    key.unlink()
    new_ring(FileSource(key), "identifier", date(2026, 11, 22))
    with pytest.raises(JourneysError, match="not the one"):
        run_refresh(ran.settings)
    assert ran.kept() == before
    key.unlink()
    key.touch(mode=0o600)
    key.write_bytes(kept)
    assert run_refresh(ran.settings)["linkage"]["created"] == 0


def test_what_is_not_ours_stays_where_it_is(ran: Partnership) -> None:
    ran.journeys("publish", "--demo-officers")
    notes = [ran.folder / zone / "README.txt" for zone in ("publications", "drafts", "releases")]
    for note in notes:
        note.write_text("For the board.")
    run_refresh(ran.settings)
    assert all(note.read_text() == "For the board." for note in notes)


def test_a_smaller_or_older_extract_is_remarked_on(ran: Partnership) -> None:
    path = ran.inbox("police", "drug_test")
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    path = ran.inbox("police", "custody")
    lines = path.read_text().splitlines(keepends=True)
    header, rows = lines[0], lines[1:]
    place = header.strip().split(",").index("arrest_date")
    rows.sort(key=lambda row: row.split(",")[place])
    path.write_text("".join([header, *rows[: len(rows) // 2]]))
    said = run_refresh(ran.settings)["warnings"]
    assert any("fewer than the usual" in one for one in said)
    assert any("days before the last one" in one for one in said)
