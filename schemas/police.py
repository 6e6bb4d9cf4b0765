"""What the police send: custody records and drug tests on arrest."""

from __future__ import annotations

import polars as pl

from schemas.models import (
    CrossRule,
    Extract,
    attribute,
    born_by,
    coded,
    day,
    identifier,
    key,
    parent,
    rule,
)


class Custody(Extract):
    """One detention of one person, who may not have been identified."""

    custody_ref: str = key()
    pnc_id: str = identifier("pnc_id")
    cro_number: str = identifier("cro_number")
    forename: str = identifier("name")
    surname: str = identifier("name")
    dob: pl.Date = identifier("dob")
    sex: str = coded("sex", kind="sex")
    ethnicity: str = coded("ethnicity")
    postcode: str = identifier("postcode")
    arrest_date: pl.Date = day(required=True)
    offence_code: str = attribute("offence_code")
    offence_class: str = attribute("offence_class")
    outcome: str = coded("police_outcome")

    @rule("dob")
    @classmethod
    def born_after_arrest(cls) -> pl.Expr:
        """A person is born before they are arrested."""
        return born_by("arrest_date")


class DrugTest(Extract):
    """One test for specified class A drugs of a person in custody."""

    drug_test_ref: str = key()
    custody_ref: str = parent()
    test_date: pl.Date = day(required=True)
    result: str = coded("drug_test_result", required=True)


CROSS_RULES = (
    CrossRule(
        table="drug_test",
        column="test_date",
        rule="test_before_arrest",
        parent_columns=("arrest_date",),
        holds=pl.col("test_date") >= pl.col("arrest_date__parent"),
    ),
)
