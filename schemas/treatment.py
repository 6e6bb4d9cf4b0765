"""What treatment services send: episodes in the NDTMS layout with names, and interventions.

Rules are those of the NDTMS reference data; the order of modality and discharge dates is field
knowledge.
"""

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


class Episode(Extract):
    """One episode of treatment of one client at one agency.

    A client who does not consent has the agency, the client and the consent and nothing else.
    Such rows are withheld before this model sees them.
    """

    agncy: str = key()
    clientid: str = key()
    episodid: str = key()
    consent: str = coded("yes_no", required=True)
    forename: str = identifier("name")
    surname: str = identifier("name")
    finitial: str = identifier("initial", required=True)
    sinitial: str = identifier("initial", required=True)
    nhsno: str = identifier("nhs_number")
    dob: pl.Date = identifier("dob", required=True)
    sex: str = coded("ndtms_sex", kind="sex", required=True)
    ethnic: str = coded("ndtms_ethnicity", kind="ethnicity")
    postcode: str = identifier("postcode")
    pc: str = identifier("postcode_sector")
    la: str = attribute("la_code")
    refld: pl.Date = day(required=True)
    triaged: pl.Date = day()
    cplandt: pl.Date = day()
    disd: pl.Date = day()
    disrsn: str = coded("discharge_reason")
    rfls: str = coded("referral_source")
    drug1: str = coded("drug", required=True)
    drug2: str = coded("drug")
    drug3: str = coded("drug")
    accmneed: str = coded("accommodation_need")
    injstat: str = coded("injecting_status")

    @rule("dob")
    @classmethod
    def born_after_referral(cls) -> pl.Expr:
        """A person is born before they are referred."""
        return born_by("refld")

    @rule("triaged")
    @classmethod
    def triaged_before_referral(cls) -> pl.Expr:
        """A client is triaged on or after the day they are referred."""
        return in_order("refld", "triaged")

    @rule("disd")
    @classmethod
    def discharged_before_triage(cls) -> pl.Expr:
        """A client is discharged on or after the day they are triaged."""
        return in_order("triaged", "disd")

    @rule("disd")
    @classmethod
    def discharged_before_referral(cls) -> pl.Expr:
        """A client is discharged on or after the day they are referred."""
        return in_order("refld", "disd")

    @rule("drug2")
    @classmethod
    def drug_repeated(cls) -> pl.Expr:
        """No drug is given twice."""
        one, two, three = pl.col("drug1"), pl.col("drug2"), pl.col("drug3")
        pairs = ((one, two), (one, three), (two, three))
        return pl.all_horizontal((left != right).fill_null(True) for left, right in pairs)


class Intervention(Extract):
    """One intervention of an episode."""

    modid: str = key()
    agncy: str = parent()
    clientid: str = parent()
    episodid: str = parent()
    modal: str = coded("modality", required=True)
    refmoddt: pl.Date = day()
    faomoddt: pl.Date = day()
    modst: pl.Date = day()
    modend: pl.Date = day()
    modexit: str = coded("modality_exit")

    @rule("modend")
    @classmethod
    def intervention_ends_before_start(cls) -> pl.Expr:
        """An intervention ends on or after the day it starts."""
        return in_order("modst", "modend")

    @rule("modst")
    @classmethod
    def intervention_starts_before_referral(cls) -> pl.Expr:
        """An intervention starts on or after the day it is asked for."""
        return in_order("refmoddt", "modst")

    @rule("modexit")
    @classmethod
    def intervention_end_and_exit_differ(cls) -> pl.Expr:
        """An intervention has an end and a way of ending, or neither."""
        return pl.col("modend").is_null() == pl.col("modexit").is_null()


CROSS_RULES = (
    CrossRule(
        table="intervention",
        column="modst",
        rule="intervention_before_triage",
        parent_columns=("triaged",),
        holds=pl.col("modst") >= pl.col("triaged__parent"),
    ),
)
