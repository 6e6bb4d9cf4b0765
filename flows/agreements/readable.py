"""Whether what a run made of partners' data may be read today: the one place that decides.

Everything that opens a release, hands out of it, publishes from it or reports on its links asks
here, so that a partner that is stopped is stopped for every reader from the same day.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING

from flows.agreements.terms import agreement_in_force
from flows.settings import Settings
from schemas.errors import AgreementError, NotReadable

if TYPE_CHECKING:
    from governance.control import Run


def check_readable(
    settings: Settings, run: Run | None, today: date, only: Collection[str] | None = None
) -> None:
    """Check that the data of every partner in a run's release may be read.

    A partner's may where it has an agreement in force that suits the partnership (so also one
    whose recipients it knows), and that lists the same fields, days and uses as when the release
    was made.

    Args:
        settings: The partnership.
        run: The run that made the release.
        today: The day.
        only: The partners whose data are read, each of which must be in the release; by default
            all that are.

    Raises:
        NotReadable: It may not, naming the partner and the reason.
    """
    made_on = terms_of_release(run)
    for partner in made_on if only is None else only:
        reason = _reason(settings, partner, made_on.get(partner), today)
        if reason is not None:
            raise NotReadable(
                f"The release holds data of {partner}, and may not be read: {reason}",
                "Run `journeys run` to make a release as the agreements allow today, or have the "
                "agreement put right.",
            )


def why_not_readable(settings: Settings, run: Run | None, today: date) -> str | None:
    """Why a run's release may not be read today; None where it may."""
    try:
        check_readable(settings, run, today)
    except NotReadable as error:
        return error.problem
    return None


def terms_of_release(run: Run | None) -> dict[str, str]:
    """The partners whose data are in a run's release, with the digest of the terms it was made on.

    A partner that was stopped at the time is none of them.
    """
    made_on: dict[str, str] = ((run.report if run is not None else None) or {}).get("terms", {})
    return made_on


def _reason(settings: Settings, partner: str, made_on: str | None, today: date) -> str | None:
    if made_on is None:
        return "the release was made without it."
    if partner not in settings.partners:
        return "partnership.yaml no longer names it."
    try:
        agreement = agreement_in_force(settings, partner, today)
    except AgreementError as error:
        return error.problem
    if agreement.release_digest != made_on:
        return "its agreement shares other fields now than when the release was made."
    return None
