"""What housing sends: homelessness applications, their people and duties, and tenancies.

Where it can, also temporary accommodation, and sightings of people sleeping rough.
"""

from __future__ import annotations

from typing import Any

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

YOUNGEST_APPLICANT = 16
"""The youngest a main applicant or partner is expected to be. Field knowledge."""


def _need(of: str) -> Any:
    return coded("yes_no", f"Whether the household has a support need: {of}.", "Y")


class Application(Extract):
    """One household's homelessness application and its support needs.

    A support need is what housing recorded; it is not a treatment need.
    """

    case_ref: str = key("The application's own reference.", "H0000001")
    application_date: pl.Date = day("Day of the application.", required=True, event=True)
    local_authority: str = attribute("la_code", "ONS code of the authority applied to.")
    assessment: str = coded("assessment", "What the assessment found.", "relief", required=True)
    accommodation_at_application: str = coded(
        "accommodation_at_application", "Where the household lived then.", "rough_sleeping"
    )
    need_drug: str = _need("drug dependency")
    need_alcohol: str = _need("alcohol dependency")
    need_mental_health: str = _need("mental health")
    need_learning_disability: str = _need("learning disability")
    need_physical_health: str = _need("physical ill health or disability")
    need_offending: str = _need("offending history")
    need_rough_sleeping: str = _need("history of rough sleeping")
    need_repeat_homelessness: str = _need("repeat homelessness")
    need_domestic_abuse: str = _need("domestic abuse")
    need_sexual_abuse: str = _need("sexual abuse or exploitation")
    need_care_leaver: str = _need("care leaver")
    need_armed_forces: str = _need("served in HM Forces")
    need_modern_slavery: str = _need("victim of modern slavery")
    need_young_parent: str = _need("young parent")
    main_duty_decision: str = coded(
        "main_duty_decision",
        "What was decided of the main duty, where it came to that.",
        "owed",
        dated_by="main_duty_decision_date",
    )
    main_duty_decision_date: pl.Date = day("Day of that decision.", "2024-03-05")

    @rule("main_duty_decision_date")
    @classmethod
    def decided_before_application(cls) -> pl.Expr:
        """The main duty is decided on or after the day of the application."""
        return in_order("application_date", "main_duty_decision_date")

    @rule("main_duty_decision_date")
    @classmethod
    def decision_and_date_differ(cls) -> pl.Expr:
        """The decision on the main duty has a day, and the day a decision."""
        return pl.col("main_duty_decision").is_null() == pl.col("main_duty_decision_date").is_null()

    @rule("main_duty_decision")
    @classmethod
    def main_duty_owed_to_nobody_homeless(cls) -> pl.Expr:
        """A main duty is owed only where the assessment found homelessness or its threat."""
        return (pl.col("main_duty_decision") != "owed") | (pl.col("assessment") != "none")


class Person(Extract):
    """One person of a household. Linkage is of people, never of the case."""

    person_ref: str = key("The person's own reference within the extract.", "P0000001")
    case_ref: str = parent("The application that the person is on.", "H0000001")
    role: str = coded("household_role", "Place in the household.", "main", required=True)
    forename: str = forename()
    surname: str = surname()
    dob: pl.Date = date_of_birth()
    sex: str = sex()
    ethnicity: str = ethnicity()
    nino: str = identifier("nino", "National Insurance number.")
    postcode: str = postcode()

    @rule("role")
    @classmethod
    def second_main_applicant(cls) -> pl.Expr:
        """A household has one main applicant."""
        is_main = (pl.col("role") == "main").fill_null(False)
        first = is_main.cast(pl.Int32).cum_sum().over("case_ref") <= 1
        return first | ~is_main | pl.col("case_ref").is_null()


class Duty(Extract):
    """One duty that the authority owed a household."""

    duty_ref: str = key("The duty's own reference.", "D0000001")
    case_ref: str = parent("The application that it came of.", "H0000001")
    duty: str = coded("duty", "Which duty was owed.", "relief", required=True)
    start_date: pl.Date = day("Day the duty began.", "2024-01-06", required=True, event=True)
    end_date: pl.Date = day("Day the duty ended.", "2024-03-02")
    end_reason: str = coded(
        "duty_end_reason", "Why the duty ended.", "secured_alternative", dated_by="end_date"
    )

    @rule("end_date")
    @classmethod
    def duty_ends_before_start(cls) -> pl.Expr:
        """A duty ends on or after the day it starts."""
        return in_order("start_date", "end_date")

    @rule("end_date")
    @classmethod
    def duty_end_and_reason_differ(cls) -> pl.Expr:
        """A duty that has ended has a day and a reason, another neither."""
        return pl.col("end_date").is_null() == pl.col("end_reason").is_null()

    @rule("end_date")
    @classmethod
    def ended_before_56_days(cls) -> pl.Expr:
        """A duty that ended because 56 days had passed lasted 56 days, both ends counted."""
        lasted = pl.col("end_date") - pl.col("start_date") + pl.duration(days=1)
        return (pl.col("end_reason") != "56_days_elapsed") | (lasted >= pl.duration(days=56))


class Tenancy(Extract):
    """One tenancy of one person."""

    tenancy_ref: str = key("The tenancy's own reference.", "T0000001")
    person_ref: str = parent("The person who holds it.", "P0000001")
    uprn: str = identifier("uprn", "Unique property reference number of the home.")
    start_date: pl.Date = day("Day the tenancy began.", "2024-03-01", required=True, event=True)
    end_date: pl.Date = day("Day the tenancy ended.", "2024-09-01")
    tenancy_type: str = coded("tenancy_type", "Kind of tenancy.", "secure")
    end_reason: str = coded(
        "tenancy_end_reason", "Why the tenancy ended.", "abandoned", dated_by="end_date"
    )

    @rule("end_date")
    @classmethod
    def tenancy_ends_before_start(cls) -> pl.Expr:
        """A tenancy ends on or after the day it starts."""
        return in_order("start_date", "end_date")


class TemporaryAccommodation(Extract):
    """One placement of a household in temporary accommodation."""

    placement_ref: str = key("The placement's own reference.", "TA0000001")
    case_ref: str = parent("The application that it came of.", "H0000001")
    accommodation_type: str = coded(
        "temporary_accommodation_type", "Kind of accommodation.", "hostel", required=True
    )
    start_date: pl.Date = day("Day the household moved in.", required=True, event=True)
    end_date: pl.Date = day("Day the household moved out.", "2024-03-01")

    @rule("end_date")
    @classmethod
    def placement_ends_before_start(cls) -> pl.Expr:
        """A placement ends on or after the day it starts."""
        return in_order("start_date", "end_date")


class RoughSleeping(Extract):
    """One sighting of one person sleeping rough."""

    sighting_ref: str = key("The sighting's own reference.", "RS0000001")
    forename: str = forename()
    surname: str = surname()
    dob: pl.Date = date_of_birth()
    sex: str = sex()
    ethnicity: str = ethnicity()
    sighting_date: pl.Date = day("Night of the sighting.", required=True, event=True)
    local_authority: str = attribute("la_code", "ONS code of the authority where it was.")

    @rule("dob")
    @classmethod
    def born_after_sighting(cls) -> pl.Expr:
        """A person is born before they are seen."""
        return born_by("sighting_date")


def _not_before_application(table: str, column: str, rule: str) -> CrossRule:
    return CrossRule(
        table=table,
        column=column,
        rule=rule,
        parent_columns=("application_date",),
        holds=pl.col(column) >= pl.col("application_date__parent"),
        description="It is on or after the day of the application.",
    )


CROSS_RULES = (
    _not_before_application("duty", "start_date", "duty_before_application"),
    CrossRule(
        table="duty",
        column="duty",
        rule="duty_where_none_is_owed",
        parent_columns=("assessment",),
        holds=pl.col("assessment__parent") != "none",
        description="A duty is owed only where the assessment found homelessness or its threat.",
    ),
    CrossRule(
        table="duty",
        column="duty",
        rule="prevention_duty_when_homeless",
        parent_columns=("assessment",),
        holds=(pl.col("duty") != "prevention") | (pl.col("assessment__parent") != "relief"),
        description="A household that is homeless is owed relief, not prevention.",
    ),
    CrossRule(
        table="duty",
        column="duty",
        rule="main_duty_not_owed",
        parent_columns=("main_duty_decision",),
        holds=(pl.col("duty") != "main") | (pl.col("main_duty_decision__parent") == "owed"),
        description="A main duty is owed only where it was decided that it is.",
    ),
    CrossRule(
        table="duty",
        column="duty",
        rule="main_duty_undecided",
        parent_columns=("main_duty_decision",),
        holds=(pl.col("duty") != "main") | pl.col("main_duty_decision__parent").is_not_null(),
        description="Where there is a main duty, the application holds the decision.",
    ),
    CrossRule(
        table="duty",
        column="start_date",
        rule="main_duty_before_decision",
        parent_columns=("main_duty_decision_date",),
        holds=(pl.col("duty") != "main")
        | (pl.col("start_date") >= pl.col("main_duty_decision_date__parent")),
        description="A main duty begins on or after the day it was decided.",
    ),
    CrossRule(
        table="person",
        column="role",
        rule="partner_without_main_applicant",
        parent_columns=(),
        holds=(pl.col("role") != "partner") | (pl.col("role") == "main").any().over("case_ref"),
        description="A household with a partner has a main applicant.",
    ),
    CrossRule(
        table="person",
        column="dob",
        rule="applicant_under_16",
        parent_columns=("application_date",),
        holds=~pl.col("role").is_in(("main", "partner"))
        | (day_of_age(pl.col("dob"), YOUNGEST_APPLICANT) <= pl.col("application_date__parent")),
        description="A main applicant or partner is at least 16 on the day of the application.",
    ),
    CrossRule(
        table="person",
        column="dob",
        rule="child_of_age",
        parent_columns=("application_date",),
        holds=(pl.col("role") != "child")
        | (day_of_age(pl.col("dob"), ADULT_AGE) > pl.col("application_date__parent")),
        description="A child is under 18 on the day of the application.",
    ),
    CrossRule(
        table="person",
        column="dob",
        rule="born_after_application",
        parent_columns=("application_date",),
        holds=pl.col("dob") < pl.col("application_date__parent"),
        description="A person is born before the day of the application.",
    ),
    _not_before_application(
        "temporary_accommodation", "start_date", "placement_before_application"
    ),
)
