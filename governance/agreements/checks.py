"""Whether an agreement suits the partner it is given for, and the partnership."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from governance.agreements.model import Agreement, is_used
from governance.agreements.parts import Use
from schemas.documents import as_told
from schemas.errors import AgreementError

BOARD = "board"
"""The recipient of published tables, which needs no role of partnership.yaml."""


def check_purpose(agreement: Agreement, partner: str, purpose: str) -> None:
    """Check that an agreement is this partner's and for this partnership's purpose.

    Raises:
        AgreementError: If it is another partner's, or for another purpose.
    """
    if agreement.partner != partner:
        raise AgreementError(
            f"The agreement given for {partner} is another partner's.",
            "Correct `agreement` under that partner in partnership.yaml.",
            rule="another partner's",
        )
    if agreement.purpose != purpose:
        raise AgreementError(
            f"The {partner} agreement is for another purpose than this partnership's.",
            "Share under an agreement for the purpose that partnership.yaml names.",
            rule="another purpose",
        )


def check_demonstration(agreement: Agreement, partner: str, demonstration: bool) -> None:
    """Check that demonstration signatures serve a demonstration, and nothing else does.

    Args:
        agreement: The agreement.
        partner: Whose it is.
        demonstration: What partnership.yaml says of itself.

    Raises:
        AgreementError: If one is a demonstration and the other is not.
    """
    if agreement.demonstration != demonstration:
        kind = "a demonstration" if agreement.demonstration else "in earnest"
        raise AgreementError(
            f"The {partner} agreement is {kind}, and partnership.yaml says the partnership is not.",
            "Use signed agreements for real data and demonstration ones for made-up data only; "
            "never mix them.",
            rule="demonstration",
        )


def check_known(agreement: Agreement, partner: str) -> None:
    """Check that an agreement lists no table or column that the partner's contract has not.

    What it lists only to be dropped may be any column of a system: it is then no over-sharing.

    Raises:
        AgreementError: Naming what is not known, with the nearest that is.
    """
    unknown = unknown_fields(agreement, partner)
    if unknown:
        said = ", ".join(f"{one}{f' (is {near} meant?)' if near else ''}" for one, near in unknown)
        raise AgreementError(
            f"The {partner} agreement lists {said}, which the contract with {partner} has not.",
            "Have the name corrected and the text signed anew, or leave it out.",
            rule="unknown field",
        )


def unknown_fields(agreement: Agreement, partner: str) -> list[tuple[str, str | None]]:
    """The tables and columns that no contract has, each with the nearest that one has."""
    from schemas.tables import TABLES

    known = {table.name: tuple(table.columns) for table in TABLES.get(partner, ())}
    found: list[tuple[str, str | None]] = []
    for table, columns in agreement.tables.items():
        if table not in known:
            found.append((as_told(table), nearest(table, known)))
            continue
        found += [
            (
                f"{table}.{as_told(column)}",
                (near := nearest(column, known[table])) and f"{table}.{near}",
            )
            for column, given in columns.items()
            if column not in known[table] and given != ("drop",)
        ]
    return found


def nearest(word: str, known: Collection[str]) -> str | None:
    """The name most like a word, if any is."""
    return next(iter(get_close_matches(word, list(known), 1, 0.6)), None)


def check_recipients(agreement: Agreement, partner: str, roles: Collection[str]) -> None:
    """Check that every recipient is a role that partnership.yaml has.

    Raises:
        AgreementError: Naming those that are none.
    """
    named = {one.role for one in agreement.recipients}
    of_uses = [set(use.recipients) for use in agreement.uses.values() if isinstance(use, Use)]
    unknown = sorted(named.union(*of_uses) - {BOARD, *roles})
    if unknown:
        raise AgreementError(
            f"The {partner} agreement names the recipient {', '.join(unknown)}, which is no role "
            "of partnership.yaml.",
            f"Add it under `roles` there, or have the agreement name one of "
            f"{', '.join(sorted({BOARD, *roles}))}.",
            rule="recipients",
        )


def check_covers(agreement: Agreement, partner: str) -> None:
    """Check that an agreement lists every column the pipeline cannot do without.

    An optional table may be left out of it, but not in part: what it lists of one has to do. One
    that may not be taken in (`Agreement.undisclosed`) need not be listed.

    Raises:
        AgreementError: Naming the columns that are not listed, are to be dropped, or want a
            condition of law.
    """
    from schemas.tables import TABLES

    _check_uses(agreement, partner)
    treatments, undisclosed = agreement.treatments, agreement.undisclosed
    lacking = [
        (table.name, column)
        for table in TABLES[partner]
        if agreement.shared_columns(table.name) or not (table.optional or table.name in undisclosed)
        for column, spec in table.columns.items()
        if (spec.required or spec.role in ("key", "parent"))
        and not is_used(treatments.get(table.name, {}), column)
    ]
    if not lacking:
        return
    gaps = agreement.gaps
    wanting = sorted({what for field in lacking for what in gaps.get(field, ())})
    why = f" for want of {' and '.join(wanting)}" if wanting else ""
    raise AgreementError(
        f"The {partner} agreement does not cover "
        f"{', '.join('.'.join(field) for field in lacking)}{why}, "
        "which the pipeline cannot do without.",
        "Ask the controllers to agree those fields, or leave this partner out.",
        rule="fields not covered",
    )


def _check_uses(agreement: Agreement, partner: str) -> None:
    """Check that a narrower purpose lists what no row of its tables can do without."""
    from schemas.tables import find_table

    for name, use in agreement.uses.items():
        if not isinstance(use, Use):
            continue
        lacking = [
            f"{table}.{column}"
            for table, listed in agreement.of_use(name).items()
            for column, spec in find_table(partner, table).columns.items()
            if (spec.required or spec.role in ("key", "parent")) and not is_used(listed, column)
        ]
        if lacking:
            raise AgreementError(
                f"The use {name} of the {partner} agreement does not list {', '.join(lacking)}, "
                "without which there are no rows of those tables.",
                "Have it list them, or leave the tables out of that use.",
                rule="uses",
            )


def check_may_receive(agreement: Agreement, role: str) -> None:
    """Check that a role is among the recipients of an agreement that names any.

    Raises:
        AgreementError: If it is not.
    """
    if agreement.recipients and role not in {one.role for one in agreement.recipients}:
        raise AgreementError(
            f"The {agreement.partner} agreement does not name {role} among its recipients.",
            "Have it named there and the text signed anew, or leave that partner out of the role.",
            rule="recipients",
        )
