"""Which rules there are, what each asks for, and which of them no policy may be mild about.

A rule is declared where its table is; this says what is true of rules in general, and reads off the
declarations every rule of a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.tables import Table

GENERAL_RULES = {
    "required": "A value must be given.",
    "not_a_date": "A date is written 2026-04-01.",
    "born_too_early": "A year of birth is after 1902.",
    "code_unknown": "A code is in the code list.",
    "code_unknown_passed": "A code is in the code list; another is let pass and counted.",
    "code_not_in_force": "A code was in force on the record's day.",
    "code_not_in_force_passed": "A code was in force on its day; another is let pass and counted.",
    "key_unusable": "A key has 1 to 100 characters, none of them a bar or a control character.",
    "after_the_extract": "What has happened is dated no later than the extract.",
    "duplicate_key": "No two records of a table have one key; the first valid one counts.",
    "parent_missing": "The record that this one belongs to is in the extract and valid.",
    "data_without_consent": "Of a person who did not consent nothing more is sent.",
    "description_unrecognised": "A requirement's words say of which kind it is; others are OTHER.",
    "application_without_people": "An application has at least one person.",
}
"""Rules of every table, and what each asks for."""

CODE_RULES = frozenset(rule for rule in GENERAL_RULES if rule.startswith("code_"))
"""Rules of a coded column: which of them can be broken is for its code list to say."""

UNUSABLE = {
    "dob": "dummy_date_of_birth",
    "name": "name_placeholder",
    "nhs_number": "nhs_number_invalid",
    "nino": "nino_invalid",
    "pnc_id": "pnc_id_invalid",
    "cro_number": "cro_number_invalid",
    "crn": "crn_invalid",
    "noms_number": "noms_number_invalid",
    "uprn": "uprn_invalid",
    "la_code": "la_code_invalid",
    "postcode": "postcode_invalid",
    "postcode_sector": "postcode_sector_invalid",
}
"""For each kind of column whose value may turn out to be unusable: the rule it then breaks."""

SAYS_UNKNOWN = frozenset({"dummy_date_of_birth", "name_placeholder"})
"""Values by which a partner says that it does not know: an answer, where one is required."""

NEVER_PASSED = frozenset(
    {
        "required",
        "key_unusable",
        "duplicate_key",
        "parent_missing",
        "data_without_consent",
        "under_18_not_agreed",
    }
)
"""Rules whose record cannot stay: the key, the consent, the agreement or what must be there is at
fault."""

NO_CONSENT = "no_consent"
"""Why a row is withheld. It is the person's choice and no fault, so no policy says what follows."""

NEVER_KEPT = frozenset({"not_a_date", *UNUSABLE.values()})
"""Rules whose value cannot stay, because it has no normal form."""

PARTICULAR = {
    "dummy_date_of_birth": "1900-01-01 and 1970-01-01 mean that the date is not known.",
    "name_placeholder": "A name is a name, not a word for its absence such as NOT KNOWN.",
    "nhs_number_invalid": "An NHS number has ten digits, and its check digit is right.",
    "nino_invalid": "A National Insurance number is two letters, six digits and A to D.",
    "pnc_id_invalid": "A PNC ID is YYYY/NNNNNNND, and its check letter is right.",
    "cro_number_invalid": "A CRO number is NNNNNN/YYD or SFYY/NNNND; its check letter is right.",
    "crn_invalid": "A CRN is a letter and six digits.",
    "noms_number_invalid": "A NOMS number is a letter, four digits and two letters.",
    "uprn_invalid": "A UPRN has 1 to 12 digits.",
    "la_code_invalid": "A local authority is its code, such as E07000148.",
    "postcode_invalid": "A postcode has the form of one, such as NR3 1AA.",
    "postcode_sector_invalid": "A postcode sector has the form of one, such as NR3 1.",
    "initial_not_a_letter": "An initial is one letter.",
    "offence_code_malformed": "An offence is its CJS code, such as TH68001A.",
    "offence_class_malformed": "A class is the Home Office's, such as 92D or 092/05.",
    "home_office_code_malformed": "A Home Office code is such as 092/05.",
    "dat_malformed": "A drug action team is such as A09B.",
    "agency_malformed": "An agency has 3 to 10 capitals and digits, such as N0853.",
    "prison_malformed": "A prison is three capitals, such as NWI.",
    "days_out_of_range": "Days of the last 28 are a whole number from 0 to 28.",
    "score_out_of_range": "A score is a whole number from 0 to 20.",
    "no_consent": "A person who did not consent is left out, with all that belongs to them.",
}
"""What the rules of one kind of column ask for."""


MAY_BE_ANYTHING = frozenset({"code_unknown", "code_unknown_passed", *PARTICULAR})
"""Rules by which a value is not what its column is to hold, so that it could be anything."""


def rules_of(table: Table) -> Iterator[tuple[str, str, str]]:
    """(column, rule, what it asks for) of every rule of a table, in the order of its columns."""
    from schemas.models import schema_of

    schema = schema_of(table.model)
    own = [(check.title, check.name, check.description) for check in schema.checks]
    own += [(one.column, one.rule, _asks(one)) for one in table.cross_rules]
    for name, spec in table.columns.items():
        checks = [check.name for check in schema.columns[name].checks]
        if spec.kind in ("date", "dob"):
            checks.insert(0, "not_a_date")
        if name in table.past_dates:
            checks.append("after_the_extract")
        if spec.kind in UNUSABLE:
            checks.append(UNUSABLE[spec.kind])
        if name == table.key[-1]:
            checks += ["duplicate_key", *table.expected.values()]
        if any(name == columns[-1] for columns in table.parents):
            checks.append("parent_missing")
        if name == table.consent:
            checks.append("data_without_consent")
        if name == table.withheld_by:
            checks.append(NO_CONSENT)
        yield from ((name, rule, meaning(rule)) for rule in checks)
        yield from ((name, rule, asks) for column, rule, asks in own if column == name)


def meaning(rule: str) -> str:
    """What a rule that is not a table's own asks for, in a sentence."""
    return GENERAL_RULES.get(rule) or PARTICULAR.get(rule) or in_words(rule)


def in_words(rule: str) -> str:
    """A rule's name as words; the name says what is wrong."""
    return f"Not: {rule.replace('_', ' ')}."


def _asks(rule: Any) -> str:
    return getattr(rule, "description", "") or in_words(rule.rule)
