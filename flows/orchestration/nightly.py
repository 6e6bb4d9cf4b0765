"""The journey under Prefect: the same steps, each a task, on a schedule and with a record.

Prefect keeps parameters, results, logs and exceptions in its own database and files. So a task
here takes nothing and gives nothing back: what one step makes for the next stays in memory, out
of Prefect's sight. The flow's only parameter is the run's id. Exceptions have lost their values
before Prefect sees them (`flows.safe_errors`).

Importing this module imports Prefect; `prefect_settings.prepare` must come first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.clock import utc_now
from flows.context import RunContext, new_run_id
from flows.orchestration.artifacts import show_refused, show_report
from flows.orchestration.unattended import QUIET, begun, named
from flows.orchestration.watched import watched_run
from flows.progress import narrator
from flows.refresh import Perform
from flows.safe_errors import Rejected

Given = ParamSpec("Given")
Result = TypeVar("Result")


@flow(name="refresh", **QUIET)
def refresh_flow(run_id: str | None = None) -> None:
    """Run the journey once; `JOURNEYS_CONFIG` says where the partnership is.

    Args:
        run_id: The run's id, where whoever starts the flow wants to know it beforehand.
    """
    refreshed(run_id)


def refreshed(run_id: str | None = None) -> dict[str, Any]:
    """The journey as a flow of the timetable does it, with what it tells under the server.

    Returns:
        The report of the run, which a flow keeps from Prefect.
    """
    settings, minutes = begun()
    name = run_id or new_run_id(utc_now())
    named(name)
    try:
        report = watched_run(
            settings, name, narrator=narrator(), wait_minutes=minutes, dress=as_tasks
        )
    except Rejected as refusal:
        show_refused(name, refusal.problems)
        raise
    show_report(settings, report)
    return report


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
            cache_policy=NO_CACHE,
            **QUIET,
        )
        def carry_out() -> None:
            made.append(perform(step, run, *args, **kwargs))

        carry_out()
        return made[0]

    return perform_as_task
