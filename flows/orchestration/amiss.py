"""What is wrong with the schedule, seen from outside it: no dead server or worker tells of itself.

A timer of the machine asks every hour (`journeys schedule status --alert`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flows.clock import Clock, local_day, utc_now
from flows.context import open_control
from flows.orchestration.notify import Alert, send
from flows.orchestration.timetable import NIGHTLY, POOL
from flows.settings import FILE_NAME, Settings

if TYPE_CHECKING:
    from flows.orchestration.registering import Standing


def amiss_with(
    settings: Settings, standing: Standing | None, *, served: bool, clock: Clock = utc_now
) -> dict[str, str]:
    """What is wrong with the schedule.

    Args:
        settings: The partnership.
        standing: How the schedule stands; None where its server does not answer.
        served: Whether a server of the schedule was ever begun: a partnership that goes by a timer
            of the machine has none that could be dead.
        clock: The clock.

    Returns:
        The kind of alert and a sentence, for each thing.
    """
    amiss: dict[str, str] = {}
    if standing is None:
        if served:
            amiss["server-dead"] = "The schedule's server does not answer."
    elif not standing.lines:
        amiss["server-dead"] = "Nothing is scheduled: `journeys schedule apply` registers it."
    elif not standing.worker:
        amiss["worker-dead"] = "No worker is there: `journeys schedule work` starts one."
    hours = settings.schedule.missing_hours
    if clock() - _last_done(settings) > timedelta(hours=hours):
        amiss["run-missing"] = f"No run was completed in {hours} hours."
    return amiss


def tell(settings: Settings, amiss: dict[str, str], clock: Clock = utc_now) -> list[str]:
    """Tell people of it, once a day.

    Returns:
        A sentence for every way in which it could not be sent.
    """
    today = local_day(clock())
    about = {"run-missing": NIGHTLY, "worker-dead": POOL, "server-dead": "server"}
    return [
        line
        for kind, said in amiss.items()
        for line in send(settings, Alert(kind, f"{about[kind]}, {today}", (said,)), clock)
    ]


def _last_done(settings: Settings) -> datetime:
    """When the current run began; before the first, when partnership.yaml was last written.

    A folder that was set up this morning has missed nothing yet.
    """
    with open_control(settings) as control:
        current = control.current_run()
    if current is not None:
        return current.started_at
    return datetime.fromtimestamp((settings.folder / FILE_NAME).stat().st_mtime, UTC)
