"""What Prefect's server watches for by itself, and tells of. Importing this module imports Prefect.

A run that fails tells of itself; these are for what cannot: a run that was cut short, one that does
not begin, one that is missing, and a worker that has died.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

from flows.orchestration.options import Schedule
from flows.orchestration.timetable import NIGHTLY, POOL, TAG

PREFIX = "journeys: "
Labels = dict[str, str | list[str]]

OF_OURS: Labels = {"prefect.resource.id": f"prefect.tag.{TAG}"}
OF_THE_NIGHT: Labels = {
    "prefect.resource.role": "deployment",
    "prefect.resource.name": NIGHTLY,
}
RUN = "{{ flow_run.name }}"


def automations(schedule: Schedule, block: UUID) -> tuple[AutomationCore, ...]:
    """Every automation, each of which tells by a block of `flows.orchestration.alert_block`."""
    begin = "{{ flow_run.expected_start_time | string | truncate(16, True, '', 0) }}"
    late = f"{{{{ deployment.name }}}} of {begin} UTC"
    return (
        _reactive("run-failed", "prefect.flow-run.Failed", RUN, block),
        _reactive("run-crashed", "prefect.flow-run.Crashed", RUN, block),
        _reactive("run-late", "prefect.flow-run.Late", late, block),
        AutomationCore(
            name=f"{PREFIX}run-missing",
            description="No nightly run was completed for too long.",
            tags=[TAG],
            trigger=EventTrigger(
                expect={"prefect.flow-run.Completed"},
                match={"prefect.resource.id": "prefect.flow-run.*"},
                match_related=OF_THE_NIGHT,
                posture=Posture.Proactive,
                threshold=1,
                within=timedelta(hours=schedule.missing_hours),
            ),
            actions=[_tell("run-missing", NIGHTLY, block)],
        ),
        AutomationCore(
            name=f"{PREFIX}worker-dead",
            description="No worker carries out the schedule.",
            tags=[TAG],
            trigger=EventTrigger(
                expect={"prefect.work-pool.not-ready"},
                match={"prefect.resource.name": POOL},
                posture=Posture.Reactive,
                threshold=1,
            ),
            actions=[_tell("worker-dead", POOL, block)],
        ),
    )


def _reactive(kind: str, event: str, about: str, block: UUID) -> AutomationCore:
    return AutomationCore(
        name=f"{PREFIX}{kind}",
        tags=[TAG],
        trigger=EventTrigger(
            expect={event},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related=OF_OURS,
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[_tell(kind, about, block)],
    )


def _tell(kind: str, about: str, block: UUID) -> SendNotification:
    return SendNotification(block_document_id=block, subject=kind, body=about)
