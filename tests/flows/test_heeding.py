"""A wish to stop is heeded between steps and before the commit, and is too late after it."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import flows.refresh
from flows.context import open_control
from flows.refresh import run_refresh
from flows.stopping import Stopped, heed, past_turning_back, stoppable, wished
from governance.control import Control

if TYPE_CHECKING:
    from conftest import Partnership

pytestmark = pytest.mark.usefixtures("slight")

SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """A shell that runs the tests in the background has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def swallowed(number: signal.Signals) -> None:
    """A signal, and a library that makes nothing of what its handler raises."""
    with suppress(KeyboardInterrupt):
        signal.raise_signal(number)


def with_a_wish(monkeypatch: pytest.MonkeyPatch, step: str, number: signal.Signals) -> None:
    """Have a step swallow a wish to stop and go on."""
    whole: Callable[..., object] = getattr(flows.refresh, step)

    def carry_out(*args: object) -> object:
        swallowed(number)
        return whole(*args)

    carry_out.__name__ = step
    monkeypatch.setattr(flows.refresh, step, carry_out)


def last_run(partnership: Partnership) -> tuple[str, str | None]:
    with open_control(partnership.settings) as control:
        run = control.last_run()
    assert run is not None
    return run.state, run.problem


def committed(partnership: Partnership) -> int:
    with open_control(partnership.settings) as control:
        return len(control.committed_runs())


@pytest.mark.parametrize("number", SIGNALS, ids=lambda one: one.name)
def test_a_wish_that_a_step_swallowed_stops_the_run_after_it(
    fresh: Partnership, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    with_a_wish(monkeypatch, "pull", number)
    with pytest.raises(KeyboardInterrupt) as caught:
        run_refresh(fresh.settings)
    assert getattr(caught.value, "number", signal.SIGINT) == number
    assert last_run(fresh) == ("failed", "The run was interrupted.")
    assert fresh.kept() == {}


def test_a_wish_swallowed_while_committing_stops_the_run_before_its_row(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ran.kept()
    with_a_wish(monkeypatch, "make_report", signal.SIGTERM)
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 128 + signal.SIGTERM
    assert "last committed run stands" in found.stderr and found.stdout == ""
    assert last_run(ran) == ("failed", "The run was interrupted.")
    assert ran.kept() == before


def test_a_wish_that_comes_while_the_row_is_written_is_too_late(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole = Control.commit_run

    def commit_run(*args: object, **kwargs: object) -> None:
        signal.raise_signal(signal.SIGTERM)
        whole(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Control, "commit_run", commit_run)
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 0 and "is done" in found.stdout
    assert last_run(ran) == ("committed", None) and committed(ran) == 2
    # Nor does it stop what comes next.
    assert ran.journeys("status").exit_code == 0


def test_a_wish_that_comes_after_the_commit_leaves_the_run_whole(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(flows.refresh, "tidy", lambda *args: signal.raise_signal(signal.SIGTERM))
    out = tmp_path / "report.json"
    found = ran.journeys("run", "--no-server", "--json", str(out))
    assert found.exit_code == 0
    assert "committed already" in found.stderr and "is done" in found.stdout
    assert json.loads(out.read_text())["outcome"] == "committed"
    assert last_run(ran) == ("committed", None) and committed(ran) == 2


def test_nothing_is_heeded_that_nobody_asked() -> None:
    with stoppable():
        heed()
        with past_turning_back():
            assert wished() is None
    heed()


def test_one_stoppable_inside_another_is_one() -> None:
    with pytest.raises(Stopped), stoppable():
        with stoppable():
            swallowed(signal.SIGTERM)
        heed()
    assert wished() is None


def test_past_turning_back_puts_the_handlers_back() -> None:
    with pytest.raises(Stopped), stoppable():
        before = [signal.getsignal(number) for number in SIGNALS]
        with past_turning_back():
            signal.raise_signal(signal.SIGHUP)
        assert [signal.getsignal(number) for number in SIGNALS] == before
        raise RuntimeError
