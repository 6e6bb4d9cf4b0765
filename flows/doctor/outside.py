"""What is reached over a network: sources of extracts, and Prefect's server."""

from __future__ import annotations

from collections.abc import Iterator

from flows.doctor.finding import Finding, Patient, fail, ok
from flows.orchestration.options import Schedule
from flows.orchestration.prefect_settings import WORD, standing
from flows.sources.pulling import check_source


def sources(patient: Patient) -> Iterator[Finding]:
    """Whether each partner's source answers, and is the one it was."""
    for partner in patient.settings.partners:
        for one in check_source(patient.settings, partner, patient.clock):
            said = f"{partner}: {one.said}"
            yield ok("sources", said) if one.sound else fail("sources", said, one.remedy)


def prefect(patient: Patient) -> Iterator[Finding]:
    """Whether Prefect's server answers, where there is a schedule or a server was begun."""
    settings = patient.settings
    if settings.schedule == Schedule() and not (settings.prefect_home / WORD).is_file():
        return
    if standing(settings):
        yield ok("prefect", "Prefect's server answers, to its own password only.")
    else:
        yield fail(
            "prefect",
            "Prefect's server does not answer, so nothing runs on its schedule.",
            "Start it with `journeys schedule serve`, or see why its service is down.",
        )
