"""A run that stops anywhere leaves the last good state, and the next run puts things right."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import flows.refresh
from flows.clock import utc_now
from flows.context import open_control
from flows.housekeeping import recover
from flows.refresh import STEPS, run_refresh
from flows.safe_errors import StepFailed
from governance.control import Control
from schemas.errors import StoreError

if TYPE_CHECKING:
    from conftest import Partnership

CANARY = "XANTHIPPEQUILLFEATHER"

LEAVES_NO_MORE = ("agree", "link", "erase")
"""Steps that leave no more than those next to them, which are tried every time."""

KILLED_IN_A_STEP = """
import os, signal, sys
import deeds, flows.refresh
from pathlib import Path
from flows.settings import load_settings

def killed(run, *args):
    done(run, *args)
    os.kill(os.getpid(), signal.SIGKILL)

step = sys.argv[2]
done = getattr(flows.refresh, step)
killed.__name__ = step
setattr(flows.refresh, step, killed)
deeds.prepare()
flows.refresh.run_refresh(load_settings(Path(sys.argv[1])))
"""


def states(partnership: Partnership) -> list[str]:
    with open_control(partnership.settings) as control:
        return [*control.unfinished_runs(), *control.committed_runs()]


@pytest.mark.usefixtures("slight")
@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=pytest.mark.slow if step in LEAVES_NO_MORE else [])
        for step in STEPS
        if step != "commit"
    ],
)
def test_a_step_that_fails_leaves_the_last_good_state(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before, runs = ran.kept(), states(ran)
    original = getattr(flows.refresh, step)

    @functools.wraps(original)
    def fails(*args: Any) -> Any:
        original(*args)
        raise ValueError(CANARY)

    monkeypatch.setattr(flows.refresh, step, fails)
    with pytest.raises(StepFailed) as caught:
        run_refresh(ran.settings)
    assert CANARY not in str(caught.value) and caught.value.step == step
    assert CANARY not in (ran.last_problem() or "")
    assert ran.kept() == before and states(ran) == runs


def test_what_stopped_a_run_is_told_though_it_cannot_be_recorded(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ran.kept()

    def full(*args: Any, **kwargs: Any) -> None:
        raise StoreError("The control database cannot be written.", "Make room.")

    @functools.wraps(flows.refresh.pull)
    def fails(*args: Any) -> Any:
        raise ValueError(CANARY)

    with monkeypatch.context() as patch, pytest.raises(StepFailed):
        patch.setattr(Control, "fail_run", full)
        patch.setattr(flows.refresh, "pull", fails)
        run_refresh(ran.settings)
    assert ran.kept() == before
    with open_control(ran.settings) as control:
        assert len(control.unfinished_runs()) == 1  # which the next run writes off


@pytest.mark.usefixtures("slight")
def test_a_commit_that_cannot_be_recorded_leaves_the_last_good_state(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ran.kept()

    def fails(*args: Any, **kwargs: Any) -> None:
        raise OSError(CANARY)

    monkeypatch.setattr(Control, "commit_run", fails)
    with pytest.raises(StepFailed):
        run_refresh(ran.settings)
    assert ran.kept() == before


@pytest.mark.usefixtures("slight")
def test_tidying_that_fails_after_the_commit_does_not_undo_it(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any) -> None:
        raise OSError(CANARY)

    monkeypatch.setattr(flows.refresh, "tidy", fails)
    report = run_refresh(ran.settings)
    with open_control(ran.settings) as control:
        current = control.current_run()
    assert current is not None and current.run_id == report["run_id"]
    assert any("tidying" in said for said in report["warnings"])
    assert CANARY not in str(report)
    monkeypatch.undo()
    again = run_refresh(ran.settings)
    assert [p.name for p in (ran.folder / "stores").iterdir()] == [again["run_id"]]


def test_an_interrupted_run_leaves_the_last_good_state(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ran.kept()

    @functools.wraps(flows.refresh.build)
    def interrupted(*args: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(flows.refresh, "build", interrupted)
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 130 and "Interrupted" in found.stderr
    assert ran.kept() == before
    assert ran.last_problem() == "The run was interrupted."


@pytest.mark.usefixtures("slight")
@pytest.mark.parametrize("step", [pytest.param("stage", marks=pytest.mark.slow), "draft"])
def test_a_killed_run_is_cleared_away_by_the_next(ran: Partnership, step: str) -> None:
    before, people = ran.kept(), ran.record_person()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_IN_A_STEP, str(ran.config), step],
        capture_output=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = ran.kept()
    assert left.items() > before.items()
    assert ran.select("SELECT count(*) FROM person")
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 0, found.stderr
    assert ran.record_person() == people
    with open_control(ran.settings) as control:
        current, failed = control.current_run(), control.failed_runs()
    assert current is not None and len(failed) == 1
    assert [p.name for p in (ran.folder / "stores").iterdir()] == [current.run_id]
    assert failed[0] not in {p.name for p in (ran.folder / "releases").iterdir()}
    assert failed[0] not in {p.name for p in (ran.folder / "drafts").iterdir()}


def test_what_a_killed_run_left_of_its_lists_goes(ran: Partnership) -> None:
    (run_id,) = states(ran)
    kept = ran.folder / "quarantine" / run_id / "police.csv"
    left = kept.with_name(".housing.csv.part")
    left.write_text("row,")
    with open_control(ran.settings) as control:
        assert recover(ran.settings, control, utc_now) == []
    assert kept.is_file() and not left.exists()
