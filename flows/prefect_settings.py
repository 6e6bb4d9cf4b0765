"""Prefect's settings for a run: its record inside the partnership folder, and nothing sent out.

Prefect reads its settings from the environment when it is first imported.
"""

from __future__ import annotations

import os
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
