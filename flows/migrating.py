"""Bringing what an earlier version made forward, before anything is done with it.

The control database is brought forward here. Stores and releases are written anew by every run, in
the form of this version; keys and data keys say their own version. What a later version made is
refused by whatever reads it.
"""

from __future__ import annotations

from pathlib import Path

from flows.backup.contents import control_file
from flows.clock import Clock, utc_now
from flows.context import actor, open_control, run_lock
from flows.settings import Settings
from governance.audit import Recorder
from governance.control.forward import forward

COPY = "{name}.before-migration"


def migrate(settings: Settings, *, dry_run: bool = False, clock: Clock = utc_now) -> list[str]:
    """Bring the control database forward, with a copy of it beside.

    Returns:
        What was done, or would be; nothing where all is of this version.

    Raises:
        Busy: A run is at work.
        StoreError: The database cannot be read, written or copied.
        NotOfThisVersion: It was made by a later version.
    """
    with run_lock(settings):
        return migrate_first(settings, dry_run=dry_run, clock=clock)


def migrate_first(
    settings: Settings, *, dry_run: bool = False, clock: Clock = utc_now
) -> list[str]:
    """The same, by whoever holds the run lock.

    Raises:
        StoreError: The database cannot be read, written or copied.
        NotOfThisVersion: It was made by a later version.
    """
    place = control_file(settings)
    if place is not None and not place.exists():
        return []  # what is missing is not made here: whoever opens it judges that
    done = forward(
        settings.control_database.get_secret_value(), copy_path(settings), dry_run=dry_run
    )
    if done and not dry_run:
        with open_control(settings) as control:
            detail: dict[str, int | str] = {"migrated": len(done)}
            recorder = Recorder(actor(), settings.purpose)
            control.add_audit(recorder.entry("oversight", clock(), detail=detail))
    return done


def copy_path(settings: Settings) -> Path | None:
    """Where the copy of a SQLite control database is kept; None of any other."""
    path = control_file(settings)
    return None if path is None else path.with_name(COPY.format(name=path.name))
