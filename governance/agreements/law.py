"""What the law asks for each field, and what an agreement lacks of it: a gap stops the field.

The lists of `governance.agreements.codes` say which kind of data a column is, what that kind needs
and what the condition that is named needs in its turn. An agreement without the clause `law` says
it in free text, which nobody can check by machine: that is a gap of every field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from governance.agreements import codes
from governance.agreements.parts import Decision, Law

if TYPE_CHECKING:
    from governance.agreements.model import Agreement

NO_LAW = "the legal gateway and conditions by their codes (`law`)"
"""What an agreement without the clause lacks for every field."""


def basis_gaps(law: Law) -> tuple[str, ...]:
    """What the law lacks for any data at all to be used."""
    lacking = []
    if law.collected_under == "part_3" and law.section_35 is None:
        lacking.append("a basis of section 35 (`section_35`)")
    if law.part == "part_2" and law.article_6 is None:
        lacking.append("a basis of Article 6 (`article_6`)")
    if law.part != law.collected_under and law.section_36_4 is None:
        lacking.append(
            "the enactment that authorises the use of law-enforcement data for another purpose "
            "(`section_36_4`)"
        )
    return tuple(lacking)


def field_gaps(law: Law, decisions: Sequence[Decision], kinds: Iterable[str]) -> tuple[str, ...]:
    """What the law lacks for a field.

    Args:
        law: The law relied on.
        decisions: What officers decided.
        kinds: The categories of data that the field is.
    """
    needs = {need for kind in kinds for need in codes.categories()[kind].needs}
    lacking: list[str] = []
    if "special" in needs:
        lacking += _special_gaps(law)
    if "offence" in needs:
        lacking += _offence_gaps(law)
    if "confidence" in needs:
        lacking += _confidence_gaps(law, decisions)
    return tuple(dict.fromkeys(lacking))


def _special_gaps(law: Law) -> Sequence[str]:
    if law.part == "part_3":
        return _of_any(law, "schedule_8", law.schedule_8, "a condition of Schedule 8")
    return _of_any(law, "article_9", law.article_9, "a condition of Article 9")


def _offence_gaps(law: Law) -> Sequence[str]:
    if law.part == "part_3":
        return ()  # Section 35 is the basis, and `basis_gaps` asks for it.
    given = (law.article_10,) if law.article_10 else ()
    return _of_any(law, "article_10", given, "a condition of Article 10")


def _confidence_gaps(law: Law, decisions: Sequence[Decision]) -> Sequence[str]:
    approved = any(
        one.role == "caldicott_guardian" and one.decision == "approved" for one in decisions
    )
    named = {
        "a route through the duty of confidentiality (`confidentiality`)": law.confidentiality,
        "a stance on the national data opt-out (`opt_out`)": law.opt_out,
        "the Caldicott Guardian's approval (`decisions`)": approved,
    }
    return [what for what, given in named.items() if not given]


def _of_any(law: Law, clause: str, given: Sequence[str], what: str) -> Sequence[str]:
    """What is lacking of conditions of which one has to be met, with all that it needs."""
    if not given:
        return [f"{what} (`{clause}`)"]
    short = [_lacking_beside(law, codes.conditions(clause)[code].needs) for code in given]
    return min(short, key=len)


def _lacking_beside(law: Law, needs: Iterable[str]) -> Sequence[str]:
    lacking: list[str] = []
    for need in needs:
        if need == "schedule_1":
            lacking += _of_any(law, "schedule_1", law.schedule_1, "a condition of Schedule 1")
        elif law.policy_document is None:
            lacking.append("an appropriate policy document (`policy_document`)")
    return lacking


def tables_stopped(partner: str, gaps: Mapping[tuple[str, str], Sequence[str]]) -> dict[str, str]:
    """The tables that a gap stops whole, for they are nothing without the field.

    A table that names people and is not optional is never among them: without it there is nothing
    of the partner, which `governance.agreements.checks.check_covers` tells.

    Args:
        partner: Whose tables.
        gaps: What the law lacks, by table and column.

    Returns:
        Table → what it is wanting. What belongs to such a table is not taken either.
    """
    from schemas.tables import TABLES

    tables = TABLES.get(partner, ())
    expected = {name for table in tables for name in table.expected}
    stopped: dict[str, str] = {}
    for table in tables:
        may_lack = table.optional or (table.identity is None and table.name not in expected)
        if not may_lack or (table.identity is None and not table.parents):
            continue
        lacking = [
            what
            for column, spec in table.columns.items()
            if spec.required
            for what in gaps.get((table.name, column), ())
        ]
        above = [stopped[name] for name in table.parents.values() if name in stopped]
        if lacking:
            stopped[table.name] = (
                f"its agreement lacks {' and '.join(dict.fromkeys(lacking))}: have it agreed"
            )
        elif above:
            stopped[table.name] = above[0]
    return stopped


def gaps_in_words(agreement: Agreement) -> list[str]:
    """A sentence for each thing that the law of an agreement lacks, with the fields it stops."""
    if agreement.law is None:
        return [f"The {agreement.partner} agreement lacks {NO_LAW}, so no field of it is used."]
    fields: dict[str, list[str]] = {}
    for (table, column), lacking in agreement.gaps.items():
        fields.setdefault(" and ".join(lacking), []).append(f"{table}.{column}")
    return [
        f"The {agreement.partner} agreement lacks {what}, so nothing is taken in of "
        f"{', '.join(stopped)}."
        for what, stopped in fields.items()
    ]
