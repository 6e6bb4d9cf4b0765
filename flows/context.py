"""What every step of a run has at hand: settings, control database, run id and clock."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from flows.clock import Clock, local_day, utc_now
from flows.logs.run_log import RunLog
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import Control
from schemas.errors import JourneysError, StoreError

if sys.platform != "win32":
    import pwd


class Busy(JourneysError):
    """Another run holds the lock."""


@dataclass(frozen=True)
class RunContext:
    """One run of the journey."""

    settings: Settings
    control: Control
    run_id: str
    recorder: Recorder
    clock: Clock
    seconds: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    tell: Callable[[str], None] = field(default=lambda text: None)

    @property
    def today(self) -> date:
        """The day of the run, as people in the partnership would say it."""
        return local_day(self.clock())

    @property
    def log(self) -> RunLog:
        """What this run did, as lines that a machine reads."""
        return RunLog(self.settings.logs, self.run_id, self.clock)

    @property
    def stores(self) -> Path:
        """This run's encrypted stores."""
        return self.settings.stores / self.run_id

    @property
    def release(self) -> Path:
        """This run's warehouse."""
        return self.settings.releases / self.run_id / "warehouse.duckdb"

    @property
    def draft(self) -> Path:
        """This run's gated tables."""
        return self.settings.drafts / self.run_id

    @property
    def certificates(self) -> Path:
        """Why this run's draft may be published, encrypted."""
        return self.settings.certificates / self.run_id

    @property
    def quarantine(self) -> Path:
        """This run's lists of rows it could not use."""
        return self.settings.quarantine / self.run_id

    @property
    def over_sharing(self) -> Path:
        """This run's reports to partners of columns that no agreement lists."""
        return self.settings.over_sharing / self.run_id


def new_run_id(now: datetime) -> str:
    """A run id such as 20261121-225027-3f9a: it sorts by time and no two runs share one."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def actor() -> str:
    """Who is acting: the operating system's user, which no variable can say otherwise."""
    if sys.platform == "win32":
        return os.getlogin()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def open_control(settings: Settings) -> Control:
    """Open the control database of a partnership; a new SQLite file is its owner's alone.

    Raises:
        StoreError: If it cannot be used, or is missing or empty though runs left their folders.
    """
    url = settings.control_database.get_secret_value()
    scheme, _, rest = url.partition(":///")
    path = Path(rest.partition("?")[0])
    # SQLite takes an empty file for a new database.
    there = path.is_file() and path.stat().st_size > 0
    new_file = scheme.startswith("sqlite") and path.is_absolute() and not there
    if new_file and any(zone.is_dir() and any(zone.iterdir()) for zone in _zones(settings)):
        raise StoreError(
            "The control database is missing or empty; without it nothing in this folder counts.",
            "Put it back from its backup, or correct `control_database` in partnership.yaml.",
        )
    control = Control(url)
    if new_file and path.exists():
        path.chmod(0o600)
    # Once there is a checkpoint, a record without leaves is no earlier version's but a forged one.
    if not any(settings.checkpoints.glob("checkpoint-*.txt")):
        control.take_in(Recorder(actor(), settings.purpose).entry("oversight", utc_now()))
    return control


def _zones(settings: Settings) -> tuple[Path, ...]:
    """The folders that runs leave their work in."""
    return (
        settings.stores,
        settings.releases,
        settings.drafts,
        settings.certificates,
        settings.publications,
    )


@contextmanager
def run_lock(settings: Settings) -> Iterator[None]:
    """Hold the lock of the one writer.

    Raises:
        Busy: If another run holds it.
        StoreError: If the lock file cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(settings.lock)
    busy = False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        busy = True
    except OSError:
        raise StoreError(
            "The partnership folder cannot be written.",
            "Check its permissions and the space left on its disk.",
        ) from None
    if busy:
        raise Busy(
            "Another run is at work in this partnership folder.",
            "Wait for it to end, then try again; nothing was changed.",
        )
    try:
        yield
    finally:
        lock.release()
