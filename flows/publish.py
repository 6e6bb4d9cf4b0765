"""Publishing: a draft, approved by two different people, becomes a publication for the board."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flows.clock import Clock, local_day, utc_now
from flows.context import actor, open_control, run_lock
from flows.files import folder_digest, private_folder, remove_folder
from flows.safe_errors import guarded
from flows.settings import Settings
from flows.terms import agreement_in_force
from governance.audit import Recorder
from governance.control import Approval, Control, DraftRow, Publication
from governance.disclosure.officers import officer_key
from schemas.errors import JourneysError, StoreError

APPROVALS_NEEDED = 2
LONGEST_NAME = 100

DEMO_OFFICERS = ("Demonstration officer A", "Demonstration officer B")


class NotApproved(JourneysError):
    """An approval that cannot be taken."""


@dataclass(frozen=True)
class Waiting:
    """A draft as it stands: its files, its digest and who has approved it."""

    run_id: str
    path: Path
    digest: str
    files: tuple[str, ...]
    approvals: tuple[Approval, ...] = field(default=())
    published: Publication | None = None

    def as_report(self, settings: Settings) -> dict[str, Any]:
        """The same as counts, names of officers and places."""
        return {
            "run_id": self.run_id,
            "path": str(self.path.relative_to(settings.folder)),
            "digest": self.digest,
            "files": list(self.files),
            "approvals": [
                {"officer": one.officer, "at": one.at.isoformat()} for one in self.approvals
            ],
            "published": None
            if self.published is None
            else str(place(settings, self.published).relative_to(settings.folder)),
        }


def place(settings: Settings, publication: Publication) -> Path:
    """Where a publication is."""
    return settings.publications / publication.publication_id


def waiting(settings: Settings, run_id: str | None = None) -> Waiting:
    """The draft to be looked at: the one named, else that of the release people read.

    Raises:
        StoreError: If there is none, or its files are not as they were recorded.
    """
    with open_control(settings) as control:
        return _waiting(settings, control, run_id)


def is_published(settings: Settings, control: Control, run_id: str) -> bool:
    """Whether a draft, or one with the same tables, is published: then it waits for nobody."""
    return _waiting(settings, control, run_id).published is not None


def approve(
    settings: Settings, officers: tuple[str, ...], run_id: str | None = None, clock: Clock = utc_now
) -> Waiting:
    """Record officers' approvals of a draft; publish it when two different people have approved.

    Args:
        settings: The partnership.
        officers: Who approves.
        run_id: The draft, by its run; by default that of the release people read.
        clock: The clock.

    Returns:
        The draft as it then stands. One whose tables are published already takes no approval.

    Raises:
        NotApproved: If the officer has approved it already or gave no name.
        AgreementError: If a partner's agreement is no longer in force.
        StoreError: If the draft's files are not as they were recorded.
        Busy: If a run is at work.
    """
    with run_lock(settings), open_control(settings) as control:
        draft = _waiting(settings, control, run_id)
        if draft.published is not None:
            return draft
        for partner in settings.partners:
            agreement_in_force(settings, partner, local_day(clock()))
        # Two may have approved before a publication was written: then it only has to be written.
        for officer in officers if len(draft.approvals) < APPROVALS_NEEDED else ():
            _approve(control, draft, officer.strip(), clock, demonstration=settings.demonstration)
        draft = _waiting(settings, control, draft.run_id)
        if len(draft.approvals) < APPROVALS_NEEDED:
            return draft
        return replace(draft, published=_publish(settings, control, draft, clock))


def approve_for_demonstration(settings: Settings, clock: Clock = utc_now) -> Waiting:
    """Approve the newest draft with two officers who do not exist.

    Raises:
        NotApproved: If partnership.yaml does not say that this is a demonstration.
    """
    if not settings.demonstration:
        raise NotApproved(
            "Demonstration officers may approve only where partnership.yaml says "
            "`demonstration: true`.",
            "Have two officers approve with --approve --officer NAME.",
        )
    draft = waiting(settings)
    given = {one.officer for one in draft.approvals}
    return approve(
        settings, tuple(name for name in DEMO_OFFICERS if name not in given), None, clock
    )


def _waiting(settings: Settings, control: Control, run_id: str | None) -> Waiting:
    from warehouse.publish import draft_digest

    row = _draft_row(control, run_id)
    folder = settings.drafts / row.run_id
    if draft_digest(folder) != row.digest:
        raise StoreError(
            f"The draft {row.run_id} is not the one that was recorded.",
            "Do not publish it; run `journeys run` to make a new draft.",
        )
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    published = [one for one in control.publications() if one.run_id == row.run_id]
    draft = Waiting(
        run_id=row.run_id,
        path=folder,
        digest=row.digest,
        files=tuple(files),
        approvals=tuple(control.approvals(row.run_id)),
    )
    already = published[0] if published else _same_tables(settings, control, draft)
    return draft if already is None else replace(draft, published=already)


def _draft_row(control: Control, run_id: str | None) -> DraftRow:
    read = control.release_run()
    wanted = run_id or (read.run_id if read else None)
    row = control.draft(wanted) if wanted else None
    if row is None:
        raise StoreError(
            "There is no such draft." if run_id else "No draft is waiting.",
            "Run `journeys run` to make one; `journeys status` shows which there are.",
        )
    return row


def _same_tables(settings: Settings, control: Control, draft: Waiting) -> Publication | None:
    """The newest publication, if its tables and the dates they reach to are this draft's."""
    newest = next(iter(control.publications()), None)
    if newest is None or _contents(place(settings, newest)) != _contents(draft.path):
        return None
    return newest


def _contents(folder: Path) -> tuple[str, object]:
    """The digest of a folder's tables and the dates they reach to, to tell one from another."""
    records = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    return folder_digest(folder, "*.csv"), [record.get("data_as_at") for record in records]


def _approve(
    control: Control, draft: Waiting, officer: str, clock: Clock, *, demonstration: bool
) -> None:
    if not officer_key(officer) or len(officer) > LONGEST_NAME:
        raise NotApproved(
            f"An approval needs a name of at most {LONGEST_NAME} characters.",
            "Give --officer NAME.",
        )
    approval = Approval(draft.run_id, officer, draft.digest, actor(), clock())
    if not demonstration and any(one.actor == approval.actor for one in draft.approvals):
        raise NotApproved(
            "The draft was approved from this account of the computer already.",
            "The second officer must approve from an account of their own.",
        )
    if not control.approve(approval):
        raise NotApproved(
            f"That officer has approved the draft {draft.run_id} already.",
            "A second, different person must approve it.",
        )


def _publish(settings: Settings, control: Control, draft: Waiting, clock: Clock) -> Publication:
    """Write the publication whole, then record it."""
    private_folder(settings.publications)
    publication = Publication(draft.run_id, draft.run_id, draft.digest, clock())
    target = place(settings, publication)
    remove_folder(target)
    guarded("publish", _write, settings, draft, target, publication)
    recorder = Recorder(actor(), settings.purpose, draft.run_id)
    entry = recorder.entry(
        "disclosure",
        publication.published_at,
        recipients="the partnership board",
        detail={"files": len(draft.files), "digest": draft.digest},
    )
    control.record_publication(publication, entry)
    return publication


def _write(settings: Settings, draft: Waiting, target: Path, publication: Publication) -> None:
    from warehouse.publish import Approval, write_publication

    approvals = [Approval(one.officer, one.digest, one.at) for one in draft.approvals]
    write_publication(
        draft.path,
        target,
        approvals,
        publication_id=publication.publication_id,
        published_at=publication.published_at,
    )
