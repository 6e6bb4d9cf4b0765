"""Publishing: a draft, approved by two different people, becomes a publication for the board."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from flows.agreements.readable import check_readable
from flows.agreements.terms import agreement_in_force
from flows.clock import Clock, local_day, utc_now
from flows.context import actor, open_control, run_lock
from flows.files import private_folder, remove_folder
from flows.publication.public import is_fresh, place, what_is_public
from flows.rights.register import check_not_put_back
from flows.safe_errors import guarded
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import Approval, Control, DraftRelease, DraftRow, Publication
from governance.disclosure.officers import officer_key
from schemas.errors import AgreementError, JourneysError, NotReadable, StoreError

APPROVALS_NEEDED = 2
LONGEST_NAME = 100

DEMO_OFFICERS = ("Demonstration officer A", "Demonstration officer B")


class NotApproved(JourneysError):
    """An approval that cannot be taken."""


@dataclass(frozen=True)
class Waiting:
    """A draft as it stands.

    Attributes:
        draft_id: Its id: that of the run that made it, or one of its own.
        path: Its folder.
        digest: What approvals name.
        title: What it is called.
        files: The files that would be published.
        windows: The certified releases that it adds to what is public.
        told: What approvers are told of it: masks by reason, what was left out, what changed.
        is_fresh: Whether it was checked against all that is public now.
        approvals: Who has approved it.
        published: The publication that it became.
    """

    draft_id: str
    path: Path
    digest: str
    title: str
    files: tuple[str, ...]
    windows: tuple[DraftRelease, ...]
    told: dict[str, Any]
    is_fresh: bool
    approvals: tuple[Approval, ...] = field(default=())
    published: Publication | None = None
    refused: str = ""

    def as_report(self, settings: Settings) -> dict[str, Any]:
        """The same as counts, names of officers and places."""
        return {
            "run_id": self.draft_id,
            "path": str(self.path.relative_to(settings.folder)),
            "digest": self.digest,
            "title": self.title,
            "files": list(self.files),
            "windows": [
                {"first": one.first.isoformat(), "last": one.last.isoformat()}
                for one in self.windows
            ],
            **self.told,
            "can_be_published": self.is_fresh and not self.refused,
            "refused": self.refused,
            "approvals": [
                {"officer": one.officer, "at": one.at.isoformat()} for one in self.approvals
            ],
            "published": None
            if self.published is None
            else str(place(settings, self.published).relative_to(settings.folder)),
        }


def waiting(settings: Settings, draft_id: str | None = None, clock: Clock = utc_now) -> Waiting:
    """The draft to be looked at: the one named, else the newest, else what was published last.

    Raises:
        StoreError: If there is none, or its files are not as they were recorded.
    """
    with open_control(settings) as control:
        return _waiting(settings, control, draft_id, clock)


def approve(
    settings: Settings,
    officers: tuple[str, ...],
    draft_id: str | None = None,
    clock: Clock = utc_now,
) -> Waiting:
    """Record officers' approvals of a draft; publish it when two different people have approved.

    Args:
        settings: The partnership.
        officers: Who approves.
        draft_id: The draft; by default as `waiting` finds it.
        clock: The clock.

    Returns:
        The draft as it then stands. One that is published already takes no approval.

    Raises:
        NotApproved: If the officer has approved it already or gave no name, or the draft was not
            checked against what is public now.
        AgreementError: If a partner's agreement is no longer in force.
        NotReadable: If it shares other fields now than those that were counted.
        StoreError: If the draft's files are not as they were recorded, or an earlier publication is
            missing or was changed.
        Busy: If a run is at work.
    """
    with run_lock(settings), open_control(settings) as control:
        check_not_put_back(settings, control)
        draft = _waiting(settings, control, draft_id, clock)
        if draft.published is not None:
            return draft
        if not draft.is_fresh:
            raise NotApproved(
                "Something was published or withdrawn, or people were erased, since the draft was "
                "made, so it was not checked against what stands now.",
                "Run `journeys run` to make a new draft; give a single table again with --table.",
            )
        what_is_public(settings, control)  # beside which the draft was proved safe
        _check_agreed(settings, control, draft.draft_id, local_day(clock()))
        # Two may have approved before a publication was written: then it only has to be written.
        for officer in officers if len(draft.approvals) < APPROVALS_NEEDED else ():
            _approve(settings, control, draft, officer.strip(), clock)
        draft = _waiting(settings, control, draft.draft_id, clock)
        if len(draft.approvals) < APPROVALS_NEEDED:
            return draft
        return replace(draft, published=_publish(settings, control, draft, clock))


def why_refused(settings: Settings, control: Control, draft_id: str, today: date) -> str:
    """Why a draft that waits may not be approved by the agreements of a day; empty if it may."""
    try:
        _check_agreed(settings, control, draft_id, today)
    except (AgreementError, NotReadable) as error:
        return error.problem
    return ""


def _check_agreed(settings: Settings, control: Control, draft_id: str, today: date) -> None:
    """Check that every partner shares today, and shares what the draft was counted from.

    Raises:
        AgreementError: A partner's agreement is not in force.
        NotReadable: One shares other fields now than when the draft was counted.
    """
    for partner in settings.partners:
        agreement_in_force(settings, partner, today)
    for counted in sorted({one.counted_run for one in control.draft_releases(draft_id)}):
        check_readable(settings, control.run(counted), today)


def approve_for_demonstration(
    settings: Settings, draft_id: str | None = None, clock: Clock = utc_now
) -> Waiting:
    """Approve a draft with two officers who do not exist.

    Raises:
        NotApproved: If partnership.yaml does not say that this is a demonstration.
    """
    if not settings.demonstration:
        raise NotApproved(
            "Demonstration officers may approve only where partnership.yaml says "
            "`demonstration: true`.",
            "Have two officers approve with --approve --officer NAME.",
        )
    draft = waiting(settings, draft_id, clock)
    given = {one.officer for one in draft.approvals}
    names = tuple(name for name in DEMO_OFFICERS if name not in given)
    return approve(settings, names, draft.draft_id, clock)


def _waiting(settings: Settings, control: Control, draft_id: str | None, clock: Clock) -> Waiting:
    from warehouse.publish.folder import read_draft

    row = _draft_row(settings, control, draft_id)
    folder = settings.drafts / row.run_id
    record = read_draft(folder)
    if record["digest"] != row.digest:
        raise StoreError(
            f"The draft {row.run_id} is not the one that was recorded.",
            "Do not publish it; run `journeys run` to make a new draft.",
        )
    published = [one for one in control.publications() if one.run_id == row.run_id]
    return Waiting(
        draft_id=row.run_id,
        path=folder,
        digest=row.digest,
        title=str(record["title"]),
        files=tuple(record["files"]),
        windows=tuple(control.draft_releases(row.run_id)),
        told=_told(folder),
        is_fresh=is_fresh(settings, control, row.run_id),
        approvals=tuple(control.approvals(row.run_id)),
        published=next(iter(published), None),
        refused=why_refused(settings, control, row.run_id, local_day(clock())),
    )


def _told(folder: Path) -> dict[str, Any]:
    """What approvers are told of a draft, as counts and sentences."""
    import json

    from warehouse.publish.folder import FOR_APPROVERS
    from warehouse.publish.making import REPORT_FILE

    path = folder / FOR_APPROVERS / REPORT_FILE
    told: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return told


def _draft_row(settings: Settings, control: Control, draft_id: str | None) -> DraftRow:
    """The draft named; else the newest of a run up to that whose release people read."""
    row = control.draft(draft_id) if draft_id else _newest(settings, control)
    if row is None:
        raise StoreError(
            "There is no such draft." if draft_id else f"No draft is waiting. {_why(control)}",
            "Run `journeys run` to make one; `journeys status` shows which there are.",
        )
    return row


def _newest(settings: Settings, control: Control) -> DraftRow | None:
    read = control.release_run()
    runs = {run_id: control.run(run_id) for run_id in control.committed_runs()}
    for row in control.waiting_drafts():
        run = runs.get(row.run_id)
        read_by_then = run is not None and read is not None and run.number <= read.number
        if read_by_then and is_fresh(settings, control, row.run_id):
            return row
    published = next((one.run_id for one in control.publications() if one.run_id in runs), None)
    return control.draft(published) if published else None


def _why(control: Control) -> str:
    """What the run whose release people read said of its draft."""
    read = control.release_run()
    said = ((read.report or {}) if read else {}).get("draft", {}).get("said")
    return str(said or "No run has made one yet.")


def _approve(
    settings: Settings, control: Control, draft: Waiting, officer: str, clock: Clock
) -> None:
    if not officer_key(officer) or len(officer) > LONGEST_NAME:
        raise NotApproved(
            f"An approval needs a name of at most {LONGEST_NAME} characters.",
            "Give --officer NAME.",
        )
    approval = Approval(draft.draft_id, officer, draft.digest, actor(), clock())
    if not settings.demonstration and any(one.actor == approval.actor for one in draft.approvals):
        raise NotApproved(
            "The draft was approved from this account of the computer already.",
            "The second officer must approve from an account of their own.",
        )
    entry = Recorder(approval.actor, settings.purpose).entry(
        "oversight", approval.at, detail={"approved": draft.draft_id, "digest": draft.digest}
    )
    if not control.approve(approval, entry):
        raise NotApproved(
            f"That officer has approved the draft {draft.draft_id} already.",
            "A second, different person must approve it.",
        )


def _publish(settings: Settings, control: Control, draft: Waiting, clock: Clock) -> Publication:
    """Write the publication whole, then record it."""
    private_folder(settings.publications)
    publication = Publication(draft.draft_id, draft.draft_id, draft.digest, clock())
    target = place(settings, publication)
    remove_folder(target)
    guarded("publish", _write, settings, draft, target, publication)
    counted = draft.windows[0].counted_run if draft.windows else None
    entry = Recorder(actor(), settings.purpose, counted).entry(
        "disclosure",
        publication.published_at,
        recipients="the partnership board",
        detail={"publication": publication.publication_id}
        | {"files": len(draft.files), "digest": draft.digest},
    )
    control.record_publication(publication, entry)
    return publication


def _write(settings: Settings, draft: Waiting, target: Path, publication: Publication) -> None:
    from warehouse.publish.folder import Approval, write_publication

    approvals = [Approval(one.officer, one.digest, one.at) for one in draft.approvals]
    write_publication(
        draft.path,
        target,
        approvals,
        publication_id=publication.publication_id,
        published_at=publication.published_at,
    )
