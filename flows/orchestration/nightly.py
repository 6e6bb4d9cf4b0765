"""The journey under Prefect: the same steps, each a task, on a schedule and with a record.

Prefect keeps parameters, results, logs and exceptions in its own database and files. So a task
here takes nothing and gives nothing back: what one step makes for the next stays in memory, out
of Prefect's sight. The flow's only parameter is the run's id. Exceptions have lost their values
before Prefect sees them (`flows.safe_errors`).

Importing this module imports Prefect; `prefect_settings.prepare` must come first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.context import RunContext
from flows.progress import narrator
from flows.refresh import Perform, run_refresh
from flows.settings import load_settings, locate

Given = ParamSpec("Given")
Result = TypeVar("Result")


@flow(
    name="refresh",
    flow_run_name="refresh-{run_id}",
    persist_result=False,
    log_prints=False,
    retries=0,
)
def refresh_flow(run_id: str | None = None) -> None:
    """Run the journey once; `JOURNEYS_CONFIG` says where the partnership is.

    Args:
        run_id: The run's id, where whoever starts the flow wants to know it beforehand.
    """
    run_refresh(load_settings(locate(None)), narrator=narrator(), run_id=run_id, dress=as_tasks)


def as_tasks(perform: Perform) -> Perform:
    """Have each step carried out as a Prefect task that takes and returns nothing."""

    def perform_as_task(
        step: Callable[Concatenate[RunContext, Given], Result],
        run: RunContext,
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        made: list[Result] = []

        @task(
            name=step.__name__,
            persist_result=False,
            cache_policy=NO_CACHE,
            log_prints=False,
            retries=0,
        )
        def carry_out() -> None:
            made.append(perform(step, run, *args, **kwargs))

        carry_out()
        return made[0]

    return perform_as_task
