"""Homelessness applications, the people on them, the duties owed, and tenancies that followed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic.histories import (
    NEVER,
    between,
    day_column,
    kept,
    references,
    repeated,
    text_column,
    weighted,
)
from synthetic.households import Applications, Members
from synthetic.identities import (
    Recorder,
    first_of_each,
    record_addresses,
    record_identities,
    starts,
)
from synthetic.population import DRUGS, YEAR, Population
from synthetic.rates import Copying, ErrorRates, Families, Filled
from synthetic.streams import Streams

ASSESSMENTS = {"prevention": 0.40, "relief": 0.52, "none": 0.08}
AUTHORITIES = {"E07000148": 0.60, "E07000149": 0.20, "E07000144": 0.20}
ACCOMMODATION = {
    "private_rented": 0.26, "social_rented": 0.10, "family": 0.20, "friends": 0.13,
    "no_fixed_abode": 0.08, "rough_sleeping": 0.06, "supported_or_hostel": 0.04,
    "left_custody": 0.05, "left_hospital": 0.01, "left_psychiatric_hospital": 0.01,
    "temporary": 0.03, "owner_occupier": 0.01, "refuge": 0.02,
}  # fmt: skip
ENDS = {
    "prevention": {"secured_existing": 0.22, "secured_alternative": 0.34, "homeless": 0.24,
                   "contact_lost": 0.08, "withdrew_or_died": 0.06, "non_cooperation": 0.02,
                   "56_days_elapsed": 0.04},
    "relief": {"secured_alternative": 0.40, "56_days_elapsed": 0.36, "contact_lost": 0.10,
               "withdrew_or_died": 0.06, "refused": 0.03, "non_cooperation": 0.03,
               "ineligible": 0.02},
    "main": {"secured_alternative": 0.76, "refused": 0.08, "contact_lost": 0.08,
             "withdrew_or_died": 0.04, "ineligible": 0.04},
}  # fmt: skip
SECURED = ("secured_existing", "secured_alternative")
NINO_FROM = 16  # years; the age at which a number is sent
OWED_MAIN = 0.45  # of relief duties that ran out
NOT_OWED = {"intentionally_homeless": 0.15, "no_priority_need": 0.75, "not_homeless": 0.10}
PLACED = 0.42  # of relief and main duties; judgement
PLACES = {"hostel": 0.2, "bed_and_breakfast": 0.22, "nightly_paid": 0.2, "private_leased": 0.14,
          "local_authority": 0.2, "refuge": 0.02, "other": 0.02}  # fmt: skip
TENANCIES = {"assured_shorthold": 0.52, "introductory": 0.16, "secure": 0.10, "assured": 0.08,
             "licence": 0.14}  # fmt: skip
TENANCY_ENDS = {"moved_on": 0.34, "surrendered": 0.14, "abandoned": 0.16, "evicted": 0.19,
                "transferred": 0.05, "custody": 0.05, "died": 0.03,
                "term_ended": 0.04}  # fmt: skip


def make_applications(population: Population, families: Families, streams: Streams) -> Applications:
    """Draw applications; the second of a couple sometimes has none apart from the other's."""
    draw = streams.within("applications")
    known = population.known_to("housing")
    rng = draw("how many")
    count = 1 + np.minimum(rng.poisson(0.35, len(known)), 5)
    spouse = population.spouse[known]
    later = (spouse >= 0) & (spouse < known) & population.known[spouse, 3]
    count = np.where(later & (rng.random(len(known)) < families.joint_application), 0, count)
    person = known[repeated(count)[0]]
    today = np.full(len(person), population.as_at)
    # A couple applies when both are grown up.
    spouse = population.spouse[person]
    other = np.where(spouse >= 0, spouse, person)
    opens = np.maximum(population.window_opens(person), population.window_opens(other))
    day = between(draw("when"), opens, today)
    order = np.lexsort((day, person))
    person, day = person[order], day[order]
    return Applications(person, day, references("H", day))


def _application_table(
    population: Population, applications: Applications, assessment: np.ndarray,
    duties: list[_Duty], with_children: np.ndarray, draw: Streams,
) -> pl.DataFrame:  # fmt: skip
    size = len(applications.ref)
    decision, decided = _main_duty_decisions(size, duties, draw)
    using = np.array(DRUGS, dtype=object)[population.drug[applications.person]]
    rng = draw("needs")

    def need(chance: np.ndarray | float) -> pl.Series:
        return text_column(np.where(rng.random(size) < chance, "Y", "N").astype(object))

    drugs = np.isin(using, ("opiate", "crack", "cocaine"))
    female = population.sex[applications.person] == "F"
    young = applications.day - population.birth[applications.person] < 25 * YEAR
    justice = population.known[applications.person, 0] | population.known[applications.person, 1]
    return pl.DataFrame(
        {
            "case_ref": text_column(applications.ref),
            "application_date": day_column(applications.day),
            "local_authority": text_column(weighted(draw("authority"), AUTHORITIES, size)),
            "assessment": text_column(assessment),
            "accommodation_at_application": text_column(
                weighted(draw("accommodation"), ACCOMMODATION, size)
            ),
            "need_drug": need(np.where(drugs, 0.62, 0.03)),
            "need_alcohol": need(np.where(using == "alcohol", 0.58, 0.04)),
            "need_mental_health": need(0.36),
            "need_learning_disability": need(0.08),
            "need_physical_health": need(0.24),
            "need_offending": need(np.where(justice, 0.40, 0.03)),
            "need_rough_sleeping": need(np.where(drugs, 0.28, 0.07)),
            "need_repeat_homelessness": need(np.where(drugs, 0.26, 0.08)),
            "need_domestic_abuse": need(np.where(female, 0.24, 0.04)),
            "need_sexual_abuse": need(np.where(female, 0.08, 0.01)),
            "need_care_leaver": need(np.where(young, 0.20, 0.02)),
            "need_armed_forces": need(0.02),
            "need_modern_slavery": need(0.01),
            "need_young_parent": need(
                np.where(young & np.isin(np.arange(size), with_children), 0.7, 0.0)
            ),
            "main_duty_decision": text_column(decision),
            "main_duty_decision_date": day_column(decided),
            "person": applications.person,
        }
    )


def _person_table(
    population: Population, applications: Applications, members: Members, draw: Streams,
    streams: Streams, rates: ErrorRates, filled: Filled, copying: Copying,
) -> pl.DataFrame:  # fmt: skip
    at, person = members.at, members.person
    day = applications.day[at]
    afresh = draw("copied").random(len(at)) < copying.housing_identity
    held = first_of_each(person, afresh)
    first = starts(held)
    recorder = Recorder("housing", {"nino": filled.housing_nino}, lied_to=0.7)
    identity = record_identities(population, person[first], day[first], recorder, streams, rates)[
        held
    ]
    has_nino = pl.Series(day - population.birth[person] >= NINO_FROM * YEAR)
    postcode = record_addresses(population, person, day, "housing", streams, rates)
    return pl.DataFrame(
        {
            "person_ref": text_column(references("P", day)),
            "case_ref": text_column(applications.ref[at]),
            "role": text_column(members.role),
            **identity.select("forename", "surname", "dob", "sex", "ethnicity").to_dict(),
            "nino": identity["nino"].set(~has_nino, None),
            "postcode": text_column(postcode),
            "person": person,
            "application": at,
        }
    )


@dataclass(frozen=True)
class _Duty:
    """Duties of one kind: the application each belongs to, its dates and how it ended."""

    kind: str
    at: np.ndarray
    start: np.ndarray
    end: np.ndarray
    reason: np.ndarray


def _one_duty(
    population: Population, kind: str, at: np.ndarray, start: np.ndarray, draw: Streams
) -> _Duty:
    rng = draw(f"{kind} length")
    usual = {"prevention": 50, "relief": 54, "main": 260}[kind]
    end = start + np.maximum((usual * rng.lognormal(0, 0.35, len(at))).astype(int), 5)
    reason = weighted(draw(f"{kind} reason"), ENDS[kind], len(at))
    end = np.where(reason == "56_days_elapsed", np.maximum(end, start + 56), end)
    over = end <= population.as_at
    return _Duty(kind, at, start, np.where(over, end, NEVER), kept(over, reason))


def _duties(
    population: Population, applications: Applications, assessment: np.ndarray, draw: Streams
) -> list[_Duty]:
    """Return prevention, relief and main duties: relief follows failed prevention, main relief."""
    start = applications.day + draw("decision").integers(0, 12, len(applications.day))
    started = start <= population.as_at
    first = np.flatnonzero((assessment == "prevention") & started)
    prevention = _one_duty(population, "prevention", first, start[first], draw)
    failed = prevention.reason == "homeless"
    now = np.flatnonzero((assessment == "relief") & started)
    relief = _one_duty(
        population,
        "relief",
        np.concatenate([now, prevention.at[failed]]),
        np.concatenate([start[now], prevention.end[failed]]),
        draw,
    )
    lapsed = relief.reason == "56_days_elapsed"
    lapsed &= draw("owed").random(len(lapsed)) < OWED_MAIN
    main = _one_duty(population, "main", relief.at[lapsed], relief.end[lapsed], draw)
    return [prevention, relief, main]


def _main_duty_decisions(
    size: int, duties: list[_Duty], draw: Streams
) -> tuple[np.ndarray, np.ndarray]:
    """Return what was decided when relief ran out, and the day; nothing where it did not."""
    _, relief, main = duties
    decision = np.full(size, None, dtype=object)
    decided = np.full(size, NEVER)
    lapsed = relief.reason == "56_days_elapsed"
    decision[relief.at[lapsed]] = weighted(draw("decision on main"), NOT_OWED, int(lapsed.sum()))
    decided[relief.at[lapsed]] = relief.end[lapsed]
    decision[main.at] = "owed"
    return decision, decided


def _placement_table(
    population: Population, applications: Applications, duties: list[_Duty], draw: Streams
) -> pl.DataFrame:
    """Return temporary accommodation of households owed relief or the main duty."""
    _, relief, main = duties
    at, start = np.concatenate([relief.at, main.at]), np.concatenate([relief.start, main.start])
    placed = draw("placed").random(len(at)) < PLACED
    at, start = at[placed], start[placed]
    start = np.minimum(start + draw("placed on").integers(0, 8, len(at)), population.as_at)
    end = start + (95 * draw("placed for").lognormal(0, 0.8, len(at))).astype(int)
    return pl.DataFrame(
        {
            "placement_ref": text_column(references("TA", start)),
            "case_ref": text_column(applications.ref[at]),
            "accommodation_type": text_column(weighted(draw("place"), PLACES, len(at))),
            "start_date": day_column(start),
            "end_date": day_column(end, end <= population.as_at),
            "person": applications.person[at],
        }
    )


def _duty_table(applications: Applications, duties: list[_Duty]) -> pl.DataFrame:
    at = np.concatenate([duty.at for duty in duties])
    start = np.concatenate([duty.start for duty in duties])
    return pl.DataFrame(
        {
            "duty_ref": text_column(references("D", start)),
            "case_ref": text_column(applications.ref[at]),
            "duty": text_column(
                np.repeat([d.kind for d in duties], [len(d.at) for d in duties]).astype(object)
            ),
            "start_date": day_column(start),
            "end_date": day_column(np.concatenate([duty.end for duty in duties])),
            "end_reason": text_column(np.concatenate([duty.reason for duty in duties])),
            "person": applications.person[at],
        }
    )


def _tenancy_table(
    population: Population, people: pl.DataFrame, duties: list[_Duty], draw: Streams
) -> pl.DataFrame:
    """Return tenancies of main applicants whose duty ended with a home secured."""
    secured = {
        int(application): int(end)
        for duty in duties
        for application, end, reason in zip(duty.at, duty.end, duty.reason, strict=True)
        if reason in SECURED
    }
    housed = people.filter((pl.col("role") == "main") & pl.col("application").is_in(list(secured)))
    housed = housed.filter(pl.Series(draw("tenancy known").random(housed.height) < 0.75))
    rng = draw("tenancy")
    start = np.array([secured[at] for at in housed["application"]], dtype=int)
    start = start + rng.integers(0, 15, len(start))
    end = start + (520 * rng.lognormal(0, 0.7, len(start))).astype(int)
    over = end <= population.as_at
    uprn = 999_900_000_000 + rng.choice(99_000_000, size=len(start), replace=False, shuffle=True)
    frame = pl.DataFrame(
        {
            "tenancy_ref": text_column(references("T", start)),
            "person_ref": housed["person_ref"],
            "uprn": text_column(uprn.astype(str)),
            "start_date": day_column(start),
            "end_date": day_column(np.where(over, end, NEVER)),
            "tenancy_type": text_column(weighted(draw("type"), TENANCIES, len(start))),
            "end_reason": text_column(
                kept(over, weighted(draw("tenancy end"), TENANCY_ENDS, len(start)))
            ),
            "person": housed["person"],
        }
    )
    return frame.filter(pl.Series(start <= population.as_at))


def housing_tables(
    population: Population, applications: Applications, members: Members, streams: Streams,
    rates: ErrorRates, filled: Filled, copying: Copying,
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """Return housing's tables, each with the person behind the row."""
    draw = streams.within("housing tables")
    assessment = weighted(draw("assessment"), ASSESSMENTS, len(applications.ref))
    duties = _duties(population, applications, assessment, draw)
    people = _person_table(population, applications, members, draw, streams, rates, filled, copying)
    return {
        "application": _application_table(
            population, applications, assessment, duties, members.with_children, draw
        ),
        "person": people.drop("application"),
        "duty": _duty_table(applications, duties),
        "tenancy": _tenancy_table(population, people, duties, draw),
        "temporary_accommodation": _placement_table(population, applications, duties, draw),
    }
