"""Prefect's settings for a run: its record inside the partnership folder, and nothing sent out.

Prefect reads its settings from the environment when it is first imported.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import MutableMapping
from pathlib import Path

from flows.settings import LOCATION_VARIABLE
from schemas.errors import ConfigError, JourneysError

# Whatever the environment says, Prefect must not report on its use.
ALWAYS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_TASKS_DEFAULT_NO_CACHE": "true",
}

# Unless the environment says otherwise.
USUALLY = {
    # A server of this run only, on the loopback address, where no PREFECT_API_URL is given.
    "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    # The console is ours; Prefect's own log of the run goes to its database.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_CLI_PROMPT": "false",
}


OWNER_VARIABLE = "JOURNEYS_PID"

SECONDS_TO_STOP = 5


class PrefectProblem(JourneysError):
    """Prefect is not able to run the journey."""


def prepare(home: Path, config: Path, environment: MutableMapping[str, str] | None = None) -> None:
    """Set Prefect's environment. Call it before anything imports Prefect.

    Args:
        home: Where Prefect keeps its database, unless PREFECT_HOME says otherwise.
        config: The partnership.yaml that the flow is to read.
        environment: What to set; the process's own by default.
    """
    target = os.environ if environment is None else environment
    target.update(ALWAYS)
    for name, value in USUALLY.items():
        target.setdefault(name, value)
    target.setdefault("PREFECT_HOME", str(home))
    target[LOCATION_VARIABLE] = str(config.resolve())
    # Prefect's server inherits it, so a server whose run was killed can be told.
    target[OWNER_VARIABLE] = str(os.getpid())


def stop_leftovers(home: Path) -> int:
    """Stop Prefect servers that runs of ours started and, being killed, could not stop.

    Args:
        home: The PREFECT_HOME they serve.

    Returns:
        How many were stopped. Only Linux tells of other processes, so elsewhere it is none.
    """
    if sys.platform != "linux":
        return 0
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return sum(_stopped(pid, home) for pid in pids)


def _stopped(pid: int, home: Path) -> bool:
    """Stop a process if it is a server that a run left; whether it was."""
    if sys.platform != "linux":
        return False
    try:
        # The handle stays with this process even if its number is given to another.
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not _is_left(pid, home):
            return False
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if not select.select([handle], [], [], SECONDS_TO_STOP)[0]:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _is_left(pid: int, home: Path) -> bool:
    """Whether a process is a server of a run of ours and no longer that run's child."""
    folder = Path("/proc", str(pid))
    words = folder.joinpath("cmdline").read_bytes().split(b"\0")
    if b"uvicorn" not in words or b"prefect.server.api.server:create_app" not in words:
        return False
    environment = dict(
        line.partition(b"=")[::2] for line in folder.joinpath("environ").read_bytes().split(b"\0")
    )
    owner = environment.get(OWNER_VARIABLE.encode())
    parent = folder.joinpath("stat").read_bytes().rpartition(b")")[2].split()[1]
    ours = environment.get(b"PREFECT_HOME") == os.fsencode(home)
    return ours and owner is not None and owner != parent


def check_installed() -> None:
    """Check that Prefect is here at all: a partner's own installation has none.

    Raises:
        ConfigError: If it is not.
    """
    from importlib.util import find_spec

    if find_spec("prefect") is None:
        raise ConfigError(
            "Prefect is not installed.",
            "Install the hub's extra (cohort-journeys[hub]), or run with --no-server.",
        )
