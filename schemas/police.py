"""What the police send: custody records and drug tests on arrest.

Where there is one, also membership of an intensive programme, and suspected drug-related deaths.
"""

from __future__ import annotations

import polars as pl

from schemas.models import (
    ADULT_AGE,
    CrossRule,
    Extract,
    attribute,
    born_by,
    coded,
    date_of_birth,
    day,
    day_of_age,
    ethnicity,
    forename,
    identifier,
    in_order,
    key,
    parent,
    postcode,
    rule,
    sex,
    surname,
)


class Custody(Extract):
    """One detention of one person, who may not have been identified."""

    custody_ref: str = key("The detention's own reference.", "CU0000001")
    pnc_id: str = identifier("pnc_id", "Police National Computer identifier, long or short form.")
    cro_number: str = identifier("cro_number", "Criminal Records Office number.")
    forename: str = forename()
    surname: str = surname()
    dob: pl.Date = date_of_birth()
    sex: str = sex()
    ethnicity: str = ethnicity()
    postcode: str = postcode()
    arrest_date: pl.Date = day("Day of the arrest.", required=True, event=True)
    release_date: pl.Date = day("Day the person left police custody.", "2024-01-06")
    offence_code: str = attribute("offence_code", "CJS code of the offence arrested for.")
    offence_class: str = coded(
        "offence_class", "Home Office class of that offence.", "92D", kind="offence_class"
    )
    home_office_code: str = attribute("home_office_code", "Home Office code of that offence.")
    outcome: str = coded(
        "police_outcome", "Home Office outcome of the case.", "1", dated_by="outcome_date"
    )
    outcome_date: pl.Date = day("Day of that outcome.", "2024-02-01")

    @rule("dob")
    @classmethod
    def born_after_arrest(cls) -> pl.Expr:
        """A person is born before they are arrested."""
        return born_by("arrest_date")

    @rule("release_date")
    @classmethod
    def left_custody_before_arrest(cls) -> pl.Expr:
        """A person leaves custody on or after the day they are arrested."""
        return in_order("arrest_date", "release_date")

    @rule("outcome_date")
    @classmethod
    def outcome_before_arrest(cls) -> pl.Expr:
        """A case has its outcome on or after the day of the arrest."""
        return in_order("arrest_date", "outcome_date")


class DrugTest(Extract):
    """One test for specified class A drugs of a person in custody."""

    drug_test_ref: str = key("The test's own reference.", "DT0000001")
    custody_ref: str = parent("The detention during which the test was made.", "CU0000001")
    test_date: pl.Date = day("Day of the test.", required=True, event=True)
    authority: str = coded("drug_test_authority", "Why the test could be required.", "trigger")
    result: str = coded("drug_test_result", "What the test found.", "NEG", required=True)


class IntensiveProgramme(Extract):
    """One person's membership of an intensive programme such as ADDER."""

    programme_ref: str = key("The membership's own reference.", "PG0000001")
    pnc_id: str = identifier("pnc_id", "Police National Computer identifier, long or short form.")
    forename: str = forename()
    surname: str = surname()
    dob: pl.Date = date_of_birth()
    sex: str = sex()
    ethnicity: str = ethnicity()
    postcode: str = postcode()
    programme: str = coded("programme", "The programme.", "adder", required=True)
    referral_date: pl.Date = day("Day the person was referred to it.", "2024-01-02")
    start_date: pl.Date = day("Day the person joined it.", required=True, event=True)
    end_date: pl.Date = day("Day the person left it.", "2024-06-05")
    end_reason: str = coded(
        "programme_end_reason", "Why the person left it.", "completed", dated_by="end_date"
    )

    @rule("dob")
    @classmethod
    def born_after_joining(cls) -> pl.Expr:
        """A person is born before they join a programme."""
        return born_by("start_date")

    @rule("start_date")
    @classmethod
    def programme_starts_before_referral(cls) -> pl.Expr:
        """A person joins on or after the day they are referred."""
        return in_order("referral_date", "start_date")

    @rule("end_date")
    @classmethod
    def programme_ends_before_start(cls) -> pl.Expr:
        """A person leaves on or after the day they join."""
        return in_order("start_date", "end_date")


class SuspectedDrugDeath(Extract):
    """One death that is suspected to be drug-related. Restricted."""

    death_ref: str = key("The death's own reference.", "SD0000001")
    pnc_id: str = identifier("pnc_id", "Police National Computer identifier, long or short form.")
    forename: str = forename()
    surname: str = surname()
    dob: pl.Date = date_of_birth()
    sex: str = sex()
    ethnicity: str = ethnicity()
    postcode: str = postcode()
    death_date: pl.Date = day("Day of the death, or of its discovery.", required=True, event=True)
    reported_date: pl.Date = day("Day the death was notified to the partnership.", "2024-01-08")
    suspected_drug: str = coded("drug", "Main drug suspected, in the treatment codes.", "1011")
    death_status: str = coded(
        "death_status", "How far the suspicion has been settled.", "suspected"
    )

    @rule("dob")
    @classmethod
    def born_after_death(cls) -> pl.Expr:
        """A person is born before they die."""
        return born_by("death_date")

    @rule("reported_date")
    @classmethod
    def reported_before_death(cls) -> pl.Expr:
        """A death is notified on or after the day of it."""
        return in_order("death_date", "reported_date")


CROSS_RULES = (
    CrossRule(
        table="drug_test",
        column="test_date",
        rule="test_before_arrest",
        parent_columns=("arrest_date",),
        holds=pl.col("test_date") >= pl.col("arrest_date__parent"),
        description="A test is on or after the day of the arrest.",
    ),
    CrossRule(
        table="drug_test",
        column="test_date",
        rule="test_after_custody",
        parent_columns=("release_date",),
        holds=pl.col("test_date") <= pl.col("release_date__parent"),
        description="A test is on or before the day the person left custody.",
    ),
    CrossRule(
        table="drug_test",
        column="test_date",
        rule="tested_under_18",
        parent_columns=("dob",),
        holds=day_of_age(pl.col("dob__parent"), ADULT_AGE) <= pl.col("test_date"),
        description="A person who is tested is at least 18.",
    ),
)
