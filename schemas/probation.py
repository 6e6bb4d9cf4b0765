"""What probation sends: sentences, their requirements, and releases from custody."""

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
    in_order,
    key,
    parent,
    rule,
)

TREATMENT_REQUIREMENT_SENTENCES = ("COEW", "SSO")
"""Drug and alcohol requirements are parts of a community or a suspended sentence order only."""


class Sentence(Extract):
    """One sentence of one person."""

    sentence_ref: str = key()
    crn: str = identifier("crn")
    noms_number: str = identifier("noms_number")
    pnc_id: str = identifier("pnc_id")
    cro_number: str = identifier("cro_number")
    nino: str = identifier("nino")
    forename: str = identifier("name")
    surname: str = identifier("name")
    dob: pl.Date = identifier("dob")
    sex: str = coded("sex", kind="sex")
    ethnicity: str = coded("ethnicity")
    postcode: str = identifier("postcode")
    sentence_type: str = coded("sentence_type", required=True)
    sentence_date: pl.Date = day(required=True)
    sentence_end_date: pl.Date = day()
    rosh: str = coded("rosh")

    @rule("dob")
    @classmethod
    def born_after_sentence(cls) -> pl.Expr:
        """A person is born before they are sentenced."""
        return born_by("sentence_date")

    @rule("sentence_end_date")
    @classmethod
    def sentence_ends_before_start(cls) -> pl.Expr:
        """A sentence ends on or after the day it is passed."""
        return in_order("sentence_date", "sentence_end_date")


class Requirement(Extract):
    """One requirement of a sentence, as the supplier's system describes it."""

    requirement_ref: str = key()
    sentence_ref: str = parent()
    description: str = attribute("requirement", required=True, becomes="category")
    start_date: pl.Date = day(required=True)
    end_date: pl.Date = day()
    outcome: str = coded("requirement_outcome")

    @rule("end_date")
    @classmethod
    def requirement_ends_before_start(cls) -> pl.Expr:
        """A requirement ends on or after the day it starts."""
        return in_order("start_date", "end_date")


class Release(Extract):
    """One release from custody on a sentence."""

    release_ref: str = key()
    sentence_ref: str = parent()
    release_date: pl.Date = day(required=True)
    recall_date: pl.Date = day()
    treatment_need: str = coded("yes_no")
    discharge_accommodation: str = coded("discharge_accommodation")

    @rule("recall_date")
    @classmethod
    def recalled_before_release(cls) -> pl.Expr:
        """A person is recalled on or after the day they are released."""
        return in_order("release_date", "recall_date")


CROSS_RULES = (
    CrossRule(
        table="requirement",
        column="start_date",
        rule="requirement_before_sentence",
        parent_columns=("sentence_date",),
        holds=pl.col("start_date") >= pl.col("sentence_date__parent"),
    ),
    CrossRule(
        table="requirement",
        column="description",
        rule="treatment_requirement_on_custody",
        parent_columns=("sentence_type",),
        holds=~pl.col("category").is_in(("DRR", "ATR"))
        | pl.col("sentence_type__parent").is_in(TREATMENT_REQUIREMENT_SENTENCES),
    ),
    CrossRule(
        table="release",
        column="release_date",
        rule="release_before_sentence",
        parent_columns=("sentence_date",),
        holds=pl.col("release_date") >= pl.col("sentence_date__parent"),
    ),
)
