"""What an agreement says, in words, for `journeys agreements show` and the notices made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from governance.agreements import Agreement, Use, codes, gaps_in_words

if TYPE_CHECKING:
    from governance.agreements.parts import Law

DONE_WITH: Final = {
    "encode": "encoded for linkage and forgotten",
    "key": "replaced by a keyed surrogate",
    "keep": "kept as it came",
    "generalise": "made coarser",
    "drop": "dropped on arrival",
}
"""What each treatment is, in words."""

LAW_CLAUSES: Final = (
    "section_35", "schedule_8", "article_6", "article_9", "article_10", "schedule_1",
    "confidentiality", "opt_out",
)  # fmt: skip
"""The clauses of `law` that name conditions."""


def in_words(agreement: Agreement) -> Iterator[str]:
    """An agreement, a line for each thing it says."""
    yield f"{agreement.title}, version {agreement.version}"
    review = agreement.review or "no day"
    yield f"  from {agreement.starts} to {agreement.expires}, review by {review}"
    for party in agreement.parties:
        yield f"  {party.role.replace('_', ' ')}: {party.name} ({party.contact})"
    yield f"Purpose: {agreement.purpose}. {agreement.purpose_in_words}"
    for name, use in agreement.uses.items():
        said = use.in_words if isinstance(use, Use) else "of whole tables"
        yield f"  use {name}: {said} ({', '.join(agreement.of_use(name))})"
    yield "Law:"
    yield from (f"  {line}" for line in law_in_words(agreement))
    for decision in agreement.decisions:
        yield (
            f"  {decision.role}: {decision.decision} on {decision.decided_on} "
            f"({decision.reference})"
        )
    if agreement.dpia is not None:
        yield f"  impact assessment: {agreement.dpia.reference}, {agreement.dpia.dated}"
    yield from (f"  {sentence}" for sentence in gaps_in_words(agreement))
    yield "Fields:"
    for table, column, kinds, done in fields(agreement):
        yield f"  {f'{table}.{column}':<44} {kinds:<22} {done}"
    yield "Recipients:"
    yield from (f"  {one.role}, {one.organisation}" for one in agreement.recipients)
    yield f"Kept for {agreement.retention_days:,} days" + "".join(
        f"; {kind} {days:,}" for kind, days in agreement.retention.items()
    )
    yield "Signatures:"
    for one in agreement.signatures:
        attested = f", attested by {one.attested_by}" if one.attested_by else ", not attested"
        yield f"  {one.role.replace('_', ' ')}: {one.signatory}, {one.signed_on}{attested}"
    yield f"Digest: {agreement.document_digest}"


def held_under(agreement: Agreement) -> str:
    """The law under which the partner itself holds the data, before any of it is shared."""
    law = agreement.law
    if law is None:
        return "the law that its controllers name"
    if law.collected_under == "part_2":
        return "UK GDPR and Part 2 of the Data Protection Act 2018"
    conditions = [*_named(law, ("section_35", "schedule_8"))]
    return "; ".join(
        ["Part 3 of the Data Protection Act 2018 (law enforcement processing)", *conditions]
    )


def shared_by(agreement: Agreement) -> list[str]:
    """The powers and duties by which it is shared."""
    law = agreement.law
    if law is None:
        return [agreement.legal_gateway.power_to_share]
    return [_provision(codes.gateways()[one]) for one in law.gateways]


def used_under(agreement: Agreement) -> list[str]:
    """The law under which the partnership uses it: not always that under which it was collected."""
    law = agreement.law
    if law is None:
        return [agreement.legal_gateway.lawful_basis]
    if law.part == "part_3":
        lines = ["Part 3 of the Data Protection Act 2018, for a law enforcement purpose"]
        return [*lines, *_named(law, ("section_35", "schedule_8"))]
    lines = ["UK GDPR and Part 2 of the Data Protection Act 2018"]
    if law.section_36_4 is not None:
        provision = codes.gateways()[law.section_36_4].provision
        lines = [
            f"{lines[0]}: use for another purpose than law enforcement, which section 36(4) of the "
            f"Act allows as authorised by {provision}"
        ]
    lines += _named(law, [one for one in LAW_CLAUSES if one not in ("section_35", "schedule_8")])
    if law.policy_document is not None:
        document = law.policy_document
        lines.append(f"appropriate policy document: {document.reference}, {document.dated}")
    return lines


def _named(law: Law, clauses: Iterable[str]) -> list[str]:
    """The conditions that clauses of `law` name."""
    lines: list[str] = []
    for clause in clauses:
        given = getattr(law, clause)
        named = (given,) if isinstance(given, str) else given or ()
        lines += [_provision(codes.conditions(clause)[one]) for one in named]
    return lines


def law_in_words(agreement: Agreement) -> list[str]:
    """The law relied on: by provision where it is named by codes, else as the controllers say."""
    if agreement.law is None:
        said = agreement.legal_gateway
        return [
            said.power_to_share, said.lawful_basis, said.special_category_condition,
            said.confidentiality,
        ]  # fmt: skip
    return [
        f"held by the partner under {held_under(agreement)}",
        *(f"shared by {one}" for one in shared_by(agreement)),
        *(f"used under {one}" for one in used_under(agreement)),
    ]


def fields(agreement: Agreement) -> Iterator[tuple[str, str, str, str]]:
    """Table, column, kinds of data and what is done with it, of every field that is listed."""
    kinds, taken = codes.columns(agreement.partner), agreement.treatments
    for table, columns in agreement.tables.items():
        for column, given in columns.items():
            of = ", ".join(kind.replace("_", " ") for kind in kinds.get((table, column), ()))
            is_taken = column in taken.get(table, {})
            done = treated(given) if is_taken else "not taken in: a condition is wanting"
            yield table, column, of, done


def treated(given: Iterable[str]) -> str:
    """What is done with a field, in words."""
    return ", ".join(DONE_WITH[one] for one in given)


def _provision(one: codes.Provision) -> str:
    return f"{one.provision}: {one.label}"
