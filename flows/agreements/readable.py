"""Whether what a run made of partners' data may be read today: the one place that decides.

Everything that opens a release, hands out of it, publishes from it or reports on its links asks
here, so that a partner that is stopped is stopped for every reader from the same day.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, Any

from flows.agreements.terms import agreement_in_force
from flows.settings import Settings
from schemas.errors import AgreementError, NotReadable

if TYPE_CHECKING:
    from governance.agreements import Agreement
    from governance.control import Run

OTHER_TERMS = "its agreement shares other fields now than when the release was made."


def check_readable(
    settings: Settings,
    run: Run | None,
    today: date,
    only: Collection[str] | None = None,
    use: str | None = None,
    *,
    same_terms: bool = True,
) -> None:
    """Check that the data of every partner in a run's release may be read.

    A partner's may where it has an agreement in force that suits the partnership (so also one
    whose recipients it knows), and that lists the same fields and days as when the release was
    made.

    Args:
        settings: The partnership.
        run: The run that made the release.
        today: The day.
        only: The partners whose data are read, each of which must be in the release; by default
            all that are.
        use: The use whose part of the release is read; its fields must be the same too.
        same_terms: Whether the fields and days have to be the same: not where only numbers of
            rows and what changed between two releases are told.

    Raises:
        NotReadable: It may not, naming the partner and the reason.
    """
    for partner in terms_of_release(run) if only is None else only:
        try:
            agreement = _agreement(settings, partner, today)
            reason = _other_terms(agreement, run, use) if same_terms else None
        except AgreementError as error:
            reason = error.problem
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
    return _reported(run, "terms")


def _other_terms(agreement: Agreement, run: Run | None, use: str | None) -> str | None:
    """Whether a release, or its part for a use, was made on other terms than an agreement's."""
    made_on = terms_of_release(run).get(agreement.partner)
    if made_on is None:
        return "the release was made without it."
    uses = _reported(run, "uses").get(agreement.partner, {})
    # A partner that did not name the use has nothing in that part.
    same = use not in uses or uses[use] == agreement.use_digest(str(use))
    return None if same and made_on == agreement.release_digest else OTHER_TERMS


def _reported(run: Run | None, name: str) -> dict[str, Any]:
    found: dict[str, Any] = ((run.report if run is not None else None) or {}).get(name, {})
    return found


def _agreement(settings: Settings, partner: str, today: date) -> Agreement:
    if partner not in settings.partners:
        raise AgreementError(
            "partnership.yaml no longer names it.", "Put it back, or take its data out."
        )
    return agreement_in_force(settings, partner, today)
