"""What housing sends: homelessness applications, their people and duties, and tenancies."""

from __future__ import annotations

import polars as pl

from schemas.models import (
    CrossRule,
    Extract,
    attribute,
    coded,
    day,
    identifier,
    in_order,
    key,
    parent,
    rule,
)


class Application(Extract):
    """One household's homelessness application and its support needs."""

    case_ref: str = key()
    application_date: pl.Date = day(required=True)
    local_authority: str = attribute("la_code")
    assessment: str = coded("assessment", required=True)
    accommodation_at_application: str = coded("accommodation_at_application")
    need_drug: str = coded("yes_no")
    need_alcohol: str = coded("yes_no")
    need_mental_health: str = coded("yes_no")
    need_offending: str = coded("yes_no")
    need_rough_sleeping: str = coded("yes_no")
    need_domestic_abuse: str = coded("yes_no")


class Person(Extract):
    """One adult of a household."""

    person_ref: str = key()
    case_ref: str = parent()
    role: str = coded("household_role", required=True)
    forename: str = identifier("name")
    surname: str = identifier("name")
    dob: pl.Date = identifier("dob")
    sex: str = coded("sex", kind="sex")
    ethnicity: str = coded("ethnicity")
    nino: str = identifier("nino")
    postcode: str = identifier("postcode")


class Duty(Extract):
    """One duty that the authority owed a household."""

    duty_ref: str = key()
    case_ref: str = parent()
    duty: str = coded("duty", required=True)
    start_date: pl.Date = day(required=True)
    end_date: pl.Date = day()
    end_reason: str = coded("duty_end_reason")

    @rule("end_date")
    @classmethod
    def duty_ends_before_start(cls) -> pl.Expr:
        """A duty ends on or after the day it starts."""
        return in_order("start_date", "end_date")


class Tenancy(Extract):
    """One tenancy of one person."""

    tenancy_ref: str = key()
    person_ref: str = parent()
    uprn: str = identifier("uprn")
    start_date: pl.Date = day(required=True)
    end_date: pl.Date = day()
    tenancy_type: str = coded("tenancy_type")
    end_reason: str = coded("tenancy_end_reason")

    @rule("end_date")
    @classmethod
    def tenancy_ends_before_start(cls) -> pl.Expr:
        """A tenancy ends on or after the day it starts."""
        return in_order("start_date", "end_date")


CROSS_RULES = (
    CrossRule(
        table="duty",
        column="start_date",
        rule="duty_before_application",
        parent_columns=("application_date",),
        holds=pl.col("start_date") >= pl.col("application_date__parent"),
    ),
    CrossRule(
        table="person",
        column="dob",
        rule="born_after_application",
        parent_columns=("application_date",),
        holds=pl.col("dob") < pl.col("application_date__parent"),
    ),
)
