"""The last step of a run: what has become due is put through the gate and written as a draft."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.build import FINGERPRINTS, Release
from flows.context import RunContext
from flows.files import private_folder, remove_folder
from flows.intake.handed_on import Staged
from flows.keys.rings import release_key
from flows.publication.certificates import keep_certificates
from flows.publication.public import is_fresh, what_is_public
from flows.safe_errors import guarded
from flows.settings import Settings
from governance.control import Control, DraftRelease
from schemas.errors import JourneysError

if TYPE_CHECKING:
    from governance.disclosure.certify import Certified
    from warehouse.publish.making import Made, Public, Terms


OF_THE_RUN = frozenset({"run", "release_info", "data_issue"})
"""Models that hang on which run it is."""


@dataclass(frozen=True)
class Drafted:
    """Everything a run has made, before it is committed.

    Attributes:
        release: The warehouse.
        said: In one sentence, what became of the draft.
        digest: The draft's; None where there is none.
        releases: The certified releases that it would add to what is public.
        tables: Rows of each of its tables.
        failed: Whether there is no draft although one is due.
    """

    release: Release
    said: str
    digest: str | None = None
    releases: tuple[DraftRelease, ...] = ()
    tables: dict[str, int] | None = None
    failed: bool = False

    @property
    def staged(self) -> Staged:
        """What was staged for it."""
        return self.release.people.staged


def draft(run: RunContext, release: Release) -> Drafted:
    """Draft what has become due, which two people must approve before anyone is given it.

    Whatever goes wrong, nothing is drafted and the release stands: analysts need not wait for it.
    """
    try:
        return guarded("draft", _draft, run, release)
    except JourneysError as error:
        reason = error
    for folder in (run.draft, run.certificates):
        remove_folder(folder)
    return Drafted(release, f"Nothing was drafted. {reason}", failed=True)


def _draft(run: RunContext, release: Release) -> Drafted:
    from warehouse.connect import open_release
    from warehouse.publish.making import Made, make

    if release.people.staged.agreed.refused is not None:
        return Drafted(release, "Nothing was drafted: this run only applied rights requests.")
    stopped = release.people.staged.agreed.stopped
    if stopped:
        said = f"Nothing was drafted: there is no agreement in force with {', '.join(stopped)}, "
        return Drafted(release, said + "and figures without its data would mislead.")
    # A run that erases people drafts anew: they are counted in every draft from before it.
    erases = any(release.people.erased.requests.values())
    waiting = None if erases else in_hand(run.settings, run.control)
    if waiting is not None:
        said = f"Nothing was drafted: the draft {waiting}, which an officer has approved, waits."
        return Drafted(release, said)
    standing = _still_stands(run)
    if standing is not None:
        said = f"Nothing was drafted: nothing has changed since the draft {standing}, which waits."
        return Drafted(release, said)
    public = what_is_public(run.settings, run.control)
    connection = open_release(run.release, release_key(run.settings, run.run_id))
    try:
        made = make(connection, run.run_id, terms_of(run.settings), public, run.clock(), run.tell)
    finally:
        connection.close()
    if not isinstance(made, Made):
        return Drafted(release, str(made))
    digest = keep(run.settings, run.draft, made, public)
    return Drafted(
        release,
        f"{made.title} was drafted.",
        digest,
        releases_of(run.run_id, run.run_id, made.certified),
        {name: table.height for name, table in made.pack.tables.items()},
    )


def keep(settings: Settings, folder: Path, made: Made, public: Public) -> str:
    """Write a draft and, apart from it, its certificates. Returns its digest.

    Raises:
        StoreError: One of them cannot be written.
        KeyProblem: The release key cannot be used.
        DisclosureError: What was made did not come from the gate.
    """
    from warehouse.publish.folder import write_draft

    private_folder(settings.drafts)
    proofs = {one.release.digest: one.certificate for one in made.certified}
    keep_certificates(settings, folder.name, proofs)
    return write_draft(
        folder,
        made.pack,
        made.certified,
        public.releases,
        made.files,
        made.for_approvers,
        title=made.title,
    )


def terms_of(settings: Settings) -> Terms:
    """What partnership.yaml says of its publications."""
    from governance.disclosure.rules import Rule
    from warehouse.given import load_given
    from warehouse.publish.making import Terms

    return Terms(
        partnership=settings.partnership,
        contact=settings.contact,
        demonstration=settings.demonstration,
        period=settings.publication_period,
        rule=Rule(settings.disclosure.threshold, settings.disclosure.rounding_base),
        limit=60.0 * settings.publication_minutes,
        published=load_given(settings.folder).published,
    )


def releases_of(
    draft_id: str, counted_run: str, certified: Sequence[Certified]
) -> tuple[DraftRelease, ...]:
    """The rows of the control database that tell of a draft's certified releases."""
    return tuple(
        DraftRelease(
            draft_id=draft_id,
            number=number,
            digest=one.release.digest,
            name=one.release.release_id,
            first=min(part.period.first for part in one.release.populations),
            last=max(part.period.last for part in one.release.populations),
            counted_run=counted_run,
        )
        for number, one in enumerate(certified)
    )


def _still_stands(run: RunContext) -> str | None:
    """The newest draft that waits, if it would be made again: to prove it safe takes minutes."""
    from warehouse.publish.folder import FOR_APPROVERS
    from warehouse.publish.making import TERMS_FILE

    made = [one.run_id for one in run.control.waiting_drafts() if run.control.run(one.run_id)]
    if not made or not is_fresh(run.settings, run.control, made[0]):
        return None
    terms = run.settings.drafts / made[0] / FOR_APPROVERS / TERMS_FILE
    before = run.settings.releases / made[0] / FINGERPRINTS
    try:
        same = (
            _counts_in(before) == _counts_in(run.release.parent / FINGERPRINTS)
            and terms.read_bytes() == terms_of(run.settings).as_file()
        )
    except (OSError, ValueError):
        return None
    return made[0] if same else None


def _counts_in(fingerprints: Path) -> dict[str, str]:
    """The fingerprints of a release, but for those that no two runs share."""
    told: dict[str, str] = json.loads(fingerprints.read_text("utf-8"))
    return {model: one for model, one in told.items() if model not in OF_THE_RUN}


def in_hand(settings: Settings, control: Control) -> str | None:
    """The draft of a run that an officer has approved and that can still be published, if any."""
    return next(
        (
            one.run_id
            for one in control.waiting_drafts()
            if control.run(one.run_id) is not None
            and control.approvals(one.run_id)
            and is_fresh(settings, control, one.run_id)
        ),
        None,
    )
