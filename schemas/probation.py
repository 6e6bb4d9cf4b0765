"""What probation sends: sentences, their requirements, and releases from custody.

Where it can, also breaches and recalls, and where the person lived during a sentence.
"""

from __future__ import annotations

import polars as pl

from schemas.models import (
    CrossRule,
    Extract,
    attribute,
    born_by,
    coded,
    date_of_birth,
    day,
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

COMMUNITY_ORDER = "COEW"

TREATMENT_REQUIREMENT_SENTENCES = (COMMUNITY_ORDER, "SSO")
"""Drug and alcohol requirements are parts of a community or a suspended sentence order only."""


class Sentence(Extract):
    """One sentence of one person."""

    sentence_ref: str = key("The sentence's own reference.", "SE0000001")
    crn: str = identifier("crn", "Case reference number of probation.")
    noms_number: str = identifier("noms_number", "Prison (NOMS) number.")
    pnc_id: str = identifier("pnc_id", "Police National Computer identifier, long or short form.")
    cro_number: str = identifier("cro_number", "Criminal Records Office number.")
    nino: str = identifier("nino", "National Insurance number.")
    forename: str = forename()
    surname: str = surname()
    dob: pl.Date = date_of_birth()
    sex: str = sex()
    ethnicity: str = ethnicity()
    postcode: str = postcode()
    sentence_type: str = coded("sentence_type", "Kind of sentence.", "SSO", required=True)
    sentence_date: pl.Date = day("Day the sentence was passed.", required=True, event=True)
    sentence_end_date: pl.Date = day("Day the sentence ends.", "2025-01-05")
    tier: str = coded("tier", "Tier of supervision, legacy (A0 to D3) or newer (A to G).", "B2")
    rosh: str = coded("rosh", "Risk of serious harm.", "RMRH")
    mappa: str = coded("mappa", "Level of multi-agency public protection, if any.", "M1")
    iom: str = coded("iom", "Integrated offender management flag, if set.", "IIOM")

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

    requirement_ref: str = key("The requirement's own reference.", "RQ0000001")
    sentence_ref: str = parent("The sentence that it is part of.", "SE0000001")
    main_category: str = coded(
        "requirement_category", "Main category in the supplier's system; F is a RAR.", "F"
    )
    description: str = attribute(
        "requirement",
        "The requirement in words, from which its category is read: DRR, ATR, MHTR, RAR, UPW or "
        "OTHER. The words are not kept.",
        "Drug Rehabilitation Requirement (DRR)",
        required=True,
        becomes="category",
    )
    start_date: pl.Date = day(
        "Day the requirement starts.", "2024-01-06", required=True, event=True
    )
    end_date: pl.Date = day("Day the requirement ends.", "2024-07-06")
    outcome: str = coded(
        "requirement_outcome", "How the requirement ended.", "completed", dated_by="end_date"
    )

    @rule("end_date")
    @classmethod
    def requirement_ends_before_start(cls) -> pl.Expr:
        """A requirement ends on or after the day it starts."""
        return in_order("start_date", "end_date")


class Release(Extract):
    """One release from custody on a sentence."""

    release_ref: str = key("The release's own reference.", "RE0000001")
    sentence_ref: str = parent("The sentence that was being served.", "SE0000001")
    conditional_release_date: pl.Date = day(
        "Day of release that the sentence allows on conditions.", "2024-03-06"
    )
    automatic_release_date: pl.Date = day(
        "Day of release that the sentence brings of itself.", "2024-03-06"
    )
    confirmed_release_date: pl.Date = day("Day of release that was confirmed.", "2024-03-06")
    release_date: pl.Date = day("Day of the release.", "2024-03-06", required=True, event=True)
    licence_expiry_date: pl.Date = day("Day the licence ends.", "2024-12-06")
    sentence_expiry_date: pl.Date = day("Day the whole sentence ends.", "2025-01-05")
    recall_date: pl.Date = day("Day the person was recalled to custody.", "2024-04-06")
    treatment_need: str = coded(
        "yes_no", "Whether a need for drug or alcohol treatment is known at release.", "Y"
    )
    discharge_accommodation: str = coded(
        "discharge_accommodation", "Where the person went on release.", "DNF"
    )

    @rule("licence_expiry_date")
    @classmethod
    def licence_expires_before_release(cls) -> pl.Expr:
        """A licence ends on or after the day of the release."""
        return in_order("release_date", "licence_expiry_date")

    @rule("recall_date")
    @classmethod
    def recalled_before_release(cls) -> pl.Expr:
        """A person is recalled on or after the day they are released."""
        return in_order("release_date", "recall_date")

    @rule("recall_date")
    @classmethod
    def recalled_after_licence(cls) -> pl.Expr:
        """A person is recalled while on licence."""
        return in_order("recall_date", "licence_expiry_date")

    @rule("recall_date")
    @classmethod
    def recalled_after_sentence(cls) -> pl.Expr:
        """A person is recalled before the sentence expires, where no end of a licence is given."""
        in_time = in_order("recall_date", "sentence_expiry_date")
        return in_time | pl.col("licence_expiry_date").is_not_null()

    @rule("sentence_expiry_date")
    @classmethod
    def released_after_sentence(cls) -> pl.Expr:
        """A person is released on or before the day the whole sentence ends."""
        return in_order("release_date", "sentence_expiry_date")

    @rule("licence_expiry_date")
    @classmethod
    def licence_expires_after_sentence(cls) -> pl.Expr:
        """A licence ends on or before the day the whole sentence ends."""
        return in_order("licence_expiry_date", "sentence_expiry_date")


class Enforcement(Extract):
    """One breach or recall during a sentence."""

    enforcement_ref: str = key("The breach's or recall's own reference.", "EN0000001")
    sentence_ref: str = parent("The sentence that was being served.", "SE0000001")
    enforcement_type: str = coded(
        "breach_recall", "What was done: a breach (BRE) or a recall (REC).", "BRE01", required=True
    )
    enforcement_date: pl.Date = day("Day it was begun.", "2024-05-06", required=True, event=True)


class Accommodation(Extract):
    """One spell of accommodation of a person during a sentence."""

    accommodation_ref: str = key("The spell's own reference.", "AC0000001")
    sentence_ref: str = parent("The sentence that was being served.", "SE0000001")
    accommodation_type: str = coded(
        "accommodation_type", "Where the person lived.", "A01C", required=True
    )
    start_date: pl.Date = day("Day the spell starts.", required=True, event=True)
    end_date: pl.Date = day("Day the spell ends.", "2024-06-05")

    @rule("end_date")
    @classmethod
    def accommodation_ends_before_start(cls) -> pl.Expr:
        """A spell of accommodation ends on or after the day it starts."""
        return in_order("start_date", "end_date")


def _not_before_sentence(table: str, column: str, rule: str) -> CrossRule:
    return CrossRule(
        table=table,
        column=column,
        rule=rule,
        parent_columns=("sentence_date",),
        holds=pl.col(column) >= pl.col("sentence_date__parent"),
        description="It is on or after the day the sentence was passed.",
    )


CROSS_RULES = (
    _not_before_sentence("requirement", "start_date", "requirement_before_sentence"),
    CrossRule(
        table="requirement",
        column="description",
        rule="treatment_requirement_on_custody",
        parent_columns=("sentence_type",),
        holds=~pl.col("category").is_in(("DRR", "ATR"))
        | pl.col("sentence_type__parent").is_in(TREATMENT_REQUIREMENT_SENTENCES),
        description="A DRR or ATR is part of a community or a suspended sentence order.",
    ),
    _not_before_sentence("release", "release_date", "release_before_sentence"),
    _not_before_sentence(
        "release", "conditional_release_date", "conditional_release_before_sentence"
    ),
    _not_before_sentence("release", "confirmed_release_date", "confirmed_release_before_sentence"),
    CrossRule(
        table="release",
        column="release_date",
        rule="release_on_community_order",
        parent_columns=("sentence_type",),
        holds=pl.col("sentence_type__parent") != COMMUNITY_ORDER,
        description="Nobody is released from a community order, which is not served in custody.",
    ),
    _not_before_sentence("enforcement", "enforcement_date", "enforcement_before_sentence"),
)
