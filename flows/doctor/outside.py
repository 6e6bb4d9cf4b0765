"""What is reached over a network: sources of extracts, and Prefect's server."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.error import URLError
from urllib.request import urlopen

from flows.doctor.finding import Finding, Patient, fail, ok
from flows.orchestration.options import Schedule
from flows.sources.pulling import check_source

SECONDS = 5


def sources(patient: Patient) -> Iterator[Finding]:
    """Whether each partner's source answers, and is the one it was."""
    for partner in patient.settings.partners:
        for one in check_source(patient.settings, partner, patient.clock):
            said = f"{partner}: {one.said}"
            yield ok("sources", said) if one.sound else fail("sources", said, one.remedy)


def prefect(patient: Patient) -> Iterator[Finding]:
    """Whether Prefect's server answers, where partnership.yaml has a schedule."""
    schedule = patient.settings.schedule
    if schedule == Schedule():
        return
    try:
        # partnership.yaml takes no address but http and https.
        with urlopen(f"{schedule.server}/health", timeout=SECONDS) as answer:  # noqa: S310
            sound = answer.status == 200
    except (URLError, OSError, ValueError):
        sound = False
    if sound:
        yield ok("prefect", "Prefect's server answers.")
    else:
        yield fail(
            "prefect",
            "Prefect's server does not answer, so nothing runs on its schedule.",
            "Start it with `journeys schedule serve`, or see why its service is down.",
        )
