"""A file examined before it is put in place: everything that is amiss with it, at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from governance.agreements.checks import (
    check_covers,
    check_demonstration,
    check_known,
    check_purpose,
    check_recipients,
    nearest,
)
from governance.agreements.law import gaps_in_words
from governance.agreements.model import Agreement
from governance.agreements.parts import Law
from schemas.documents import check_document, read_mapping
from schemas.errors import AgreementError


@dataclass(frozen=True)
class Examined:
    """What is to be known of a file.

    Attributes:
        agreement: The agreement; None where the file is none.
        stops: What stops the partner, a sentence each.
        told: What stops a field, or is only to be known.
    """

    agreement: Agreement | None
    stops: tuple[str, ...]
    told: tuple[str, ...]


def examine(
    path: Path, *, purpose: str, demonstration: bool, roles: Collection[str], today: date
) -> Examined:
    """Examine a file that is to become an agreement.

    Args:
        path: The file.
        purpose: The partnership's.
        demonstration: Whether the partnership is one.
        roles: The roles of partnership.yaml.
        today: The day.

    Raises:
        AgreementError: It cannot be read at all.
    """
    content = read_mapping(path, AgreementError)
    unknown = [*_unknown("", content, Agreement), *_unknown("law.", content.get("law"), Law)]
    try:
        agreement = check_document(content, path.name, Agreement, AgreementError)
    except AgreementError as problem:
        return Examined(None, (problem.problem, *unknown), ())
    partner = agreement.partner
    checks = (
        lambda: check_purpose(agreement, partner, purpose),
        lambda: check_known(agreement, partner),
        lambda: check_covers(agreement, partner),
        lambda: check_demonstration(agreement, partner, demonstration),
        lambda: check_recipients(agreement, partner, roles),
        lambda: agreement.check_in_force(today),
    )
    return Examined(
        agreement,
        tuple(said for check in checks if (said := _problem(check))),
        (*gaps_in_words(agreement), *_to_be_known(agreement, today)),
    )


def earlier_form(agreement: Agreement) -> list[str]:
    """What an agreement lacks that those written since do not: told, and stopping nothing."""
    lacking = {
        "recipients": "recipients (`recipients`), so it limits no file",
        "review": "a day of review (`review`)",
        "dpia": "the impact assessment (`dpia`)",
    }
    absent = [what for name, what in lacking.items() if not getattr(agreement, name)]
    return [f"It does not name {'; '.join(absent)}."] if absent else []


def _to_be_known(agreement: Agreement, today: date) -> list[str]:
    said = earlier_form(agreement)
    unattested = [one.role for one in agreement.signatures if one.attested_by is None]
    if unattested:
        roles = " and the ".join(role.replace("_", " ") for role in unattested)
        said.append(f"No officer attests what the {roles} signed (`attested_by`).")
    if agreement.review and agreement.expires and agreement.review > agreement.expires:
        said.append("Its review is to be after it expires.")
    if agreement.expires_soon(today):
        said.append(f"It expires on {agreement.expires}.")
    return said


def _unknown(above: str, given: object, model: type[Any]) -> list[str]:
    """The keys that a part has not, each with the nearest that it has."""
    if not isinstance(given, Mapping):
        return []
    known = model.model_fields
    return [
        f"`{above}{key}` is no clause; is `{above}{near}` meant?"
        for key in map(str, given)
        if key not in known and (near := nearest(key, known)) is not None and key.isidentifier()
    ]


def _problem(check: Any) -> str | None:
    try:
        check()
    except AgreementError as problem:
        return str(problem)
    return None
