"""Auditing what is public once more, after people that it counts have gone.

A window of days is counted once, so no later publication of the same table leaves them out and
tells them by the difference. What may do so is another table of the same days that is counted
later, without them: such publications are named. And the proof of each is checked again, by the
checker that shares no code with what made it.
"""

from __future__ import annotations

from collections.abc import Sequence

from flows.clock import Clock, utc_now
from flows.context import actor, open_control, run_lock
from flows.publication.certificates import certificates_of, open_certificate
from flows.publication.public import place
from flows.rights.status import counted_runs
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import Control, DraftRelease, Publication, Reaudit
from schemas.errors import JourneysError


def reaudit(settings: Settings, *, clock: Clock = utc_now) -> list[Reaudit]:
    """Audit every publication that counts people who have gone, and record what was found.

    Args:
        settings: The partnership.
        clock: The clock.

    Returns:
        What was found of each; nothing where none counts anybody who went.

    Raises:
        Busy: If a run is at work.
        KeyProblem: The release key cannot be used.
    """
    with run_lock(settings), open_control(settings) as control:
        erased, before = control.last_erasure(), control.runs_before_an_erasure()
        public = control.publications()
        counting = [one for one in public if counted_runs(control, one.run_id) & before]
        found = []
        for one in counting if erased is not None else ():
            counts = _proved(settings, one)
            found.append(
                Reaudit(
                    publication_id=one.publication_id,
                    erased_run=erased or "",
                    at=clock(),
                    proved=counts is not None,
                    counts=counts or 0,
                    beside=_beside(control, one, public, before),
                )
            )
        for made in found:
            entry = Recorder(actor(), settings.purpose).entry(
                "oversight",
                made.at,
                recipients="the information-governance officer",
                detail={"publication audited again": made.publication_id}
                | {"proved": made.proved, "counts": made.counts, "beside": len(made.beside)},
            )
            control.add_reaudit(made, entry)
    return found


def _proved(settings: Settings, publication: Publication) -> int | None:
    """How many counts its certificates show safe; None where they do not, or are not all there."""
    from warehouse.publish.verify import verify

    try:
        proofs = [
            open_certificate(settings, path)
            for path in certificates_of(settings, publication.run_id)
        ]
        checked = verify(place(settings, publication), proofs).proofs
    except JourneysError:
        return None
    return sum(one.counts for one in checked.values()) if checked else None


def _beside(
    control: Control, publication: Publication, public: Sequence[Publication], before: set[str]
) -> tuple[str, ...]:
    """The publications of the same days that were counted after the people had gone."""
    own = control.draft_releases(publication.run_id)
    return tuple(
        other.publication_id
        for other in public
        if other.publication_id != publication.publication_id
        and any(
            _share_days(one, theirs)
            for theirs in control.draft_releases(other.run_id)
            if theirs.counted_run not in before
            for one in own
        )
    )


def _share_days(one: DraftRelease, other: DraftRelease) -> bool:
    return one.first <= other.last and other.first <= one.last
