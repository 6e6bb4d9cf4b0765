"""Prefect's settings for a run: its record inside the partnership folder, and nothing sent out.

Prefect reads its settings from the environment when it is first imported.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import sys
from base64 import b64encode
from collections.abc import MutableMapping
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from flows.files import private_folder, write_private
from flows.orchestration.options import secret
from flows.settings import LOCATION_VARIABLE, Settings
from governance.retention import own_terms
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

WORD = "server.password"

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


def use_standing(settings: Settings, environment: MutableMapping[str, str]) -> None:
    """Have Prefect's clients speak to the server of the schedule, with its password.

    Raises:
        StoreError: The password cannot be kept.
    """
    environment.setdefault("PREFECT_API_URL", settings.schedule.server)
    environment["PREFECT_API_AUTH_STRING"] = password(settings.prefect_home)


def use_own(environment: MutableMapping[str, str]) -> None:
    """Have the server of this run alone take a password that nobody else is told.

    It listens on the loopback address, which every user of the machine can reach.
    """
    if "PREFECT_API_URL" not in environment:
        word = f"hub:{secrets.token_urlsafe(32)}"
        environment["PREFECT_API_AUTH_STRING"] = word
        environment["PREFECT_SERVER_API_AUTH_STRING"] = word


def password(home: Path) -> str:
    """The name and password of the schedule's server, made when they are first needed.

    Prefect's server tells and does whatever it is asked, so without one every user of the machine
    could have the hub's worker run a program of theirs.

    Raises:
        StoreError: It cannot be kept.
    """
    path = home / WORD
    if not path.is_file():
        from filelock import FileLock

        private_folder(home)
        with FileLock(home / f"{WORD}.lock"):
            if not path.is_file():  # another command may have made it meanwhile
                write_private(path, f"hub:{secrets.token_urlsafe(32)}\n".encode())
    return path.read_text("ascii").strip()


def server_settings(settings: Settings) -> dict[str, str]:
    """What the schedule's server is told besides; `late_minutes` and its database among it.

    Raises:
        ConfigError: The variable that names its database is not set, or names no such database.
        StoreError: The password cannot be kept.
    """
    where = urlsplit(settings.schedule.server)
    told = {
        "PREFECT_SERVER_API_HOST": where.hostname or "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(where.port or 4200),
        "PREFECT_SERVER_API_AUTH_STRING": password(settings.prefect_home),
        "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": str(60 * settings.schedule.late_minutes),
    }
    if settings.schedule.database is not None:
        days = own_terms(settings.retention.days)[("logs", "")].days
        told["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = _database(settings.schedule.database)
        if days is not None:
            # Of a database elsewhere `journeys retention` cannot delete, so Prefect does.
            told["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] = "events,flow_runs"
            told["PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD"] = f"P{days}D"
            told["PREFECT_SERVER_EVENTS_RETENTION_PERIOD"] = f"P{days}D"
    return told


def _database(named: str) -> str:
    """The PostgreSQL URL that an `env:NAME` names, as Prefect wants it.

    Raises:
        ConfigError: There is none.
    """
    scheme, separator, rest = (secret(named) or "").partition("://")
    if not separator or scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise ConfigError(
            "`schedule: database` names a variable that holds no PostgreSQL address.",
            "Set it to one such as postgresql://user:password@host/prefect, or leave `database` "
            "out: SQLite serves one machine well.",
        )
    return f"postgresql+asyncpg://{rest}"


def is_served(settings: Settings) -> bool:
    """Whether a server of the schedule was ever started or set up for this partnership."""
    return (settings.prefect_home / WORD).is_file()


def standing(settings: Settings) -> bool:
    """Whether the schedule's server answers, and to its own password only."""
    path = settings.prefect_home / WORD
    if not path.is_file():
        return False
    url = f"{settings.schedule.server}/admin/version"
    return _answer(url, None) == 401 and _answer(url, path.read_text("ascii").strip()) == 200


def _answer(url: str, word: str | None) -> int:
    """The status that an address answers with; 0 for none."""
    from urllib.error import HTTPError
    from urllib.request import ProxyHandler, Request, build_opener

    headers = (
        {} if word is None else {"Authorization": f"Basic {b64encode(word.encode()).decode()}"}
    )
    try:
        request = Request(url, headers=headers)  # noqa: S310 - settings allow http and https only
        with build_opener(ProxyHandler({})).open(request, timeout=3) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
    except (OSError, ValueError, HTTPException):
        return 0


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
