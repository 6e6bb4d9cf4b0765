"""Runs and pulls that somebody is told of: when one fails, leaves a partner out, or drafts.

It is the same with Prefect and without, so `journeys run --no-server` from a timer tells too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

from flows.agreements.terms import agreement_in_force
from flows.backup.making import Made, make_backup
from flows.clock import Clock, local_day, utc_now
from flows.context import Busy, actor, open_control, run_lock
from flows.orchestration.notify import Alert, send
from flows.progress import Narrator, Silent
from flows.record.checkpoints import refuse_taken_back
from flows.refresh import STEPS, Perform, run_refresh
from flows.safe_errors import Rejected, StepFailed, guarded
from flows.settings import Settings
from flows.sources.pulling import pull_sources
from governance.audit import Recorder
from schemas.errors import JourneysError

Result = TypeVar("Result")

SECONDS_BETWEEN: Final = 20
"""How often it is looked whether the other work has ended."""


class Remembering:
    """A narrator that passes on what it is told, and knows at which step a run is."""

    def __init__(self, narrator: Narrator) -> None:
        self._narrator = narrator
        self.step = ""

    @contextmanager
    def telling(self, number: int, of: int, title: str) -> Iterator[None]:
        """Tell of a step until the context ends."""
        self.step = next((name for name, said in STEPS.items() if said == title), "")
        with self._narrator.telling(number, of, title):
            yield

    def note(self, text: str) -> None:
        """Pass it on."""
        self._narrator.note(text)


def watched_run(
    settings: Settings,
    run_id: str,
    *,
    narrator: Narrator | None = None,
    wait_minutes: int = 0,
    clock: Clock = utc_now,
    dress: Callable[[Perform], Perform] = lambda perform: perform,
) -> dict[str, Any]:
    """Run the journey once, and send the alerts there are.

    Args:
        settings: The partnership.
        run_id: The run's id.
        narrator: Who tells a person of each step.
        wait_minutes: How long to wait for other work in the folder to end.
        clock: The clock.
        dress: How a driver wraps each step.

    Returns:
        The report of the run.

    Raises:
        JourneysError: As `flows.refresh.run_refresh` does. Alerts fail nothing.
    """
    remembering = Remembering(narrator or Silent())
    try:
        report = patiently(
            wait_minutes,
            lambda: run_refresh(
                settings, narrator=remembering, run_id=run_id, clock=clock, dress=dress
            ),
        )
    except Exception as error:
        # At the keyboard whoever is told that another is at work needs no letter of it.
        if wait_minutes or not isinstance(error, Busy):
            send(settings, of_failure(run_id, remembering.step, error), clock)
        raise
    unsent = [
        line
        for alert in of_report(report, local_day(clock()))
        for line in send(settings, alert, clock)
    ]
    if unsent:
        report["warnings"] += unsent
        # What is told of a run that stands fails nothing, wherever it can be kept.
        with suppress(JourneysError), open_control(settings) as control:
            control.add_warnings(run_id, unsent)
    return report


def patiently(
    minutes: int, call: Callable[[], Result], pause: Callable[[float], None] = time.sleep
) -> Result:
    """Call, and again while other work holds the lock, which has changed nothing by then.

    Args:
        minutes: For how long.
        call: What to call.
        pause: Waits for so many seconds.

    Raises:
        Busy: The other work goes on.
    """
    for _ in range(minutes * 60 // SECONDS_BETWEEN):
        try:
            return call()
        except Busy:
            pause(SECONDS_BETWEEN)
    return call()


def of_failure(run_id: str, step: str, error: Exception) -> Alert:
    """What is told of a run that failed: its step, and the kinds of what was wrong, counted."""
    at = f"It failed at `{step}`" if step else "It failed before its first step"
    said = [f"{at} ({type(error).__name__})."]
    counts: dict[str, int] = {}
    if isinstance(error, StepFailed):
        said = [f"{at}: incident {error.incident}."]
    if isinstance(error, Rejected):
        for partner, problems in error.problems.items():
            for one in problems:
                name = f"{partner}, {type(one).__name__}"
                counts[name] = counts.get(name, 0) + 1
    said.append("The last good release stands. `journeys status` tells the rest.")
    return Alert("run-failed", run_id, tuple(said), counts)


def of_report(report: Mapping[str, Any], today: date) -> Iterator[Alert]:
    """What is told of a run that was committed."""
    year, week, _ = today.isocalendar()
    for partner in report["stopped"]:
        yield Alert(
            "partner-left-out",
            f"{partner}, week {week} of {year}",
            (f"There is no agreement in force with {partner}, so its data are not used.",),
        )
    if report["draft"]["digest"]:
        yield draft_waits(report["run_id"])


def draft_waits(draft_id: str) -> Alert:
    """That a draft awaits approval."""
    said = "Two different people approve it with `journeys publish --approve --officer NAME`."
    return Alert("draft-waits", draft_id, (said,))


def watched_pull(
    settings: Settings, partner: str, *, wait_minutes: int = 0, clock: Clock = utc_now
) -> None:
    """Fetch one partner's extract and look at it; tell if that cannot be done.

    Raises:
        JourneysError: Why it cannot.
    """
    try:
        patiently(wait_minutes, lambda: guarded("pull", pull_one, settings, partner, clock))
    except Exception as error:
        said = (f"It stopped for {type(error).__name__}.", f"See `journeys pull {partner}`.")
        send(settings, Alert("pull-failed", f"{partner}, {local_day(clock())}", said), clock)
        raise


def pull_one(settings: Settings, partner: str, clock: Clock) -> None:
    """Check that a partner's extract may be used, and fetch what is new at its source, if any.

    Raises:
        AgreementError: No agreement is in force.
        JourneysError: As `flows.sources.pulling.pull_sources` tells it.
        Busy: A run is at work.
    """
    if settings.partner(partner).source is None:
        agreement_in_force(settings, partner, local_day(clock()))
        return
    who = Recorder(actor(), settings.purpose)
    with run_lock(settings), open_control(settings) as control:
        refuse_taken_back(settings, control)
        look = pull_sources(settings, control, who, clock, partners=[partner])[partner]
    if look.problem is not None:
        raise look.problem


def watched_backup(
    settings: Settings, out: Path | None, recipient: Path | None, clock: Clock = utc_now
) -> Made:
    """Make a backup unattended: wait while a run is at work, and tell if it cannot be made.

    Args:
        settings: The partnership.
        out: As `flows.backup.making.make_backup` takes it, like the next.
        recipient: The public half of the backup key.
        clock: The clock.

    Raises:
        JourneysError: Why it cannot.
    """
    try:
        return patiently(
            settings.schedule.wait_minutes,
            lambda: guarded("backup", make_backup, settings, out, recipient, clock),
        )
    except Exception as error:
        said = (f"It stopped for {type(error).__name__}.", "`journeys backup make` says why.")
        send(settings, Alert("backup-failed", f"backup, {local_day(clock())}", said), clock)
        raise
