"""Registering the schedule with Prefect's server, asking how it stands, and taking it back.

Importing this module imports Prefect; `prefect_settings.prepare` and `use_standing` come first.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prefect import get_client
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    WorkPoolCreate,
    WorkPoolUpdate,
)
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType, WorkerStatus
from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule
from prefect.client.schemas.sorting import AutomationSort, DeploymentSort, FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from flows.orchestration.alert_block import JourneysAlert
from flows.orchestration.automations import PREFIX, automations
from flows.orchestration.prefect_settings import ALWAYS
from flows.orchestration.timetable import POOL, TAG, TIMEZONE, Entry, timetable

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

    from flows.settings import Settings

BLOCK = "journeys-alerts"
OURS = DeploymentFilter(tags=DeploymentFilterTags(all_=[TAG]))
ALL: dict[str, Any] = {"limit": 200, "sort": DeploymentSort.NAME_ASC}


@dataclass(frozen=True)
class Registered:
    """One line of the timetable as the server has it.

    Attributes:
        name: Its name.
        last: The last run that ended or is at work: its name, its state, when it began.
        coming: When the next one is scheduled.
    """

    name: str
    last: tuple[str, str, datetime | None] | None
    coming: datetime | None


@dataclass(frozen=True)
class Standing:
    """How the schedule stands: its lines, its alerts, and whether a worker is there."""

    lines: tuple[Registered, ...]
    alerts: tuple[str, ...]
    worker: bool


async def register(settings: Settings) -> Standing:
    """Register the timetable, the work pool and the alerts, in place of what was there before."""
    entries = timetable(settings.schedule, settings.partners)
    async with get_client() as client:
        await _pool(client)
        kept = {entry.name: await _deployment(client, entry) for entry in entries}
        for one in await client.read_deployments(deployment_filter=OURS, **ALL):
            if one.id not in kept.values():
                await client.delete_deployment(one.id)
        await JourneysAlert.register_type_and_schema(client=client)
        block = await JourneysAlert().save(BLOCK, overwrite=True, client=client)
        there = {
            one.name: one.id
            for one in await client.read_automations(sort=AutomationSort.NAME_ASC, limit=200)
        }
        for automation in automations(settings.schedule, block):
            if automation.name in there:
                await client.update_automation(there[automation.name], automation)
            else:
                await client.create_automation(automation)
        return await _standing(client)


async def standing_now() -> Standing:
    """How the schedule stands on the server."""
    async with get_client() as client:
        return await _standing(client)


async def unregister() -> int:
    """Take everything that the schedule made off the server. Returns how many lines it had."""
    async with get_client() as client:
        for automation in await client.read_automations(sort=AutomationSort.NAME_ASC, limit=200):
            if automation.name.startswith(PREFIX):
                await client.delete_automation(automation.id)
        deployments = await client.read_deployments(deployment_filter=OURS, **ALL)
        for one in deployments:
            await client.delete_deployment(one.id)
        with suppress(ObjectNotFound):
            document = await client.read_block_document_by_name(BLOCK, "journeys-alert")
            await client.delete_block_document(document.id)
        with suppress(ObjectNotFound):
            await client.delete_work_pool(POOL)
        return len(deployments)


async def _pool(client: PrefectClient) -> None:
    """The work pool, of processes, one at a time."""
    about = "Carries out the schedule, one run at a time."
    try:
        await client.read_work_pool(POOL)
        await client.update_work_pool(
            POOL, WorkPoolUpdate(concurrency_limit=1, description=about, is_paused=False)
        )
    except ObjectNotFound:
        await client.create_work_pool(
            WorkPoolCreate(
                name=POOL,
                type="process",
                description=about,
                concurrency_limit=1,
                base_job_template=ProcessWorker.get_default_base_job_template(),
            )
        )


async def _deployment(client: PrefectClient, entry: Entry) -> Any:
    """Register one line; what it is scheduled for already is scheduled anew."""
    when = (
        CronSchedule(cron=entry.cron, timezone=TIMEZONE)
        if entry.cron
        else RRuleSchedule(rrule=entry.rrule or "", timezone=TIMEZONE)
    )
    return await client.create_deployment(
        flow_id=await client.create_flow_from_name(entry.flow),
        name=entry.name,
        description=entry.about,
        entrypoint=entry.entrypoint,
        schedules=[DeploymentScheduleCreate(schedule=when, active=True)],
        concurrency_limit=1,
        parameters={},
        tags=[TAG],
        work_pool_name=POOL,
        work_queue_name="default",
        job_variables={"env": ALWAYS},
    )


async def _standing(client: PrefectClient) -> Standing:
    deployments = await client.read_deployments(deployment_filter=OURS, **ALL)
    workers = (
        await client.read_workers_for_work_pool(POOL, offset=0, limit=200) if deployments else []
    )
    return Standing(
        lines=tuple([await _line(client, one) for one in deployments]),
        alerts=tuple(
            sorted(
                one.name.removeprefix(PREFIX)
                for one in await client.read_automations(sort=AutomationSort.NAME_ASC, limit=200)
                if one.name.startswith(PREFIX) and one.enabled
            )
        ),
        worker=any(one.status == WorkerStatus.ONLINE for one in workers),
    )


async def _line(client: PrefectClient, deployment: DeploymentResponse) -> Registered:
    of = DeploymentFilter.model_validate({"id": {"any_": [deployment.id]}})

    async def first(sort: FlowRunSort, *, scheduled: bool) -> Any:
        kind = {"any_": [StateType.SCHEDULED]} if scheduled else {"not_any_": [StateType.SCHEDULED]}
        runs = await client.read_flow_runs(
            deployment_filter=of,
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType.model_validate(kind))
            ),
            sort=sort,
            limit=1,
        )
        return runs[0] if runs else None

    last = await first(FlowRunSort.EXPECTED_START_TIME_DESC, scheduled=False)
    coming = await first(FlowRunSort.EXPECTED_START_TIME_ASC, scheduled=True)
    return Registered(
        deployment.name,
        None if last is None else (last.name, last.state_name, last.start_time),
        None if coming is None else coming.expected_start_time,
    )
