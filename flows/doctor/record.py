"""The control database, the audit record in it, and how the last runs ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from flows.doctor.finding import Finding, Patient, fail, ok, warn
from flows.keys.rings import LEDGER_KEY, STORE_KEYS, STORES, store_keys
from flows.record.checkpoints import checkpoint_paths, refuse_taken_back
from flows.settings import Settings
from schemas.errors import JourneysError, KeyProblem, StoreError

if TYPE_CHECKING:
    pass


def control_database(patient: Patient) -> Iterator[Finding]:
    """Whether the control database is whole and has the tables of this version."""
    if patient.control is None:
        return
    faults = patient.control.faults()
    for said in faults:
        yield fail(
            "control-database",
            said,
            "Restore it with the whole folder from one backup: docs/how-to/back-up-and-restore.md.",
        )
    if not faults:
        yield ok("control-database", "The control database is whole and of this version.")


def record(patient: Patient) -> Iterator[Finding]:
    """Whether the record goes on from its last checkpoint; `journeys audit verify` proves all."""
    if patient.control is None:
        return
    try:
        refuse_taken_back(patient.settings, patient.control)
        head = patient.control.head()
    except JourneysError as error:
        yield fail("record", error.problem, error.remedy)
        return
    if head is None:
        yield ok("record", "Nothing has been recorded yet.")
    elif not checkpoint_paths(patient.settings):
        yield warn(
            "record",
            "There is no checkpoint of the audit record.",
            "Run `journeys audit checkpoint`, and have partners keep it.",
        )
    else:
        yield ok("record", f"{head.size:,} entries go on from the last checkpoint.")


WHOLE = "Put the whole folder back from one backup: docs/how-to/back-up-and-restore.md."


def runs(patient: Patient) -> Iterator[Finding]:
    """Whether the last run was committed, and lately."""
    control, settings = patient.control, patient.settings
    if control is None:
        return
    last, current = control.last_run(), control.current_run()
    if last is None or current is None:
        problem = f" {last.problem}" if last is not None and last.problem else ""
        yield warn("runs", f"There has been no whole run yet.{problem}", "Run `journeys run`.")
        return
    yield from _kept(settings, current.run_id)
    missing = timedelta(hours=settings.schedule.missing_hours)
    since = patient.clock() - (current.ended_at or current.started_at)
    if last.state == "failed":
        yield fail(
            "runs",
            f"The last run, {last.run_id}, failed; the one before it stands. {last.problem or ''}",
            "Do what it says, then run `journeys run` again.",
        )
    if since > missing:
        yield fail(
            "runs",
            f"No run was completed for {since // timedelta(hours=1):,} hours.",
            "See whether the schedule is on (`journeys schedule status`), or run `journeys run`.",
        )
    elif last.state != "failed":
        yield ok("runs", f"The last run, {current.run_id}, was committed.")


def _kept(settings: Settings, run_id: str) -> Iterator[Finding]:
    """Whether what the current run left is there, and opens with the keys that are at hand."""
    from flows.releases.kept import RELEASE_FILE, open_of
    from warehouse.connect import open_store

    home, release = settings.stores / run_id, settings.releases / run_id / RELEASE_FILE
    stores = [home / f"{name}.duckdb" for name in STORES]
    needed = (settings.folder / LEDGER_KEY, home / STORE_KEYS, *stores)
    lacking = [path.name for path in needed if not path.is_file()]
    if lacking:
        yield fail("runs", f"Of the current run is missing: {', '.join(lacking)}.", WHOLE)
        return
    try:
        keys = store_keys(settings, run_id)
        for path in stores:
            open_store(path, keys[path.stem], read_only=True).close()
        if release.is_file():  # none where a partner was taken out since
            open_of(settings, run_id).close()
    except KeyProblem:
        return  # told of keys
    except StoreError as error:
        yield fail("runs", f"What the current run left does not open. {error.problem}", WHOLE)
