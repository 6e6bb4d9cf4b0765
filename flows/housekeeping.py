"""Keeping the partnership folder to what the control database says: recovery, removal, tidying."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from flows.context import Clock, RunContext
from flows.files import flush_folder, remove_folder
from flows.ingest import Agreed
from flows.settings import Settings
from flows.sources import Arrived, remove
from governance.control import Control

STOPPED = "The run stopped before it had recorded anything."


def recover(settings: Settings, control: Control, clock: Clock) -> list[str]:
    """Put right what a run that was killed left behind. Call it only with the lock held.

    Args:
        settings: The partnership.
        control: Its control database.
        clock: The clock, for the moment the dead runs are written off.

    Returns:
        The ids of runs that had died.
    """
    dead = control.unfinished_runs()
    for run_id in dead:
        control.fail_run(run_id, at=clock(), problem=STOPPED)
    committed = set(control.committed_runs())
    current = control.current_run()
    remove_all_but(settings.stores, {current.run_id} if current else set())
    remove_all_but(settings.releases, committed)
    remove_all_but(settings.drafts, committed)
    remove_all_but(settings.quarantine, committed | set(control.failed_runs()))
    remove_all_but(settings.publications, {p.publication_id for p in control.publications()})
    return dead


def discard(settings: Settings, run_id: str) -> None:
    """Remove all that a run which is not to count has written, but for its quarantine lists."""
    for zone in (settings.stores, settings.releases, settings.drafts):
        remove_folder(zone / run_id)


def tidy(settings: Settings, control: Control) -> None:
    """After a commit: keep the current stores, the last releases and drafts, and drafts in hand.

    A draft that an officer has approved is kept until it is published.
    """
    committed = control.committed_runs()
    recent = set(committed[: settings.keep_releases])
    in_hand = {d.run_id for d in control.waiting_drafts() if control.approvals(d.run_id)}
    remove_all_but(settings.stores, set(committed[:1]))
    remove_all_but(settings.releases, recent)
    remove_all_but(settings.drafts, recent | in_hand)
    oldest = min(recent, default="")
    failed_since = {run_id for run_id in control.failed_runs() if run_id > oldest}
    # A list is kept for as long as the extract it is about is the one staged.
    about_staged = {extract.run_id for extract in control.staged_extracts().values()}
    remove_all_but(settings.quarantine, recent | failed_since | about_staged)


def empty_inboxes(
    run: RunContext, agreed: Agreed, extracts: Mapping[str, Arrived | None]
) -> dict[str, int]:
    """Remove staged extracts from the inboxes of partners whose agreement says so.

    Returns:
        Files removed, by partner.
    """
    removed: dict[str, int] = {}
    for partner, arrived in extracts.items():
        if arrived is None or agreed.agreements[partner].inbox_after_staging == "keep":
            continue
        removed[partner] = remove(arrived)
        flush_folder(run.settings.partner(partner).inbox)
        run.control.add_audit(
            run.recorder.entry(
                "erasure", run.clock(), partner=partner, detail={"files": removed[partner]}
            )
        )
    return removed


def remove_all_but(zone: Path, kept: Iterable[str]) -> None:
    """Remove every folder and stray file of a zone but those named."""
    names = set(kept)
    if not zone.is_dir():
        return
    for path in sorted(zone.iterdir()):
        if path.name in names:
            continue
        if path.is_dir() and not path.is_symlink():
            remove_folder(path)
        else:
            path.unlink(missing_ok=True)
