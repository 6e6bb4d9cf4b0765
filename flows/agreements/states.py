"""How every partner's agreement stands on a day, for whoever asks: commands, evidence, reports."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from flows.safe_errors import guarded
from schemas.errors import JourneysError

if TYPE_CHECKING:
    from flows.settings import Settings
    from governance.agreements import Agreement


def agreement_states(settings: Settings, today: date) -> dict[str, dict[str, Any]]:
    """The state of every partner's agreement on a day; one broken file hides no other.

    Returns:
        Partner → `state` in words, whether it is `in_force`, its `version`, the `digest` to be
        signed, what is `said` of it, and its `days_left`.
    """
    return {partner: _state(settings, partner, today) for partner in settings.partners}


def unread(settings: Settings) -> int:
    """How many files lie beside the agreements that look like one, and that no partner names."""
    from governance.agreements import is_version

    named = [settings.partner(partner).agreement for partner in settings.partners]
    folders = {path.parent for path in named if path.parent.is_dir()}
    there = {file for folder in folders for file in folder.iterdir() if is_version(file)}
    return len({file for file in there if file.is_file()} - set(named))


def _state(settings: Settings, partner: str, today: date) -> dict[str, Any]:
    from flows.agreements.terms import agreement_in_force
    from governance import agreements

    path, digest, version = settings.partner(partner).agreement, None, None
    try:
        found = guarded("agreement", agreements.load_agreement, path, today)
        digest, version = found.document_digest, found.version
        guarded("agreement", agreement_in_force, settings, partner, today)
    except JourneysError as error:
        state, in_force, said, left = "not in force", False, str(error), None
    else:
        state, in_force, left = "in force", True, found.days_left(today)
        said = _terms(found, today) + _coming(settings, partner, today)
    return {
        "state": state,
        "in_force": in_force,
        "version": version,
        "digest": digest,
        "said": said,
        "days_left": left,
    }


def _terms(agreement: Agreement, today: date) -> str:
    """The dates of an agreement in force, and what else there is to know of it."""
    from governance.agreements import earlier_form, gaps_in_words

    soon = "; have it renewed" if agreement.expires_soon(today) else ""
    review = (
        f"; it was to be reviewed by {agreement.review}" if agreement.review_passed(today) else ""
    )
    off = "".join(f"; {table} is not taken in: {why}" for table, why in agreement.not_taken.items())
    gaps = "".join(f"; {sentence.rstrip('.')}" for sentence in gaps_in_words(agreement))
    earlier = "".join(f"; {sentence.rstrip('.')}" for sentence in earlier_form(agreement))
    return f"from {agreement.starts} to {agreement.expires}{soon}{review}{off}{gaps}{earlier}"


def _coming(settings: Settings, partner: str, today: date) -> str:
    """The version that is to take over, where there is one, and what would stop it as it stands."""
    from governance.agreements import coming, load_versions, problem_with

    following = coming(load_versions(settings.partner(partner).agreement), today)
    if following is None or following.starts is None:
        return ""
    when = f"; version {following.version} follows on {following.starts}"
    problem = problem_with(following, following.starts)
    return when if problem is None else f"{when}, and would not hold as it stands: {problem}"
