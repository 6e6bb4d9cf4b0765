"""What a privacy notice has to say: UK GDPR Articles 13 and 14, item by item, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from flows.agreements.notices import ABROAD, Notice, kinds_taken, people, recipients, sharing
from flows.agreements.words import held_under, shared_by, used_under
from governance.agreements import Agreement, codes

if TYPE_CHECKING:
    from flows.settings import Settings

ITEMS: Final[Mapping[str, str]] = {
    "14(1)(a)": "Who we are",
    "14(1)(b)": "Data protection officer",
    "14(1)(c)": "Why, and by what law",
    "14(1)(d)": "What it is about you",
    "14(1)(e)": "Who sees it",
    "14(1)(f)": "Sent abroad",
    "14(2)(a)": "How long it is kept",
    "14(2)(b)": "Legitimate interests",
    "14(2)(c)": "Your rights",
    "14(2)(d)": "Withdrawing consent",
    "14(2)(e)": "Complaining",
    "14(2)(f)": "Where it comes from",
    "14(2)(g)": "Decisions about you",
    "13(2)(e)": "Whether you have to give it",
}
"""Each item of Article 14, and the one of Article 13 that it has not, with what answers it.

Whoever collects from people themselves, the service, answers the items that the two have in common
with the same words."""

COMMISSIONER: Final = (
    "You may complain to the Information Commissioner: Information Commissioner's Office, Wycliffe "
    "House, Water Lane, Wilmslow, Cheshire SK9 5AF; 0303 123 1113; ico.org.uk."
)
NO_OFFICER: Final = (
    "Name the data protection officer here, and how to reach them "
    "(`data_protection_officer` in partnership.yaml)."
)
NOT_AUTOMATED: Final = "No decision about you is made from the data, by a machine or by anybody."
RIGHTS: Final = ("access", "rectification", "erasure", "objection")


def privacy_notice(settings: Settings, told: Mapping[str, Agreement]) -> Notice:
    """What a privacy notice has to say, in plain words, a part for each partner."""
    rows = [_row(settings, one) for one in told.values()]
    said = (
        f"{settings.partnership} brings records of local services together to see where people "
        "need help and do not get it.",
        f"Questions: {settings.contact}. {COMMISSIONER}",
    )
    return Notice("What we do with information about you", said, rows, by="Service")


def _row(settings: Settings, one: Agreement) -> dict[str, str]:
    service = sharing(one)
    officer = settings.data_protection_officer or NO_OFFICER
    return {
        "Service": service.name,
        "Who we are": (
            f"{settings.partnership} ({settings.contact}) with "
            + "; ".join(f"{party.name} ({party.contact})" for party in one.parties)
        ),
        "Data protection officer": f"{officer} The service's own: ask {service.contact}.",
        "What it is about you": _plain_kinds(one),
        "Where it comes from": (
            f"From {service.name}, which has it from you or from others in its work. None of it "
            "comes from sources that are open to the public."
        ),
        "Whether you have to give it": (
            f"We ask you for nothing. {service.name} tells you whether you have to answer it."
        ),
        "Why, and by what law": _why(one),
        "Legitimate interests": _legitimate(one),
        "What becomes of your name": _what_becomes_of_names(one),
        "Who sees it": recipients(one) or "analysts of the partnership",
        "Sent abroad": ABROAD,
        "How long it is kept": _years(max([one.retention_days, *one.retention.values()])),
        "Decisions about you": NOT_AUTOMATED,
        "Opting out": _opting_out(one),
        "Withdrawing consent": _withdrawing(one),
        "Your rights": _rights(one),
        "Complaining": f"Write to {service.contact} first, if you like. {COMMISSIONER}",
    }


def _why(one: Agreement) -> str:
    law = [f"The service holds it under {held_under(one)}.", *shared_by(one), *used_under(one)]
    return f"{one.purpose_in_words} By what law: {'; '.join(law)}"


def _legitimate(one: Agreement) -> str:
    if one.law is None or one.law.article_6 != "f_legitimate_interests":
        return "We do not rely on legitimate interests."
    return f"We rely on legitimate interests, which are: {one.purpose_in_words}"


def _withdrawing(one: Agreement) -> str:
    rests = one.law is not None and (
        "a_explicit_consent" in one.law.article_9
        or "explicit_consent" in (one.law.confidentiality or "")
        or one.law.section_35 == "a_consent"
    )
    if not rests:
        return "It does not rest on your consent, so there is none to withdraw."
    return (
        f"You may withdraw your consent at any time: write to {sharing(one).contact}. What was "
        "done before stays lawful."
    )


def _rights(one: Agreement) -> str:
    """The rights that there are, by the part of the Act under which requests are dealt with."""
    from governance.rights import law

    regime = law.regime_of(under_part_3=one.under_part_3)
    found = [law.route(right, regime) for right in RIGHTS]
    said = "; ".join(f"{one.label} ({one.provision})" for one in found)
    by_consent = one.law is not None and "a_explicit_consent" in one.law.article_9
    carry = (
        "You may have what you gave yourself in a form to carry elsewhere (UK GDPR Article 20)."
        if by_consent
        else "There is no right to carry it elsewhere (UK GDPR Article 20): it is processed "
        "neither on consent in the sense of that Article nor for a contract."
    )
    return f"You {said}. {carry} Write to {sharing(one).contact}."


def _plain_kinds(agreement: Agreement) -> str:
    kinds = kinds_taken(agreement)
    return f"{people(agreement)}. It includes {'; '.join(_label(kind) for kind in kinds)}."


def _what_becomes_of_names(agreement: Agreement) -> str:
    made = {
        "dob": "your year of birth",
        "postcode": "the first half of your postcode",
        "pc": "the first half of your postcode",
    }
    coarser = [
        made[column]
        for columns in agreement.treatments.values()
        for column, given in columns.items()
        if "generalise" in given and column in made
    ]
    kept = f" Kept are {' and '.join(dict.fromkeys(coarser))}." if coarser else ""
    return (
        "Your name, date of birth, address and numbers are turned into codes that cannot be read "
        "back without a secret key, and are then forgotten. The codes are used only to see which "
        f"records are of the same person.{kept}"
    )


def _label(kind: str) -> str:
    plain = {
        "identifier": "who you are",
        "ordinary": "dates and facts of your contact with the service",
        "ethnicity": "your ethnic group, if you gave it",
        "belief": "your religion, if you gave it",
        "sexual_orientation": "your sexual orientation, if you gave it",
        "health": "your health and support needs",
        "care_record": "your treatment and health, as the service wrote them down",
        "offence": "offences, and what was done about them",
    }
    return plain.get(kind, codes.categories()[kind].label)


def _years(days: int) -> str:
    years, rest = divmod(days, 365)
    if rest or not years:
        return f"at most {days:,} days"
    return f"at most {years} year{'s' if years > 1 else ''}"


def _opting_out(agreement: Agreement) -> str:
    law = agreement.law
    if law is None or law.opt_out is None:
        return "You may object to the service named below."
    said = codes.conditions("opt_out")[law.opt_out].label
    return f"National data opt-out: {said}. You may object to the service named below."
