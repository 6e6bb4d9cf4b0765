"""What a column of an extract is, in terms that need no pandera: role, kind, code list, meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["key", "parent", "identifier", "attribute"]
"""Why a column is there.

`key`         part of the record key: it becomes a surrogate and never travels as it is.
`parent`      part of the key of the record it belongs to: likewise.
`identifier`  says who or where somebody is: encoded, generalised or dropped, never kept.
`attribute`   what happened: may be kept.
"""

Kind = Literal[
    "key",
    "code",
    "consent",
    "date",
    "dob",
    "sex",
    "ethnicity",
    "name",
    "initial",
    "postcode",
    "postcode_sector",
    "nhs_number",
    "nino",
    "pnc_id",
    "cro_number",
    "crn",
    "noms_number",
    "uprn",
    "la_code",
    "dat_code",
    "agency",
    "prison",
    "offence_code",
    "offence_class",
    "home_office_code",
    "requirement",
    "days_of_28",
    "score_of_20",
]
"""How a column is read, checked and standardised; `schemas.standardise` has one rule for each."""


PLANNED_DATES: Mapping[tuple[str, str], str | None] = {
    ("sentence", "sentence_end_date"): None,
    ("requirement", "end_date"): "outcome",
    ("release", "conditional_release_date"): None,
    ("release", "automatic_release_date"): None,
    ("release", "confirmed_release_date"): None,
    ("release", "licence_expiry_date"): None,
    ("release", "sentence_expiry_date"): None,
    ("prison_referral", "release_date"): None,
    ("tenancy", "end_date"): "end_reason",
}
"""Dates, by table and column, that are written down before they come; with the column, if any,
that says once it is filled that the date has come. Any other date after the extract is a slip."""

PLANNED_NAMES = frozenset(column for _, column in PLANNED_DATES)
"""The columns of any table that may hold such a date."""


@dataclass(frozen=True)
class Column:
    """One column of an extract.

    Args:
        role: Why it is there; governance decides by it what may be done with the column.
        kind: How it is read, checked and standardised.
        required: Whether a record without a value is quarantined.
        codes: The code list its values must come from, if any (a file of `schemas/codes`).
        becomes: The column that takes its place once validated, where a supplier's free text is
            replaced by a category.
        description: What it holds, for the partner to read.
        example: A made-up value that keeps every rule.
        event: Whether it is the day that the record's codes are read against.
        dated_by: The column that holds that day for this code, where it is not the record's own.
    """

    role: Role
    kind: Kind
    required: bool = False
    codes: str | None = None
    becomes: str | None = None
    description: str = ""
    example: str = ""
    event: bool = False
    dated_by: str | None = None
