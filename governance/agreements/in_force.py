"""Whether an agreement is in force on a day: complete, in its dates, signed, and by some law."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from governance.agreements.law import basis_gaps
from governance.agreements.parts import OFFICERS, SIGNING_ROLES
from governance.agreements.signed import check_key_signatures
from schemas.errors import AgreementError

if TYPE_CHECKING:
    from governance.agreements.model import Agreement

_BLANK = re.compile(r"^<.*>$", re.DOTALL)


def check_in_force(agreement: Agreement, on: date) -> None:
    """Check that an agreement is complete, in its dates, signed, refused by nobody, and lawful.

    Args:
        agreement: The agreement.
        on: The day on which data would be used.

    Raises:
        AgreementError: If it is not; the remedy says what the controllers must do.
    """
    _check_complete(agreement)
    _check_dates(agreement, on)
    _check_signed(agreement, on)
    _check_decided(agreement, on)
    _check_law(agreement)


def _check_complete(agreement: Agreement) -> None:
    if _has_blank(agreement.model_dump(mode="python")):
        raise AgreementError(
            f"The {agreement.partner} agreement still has parts in <angle brackets>.",
            "Ask the controllers to complete every such part before they sign.",
            rule="not complete",
        )
    if agreement.starts is None or agreement.expires is None:
        raise AgreementError(
            f"The {agreement.partner} agreement does not say when it starts and expires.",
            "Fill in `starts` and `expires`.",
            rule="not complete",
        )


def _check_dates(agreement: Agreement, on: date) -> None:
    if agreement.starts is not None and on < agreement.starts:
        raise AgreementError(
            f"The {agreement.partner} agreement is not in force until {agreement.starts}.",
            "Wait until then, or ask the controllers to agree an earlier start.",
            rule="not begun",
        )
    if agreement.expires is not None and on > agreement.expires:
        raise AgreementError(
            f"The {agreement.partner} agreement expired on {agreement.expires}.",
            "Ask the controllers to renew and sign it, then put the new file in its place.",
            rule="expired",
        )


def _check_signed(agreement: Agreement, on: date) -> None:
    signed = {given.role for given in agreement.signatures if given.signed_on <= on}
    missing = [role.replace("_", " ") for role in SIGNING_ROLES if role not in signed]
    if missing:
        raise AgreementError(
            f"The {agreement.partner} agreement is not signed by the {' or the '.join(missing)}.",
            f"Have it signed and add each signature with the digest {agreement.document_digest}.",
            rule="not signed",
        )
    if agreement.changed_since_signed:
        raise AgreementError(
            f"The {agreement.partner} agreement was changed after it was signed.",
            "Put the signed text back, or have the new text signed with the digest "
            f"{agreement.document_digest}.",
            rule="changed after signing",
        )
    check_key_signatures(agreement.partner, agreement.signing_keys, agreement.signatures)


def _check_decided(agreement: Agreement, on: date) -> None:
    early = [one.role for one in agreement.decisions if one.decided_on > on]
    if early:
        roles = " and the ".join(OFFICERS[role] for role in early)
        raise AgreementError(
            f"The decision of the {roles} on the {agreement.partner} agreement is of a day that "
            "is still to come.",
            "Correct `decided_on` and have the text signed, or wait until that day.",
            rule="decision to come",
        )
    refused = [one.role for one in agreement.decisions if one.decision == "refused"]
    if refused:
        roles = " and the ".join(OFFICERS[role] for role in refused)
        raise AgreementError(
            f"The {roles} refused the sharing under the {agreement.partner} agreement.",
            "Share nothing of it unless they decide otherwise and a new version is signed.",
            rule="refused by an officer",
        )


def _check_law(agreement: Agreement) -> None:
    if agreement.law is None:
        raise AgreementError(
            f"The {agreement.partner} agreement has no clause `law`, so no gateway or condition is "
            "named by its code and no field of it may be used.",
            "Have them named under `law`, and the new text signed.",
            rule="no law named",
        )
    lacking = basis_gaps(agreement.law)
    if lacking:
        raise AgreementError(
            f"The {agreement.partner} agreement lacks {' and '.join(lacking)}, so no field of it "
            "may be used.",
            "Have it named under `law`, and the new text signed.",
            rule="no lawful basis",
        )


def _has_blank(value: object) -> bool:
    if isinstance(value, str):
        return bool(_BLANK.match(value.strip()))
    if isinstance(value, Mapping):
        return any(_has_blank(part) for part in value.values())
    if isinstance(value, tuple | list):
        return any(_has_blank(part) for part in value)
    return False
