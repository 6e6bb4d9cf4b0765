"""What treatment services send: episodes, interventions and outcomes profiles, as NDTMS has them.

An episode comes in one of two shapes under one contract: a local case-management export, with
names and often an NHS number and a whole postcode; or the NDTMS extract, which has initials and a
postcode sector and leaves those columns out. Some services also send what their criminal-justice
team did, and treatment in prison with the transfer on release.

Rules are those of the NDTMS reference data; the order of modality and discharge dates is field
knowledge.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from schemas.models import (
    CrossRule,
    Extract,
    attribute,
    born_by,
    coded,
    date_of_birth,
    day,
    forename,
    identifier,
    in_order,
    key,
    of_age,
    parent,
    postcode,
    rule,
    surname,
    up_to_age,
)

YOUNG_PEOPLE_UP_TO = 24
"""The oldest a client of a young people's service may be at referral. Field knowledge."""

OUTSIDE_ENGLAND = "Z00B"
"""The drug action team of a client who lives outside England."""


def _initial(of: str, *, required: bool = False) -> Any:
    return identifier("initial", f"First letter of the {of}.", required=required)


def _ndtms_sex(*, required: bool = False) -> Any:
    return coded("ndtms_sex", "Sex, in the NDTMS codes.", "2", kind="sex", required=required)


def _ndtms_ethnicity() -> Any:
    return coded("ndtms_ethnicity", "Ethnicity, in the NHS codes.", "A", kind="ethnicity")


def _drug(which: str, example: str, *, required: bool = False) -> Any:
    return coded("drug", f"{which} problem substance.", example, required=required)


def _days(of: str) -> Any:
    return attribute("days_of_28", f"Days of the last 28: {of}.")


def _score(of: str) -> Any:
    return attribute("score_of_20", f"The client's own rating from 0 to 20: {of}.")


def _yes_no(of: str) -> Any:
    return coded("yes_no", of, "N")


class Episode(Extract):
    """One episode of treatment of one client at one agency.

    A client who does not consent has the agency, the client and the consent and nothing else.
    Such rows are withheld before this model sees them.
    """

    agncy: str = key("Agency code.", "N0853")
    clientid: str = key("The agency's own reference for the client.", "C000001")
    episodid: str = key("The agency's own reference for the episode.", "E0000001")
    consent: str = coded(
        "yes_no",
        "Whether the client consents to sharing with NDTMS; N leaves every other column empty.",
        "Y",
        kind="consent",
        required=True,
    )
    forename: str = forename()
    surname: str = surname()
    finitial: str = _initial("first name", required=True)
    sinitial: str = _initial("family name", required=True)
    nhsno: str = identifier("nhs_number", "NHS number.")
    dob: pl.Date = date_of_birth(required=True)
    sex: str = _ndtms_sex(required=True)
    ethnic: str = _ndtms_ethnicity()
    religion: str = coded("religion", "Religion or belief.", "none")
    sexual_orientation: str = coded("sexual_orientation", "Sexual orientation.", "heterosexual")
    disability: str = coded("disability", "Main disability, if any.", "none")
    postcode: str = postcode()
    pc: str = identifier("postcode_sector", "Postcode sector of the address given.")
    dat: str = attribute(
        "dat_code", f"Drug action team of residence; {OUTSIDE_ENGLAND} is outside England."
    )
    la: str = attribute("la_code", "Local authority of residence; empty outside England.")
    service_type: str = coded("service_type", "Whom the service is for.", "adult")
    refld: pl.Date = day("Day of the referral.", required=True, event=True)
    triaged: pl.Date = day("Day of the triage.", "2024-01-10")
    cplandt: pl.Date = day("Day the care plan began.", "2024-01-11")
    disd: pl.Date = day("Day of the discharge.", "2024-06-10")
    disrsn: str = coded("discharge_reason", "Reason for the discharge.", "80", dated_by="disd")
    rfls: str = coded("referral_source", "Source of the referral.", "5")
    drug1: str = _drug("Main", "1011", required=True)
    drug2: str = _drug("Second", "3201")
    drug3: str = _drug("Third", "7000")
    route: str = coded("route", "How the main substance is taken.", "1")
    injstat: str = coded("injecting_status", "Whether the client injects or has done.", "N")
    accmneed: str = coded("accommodation_need", "Housing need.", "3")
    employment: str = coded("employment", "Employment status.", "unemployed_seeking")
    children_living_with: str = coded(
        "children_living_with", "Whether children under 18 live with the client.", "none"
    )
    mental_health_need: str = coded("yes_no_declined", "Whether there is a mental health need.")
    mental_health_treatment: str = coded(
        "mental_health_treatment", "Treatment for that need.", "primary_care"
    )
    hepbstat: str = coded("hepatitis_status", "Hepatitis B: offer and answer.", "A")
    hepcstat: str = coded("hepatitis_status", "Hepatitis C: offer and answer.", "A")
    hepbvac: str = coded("hepatitis_b_vaccination", "Hepatitis B vaccinations so far.", "1")

    @rule("dob")
    @classmethod
    def born_after_referral(cls) -> pl.Expr:
        """A person is born before they are referred."""
        return born_by("refld")

    @rule("dob")
    @classmethod
    def too_young_for_service(cls) -> pl.Expr:
        """A client of an adult service is at least 18 when referred."""
        adult = (pl.col("service_type") == "adult").fill_null(False)
        return ~adult | of_age("refld") | ~born_by("refld")

    @rule("dob")
    @classmethod
    def too_old_for_service(cls) -> pl.Expr:
        """A client of a young people's service is at most 24 when referred."""
        young = (pl.col("service_type") == "young_people").fill_null(False)
        return ~young | up_to_age("refld", YOUNG_PEOPLE_UP_TO)

    @rule("dob")
    @classmethod
    def under_18_not_agreed(cls) -> pl.Expr:
        """A client under 18 is in the extract only where the agreement lists them."""
        adult = (pl.col("service_type") == "adult").fill_null(False)
        return adult | of_age("refld") | ~born_by("refld")

    @rule("la")
    @classmethod
    def local_authority_outside_england(cls) -> pl.Expr:
        """A client who lives outside England has no local authority."""
        return (pl.col("dat") != OUTSIDE_ENGLAND) | pl.col("la").is_null()

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

    @rule("disd")
    @classmethod
    def discharge_and_reason_differ(cls) -> pl.Expr:
        """A discharge has a day and a reason, or neither."""
        return pl.col("disd").is_null() == pl.col("disrsn").is_null()

    @rule("drug2")
    @classmethod
    def drug_repeated(cls) -> pl.Expr:
        """No drug is given twice."""
        one, two, three = pl.col("drug1"), pl.col("drug2"), pl.col("drug3")
        pairs = ((one, two), (one, three), (two, three))
        return pl.all_horizontal((left != right).fill_null(True) for left, right in pairs)


class Intervention(Extract):
    """One intervention of an episode."""

    modid: str = key("The agency's own reference for the intervention.", "M0000001")
    agncy: str = parent("Agency code of the episode.", "N0853")
    clientid: str = parent("Client reference of the episode.", "C000001")
    episodid: str = parent("Reference of the episode.", "E0000001")
    modal: str = coded("modality", "Kind of intervention.", "94", required=True)
    setting: str = coded("setting", "Where it is given.", "community")
    refmoddt: pl.Date = day("Day it was asked for.", "2024-01-08", event=True)
    faomoddt: pl.Date = day("Day of the first appointment offered.", "2024-01-09")
    modst: pl.Date = day("Day it started.", "2024-01-12")
    modend: pl.Date = day("Day it ended.", "2024-06-01")
    modexit: str = coded("modality_exit", "How it ended.", "A", dated_by="modend")

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

    @rule("modst")
    @classmethod
    def intervention_end_without_start(cls) -> pl.Expr:
        """An intervention that has ended has started."""
        return pl.col("modst").is_not_null() | pl.col("modend").is_null()

    @rule("modexit")
    @classmethod
    def intervention_end_and_exit_differ(cls) -> pl.Expr:
        """An intervention has an end and a way of ending, or neither."""
        return pl.col("modend").is_null() == pl.col("modexit").is_null()


class OutcomesProfile(Extract):
    """One Treatment Outcomes Profile: what the client said of the last 28 days."""

    topid: str = key("The agency's own reference for the profile.", "TOP0000001")
    agncy: str = parent("Agency code of the episode.", "N0853")
    clientid: str = parent("Client reference of the episode.", "C000001")
    episodid: str = parent("Reference of the episode.", "E0000001")
    topdate: pl.Date = day("Day of the interview.", "2024-01-12", required=True, event=True)
    trstage: str = coded("top_stage", "Stage of treatment.", "S", required=True)
    alcuse: str = _days("alcohol used")
    opiuse: str = _days("opiates used")
    crause: str = _days("crack used")
    cocause: str = _days("powder cocaine used")
    amphuse: str = _days("amphetamines used")
    cannuse: str = _days("cannabis used")
    otdrguse: str = _days("another drug used")
    ivdrguse: str = _days("drugs injected")
    sharing: str = _yes_no("Whether injecting equipment was shared.")
    shotheft: str = _days("shop theft")
    drgsell: str = _days("drugs sold")
    oththeft: str = _yes_no("Whether there was other theft.")
    assault: str = _yes_no("Whether there was assault or violence.")
    psyhstat: str = _score("psychological health")
    pwork: str = _days("paid work")
    educat: str = _days("education or training")
    acuthpbm: str = _yes_no("Whether there was an acute housing problem.")
    hrisk: str = _yes_no("Whether there was a risk of eviction.")
    phstat: str = _score("physical health")
    quallife: str = _score("quality of life")


class SecureTreatment(Extract):
    """One episode of treatment in prison or another secure setting."""

    secure_ref: str = key("The episode's own reference.", "SC0000001")
    agncy: str = identifier("key", "Agency code.", "N0853", required=True)
    clientid: str = identifier("key", "The agency's reference for the client.", "C000001")
    consent: str = coded(
        "yes_no",
        "Whether the client consents to sharing with NDTMS; N leaves every other column empty.",
        "Y",
        kind="consent",
        required=True,
    )
    forename: str = forename()
    surname: str = surname()
    finitial: str = _initial("first name")
    sinitial: str = _initial("family name")
    nhsno: str = identifier("nhs_number", "NHS number.")
    noms_number: str = identifier("noms_number", "Prison (NOMS) number.")
    dob: pl.Date = date_of_birth(required=True)
    sex: str = _ndtms_sex()
    ethnic: str = _ndtms_ethnicity()
    prison: str = attribute("prison", "Prison, in three letters.")
    drug1: str = _drug("Main", "1011")
    drug2: str = _drug("Second", "3201")
    drug3: str = _drug("Third", "7000")
    start_date: pl.Date = day("Day treatment there began.", required=True, event=True)
    end_date: pl.Date = day("Day treatment there ended.", "2024-03-06")
    end_reason: str = coded("discharge_reason", "Why it ended.", "83", dated_by="end_date")

    @rule("dob")
    @classmethod
    def born_after_secure_treatment(cls) -> pl.Expr:
        """A person is born before they are treated."""
        return born_by("start_date")

    @rule("end_date")
    @classmethod
    def secure_treatment_ends_before_start(cls) -> pl.Expr:
        """Treatment ends on or after the day it starts."""
        return in_order("start_date", "end_date")


class Transfer(Extract):
    """One handover from treatment in a secure setting to the community, on release."""

    transfer_ref: str = key("The transfer's own reference.", "TR0000001")
    secure_ref: str = parent("The episode of treatment in the secure setting.", "SC0000001")
    release_date: pl.Date = day("Day of the release.", "2024-03-06", required=True, event=True)
    receiving_agency: str = attribute("agency", "Agency referred to in the community.")
    referral_date: pl.Date = day("Day of the referral to it.", "2024-03-01")
    first_seen_date: pl.Date = day("Day that agency first saw the client.", "2024-03-12")

    @rule("first_seen_date")
    @classmethod
    def seen_before_release(cls) -> pl.Expr:
        """A client is seen in the community on or after the day of the release."""
        return in_order("release_date", "first_seen_date")


class CjAssessment(Extract):
    """One person whom the criminal-justice team was to assess after an initial assessment."""

    cj_assessment_ref: str = key("The assessment's own reference.", "CA0000001")
    agncy: str = identifier("key", "Agency code.", "N0853", required=True)
    clientid: str = identifier("key", "The agency's reference for the client.", "C000001")
    forename: str = forename()
    surname: str = surname()
    finitial: str = _initial("first name")
    sinitial: str = _initial("family name")
    dob: pl.Date = date_of_birth(required=True)
    sex: str = _ndtms_sex()
    ethnic: str = _ndtms_ethnicity()
    pc: str = identifier("postcode_sector", "Postcode sector of the address given.")
    initial_assessment_date: pl.Date = day(
        "Day of the initial assessment, usually in custody.", required=True, event=True
    )
    assessed_date: pl.Date = day("Day the team assessed the person.", "2024-01-20")
    needs_intervention: str = coded(
        "yes_no", "Whether the team found a need for further intervention.", "Y"
    )

    @rule("dob")
    @classmethod
    def born_after_assessment(cls) -> pl.Expr:
        """A person is born before they are assessed."""
        return born_by("initial_assessment_date")

    @rule("assessed_date")
    @classmethod
    def assessed_before_initial_assessment(cls) -> pl.Expr:
        """The team assesses on or after the day of the initial assessment."""
        return in_order("initial_assessment_date", "assessed_date")


class CjCaseload(Extract):
    """One person taken on to the criminal-justice team's caseload after an assessment."""

    cj_caseload_ref: str = key("The case's own reference.", "CC0000001")
    cj_assessment_ref: str = parent("The assessment that it came of.", "CA0000001")
    taken_on_date: pl.Date = day(
        "Day the person was taken on.", "2024-01-22", required=True, event=True
    )
    treatment_start_date: pl.Date = day("Day the person began treatment.", "2024-02-01")
    closed_date: pl.Date = day("Day the case was closed.", "2024-07-01")
    close_reason: str = coded(
        "caseload_close_reason", "Why the case was closed.", "completed", dated_by="closed_date"
    )

    @rule("closed_date")
    @classmethod
    def case_closed_before_taken_on(cls) -> pl.Expr:
        """A case is closed on or after the day it is taken on."""
        return in_order("taken_on_date", "closed_date")


class PrisonReferral(Extract):
    """One referral of a person in prison to the criminal-justice team."""

    prison_referral_ref: str = key("The referral's own reference.", "PR0000001")
    agncy: str = identifier("key", "Agency code.", "N0853", required=True)
    clientid: str = identifier("key", "The agency's reference for the client.", "C000001")
    forename: str = forename()
    surname: str = surname()
    finitial: str = _initial("first name")
    sinitial: str = _initial("family name")
    noms_number: str = identifier("noms_number", "Prison (NOMS) number.")
    dob: pl.Date = date_of_birth(required=True)
    sex: str = _ndtms_sex()
    ethnic: str = _ndtms_ethnicity()
    prison: str = attribute("prison", "Prison that referred, in three letters.")
    referral_date: pl.Date = day("Day of the referral.", required=True, event=True)
    release_date: pl.Date = day("Day of the release.", "2024-02-01")
    reported_date: pl.Date = day("Day the team reported on the referral.", "2024-02-05")
    referral_outcome: str = coded(
        "prison_referral_outcome", "What came of it.", "attended", dated_by="reported_date"
    )

    @rule("dob")
    @classmethod
    def born_after_prison_referral(cls) -> pl.Expr:
        """A person is born before they are referred."""
        return born_by("referral_date")

    @rule("reported_date")
    @classmethod
    def reported_before_referral(cls) -> pl.Expr:
        """The team reports on or after the day of the referral."""
        return in_order("referral_date", "reported_date")


CROSS_RULES = (
    CrossRule(
        table="intervention",
        column="modst",
        rule="intervention_before_triage",
        parent_columns=("triaged",),
        holds=pl.col("modst") >= pl.col("triaged__parent"),
        description="An intervention starts on or after the day of the triage.",
    ),
    CrossRule(
        table="outcomes_profile",
        column="topdate",
        rule="profile_before_referral",
        parent_columns=("refld",),
        holds=pl.col("topdate") >= pl.col("refld__parent"),
        description="A profile is taken on or after the day of the referral.",
    ),
    CrossRule(
        table="transfer",
        column="release_date",
        rule="released_before_secure_treatment",
        parent_columns=("start_date",),
        holds=pl.col("release_date") >= pl.col("start_date__parent"),
        description="A release is on or after the day treatment in prison began.",
    ),
    CrossRule(
        table="cj_caseload",
        column="taken_on_date",
        rule="taken_on_before_assessment",
        parent_columns=("initial_assessment_date",),
        holds=pl.col("taken_on_date") >= pl.col("initial_assessment_date__parent"),
        description="A person is taken on on or after the day of the initial assessment.",
    ),
)
