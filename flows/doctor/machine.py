"""The machine: disk, clock, versions, encryption, and what could let data out of the process."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flows.clock import utc_now
from flows.doctor.finding import Finding, Patient, fail, ok, warn
from schemas.errors import JourneysError

LOCK = Path(__file__).parents[2] / "requirements" / "lock.txt"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
REQUIRED = re.compile(r"^([A-Za-z0-9._-]+)")
OLDEST_PYTHON = (3, 11)
OLDEST_OPENSSL = (3, 0)
STORES_BESIDE = 3
"""How often the stores and the release of the current run have to fit on the disk beside them: a
run writes them anew, and a release spills while it is built."""
FEWEST_FILES = 10_000
SILENT = timedelta(days=31)
GIB = 1 << 30


def disk(patient: Patient) -> Iterator[Finding]:
    """Whether the next run finds room."""
    settings = patient.settings
    current = patient.control.current_run() if patient.control is not None else None
    places = [] if current is None else [settings.stores / current.run_id,
                                         settings.releases / current.run_id]  # fmt: skip
    size = sum(path.stat().st_size for place in places for path in place.glob("*"))
    free, needed = shutil.disk_usage(settings.folder).free, STORES_BESIDE * size
    said = f"{free / GIB:,.1f} GiB are free; the current run takes {size / GIB:,.1f}."
    if free < size * 2:
        yield fail("disk", said, "Make room: the next run would find the disk full.")
    elif free < needed:
        yield warn("disk", said, f"Make room: {STORES_BESIDE} times as much should be free.")
    else:
        yield ok("disk", said)
    if hasattr(os, "statvfs"):
        found = os.statvfs(settings.folder)
        if found.f_files and found.f_favail < FEWEST_FILES:
            yield warn(
                "disk",
                f"Only {found.f_favail:,} more files fit on this disk.",
                "Remove small files, or move the partnership folder to another disk.",
            )
    limit = _largest_file()
    if limit is not None and limit < max(needed, GIB):
        yield fail(
            "disk",
            "This user may not write files as large as a store.",
            "Raise the limit of file sizes (`ulimit -f unlimited`, LimitFSIZE= in a unit).",
        )


def _largest_file() -> int | None:
    """The largest file that this process may write; None without a limit."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return None if soft == resource.RLIM_INFINITY else soft


def clock(patient: Patient) -> Iterator[Finding]:
    """Whether the clock fits what was recorded, and the time zone is known."""
    from governance.record.leaves import CLOCK_TOLERANCE

    now = patient.clock()
    latest = patient.control.latest_moment() if patient.control is not None else None
    if latest is not None and latest - now > CLOCK_TOLERANCE:
        yield fail(
            "clock",
            "The clock lies before the last entry of the audit record.",
            "Set it right; if it is right now, `journeys audit clock --why TEXT`.",
        )
    elif latest is not None and now - latest > SILENT:
        yield warn(
            "clock",
            f"Nothing was recorded for {(now - latest).days} days, so the clock may be ahead.",
            "Compare it with another clock, and see why no run was.",
        )
    else:
        yield ok("clock", "The clock goes on from the last entry of the audit record.")
    yield _time_zone()


def _time_zone() -> Finding:
    try:
        zone = ZoneInfo("Europe/London")
        summer, winter = (datetime(utc_now().year, month, 1, tzinfo=UTC) for month in (7, 1))
        known = [one.astimezone(zone).utcoffset() for one in (summer, winter)]
    except (ZoneInfoNotFoundError, OSError, ValueError):
        known = []
    if known != [timedelta(hours=1), timedelta(0)]:
        return fail(
            "clock",
            "The time zone Europe/London is not known here, so days would be the wrong ones.",
            "Install the package tzdata of the system, or of Python.",
        )
    return ok("clock", "The time zone Europe/London is known.")


def versions(patient: Patient) -> Iterator[Finding]:
    """Whether what is installed is what was locked and tested together."""
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield fail("versions", "This Python is too old.", "Install Python 3.11 or later.")
    locked = _pinned(LOCK.read_text("utf-8") if LOCK.is_file() else _said())
    here = {_plain(one.name): one.version for one in metadata.distributions() if one.name}
    missing = sorted(name for name in _required() if name not in here)
    other = sorted(
        name
        for name, pins in locked.items()
        if here.get(_plain(name), next(iter(pins))) not in pins
    )
    if missing:
        yield fail(
            "versions",
            f"Packages that are needed are not installed: {', '.join(missing)}.",
            "Install from the lock again: `make install`, or the offline bundle.",
        )
    if other:
        yield warn(
            "versions",
            f"Packages are of other versions than the lock has: {', '.join(other)}.",
            "Install from the lock again: what was tested together is what is locked.",
        )
    if not missing and not other:
        python = ".".join(map(str, sys.version_info[:3]))
        yield ok("versions", f"Python {python} and {len(locked)} packages are as they were locked.")


def _required() -> set[str]:
    """The packages that the program needs wherever it runs."""
    try:
        said = metadata.requires("cohort-journeys") or []
    except metadata.PackageNotFoundError:
        return set()
    found = (REQUIRED.match(one) for one in said if "extra ==" not in one)
    return {_plain(one[1]) for one in found if one is not None}


def _pinned(text: str) -> dict[str, set[str]]:
    """The versions of each package that a lock pins: one for each range of Pythons, say."""
    found: dict[str, set[str]] = {}
    for name, version in PINNED.findall(text):
        found.setdefault(name, set()).add(version)
    return found


def _said() -> str:
    """What the program itself says of versions, where no lock lies beside it."""
    try:
        return "\n".join(metadata.requires("cohort-journeys") or [])
    except metadata.PackageNotFoundError:
        return ""


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def encryption(patient: Patient) -> Iterator[Finding]:
    """Whether a store that is written here is unreadable without its key: by writing one."""
    import secrets

    from warehouse.connect import open_store

    marker = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=patient.settings.folder) as folder:
        path = Path(folder) / "tried.duckdb"
        try:
            connection = open_store(path, secrets.token_bytes(32).hex())
            connection.execute("CREATE TABLE tried AS SELECT ? AS marker", [marker])
            connection.close()
        except JourneysError as error:
            yield fail("encryption", error.problem, error.remedy)
            return
        readable = any(marker.encode() in one.read_bytes() for one in Path(folder).iterdir())
    if readable:
        yield fail(
            "encryption",
            "A store that was written to try it is readable without its key.",
            "Run nothing; install from the lock again, and tell the maintainers.",
        )
    elif ssl.OPENSSL_VERSION_INFO[:2] < OLDEST_OPENSSL:
        yield warn(
            "encryption",
            "OpenSSL is older than version 3, which nobody mends any more.",
            "Update the system's OpenSSL, or Python.",
        )
    else:
        yield ok("encryption", f"DuckDB encrypts what it writes; {ssl.OPENSSL_VERSION}.")
