"""Housekeeping: the record is checked and a checkpoint made, and whatever a person is to look after
is told. Nothing is deleted but what a killed run had left.

Prefect's worker and a timer of the machine carry out the same, and people are told the same, once.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from typing import Final

from flows import housekeeping
from flows.clock import Clock, local_day, utc_now
from flows.context import actor, open_control, run_lock
from flows.orchestration.notify import Alert, send
from flows.orchestration.watched import patiently
from flows.record.checkpoints import (
    make_checkpoint,
    refuse_early_clock,
    refuse_taken_back,
    verify_record,
)
from flows.retention.due import warnings
from flows.rights.register import put_in_line
from flows.safe_errors import guarded
from flows.settings import Settings
from governance.audit import Recorder

ALWAYS_TOLD: Final = frozenset({"agreements", "backups"})
"""What `journeys doctor` only warns of and a person has to hear of in time all the same."""

NUMBERED: Final = re.compile(r"\d[\w.,:-]*")
"""Numbers, days, times and ids of runs."""


def watched_upkeep(
    settings: Settings, key: str, *, wait_minutes: int = 0, clock: Clock = utc_now
) -> list[str]:
    """Look after the partnership folder; tell if that cannot be done.

    Args:
        settings: The partnership.
        key: What an alert of it is about, which is also the name of a run under Prefect, so that
            Prefect's own automation does not tell it again.
        wait_minutes: How long to wait for other work in the folder to end.
        clock: The clock.

    Returns:
        What a person is to look after, as sentences without values.

    Raises:
        JourneysError: Why it cannot.
    """
    try:
        return patiently(wait_minutes, lambda: guarded("housekeeping", look_after, settings, clock))
    except Exception as error:
        said = (
            f"It stopped for {type(error).__name__}.",
            "`journeys schedule housekeeping` says why.",
        )
        send(settings, Alert("housekeeping-failed", key, said), clock)
        raise


def upkeep_key(clock: Clock = utc_now) -> str:
    """What the alerts of a day's housekeeping are about."""
    return f"housekeeping, {local_day(clock())}"


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
        if control.head() is not None:
            make_checkpoint(settings, control, clock)
        said = warnings(settings, control, local_day(clock()))
    faults = len(verify_record(settings).faults)
    if faults:
        said.append(f"The record has {faults} fault(s): `journeys audit verify` tells which.")
    said += _found(settings, clock)
    if said:
        send(settings, Alert("housekeeping", _key(said, local_day(clock())), tuple(said)), clock)
    return said


def _key(said: list[str], today: date) -> str:
    """What is told once: every week, and whenever there is something else to look after.

    A number of days that goes on, or another run of which the same is said, is nothing else.
    """
    year, week, _ = today.isocalendar()
    plain = sorted(NUMBERED.sub("", one) for one in said)
    mark = hashlib.sha256("\n".join(plain).encode()).hexdigest()[:4]
    return f"{len(said)} in week {week} of {year}, {mark}"


def _found(settings: Settings, clock: Clock) -> list[str]:
    """What `journeys doctor` finds amiss, without what is only worth a look."""
    from flows.doctor.examining import examine

    return [
        f"{one.said} {one.remedy}"
        for one in examine(settings, digests=True, clock=clock)
        if one.state == "fail" or (one.state == "warn" and one.code in ALWAYS_TOLD)
    ]
