"""What could put data on a disk in plain text, or send word of it elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from flows.doctor.finding import Finding, Patient, fail, ok, warn
from schemas.errors import JourneysError

SWAPS = Path("/proc/swaps")
BLOCKS = Path("/sys/class/block")
PR_GET_DUMPABLE = 3
OFF = frozenset({"0", "false", "no", "off", ""})
TELEMETRY = (
    "PREFECT_SERVER_ANALYTICS_ENABLED",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS",
)
EXPORTERS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "PREFECT_API_KEY", "SENTRY_DSN")


def swap(patient: Patient) -> Iterator[Finding]:
    """Whether memory with names in it may be written to a disk in plain text."""
    plain = [one for one in _swap_places() if not _is_encrypted(one)]
    if plain:
        yield warn(
            "swap",
            f"{len(plain)} places of swap are not encrypted: memory with names may be kept there.",
            "Turn swap off (`swapoff -a`), or encrypt it with a random key at each start.",
        )
    else:
        yield ok("swap", "No memory is written to a disk in plain text by the system.")


def _swap_places() -> list[Path]:
    if not SWAPS.is_file():
        return []
    lines = SWAPS.read_text("utf-8").splitlines()[1:]
    return [Path(line.split()[0]) for line in lines if line.split()]


def _is_encrypted(place: Path) -> bool:
    """Whether a device is in memory (zram) or maps an encrypted one (dm-crypt)."""
    name = place.resolve().name
    if name.startswith("zram"):
        return True
    kind = BLOCKS / name / "dm" / "uuid"
    return kind.is_file() and kind.read_text("utf-8").startswith("CRYPT-")


def core_dumps(patient: Patient) -> Iterator[Finding]:
    """Whether a process that crashes leaves its memory on a disk."""
    from flows.intake.apart import keep_to_itself

    keep_to_itself()
    if not _leaves_nothing():
        yield fail(
            "core-dumps",
            "A process that crashes here would leave its memory on a disk.",
            "Set the limit of core dumps to 0 (`ulimit -c 0`, LimitCORE=0 in a unit).",
        )
    else:
        yield ok("core-dumps", "A process that crashes leaves no memory behind.")


def _leaves_nothing() -> bool:
    if sys.platform == "win32":
        return True
    import resource

    if resource.getrlimit(resource.RLIMIT_CORE)[0] != 0:
        return False
    if sys.platform != "linux":
        return True
    import ctypes

    # What a handler is piped to is not held to the limit; only this is.
    return bool(ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)


def environment(patient: Patient) -> Iterator[Finding]:
    """Whether variables turn validation off, or send word of runs elsewhere."""
    from schemas.checks import refuse_if_checks_are_off

    sound = True
    try:
        refuse_if_checks_are_off()
    except JourneysError as error:
        sound = False
        yield fail("environment", error.problem, error.remedy)
    told = [name for name in TELEMETRY if os.environ.get(name, "").lower() not in OFF]
    told += [name for name in EXPORTERS if os.environ.get(name)]
    if told:
        sound = False
        yield warn(
            "environment",
            f"Variables let programs tell others of their use: {', '.join(told)}.",
            "Unset them for the account that runs the journey.",
        )
    if sound:
        yield ok("environment", "No variable turns validation off or sends word elsewhere.")
