"""What a run says of itself: rows that balance, times, memory, and lines that hold no value."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asking import rows_of
from leak_scan import Needles

from flows import accounting
from flows.accounting import from_report
from flows.clock import utc_now
from flows.context import open_control
from flows.logs.memory import Peak, resident
from flows.logs.run_log import RunLog, keep_small
from flows.refresh import STEPS, run_refresh
from schemas.errors import StoreError

if TYPE_CHECKING:
    from conftest import Partnership

IDENTIFYING = {"surname", "pnc_id", "cro_number", "crn", "noms_number", "nhsno", "nino",
               "postcode", "custody_ref", "uprn", "clientid", "episodid"}  # fmt: skip


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_row_of_a_real_run_is_accounted_for_and_told(shared: Partnership) -> None:
    with open_control(shared.settings) as control:
        current = control.current_run()
    assert current is not None and current.report is not None
    found = from_report(current.report["rows"])
    assert set(found) == set(shared.settings.partners)
    for partner, told in current.report["partners"].items():
        tables = found[partner].values()
        assert sum(one.received or 0 for one in tables) == told["received"]
        assert sum(one.staged for one in tables) == told["kept"] > 0
        assert all(one.balances for one in tables)
    assert sum(one.quarantined for t in found.values() for one in t.values()) > 0
    said = shared.journeys("status", "--rows")
    assert said.exit_code == 0 and "custody" in said.output and "suppressed" in said.output


def test_a_log_tells_of_steps_rows_rules_and_the_end_and_of_no_value(shared: Partnership) -> None:
    (path,) = (shared.folder / "logs").iterdir()
    found = lines(path)
    assert path.stat().st_mode & 0o077 == 0
    assert next(one["event"] for one in found) == "begun" and found[-1]["outcome"] == "committed"
    steps = [one for one in found if one["event"] == "step"]
    assert [one["step"] for one in steps] == list(STEPS)
    assert all(isinstance(one["seconds"], float) and one["outcome"] == "done" for one in steps)
    assert all(int(str(one["peak_bytes"])) > 1 << 20 for one in steps)
    assert {one["event"] for one in found} >= {"begun", "step", "rows", "rule", "ended"}
    known = {"at", "run_id", "event", "step", "outcome", "seconds", "peak_bytes", "partner",
             "table", "column", "rule", "count", "code", "error",
             *accounting.Rows.__dataclass_fields__}  # fmt: skip
    assert set().union(*found) <= known


@pytest.mark.usefixtures("slight")
def test_a_run_whose_rows_do_not_balance_is_not_committed(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_control(ran.settings) as control:
        before = control.current_run()
    real = accounting._staged

    def one_is_lost(run):
        counts = real(run)
        counts["police"]["custody"] -= 1
        return counts

    monkeypatch.setattr(accounting, "_staged", one_is_lost)
    with pytest.raises(StoreError, match="1 rows of police custody are unaccounted for before"):
        run_refresh(ran.settings)
    with open_control(ran.settings) as control:
        assert control.current_run() == before
    last = max((ran.folder / "logs").iterdir())
    assert lines(last)[-1]["outcome"] == "failed" and lines(last)[-1]["error"] == "StoreError"
    monkeypatch.undo()


def test_nothing_that_a_partner_sent_is_in_what_is_told(shared: Partnership) -> None:
    """Every identifier of the inbox, looked for in logs, the doctor, row counts and a manifest."""
    out = shared.folder.parent
    told = ("log", "doctor", "rows", "backup")
    commands = {
        "doctor": ("doctor", "--all"),
        "rows": ("status", "--rows"),
        "backup": ("backup", "make", "--out", str(out / "backups")),
    }
    assert shared.journeys("backup", "key", "--out", str(out / "backup.key")).exit_code == 0
    said = {"log": b"".join(path.read_bytes() for path in (shared.folder / "logs").iterdir())}
    for name, words in commands.items():
        report = out / f"{name}.json"
        done = shared.journeys(*words, "--json", str(report))
        assert done.exit_code == 0, done.output
        said[name] = done.output.encode() + report.read_bytes()
    identifiers = {
        row[column]
        for path in (shared.folder / "inbox").rglob("*.csv")
        for row in rows_of(path)
        for column in row.keys() & IDENTIFYING
        if len(row[column]) > 5
    }
    assert len(identifiers) > 500
    needles = Needles(identifiers)
    assert {name: needles.in_bytes(said[name]) for name in told} == {one: set() for one in told}
    # The same look finds one that is planted.
    planted = min(identifiers)
    found = needles.in_bytes(said["log"] + planted.encode())
    assert planted.lower() in {one.lower() for one in found}


def test_logs_stay_small_and_a_log_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"2026112{number}-000000-abcd.jsonl").write_bytes(bytes(100))
    keep_small(tmp_path, 250)
    assert [path.name[:8] for path in sorted(tmp_path.iterdir())] == ["20261123", "20261124"]
    file = tmp_path / "a file"
    file.write_text("")
    log = RunLog(file, "20261122-000000-abcd", utc_now)
    log.begin()
    log.say("step", step="pull")
    assert file.read_text() == ""


def test_memory_of_this_process_and_of_its_children_is_seen() -> None:
    assert (resident() or 0) > 1 << 20
    with Peak() as peak:
        child = os.fork()
        if child == 0:
            held = bytearray(64 << 20)
            held[::4096] = b"x" * len(held[::4096])
            import time

            time.sleep(0.5)
            os._exit(0)
        os.waitpid(child, 0)
    assert (peak.bytes or 0) > (resident() or 0) + (50 << 20)
