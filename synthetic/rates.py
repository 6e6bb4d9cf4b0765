"""How often things go wrong in what partners record, and how partners overlap: named rates.

CRATE is the published health-records study quoted by the linkage literature (surname changed
.057 of women and .013 of men, forename wrong .006, date of birth not exact .005, sex .003,
postcode different .30). Custody suites and probation offices write down worse: people give
aliases, are intoxicated, or are copied from an old record. Rates beyond CRATE are judgements,
set so that a good clear-text model links pairs with an F1 between .90 and .97.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorRates:
    """Chance of each mistake, per identity *as a partner holds it* (not per row).

    One person's rows at one partner mostly copy one another, so a mistake repeats down them.
    """

    # Mistakes come together: this share of identities has this many times the slips of the mean.
    careless: float = 0.13  # judgement
    careless_times: float = 5.0  # judgement
    # Names that are right but different.
    surname_changed_female: float = 0.090  # CRATE .057
    surname_changed_male: float = 0.020  # CRATE .013
    nickname: float = 0.18  # Bill for William; judgement
    forename_alias: float = 0.03  # a middle or wholly other name was given; judgement
    surname_alias: float = 0.035  # a mother's or partner's name was given; judgement
    false_identity: float = 0.035  # both names and the date were invented; judgement
    double_barrelled: float = 0.02  # of people; judgement
    double_barrelled_shortened: float = 0.30  # one half, or run together; judgement
    # Names written wrongly.
    forename_misspelt: float = 0.08  # CRATE .006; justice data worse
    surname_misspelt: float = 0.10  # CRATE gives no figure for surnames; judgement
    names_swapped: float = 0.010  # judgement
    name_missing: float = 0.006  # judgement
    name_debris: float = 0.005  # MIG_ERROR_, NO_SHOW_, NOT ENTERED; judgement
    # Dates of birth: CRATE .005 not exact; justice data worse.
    day_month_exchanged: float = 0.012  # judgement
    birth_year_slip: float = 0.024  # judgement
    dob_digit_typed_wrong: float = 0.04  # judgement
    dob_dummy: float = 0.012  # 1900-01-01 or 1970-01-01; judgement
    dob_missing: float = 0.022  # judgement
    # Other fields.
    sex_wrong: float = 0.004  # CRATE .003
    sex_missing: float = 0.010  # judgement
    ethnicity_different: float = 0.05  # "any other" of the right group; judgement
    ethnicity_missing: float = 0.08  # judgement
    postcode_mistyped: float = 0.015  # judgement
    postcode_missing: float = 0.08  # judgement
    # The address before the present one was copied. With moves CRATE's .30 different; judgement.
    address_stale: float = 0.12
    # Strong identifiers, where one was written down.
    identifier_mistyped: float = 0.020  # judgement
    identifier_of_another: float = 0.001  # judgement
    identifier_by_habit: float = 0.70  # written or not the same each time; judgement
    # The same person twice within one partner, per further sentence or episode.
    second_crn: float = 0.03  # judgement
    second_client_id: float = 0.03  # judgement
    # Rows that break a rule of the contract, so that quarantine has something to show.
    broken_rows: float = 0.003  # judgement


@dataclass(frozen=True)
class Filled:
    """Share of identities in which a partner wrote a strong identifier down."""

    police_pnc: float = 0.80
    police_cro: float = 0.62
    probation_pnc: float = 0.75
    probation_cro: float = 0.58
    probation_nino: float = 0.35
    probation_noms: float = 0.90  # of people who have been in custody
    housing_nino: float = 0.50
    treatment_nhs: float = 0.75


@dataclass(frozen=True)
class Copying:
    """How often a partner writes a person down afresh rather than copying its last record."""

    police_identity: float = 0.25  # at each later arrest
    police_address: float = 0.45
    probation_address: float = 0.50  # at each later sentence; names stay with the CRN
    treatment_address: float = 0.60  # at each later episode; names stay with the client id
    housing_identity: float = 0.85  # at each later application


@dataclass(frozen=True)
class Pairs:
    """Adults in families, as pairs per adult of the population; judgement but for twins."""

    # About one birth in 65 is of twins, by national birth statistics; fewer are known to partners.
    twins: float = 0.005  # so one person in a hundred is a twin
    father_and_son: float = 0.012  # of one name
    siblings: float = 0.08
    parent_and_child: float = 0.06
    couples: float = 0.06


@dataclass(frozen=True)
class Families:
    """Who is on a housing application beside whoever makes it. Judgement where no source is given.

    National homelessness statistics: about three households in ten that are owed a duty have
    dependent children, most of them with a lone mother. Here they are fewer, for the people whom
    the other partners know as well are mostly single men.
    """

    joint_application: float = 0.70  # of couples whom housing knows both of
    brings_up_children: float = 0.65  # of women, and of men with a partner
    lone_father: float = 0.08  # of men without one
    further_children: float = 0.85  # on average, after the first
    child_twins: float = 0.016  # of later births: born with the one before; one birth in 65
    child_lives_there: float = 0.93  # of children under 18 of whoever is on the application
    grown_child_lives_there: float = 0.45  # of grown children below the age at which they leave
    leaves_home_by: float = 30.0  # years
    fathers_surname: float = 0.80  # of families with both parents
    absent_fathers_surname: float = 0.35  # of lone mothers'
    mixed_ethnicity: float = 0.10  # of families of a White lone parent


# Which partners know a person: P police, B probation, T treatment, H housing. About two thirds
# are known to police, and .45 to two partners or more. Judgement; no open source joins all four.
KNOWN_TO: dict[str, float] = {
    "P": 0.275,
    "B": 0.010,
    "T": 0.125,
    "H": 0.140,
    "PB": 0.090,
    "PT": 0.045,
    "PH": 0.045,
    "TH": 0.030,
    "BT": 0.006,
    "BH": 0.004,
    "PBT": 0.085,
    "PBH": 0.035,
    "PTH": 0.030,
    "BTH": 0.005,
    "PBTH": 0.075,
}
PARTNERS = ("police", "probation", "treatment", "housing")
PARTNER_LETTERS = "PBTH"

# Chance that a person known to just these partners is a woman. Judgement from published totals.
FEMALE = {"H": 0.52, "T": 0.36, "TH": 0.42}
FEMALE_OTHERWISE = 0.19
