"""The releases that are kept: which there are, what changed between two, going back to one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.agreements.readable import check_readable
from flows.clock import Clock, local_day, utc_now
from flows.context import actor, open_control, run_lock
from flows.keys.rings import release_key
from flows.readers.reasons import checked_reason
from flows.releases.as_committed import built_by, changed
from flows.rights.register import check_not_put_back
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import Control, Reading, Run
from schemas.errors import NotReadable, StoreError

if TYPE_CHECKING:
    import duckdb

    from warehouse.compare import Compared

RELEASE_FILE = "warehouse.duckdb"


@dataclass(frozen=True)
class Kept:
    """A release that is there: which, when it was built, how large, and what it stands for."""

    run_id: str
    built_at: datetime | None
    size: int
    rows: int
    is_read: bool
    is_newest: bool


def release_path(settings: Settings, run_id: str, use: str | None = None) -> Path:
    """Where the release of a run is, or its part for one use that the agreements name.

    It is resolved by the run's id, so no path ever comes to mean another release.
    """
    return settings.releases / run_id / (RELEASE_FILE if use is None else f"for-{use}.duckdb")


def kept_releases(settings: Settings) -> list[Kept]:
    """Every release that is there, newest first."""
    with open_control(settings) as control:
        read, newest = control.release_run(), control.current_run()
        runs = [run for one in _there(settings, control) if (run := control.run(one)) is not None]
        builders = {run.run_id: control.run(built_by(run)) or run for run in runs}
    return [_kept(settings, run, builders[run.run_id], read, newest) for run in runs]


def changes(
    settings: Settings,
    before: str | None = None,
    after: str | None = None,
    clock: Clock = utc_now,
) -> tuple[str, str, Compared]:
    """What changed between two releases, and which they were.

    Args:
        settings: The partnership.
        before: The run of the one; by default the one before the other.
        after: The run of the other; by default the newest.
        clock: The clock. That the two were looked at is entered into the audit record.

    Raises:
        NotReadable: One holds data of a partner that may not be read today.
        StoreError: There are no two such releases, or one cannot be read.
    """
    from warehouse.compare import compare

    with open_control(settings) as control:
        there = _there(settings, control)
        newer = _one_of(there, after or next(iter(there), None))
        older = _one_of(there, before or _next_to(there, newer))
        for run_id in (older, newer):
            check_readable(settings, control.run(run_id), local_day(clock()), same_terms=False)
        entry = Recorder(actor(), settings.purpose, newer).entry(
            "consultation", clock(), recipients="the data lead", detail={"compared with": older}
        )
        control.add_audit(entry)
    keys = {run_id: release_key(settings, run_id) for run_id in (older, newer)}
    paths = {run_id: release_path(settings, run_id) for run_id in (older, newer)}
    return older, newer, compare(paths[older], keys[older], paths[newer], keys[newer])


def roll_back(
    settings: Settings, run_id: str | None, reason: str, clock: Clock = utc_now
) -> str | None:
    """Have people read an earlier release from now on, until they are let go to the newest.

    The stores stay as they are: the next run goes on from the newest of them, and does not undo it.

    Args:
        settings: The partnership.
        run_id: The run whose release it is; by default the one before that which people read.
        reason: Why, for the record.
        clock: The clock.

    Returns:
        The run whose release people read now.

    Raises:
        NotReadable: People were erased since, or an agreement's terms are others now.
        StoreError: There is no such release, it cannot be opened, or it was altered.
        Busy: If a run is at work.
    """
    said = checked_reason(reason)
    with run_lock(settings), open_control(settings) as control:
        check_not_put_back(settings, control)
        there, read = _there(settings, control), control.release_run()
        _check_not_erased(control, run_id)
        wanted = _one_of(there, run_id or _next_to(there, read.run_id if read else None))
        _check_not_erased(control, wanted)
        check_readable(settings, control.run(wanted), local_day(clock()))
        open_of(settings, wanted).close()
        _check_as_committed(settings, control, wanted)
        _decide(settings, control, wanted, said, clock)
    return wanted


def read_newest(settings: Settings, reason: str, clock: Clock = utc_now) -> str:
    """End a rollback: people read the newest release again. Returns its run.

    Raises:
        StoreError: There is no release, or people read the newest already.
        Busy: If a run is at work.
    """
    said = checked_reason(reason)
    with run_lock(settings), open_control(settings) as control:
        newest = control.current_run()
        if newest is None or control.held() is None:
            raise StoreError(
                "No earlier release is being read, so there is nothing to go forward from.",
                "`journeys release list` says which release is read.",
            )
        _decide(settings, control, None, said, clock)
    return newest.run_id


def open_current(
    settings: Settings, control: Control, use: str | None = None, clock: Clock = utc_now
) -> tuple[str, duckdb.DuckDBPyConnection]:
    """The release that people read, or its part for one use, opened for an analyst, and its run.

    A run that ends meanwhile may remove the release found: then its successor is opened.

    Raises:
        NotReadable: It holds data of a partner that may not be read today.
        StoreError: If there is no release yet or it cannot be opened.
        KeyProblem: If the release key is missing or loose.
    """
    check_not_put_back(settings, control)
    found = _read_id(control)
    while True:
        check_readable(settings, control.run(found), local_day(clock()), use=use)
        try:
            return found, open_of(settings, found, use)
        except StoreError:
            newer = _read_id(control)
            if newer == found:
                raise
        found = newer


def open_of(settings: Settings, run_id: str, use: str | None = None) -> duckdb.DuckDBPyConnection:
    """The release of a run, or its part for one use, opened for an analyst.

    Raises:
        StoreError: It cannot be opened, or there is no such part.
        KeyProblem: The release key is missing or loose.
    """
    from warehouse.connect import open_release

    path = release_path(settings, run_id, use)
    if use is not None and not path.is_file():
        raise StoreError(
            "The release has no part for that use.",
            "Name a use that the agreements list under `uses`, or leave --use out.",
        )
    return open_release(path, release_key(settings, run_id))


def summary(older: str, newer: str, found: Compared) -> dict[str, Any]:
    """What changed between two releases, as a report."""
    return {
        "before": older,
        "after": newer,
        "rows": {name: list(rows) for name, rows in found.rows.items()},
        "columns": list(found.columns),
        "figures": [
            dict(zip(("metric", "measure", "period"), which, strict=True))
            | {"changed": changed, "of": of}
            for which, (changed, of) in found.figures.items()
        ],
        "people": dict(found.people),
        "definitions": [
            {"kind": kind, "name": name, "change": change}
            for (kind, name), change in found.definitions.items()
        ],
    }


def _there(settings: Settings, control: Control) -> list[str]:
    """The committed runs whose release is there, newest first."""
    runs = control.committed_runs()
    return [run_id for run_id in runs if release_path(settings, run_id).is_file()]


def _kept(settings: Settings, run: Run, builder: Run, read: Run | None, newest: Run | None) -> Kept:
    tables = (run.report or {}).get("release", {}).get("tables", {})
    return Kept(
        run_id=run.run_id,
        built_at=builder.ended_at,
        size=release_path(settings, run.run_id).stat().st_size,
        rows=sum(tables.values()),
        is_read=read is not None and read.run_id == run.run_id,
        is_newest=newest is not None and newest.run_id == run.run_id,
    )


def _one_of(there: list[str], wanted: str | None) -> str:
    if wanted is None or wanted not in there:
        raise StoreError(
            "There is no such release." if wanted else "There is no earlier release.",
            "`journeys release list` says which there are; older ones were removed.",
        )
    return wanted


def _next_to(there: list[str], run_id: str | None) -> str | None:
    """The release before that of a run."""
    after = there.index(run_id) + 1 if run_id in there else len(there)
    return there[after] if after < len(there) else None


def _check_not_erased(control: Control, run_id: str | None) -> None:
    if run_id in control.runs_of_the_past():
        raise NotReadable(
            "People were erased since that release was made, or a partner was taken out, and they "
            "are in it.",
            "Go back to a release made since then, or run `journeys run` to make a new one.",
        )


def _check_as_committed(settings: Settings, control: Control, run_id: str) -> None:
    folder = settings.releases / run_id
    if any(changed(folder, control.release_files(run_id), whole=True)):
        raise StoreError(
            "That release is not as its run committed it.",
            "Go back to another one (`journeys release list`); `journeys doctor` tells what is "
            "wrong with this one.",
        )


def _decide(
    settings: Settings, control: Control, run_id: str | None, reason: str, clock: Clock
) -> None:
    recorder = Recorder(actor(), settings.purpose, run_id)
    said = "rolled back" if run_id else "newest again"
    entry = recorder.entry(
        "alteration",
        clock(),
        recipients="analysts of the partnership",
        detail={"release": said, "reason": reason},
    )
    control.decide_reading(Reading(run_id, entry.at, recorder.actor, reason), entry)


def _read_id(control: Control) -> str:
    read = control.release_run()
    if read is None:
        raise StoreError("There is no release yet.", "Run `journeys run` to make one.")
    return read.run_id
