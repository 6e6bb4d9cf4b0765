"""Withdrawing a publication: what is public no longer, and whether it may be counted again."""

from __future__ import annotations

from flows.clock import Clock, utc_now
from flows.context import actor, open_control, run_lock
from flows.housekeeping import put_away_withdrawn
from flows.publication.public import place
from flows.readers.reasons import checked_reason
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import Control, Publication, Withdrawal
from schemas.errors import JourneysError, StoreError


class NotWithdrawn(JourneysError):
    """A publication that cannot be withdrawn now."""


def withdraw(
    settings: Settings,
    publication_id: str,
    reason: str,
    *,
    count_again: bool = False,
    clock: Clock = utc_now,
) -> Withdrawal:
    """Withdraw a publication. Its folder leaves `publications/` and is kept in `withdrawn/`.

    What was public cannot be taken back from whoever has a copy. So its windows are not counted
    again, unless that is asked for: readers could set the new counts beside the old ones.

    Args:
        settings: The partnership.
        publication_id: Which.
        reason: Why, for the record.
        count_again: Whether the next run may count its windows again.
        clock: The clock.

    Raises:
        StoreError: There is no such publication.
        NotWithdrawn: A later publication shows its counts too, or it is to be counted again
            without people who have gone.
        ConfigError: The reason may not be recorded.
        Busy: If a run is at work.
    """
    said = checked_reason(reason)
    with run_lock(settings), open_control(settings) as control:
        publication = _public(control, publication_id)
        _refuse_shown_later(settings, control, publication)
        if count_again:
            _refuse_without_who_went(control, publication)
        withdrawal = Withdrawal(publication_id, clock(), actor(), said, count_again)
        entry = Recorder(actor(), settings.purpose, None).entry(
            "alteration",
            withdrawal.at,
            recipients="the partnership board",
            detail={"publication withdrawn": publication_id, "reason": said}
            | {"count again": count_again},
        )
        control.withdraw(withdrawal, entry)
        put_away_withdrawn(settings, control)
    return withdrawal


def _public(control: Control, publication_id: str) -> Publication:
    for one in control.publications():
        if one.publication_id == publication_id:
            return one
    raise StoreError(
        "There is no such publication, or it was withdrawn before.",
        "`journeys status` lists what is public.",
    )


def _refuse_shown_later(settings: Settings, control: Control, publication: Publication) -> None:
    """Raise NotWithdrawn where a later pack shows the same windows: that one comes first."""
    from warehouse.publish.release_file import read_releases

    own = {one.digest for one in control.draft_releases(publication.run_id)}
    for later in control.publications():
        if later.publication_id == publication.publication_id:
            return
        if own & read_releases(place(settings, later)).shown:
            raise NotWithdrawn(
                f"The publication {later.publication_id} shows the same counts and is public too.",
                "Withdraw that one first.",
            )


def _refuse_without_who_went(control: Control, publication: Publication) -> None:
    """Raise NotWithdrawn where a new count would tell who went by the difference."""
    releases = control.draft_releases(publication.run_id)
    counted = {publication.run_id, *(one.counted_run for one in releases)}
    if counted & control.runs_before_an_erasure():
        raise NotWithdrawn(
            "People whom it counts have gone since, and a new count of the same days would tell "
            "them by the difference.",
            "Withdraw it without --count-again: its windows are then not counted any more.",
        )
