"""What every flow of the timetable has in common. Importing this module imports Prefect.

A flow takes no parameters but a run's id, gives nothing back, and retries nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from httpx import HTTPError
from prefect import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectException
from prefect.runtime import deployment, flow_run
from prefect.states import Cancelled

from flows.settings import Settings, load_settings, locate

QUIET: Final[dict[str, Any]] = {"persist_result": False, "log_prints": False, "retries": 0}
"""How Prefect is to treat flows and tasks: it keeps nothing of what they make or say."""

PASSED_OVER: Final = "Passed over: another run of the same deployment does its work."


def begun() -> tuple[Settings, int]:
    """The partnership that the environment names, and for how many minutes to wait for others.

    Whatever else of the same deployment should have begun by now is passed over: after a night
    without power one run does the work of all. Nothing waits that a person has started.
    """
    settings = load_settings(locate(None))
    if deployment.id is None:
        return settings, 0
    pass_over([UUID(str(deployment.id))])
    return settings, settings.schedule.wait_minutes


def named(key: str) -> None:
    """Give the flow run the name that its alerts have; where that fails it keeps Prefect's own."""
    if flow_run.id is not None:
        with suppress(PrefectException, HTTPError), get_client(sync_client=True) as client:
            client.update_flow_run(UUID(str(flow_run.id)), name=key)


def pass_over(deployments: Iterable[UUID], *, but_the_last: bool = False) -> int:
    """Cancel runs that should have begun by now.

    Args:
        deployments: The ids of the deployments they are of.
        but_the_last: Leave the newest of each to be carried out.

    Returns:
        How many were cancelled.
    """
    overdue = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=FlowRunFilterExpectedStartTime.model_validate(
            {"before_": datetime.now(UTC)}
        ),
    )
    passed = 0
    with get_client(sync_client=True) as client:
        for one in deployments:
            of = DeploymentFilter(id=DeploymentFilterId(any_=[one]))
            runs = client.read_flow_runs(
                flow_run_filter=overdue,
                deployment_filter=of,
                sort=FlowRunSort.EXPECTED_START_TIME_ASC,
                limit=200,
            )
            for run in runs[:-1] if but_the_last else runs:
                client.set_flow_run_state(run.id, Cancelled(message=PASSED_OVER), force=True)
                passed += 1
    return passed
