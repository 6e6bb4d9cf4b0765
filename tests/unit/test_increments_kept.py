"""Increments are kept period by period, and one that is gone is missed whoever put it there."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flows.intake.increments import lost_periods
from flows.retention.deleting import _inboxes
from flows.retention.held import _extracts
from flows.sources.inbox import Arrived
from governance.control import Control
from governance.retention import Term, plan

DAY = 86_400
OLDEST = 1_790_000_000
"""A moment of September 2026, as a file system tells it."""


def partnership(folder: Path) -> Any:
    """Settings of a partnership whose police send increments."""
    police = SimpleNamespace(
        inbox=folder / "inbox",
        delivery="increment",
        files="{table}_{period:%Y-%m}.csv",
        system=None,
    )
    return SimpleNamespace(
        partners={"police": police}, partner=lambda name: police, mappings=None, codes=None
    )


def test_each_period_is_due_by_itself_and_is_told(tmp_path: Path) -> None:
    settings: Any = partnership(tmp_path)
    settings.partner("police").inbox.mkdir()
    for place, period in enumerate(("2026-09", "2026-10", "2026-11")):
        for table in ("custody", "drug_test"):
            path = tmp_path / "inbox" / f"{table}_{period}.csv"
            path.write_text("a")
            os.utime(path, (OLDEST + place * 30 * DAY,) * 2)
    nothing: Any = None
    terms = {("extracts", "police"): Term(45, "agreement")}
    on = date(2026, 11, 23)
    lines = plan(list(_extracts(settings, nothing)), terms, on)
    due = [line for line in lines if line.due]
    assert [line.held.what for line in lines] == [
        "period 2026-09",
        "period 2026-10",
        "period 2026-11",
    ]
    assert [line.held.what for line in due] == ["period 2026-09"]
    assert "no extract can be put together" in due[0].held.said
    _inboxes(settings, nothing, due, on, nothing)
    left = sorted(path.name for path in (tmp_path / "inbox").iterdir())
    assert len(left) == 4 and not any("2026-09" in name for name in left)


def test_a_period_that_was_put_there_by_hand_is_missed_too(tmp_path: Path) -> None:
    arrived = Arrived("police", {}, "", {}, 0, periods=("2026-10", "2026-11"))

    class Ledger:
        staged = True

        def pulls(self, partner: str) -> list[Any]:
            return []

        def taken_periods(self, partner: str) -> set[str]:
            return {"2026-09", "2026-10"}

        def staged_extracts(self) -> dict[str, Any]:
            return {"police": None} if self.staged else {}

    ledger: Any = Ledger()
    lost = lost_periods(ledger, arrived)
    assert lost is not None and "2026-09" in str(lost) and "2026-10" not in str(lost)
    ledger.staged = False
    assert lost_periods(ledger, arrived) is None


def test_the_periods_of_a_staged_extract_are_in_the_ledger(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    at = datetime(2026, 11, 23, tzinfo=UTC)
    with Control(f"sqlite:///{tmp_path}/control.db") as control:
        for run, periods in (("a", ("2026-09", "2026-10")), ("b", ("2026-10",))):
            control.begin_run(run, purpose="p", actor="x", at=at)
            control.commit_run(
                run, at=at, report={}, extracts=[], draft_digest=None, periods={"police": periods}
            )
            assert control.taken_periods("police") == set(periods)
