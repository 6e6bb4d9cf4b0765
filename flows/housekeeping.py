"""Keeping the partnership folder to what the control database says: recovery, removal, tidying."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from flows.clock import Clock
from flows.context import RunContext
from flows.files import flush_folder, private_folder, remove_folder, remove_unfinished
from flows.intake.handed_on import Agreed
from flows.keys.receipts import RECEIPTS
from flows.keys.rings import LEDGER_KEY
from flows.releases.as_committed import built_by
from flows.settings import Settings
from flows.sources.inbox import Arrived, remove
from governance.control import Control
from schemas.errors import StoreError

RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
DRAFT_ID = re.compile(rf"(table-)?{RUN_ID.pattern}")
BUILDING = re.compile(rf"\.{DRAFT_ID.pattern}\.[a-z]+")

STOPPED = "The run stopped before it had recorded anything."


def recover(settings: Settings, control: Control, clock: Clock) -> list[str]:
    """Put right what a run that was killed left behind. Call it only with the lock held.

    Only what a run that this database knows has left unfinished is removed. A folder of a run it
    does not know, or current stores that are not there, mean that the database and the folder do
    not belong together, and then nothing is touched.

    Args:
        settings: The partnership.
        control: Its control database.
        clock: The clock, for the moment the dead runs are written off.

    Returns:
        The ids of runs that had died.

    Raises:
        StoreError: If the control database is not the one of this folder.
    """
    _check_they_belong_together(settings, control)
    dead = control.unfinished_runs()
    for run_id in dead:
        control.fail_run(run_id, at=clock(), problem=STOPPED)
    committed = set(control.committed_runs())
    current = control.current_run()
    keep_only(settings.stores, {current.run_id} if current else set())
    keep_only(settings.releases, committed)
    keep_only(settings.drafts, control.draft_ids())
    keep_only(settings.certificates, control.draft_ids())
    keep_only(settings.quarantine, committed | set(control.failed_runs()))
    keep_only(settings.over_sharing, committed)
    lists = (one for zone in (settings.quarantine, settings.over_sharing) for one in zone.glob("*"))
    for folder in (settings.checkpoints, settings.folder / RECEIPTS, *lists):
        remove_unfinished(folder)
    remove_unfinished(settings.folder, LEDGER_KEY)
    put_away_withdrawn(settings, control)
    keep_only(settings.publications, {p.publication_id for p in control.publications()})
    return dead


def _check_they_belong_together(settings: Settings, control: Control) -> None:
    known = control.run_ids()
    zones = (settings.stores, settings.releases, settings.drafts, settings.publications)
    strangers = {run_id for zone in zones for run_id in runs_in(zone)} - known
    if strangers:
        raise StoreError(
            f"The partnership folder holds {len(strangers)} runs that the control database does "
            "not know, so the two do not belong together.",
            "Put back the control database of this folder, or the whole folder, from one backup; "
            "nothing was changed.",
        )
    current = control.current_run()
    if current is not None and current.run_id not in runs_in(settings.stores):
        raise StoreError(
            "The stores of the current run are missing.",
            "Put back the partnership folder and its control database from one backup; nothing "
            "was changed.",
        )


def discard(settings: Settings, run_id: str) -> None:
    """Remove all that a run which is not to count has written, but for its quarantine lists."""
    zones = (settings.stores, settings.releases, settings.drafts, settings.certificates)
    for zone in (*zones, settings.over_sharing):
        remove_folder(zone / run_id)


def tidy(settings: Settings, control: Control) -> dict[str, int]:
    """After a commit: keep the current stores, the last releases and drafts, and drafts in hand.

    Of nights that carried a release over, the newest keeps it. A draft that an officer has
    approved is kept until it is published, and so is its release; so are that of the newest draft
    that waits, since later nights are held against it, the newest publication's and the one that
    people were taken back to. No release is kept
    from before a run that erased people, or from before a partner was taken out: they are in it.
    With a draft goes what proves it safe; of what is public both are kept.

    Returns:
        What was removed: the name of a folder → how many runs or drafts of it.
    """
    recent = _last_that_differ(control, settings.keep_releases)
    waiting = [draft.run_id for draft in control.waiting_drafts()]
    in_hand = {draft for draft in waiting if control.approvals(draft)}
    read = {run.run_id for run in (control.release_run(),) if run is not None}
    newest = {one.run_id for one in control.publications()[:1]} | set(waiting[:1])
    public = {one.run_id for one in control.publications()}
    drafts = {*waiting[: settings.keep_releases], *in_hand, *public}
    failed_since = set(control.failed_runs()[: settings.keep_releases])
    # A list is kept for as long as the extract it is about is the one staged.
    about_staged = {extract.run_id for extract in control.staged_extracts().values()}
    kept = {
        settings.stores: set(control.committed_runs()[:1]),
        settings.releases: (recent | in_hand | read | newest) - control.runs_of_the_past(),
        settings.drafts: drafts,
        settings.certificates: drafts,
        settings.quarantine: recent | failed_since | about_staged,
        settings.over_sharing: recent | about_staged,
    }
    removed = {zone.name: keep_only(zone, names) for zone, names in kept.items()}
    return {name: count for name, count in removed.items() if count}


def _last_that_differ(control: Control, number: int) -> set[str]:
    """The newest runs of the last releases that were built, each of another release."""
    newest: dict[str, str] = {}
    for run_id in control.committed_runs():
        run = control.run(run_id)
        newest.setdefault(run_id if run is None else built_by(run), run_id)
        if len(newest) == number:
            break
    return set(newest.values())


def put_away_withdrawn(settings: Settings, control: Control) -> None:
    """Take publications that are public no longer out of the folder that the board is given."""
    for one in control.withdrawals():
        folder = settings.publications / one.publication_id
        if folder.is_dir():
            private_folder(settings.withdrawn)
            place = settings.withdrawn / one.publication_id
            if place.is_dir():
                remove_folder(folder)  # a power cut between the two left it under both names
            else:
                folder.rename(place)
            flush_folder(settings.withdrawn)
            flush_folder(settings.publications)


def empty_inboxes(
    run: RunContext, agreed: Agreed, extracts: Mapping[str, Arrived | None]
) -> dict[str, int]:
    """Remove staged extracts from the inboxes of partners whose agreement says so.

    Returns:
        Files removed, by partner.
    """
    removed: dict[str, int] = {}
    for partner, arrived in extracts.items():
        if arrived is None or partner in agreed.stopped or agreed.refused is not None:
            continue
        if agreed.agreements[partner].inbox_after_staging == "keep":
            continue
        removed[partner] = remove(arrived)
        flush_folder(run.settings.partner(partner).inbox)
        run.control.add_audit(
            run.recorder.entry(
                "erasure", run.clock(), partner=partner, detail={"files": removed[partner]}
            )
        )
    return removed


def runs_in(zone: Path) -> set[str]:
    """The ids of runs that have a folder in a zone."""
    if not zone.is_dir():
        return set()
    return {path.name for path in zone.iterdir() if RUN_ID.fullmatch(path.name)}


def keep_only(zone: Path, kept: Iterable[str]) -> int:
    """Remove every run or draft of a zone but those named, and what was being built; no more.

    Returns:
        How many were removed.
    """
    names, removed = set(kept), 0
    if not zone.is_dir():
        return removed
    for path in sorted(zone.iterdir()):
        ours = DRAFT_ID.fullmatch(path.name) or BUILDING.fullmatch(path.name)
        if ours and path.name not in names and path.is_dir() and not path.is_symlink():
            remove_folder(path)
            removed += 1
    return removed
