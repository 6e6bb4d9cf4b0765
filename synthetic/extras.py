"""Extracts that name people and that few partners send: each as its own team wrote them down.

Membership of an intensive programme, suspected drug-related deaths, the criminal-justice team's
assessments, caseload and referrals from prison, treatment in prison with the transfer on release,
and sightings of people sleeping rough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic.histories import (
    NEVER,
    between,
    day_column,
    kept,
    numbered,
    references,
    text_column,
    weighted,
    weighted_by,
)
from synthetic.identities import Recorder, record_addresses, record_identities
from synthetic.population import DRUGS, PARTNERS, Population
from synthetic.rates import ErrorRates
from synthetic.streams import Streams
from synthetic.treatment import DRUG1, NHS_ETHNICITY, NHS_SEX, substances

Tables = Mapping[str, Mapping[str, pl.DataFrame]]

CJ_TEAM = "N0870"
PRISONS = {"NWI": 0.5, "BLI": 0.2, "WII": 0.2, "PBI": 0.1}
JOINS = 0.30  # of people who use opiates or crack and were arrested three times or more
PROGRAMME_ENDS = {"completed": 0.35, "disengaged": 0.4, "custody": 0.15, "moved_away": 0.1}
DIES = 0.03  # of people known to police who use opiates, over the whole history; judgement
DEATH = {"suspected": 0.5, "confirmed": 0.42, "not_drug_related": 0.08}
ASSESSED = 0.78  # of initial assessments, by the team
NEEDS_MORE = 0.7
TAKEN_ON = 0.8
CASE_ENDS = {"completed": 0.2, "transferred_to_treatment": 0.4, "disengaged": 0.3, "custody": 0.1}
REFERRED_FROM_PRISON = 0.6  # of releases with a treatment need
REFERRAL_ENDS = {"attended": 0.55, "did_not_attend": 0.35, "transferred": 0.1}
TREATED_INSIDE = 0.75
REFUSED_CONSENT_INSIDE = 0.02
SEEN_AFTER_RELEASE = 0.42
SEEN_ROUGH = 0.6  # of people who applied while sleeping rough or of no fixed abode


@dataclass(frozen=True)
class Habits:
    """What every team's records are made with."""

    population: Population
    streams: Streams
    rates: ErrorRates

    def knows(self, partner: str, person: np.ndarray) -> np.ndarray:
        """Return who of some people a partner knows."""
        return self.population.known[person, PARTNERS.index(partner)]

    def using(self, person: np.ndarray) -> np.ndarray:
        """Return each person's main substance."""
        return np.array(DRUGS, dtype=object)[self.population.drug[person]]


def _day(frame: pl.DataFrame, column: str) -> np.ndarray:
    """Return dates as day numbers, NEVER where there is none."""
    days = frame[column].str.to_date(strict=False).to_physical()
    return days.fill_null(NEVER).to_numpy()


def _identity(
    habits: Habits, team: str, person: np.ndarray, day: np.ndarray, ids: dict[str, float]
) -> pl.DataFrame:
    recorder = Recorder(team, ids, requires_dob=team != "programme")
    return record_identities(habits.population, person, day, recorder, habits.streams, habits.rates)


def _address(habits: Habits, team: str, person: np.ndarray, day: np.ndarray) -> pl.Series:
    return text_column(
        record_addresses(habits.population, person, day, team, habits.streams, habits.rates)
    )


def _client(habits: Habits, person: np.ndarray) -> dict[str, pl.Series]:
    """Return the team's own client number of each person."""
    number = habits.streams("criminal-justice clients").permutation(habits.population.size)[person]
    return {
        "AGNCY": pl.repeat(CJ_TEAM, len(person), eager=True),
        "CLIENTID": text_column(numbered("J", number, 6)),
    }


def _named(identity: pl.DataFrame, population: Population, person: np.ndarray) -> dict:
    """Return identity columns in the treatment system's codes."""
    written = {
        "F": identity["forename"].fill_null(text_column(population.forename[person])),
        "S": identity["surname"].fill_null(text_column(population.surname[person])),
    }
    return {
        "FORENAME": identity["forename"],
        "SURNAME": identity["surname"],
        **{f"{k}INITIAL": name.str.slice(0, 1).str.to_uppercase() for k, name in written.items()},
        "DOB": identity["dob"],
        "SEX": identity["sex"].replace_strict(NHS_SEX),
        "ETHNIC": identity["ethnicity"].replace_strict(NHS_ETHNICITY),
    }


def _ends(
    habits: Habits, start: np.ndarray, median: float, draw: Streams
) -> tuple[np.ndarray, np.ndarray]:
    """Return the day each thing ended, NEVER while it goes on, and where it has ended."""
    end = start + (median * draw("length").lognormal(0, 0.6, len(start))).astype(int)
    over = end <= habits.population.as_at
    return np.where(over, end, NEVER), over


def intensive_programme(habits: Habits, custody: pl.DataFrame) -> pl.DataFrame:
    """Return memberships of people arrested often who use opiates or crack."""
    draw = habits.streams.within("intensive programme")
    day = custody.with_columns(day=pl.Series(_day(custody, "arrest_date"))).filter(
        pl.col("day") > NEVER
    )
    often = (
        day.group_by("person", maintain_order=True)
        .agg(pl.len(), pl.col("day").sort().get(2, null_on_oob=True).alias("third"))
        .drop_nulls()
        .sort("person")
    )
    person, third = often["person"].to_numpy(), often["third"].to_numpy()
    joins = np.isin(habits.using(person), ("opiate", "crack"))
    joins &= draw("joins").random(len(person)) < JOINS
    person, referred = person[joins], third[joins]
    start = referred + draw("joined").integers(0, 40, len(person))
    at = start <= habits.population.as_at
    person, referred, start = person[at], referred[at], start[at]
    end, over = _ends(habits, start, 200, draw)
    identity = _identity(habits, "programme", person, start, {"pnc_id": 0.9})
    return pl.DataFrame(
        {
            "programme_ref": text_column(references("PG", start)),
            **identity.to_dict(),
            "postcode": _address(habits, "programme", person, start),
            "programme": text_column(
                weighted(draw("which"), {"adder": 0.9, "other": 0.1}, len(at[at]))
            ),
            "referral_date": day_column(referred),
            "start_date": day_column(start),
            "end_date": day_column(end),
            "end_reason": text_column(
                kept(over, weighted(draw("why"), PROGRAMME_ENDS, len(person)))
            ),
            "person": person,
        }
    )


def suspected_drug_death(habits: Habits, last_seen: np.ndarray) -> pl.DataFrame:
    """Return deaths of a few people who use opiates, after all that partners recorded of them.

    Args:
        habits: What records are made with.
        last_seen: The last day on which any partner recorded each person.
    """
    draw = habits.streams.within("deaths")
    known = habits.population.known_to("police")
    dies = (habits.using(known) == "opiate") & (draw("dies").random(len(known)) < DIES)
    person = known[dies]
    day = last_seen[person] + draw("died on").integers(1, 120, len(person))
    at = day <= habits.population.as_at
    person, day = person[at], day[at]
    reported = np.minimum(day + draw("reported").integers(0, 6, len(day)), habits.population.as_at)
    identity = _identity(habits, "deaths", person, day, {"pnc_id": 0.8})
    return pl.DataFrame(
        {
            "death_ref": text_column(references("SD", day)),
            **identity.to_dict(),
            "postcode": _address(habits, "deaths", person, day),
            "death_date": day_column(day),
            "reported_date": day_column(reported),
            "suspected_drug": text_column(
                weighted_by(draw("drug"), habits.using(person), {"opiate": DRUG1["opiate"]})
            ),
            "death_status": text_column(weighted(draw("status"), DEATH, len(person))),
            "person": person,
        }
    )


def criminal_justice_team(
    habits: Habits, tests: pl.DataFrame, release: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Return the team's assessments after positive tests, its caseload, its prison referrals."""
    draw = habits.streams.within("criminal-justice team")
    as_at = habits.population.as_at
    positive = tests.filter(pl.col("result").str.starts_with("POS").fill_null(False))
    person, day = positive["person"].to_numpy(), _day(positive, "test_date")
    at = habits.knows("treatment", person) & (day > NEVER)
    person, day = person[at], day[at]
    assessed = day + (draw("assessed after").gamma(1.6, 9, len(day))).astype(int)
    done = (draw("assessed").random(len(day)) < ASSESSED) & (assessed <= as_at)
    needs = np.where(draw("needs").random(len(day)) < NEEDS_MORE, "Y", "N").astype(object)
    ref = references("CA", day)
    identity = _identity(habits, "criminal-justice team", person, day, {})
    postcode = _address(habits, "criminal-justice team", person, day)
    assessment = pl.DataFrame(
        {
            "CJ_ASSESSMENT_REF": text_column(ref),
            **_client(habits, person),
            **_named(identity, habits.population, person),
            "PC": postcode.str.slice(0, postcode.str.len_chars() - 2),
            "INITIAL_ASSESSMENT_DATE": day_column(day),
            "ASSESSED_DATE": day_column(assessed, done),
            "NEEDS_INTERVENTION": text_column(kept(done, needs)),
            "person": person,
        }
    )
    taken = np.flatnonzero(done & (needs == "Y") & (draw("taken").random(len(day)) < TAKEN_ON))
    on = assessed[taken] + draw("taken on").integers(0, 10, len(taken))
    taken, on = taken[on <= as_at], on[on <= as_at]
    closed, over = _ends(habits, on, 120, draw)
    treated = on + draw("treated").integers(0, 40, len(on))
    begins = (draw("begins").random(len(on)) < 0.7) & (treated <= as_at)
    caseload = pl.DataFrame(
        {
            "CJ_CASELOAD_REF": text_column(references("CC", on)),
            "CJ_ASSESSMENT_REF": text_column(ref[taken]),
            "TAKEN_ON_DATE": day_column(on),
            "TREATMENT_START_DATE": day_column(treated, begins),
            "CLOSED_DATE": day_column(closed),
            "CLOSE_REASON": text_column(kept(over, weighted(draw("why"), CASE_ENDS, len(on)))),
            "person": person[taken],
        }
    )
    return {
        "cj_assessment": assessment,
        "cj_caseload": caseload,
        "prison_referral": _prison_referrals(habits, release, draw.within("prison")),
    }


def _with_need(habits: Habits, release: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return who was released with a treatment need and is known to treatment, and when."""
    needing = release.filter(pl.col("treatment_need") == "Y")
    person, day = needing["person"].to_numpy(), _day(needing, "release_date")
    at = habits.knows("treatment", person) & (day > NEVER)
    return person[at], day[at]


def _prison_referrals(habits: Habits, release: pl.DataFrame, draw: Streams) -> pl.DataFrame:
    person, day = _with_need(habits, release)
    referred = draw("referred").random(len(day)) < REFERRED_FROM_PRISON
    person, day = person[referred], day[referred]
    sent = day - draw("sent").integers(2, 40, len(day))
    reported = day + draw("reported").integers(0, 25, len(day))
    done = (draw("is reported").random(len(day)) < 0.8) & (reported <= habits.population.as_at)
    identity = _identity(habits, "prison referrals", person, sent, {"noms_number": 0.95})
    return pl.DataFrame(
        {
            "PRISON_REFERRAL_REF": text_column(references("PR", sent)),
            **_client(habits, person),
            **_named(identity, habits.population, person),
            "NOMS_NUMBER": identity["noms_number"],
            "PRISON": text_column(weighted(draw("prison"), PRISONS, len(day))),
            "REFERRAL_DATE": day_column(sent),
            "RELEASE_DATE": day_column(day),
            "REPORTED_DATE": day_column(reported, done),
            "REFERRAL_OUTCOME": text_column(
                kept(done, weighted(draw("outcome"), REFERRAL_ENDS, len(day)))
            ),
            "person": person,
        }
    )


def secure_treatment(habits: Habits, release: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return treatment in prison before releases, and the transfers on release."""
    draw = habits.streams.within("secure treatment")
    person, day = _with_need(habits, release)
    inside = draw("treated inside").random(len(day)) < TREATED_INSIDE
    person, day = person[inside], day[inside]
    start = day - draw("days inside").integers(14, 60, len(day))
    ref = references("SC", start)
    drugs = substances(habits.using(person), draw)
    identity = _identity(
        habits, "secure treatment", person, start, {"noms_number": 0.98, "nhs_number": 0.6}
    )
    number = draw("clients").permutation(habits.population.size)[person]
    refused = pl.Series(draw("consent").random(len(day)) < REFUSED_CONSENT_INSIDE)
    secure = pl.DataFrame(
        {
            "SECURE_REF": text_column(ref),
            "AGNCY": pl.repeat("N0991", len(day), eager=True),
            "CLIENTID": text_column(numbered("S", number, 6)),
            "CONSENT": pl.repeat("Y", len(day), eager=True).set(refused, "N"),
            **_named(identity, habits.population, person),
            "NHSNO": identity["nhs_number"],
            "NOMS_NUMBER": identity["noms_number"],
            "PRISON": text_column(weighted(draw("prison"), PRISONS, len(day))),
            **{f"DRUG{n}": text_column(values) for n, values in enumerate(drugs, 1)},
            "START_DATE": day_column(start),
            "END_DATE": day_column(day),
            "END_REASON": pl.repeat("83", len(day), eager=True),
            "person": person,
        }
    )
    bare = ("AGNCY", "CLIENTID", "CONSENT", "person")
    secure = secure.with_columns(
        pl.when(pl.col("CONSENT") == "Y").then(pl.col(name)).alias(name)
        for name in secure.columns
        if name not in bare
    )
    seen = day + draw("seen after").gamma(1.3, 10, len(day)).astype(int)
    is_seen = (draw("seen").random(len(day)) < SEEN_AFTER_RELEASE) & (
        seen <= habits.population.as_at
    )
    transfer = pl.DataFrame(
        {
            "TRANSFER_REF": text_column(references("TR", day)),
            "SECURE_REF": text_column(ref),
            "RELEASE_DATE": day_column(day),
            "RECEIVING_AGENCY": pl.repeat("N0853", len(day), eager=True),
            "REFERRAL_DATE": day_column(day - draw("referred").integers(0, 14, len(day))),
            "FIRST_SEEN_DATE": day_column(seen, is_seen),
            "person": person,
        }
    )
    return {"secure_treatment": secure, "transfer": transfer.filter(~refused)}


def rough_sleeping(habits: Habits, housing: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return sightings of people who applied while sleeping rough or of no fixed abode."""
    draw = habits.streams.within("rough sleeping")
    street = housing["application"].filter(
        pl.col("accommodation_at_application").is_in(["rough_sleeping", "no_fixed_abode"])
    )
    applied = street.select("application_date", "local_authority", "person")
    applied = applied.filter(pl.Series(draw("seen").random(applied.height) < SEEN_ROUGH))
    times = 1 + draw("times").geometric(0.45, applied.height)
    sighted = applied[np.repeat(np.arange(applied.height), times)]
    person = sighted["person"].to_numpy()
    near = _day(sighted, "application_date")
    day = np.minimum(
        between(draw("night"), near - 40, near + 20), np.full(len(near), habits.population.as_at)
    )
    identity = _identity(habits, "outreach", person, day, {})
    return pl.DataFrame(
        {
            "sighting_ref": text_column(references("RS", day)),
            **identity.to_dict(),
            "sighting_date": day_column(day),
            "local_authority": sighted["local_authority"],
            "person": person,
        }
    )


def last_days(population: Population, tables: Tables) -> np.ndarray:
    """Return the last day on which anything is recorded of each person, in any table."""
    last = np.full(population.size, population.as_at - 1_900)
    for frames in tables.values():
        for frame in frames.values():
            for column in frame.columns:
                if column.lower().endswith(("date", "refld", "disd", "modend")):
                    day = _day(frame, column)
                    day = np.where(day <= population.as_at, day, NEVER)
                    np.maximum.at(last, frame["person"].to_numpy(), day)
    return last


def extra_tables(
    population: Population, tables: Tables, streams: Streams, rates: ErrorRates
) -> dict[str, dict[str, pl.DataFrame]]:
    """Return the extracts that few partners send, each row with the person behind it.

    Args:
        population: The people.
        tables: What the partners recorded of them.
        streams: Random numbers by purpose.
        rates: Chances of each mistake.
    """
    habits = Habits(population, streams.within("extras"), rates)
    police, release = tables["police"], tables["probation"]["release"]
    return {
        "police": {
            "intensive_programme": intensive_programme(habits, police["custody"]),
            "suspected_drug_death": suspected_drug_death(habits, last_days(population, tables)),
        },
        "treatment": {
            **secure_treatment(habits, release),
            **criminal_justice_team(habits, police["drug_test"], release),
        },
        "housing": {"rough_sleeping": rough_sleeping(habits, tables["housing"])},
    }
