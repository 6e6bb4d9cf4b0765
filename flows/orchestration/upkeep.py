"""Housekeeping: the record is checked and a checkpoint made, and whatever a person is to look after
is told. Nothing is deleted but what a killed run had left."""

from __future__ import annotations

from datetime import date
from typing import Final

from prefect import flow

from flows import housekeeping
from flows.agreements.states import agreement_states
from flows.clock import Clock, local_day, utc_now
from flows.context import actor, open_control, run_lock
from flows.orchestration.notify import Alert, send
from flows.orchestration.unattended import QUIET, begun
from flows.orchestration.watched import patiently
from flows.record.checkpoints import make_checkpoint, refuse_early_clock, refuse_taken_back
from flows.retention.due import warnings
from flows.rights.register import put_in_line
from flows.safe_errors import guarded
from flows.settings import Settings
from governance.audit import Recorder

ENDING_DAYS: Final = 60
"""So long before an agreement ends its renewal is asked for."""


@flow(name="housekeeping", **QUIET)
def housekeeping_flow() -> None:
    """Look after the partnership folder; what is to be done by a person is told once a week."""
    settings, minutes = begun()
    patiently(minutes, lambda: guarded("housekeeping", look_after, settings, utc_now))


def look_after(settings: Settings, clock: Clock) -> list[str]:
    """Put right what a dead run left, check the record, make a checkpoint, and tell what is due.

    Returns:
        What a person is to look after, as sentences without values.

    Raises:
        JourneysError: The record or the folder is not as it should be.
        Busy: A run is at work.
    """
    with run_lock(settings), open_control(settings) as control:
        housekeeping.recover(settings, control, clock)
        refuse_taken_back(settings, control)
        refuse_early_clock(control, Recorder(actor(), settings.purpose), clock)
        put_in_line(settings, control, clock)
        make_checkpoint(settings, control, clock)
        said = warnings(settings, control, local_day(clock()))
    today = local_day(clock())
    said += [*ending(settings, today), *_found(settings, clock)]
    if said:
        year, week, _ = today.isocalendar()
        # Every week, and whenever there is more or less to look after.
        key = f"{len(said)} in week {week} of {year}"
        send(settings, Alert("housekeeping", key, tuple(said)), clock)
    return said


def ending(settings: Settings, today: date) -> list[str]:
    """The agreements that end soon, or are not in force."""
    said = []
    for partner, one in agreement_states(settings, today).items():
        left = one["days_left"]
        if not one["in_force"]:
            said.append(f"The agreement with {partner} is not in force.")
        elif left is not None and left <= ENDING_DAYS:
            said.append(f"The agreement with {partner} ends in {left} days: have it renewed.")
    return said


def _found(settings: Settings, clock: Clock) -> list[str]:
    """What `journeys doctor` finds amiss, without what is only worth a look; backups always are."""
    from flows.doctor.examining import examine

    return [
        f"{one.said} {one.remedy}"
        for one in examine(settings, digests=True, clock=clock)
        if one.state == "fail" or (one.state == "warn" and one.code == "backups")
    ]
