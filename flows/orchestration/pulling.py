"""The pulls: each partner's extract is fetched and looked at, at a time of its own.

Nothing is linked. What is wrong with it is told hours before the nightly run needs it.
"""

from __future__ import annotations

from prefect import flow

from flows.clock import local_day, utc_now
from flows.orchestration.unattended import QUIET, begun, named
from flows.orchestration.watched import watched_pull


@flow(name="pull-police", **QUIET)
def pull_police() -> None:
    """Fetch the police's extract and look at it."""
    _pull("police")


@flow(name="pull-probation", **QUIET)
def pull_probation() -> None:
    """Fetch probation's extract and look at it."""
    _pull("probation")


@flow(name="pull-treatment", **QUIET)
def pull_treatment() -> None:
    """Fetch treatment's extract and look at it."""
    _pull("treatment")


@flow(name="pull-housing", **QUIET)
def pull_housing() -> None:
    """Fetch housing's extract and look at it."""
    _pull("housing")


def _pull(partner: str) -> None:
    settings, minutes = begun()
    named(f"{partner}, {local_day(utc_now())}")
    watched_pull(settings, partner, wait_minutes=minutes)
