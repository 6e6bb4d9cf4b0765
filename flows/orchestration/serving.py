"""The two processes that stand: Prefect's server, and the worker that carries out the schedule.

Importing this module imports Prefect; `prefect_settings.prepare` and `use_standing` come first.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from prefect import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Crashed, Scheduled
from prefect.workers.process import ProcessWorker

from flows.context import Busy, run_lock
from flows.orchestration.notify import Alert, send
from flows.orchestration.nulls import without_nulls
from flows.orchestration.prefect_settings import PrefectProblem
from flows.orchestration.registering import ALL, OURS
from flows.orchestration.timetable import POOL
from flows.orchestration.unattended import pass_over
from flows.settings import Settings

FOUND_AGAIN = "Found again after a restart: its process had gone."
NOT_BEGUN = "Its worker had gone before it began."


def serve(settings: Settings) -> None:
    """Serve Prefect until told to stop, with the block that alerts are sent by."""
    import uvicorn
    from prefect.server.api.server import create_app

    import flows.orchestration.alert_block  # noqa: F401 - what the server sends alerts by

    where = urlsplit(settings.schedule.server)
    uvicorn.run(
        without_nulls(create_app(final=True)),
        host=where.hostname or "127.0.0.1",
        port=where.port or 4200,
        log_level="error",
        timeout_keep_alive=5,
    )


def work(settings: Settings, *, once: bool = False) -> None:
    """Carry out the schedule until told to stop.

    Before it begins, what a worker that was killed has left is put right: a run whose process has
    gone is marked as crashed, so that it holds up no other, and of runs that were missed only the
    last of each kind is carried out.

    Args:
        settings: The partnership.
        once: Look once for what is due, carry that out and end.

    Raises:
        PrefectProblem: Another worker is at work.
    """
    lock = FileLock(settings.prefect_home / "worker.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise PrefectProblem(
            "Another worker carries out this schedule.", "One is enough: nothing was started."
        ) from None
    try:
        put_right(settings)
        asyncio.run(_carry_out(once))
    finally:
        lock.release()


async def _carry_out(once: bool) -> None:
    """Work until it is told to stop, by Ctrl-C or as a service is."""
    task = asyncio.current_task()
    if task is not None and sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with suppress(asyncio.CancelledError):
        await ProcessWorker(work_pool_name=POOL, name=POOL).start(run_once=once)


def put_right(settings: Settings) -> int:
    """Mark as crashed every run whose process has gone, and pass over what was missed.

    Returns:
        How many were marked.
    """
    at_work = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            deployment_filter=OURS,
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=at_work))
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=200,
        )
        gone = [run for run in runs if not _lives(settings, run)]
        for run in gone:
            begun = run.state_type != StateType.PENDING
            state: Any = Crashed(message=FOUND_AGAIN) if begun else Scheduled(message=NOT_BEGUN)
            client.set_flow_run_state(run.id, state, force=True)
            if begun:
                send(settings, Alert("run-crashed", run.name, (FOUND_AGAIN,)))
        deployments = [one.id for one in client.read_deployments(deployment_filter=OURS, **ALL)]
    pass_over(deployments, but_the_last=True)
    return len(gone)


def _lives(settings: Settings, run: FlowRun) -> bool:
    """Whether the process of a run is still there, though the worker that began it is not."""
    if sys.platform == "linux":
        wanted = f"PREFECT__FLOW_RUN_ID={run.id}".encode()
        return any(wanted in _environment(path) for path in Path("/proc").glob("[0-9]*"))
    # Elsewhere nothing tells what another process is; but a run at work holds the lock.
    try:
        with run_lock(settings):
            return False
    except Busy:
        return True


def _environment(process: Path) -> list[bytes]:
    try:
        if int(process.name) == os.getpid():
            return []
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
