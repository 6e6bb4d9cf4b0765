"""Housekeeping as a flow of the timetable. Importing this module imports Prefect."""

from __future__ import annotations

from prefect import flow

from flows.orchestration.looking_after import upkeep_key, watched_upkeep
from flows.orchestration.unattended import QUIET, begun, named


@flow(name="housekeeping", **QUIET)
def housekeeping_flow() -> None:
    """Look after the partnership folder; what is to be done by a person is told once a week."""
    settings, minutes = begun()
    key = upkeep_key()
    named(key)
    watched_upkeep(settings, key, wait_minutes=minutes)
