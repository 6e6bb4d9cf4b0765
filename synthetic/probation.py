"""Sentences, their requirements, and releases from custody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synthetic import identifiers
from synthetic.histories import (
    NEVER,
    between,
    day_column,
    kept,
    references,
    repeated,
    text_column,
    weighted,
    weighted_by,
)
from synthetic.identities import (
    Recorder,
    first_of_each,
    record_addresses,
    record_identities,
    starts,
)
from synthetic.police import Arrests
from synthetic.population import DRUGS, Population
from synthetic.rates import Copying, ErrorRates, Filled
from synthetic.streams import Streams

SENTENCES = {"COEW": 0.44, "SSO": 0.27, "SC": 0.19, "NC": 0.10}
CUSTODIAL = ("SC", "NC")
LENGTH_DAYS = {"COEW": 365, "SSO": 480, "SC": 640, "NC": 420}  # medians; judgement
ROSH = {"RVHR": 0.02, "RHRH": 0.24, "RMRH": 0.56, "RLRH": 0.18}
DESCRIPTIONS = {
    "DRR": {"Drug Rehabilitation": 0.45, "Drug Rehabilitation Requirement (DRR)": 0.35,
            "DRR - Non Residential": 0.20},
    "ATR": {"Alcohol Treatment": 0.60, "Alcohol Treatment Requirement (ATR)": 0.40},
    "MHTR": {"Mental Health Treatment": 1.0},
    "RAR": {"Rehabilitation Activity Requirement (RAR)": 1.0},
    "UPW": {"Unpaid Work": 1.0},
    "OTHER": {"Curfew with Electronic Monitoring": 0.35, "Accredited Programme": 0.35,
              "Alcohol Abstinence and Monitoring": 0.20, "Exclusion Requirement": 0.10},
}  # fmt: skip
# Chance of each requirement by main substance; the rest of the community requirements follow.
DRR = {"opiate": 0.50, "crack": 0.45, "cocaine": 0.22, "cannabis": 0.05}
ATR = {"alcohol": 0.45, "opiate": 0.05}
OTHERS = {"MHTR": 0.05, "RAR": 0.62, "UPW": 0.38, "OTHER": 0.25}
NEED = {"opiate": 0.85, "crack": 0.80, "cocaine": 0.45, "alcohol": 0.65, "cannabis": 0.2}
DISCHARGE = {"DNF": 0.14, "DPH": 0.46, "DSH": 0.16, "DST": 0.17, "DUT": 0.07}
RECALLED = 0.17


@dataclass(frozen=True)
class Sentences:
    """Who was sentenced when and to what, in order of person and day."""

    person: np.ndarray
    day: np.ndarray
    kind: np.ndarray
    end: np.ndarray
    ref: np.ndarray


@dataclass(frozen=True)
class Referrals:
    """Days on which justice could have sent someone to treatment, by route."""

    person: np.ndarray
    day: np.ndarray


def make_sentences(population: Population, arrests: Arrests, streams: Streams) -> Sentences:
    """Draw sentences, each after one of the person's arrests where police know them."""
    draw = streams.within("sentences")
    known = population.known_to("probation")
    which, _ = repeated(1 + np.minimum(draw("how many").negative_binomial(0.9, 0.6, len(known)), 8))
    person = known[which]
    today = np.full(len(person), population.as_at)
    first = np.searchsorted(arrests.person, person, side="left")
    count = np.searchsorted(arrests.person, person, side="right") - first
    rng = draw("which arrest")
    chosen = first + (rng.random(len(person)) * count).astype(int)
    arrest = arrests.day[np.minimum(chosen, len(arrests.day) - 1)]
    lag = np.minimum(today - arrest, 150)
    after_arrest = arrest + (rng.random(len(person)) * lag).astype(int)
    alone = between(draw("when"), population.window_opens(person), today)
    day = np.where(count > 0, after_arrest, alone)
    order = np.lexsort((day, person))
    person, day = person[order], day[order]
    kind = weighted(draw("kind"), SENTENCES, len(person))
    median = np.array([LENGTH_DAYS[code] for code in kind], dtype=float)
    length = (median * draw("length").lognormal(0, 0.35, len(person))).astype(int)
    return Sentences(person, day, kind, day + np.maximum(length, 60), references("SE", day))


def _requirement_rows(
    population: Population, sentences: Sentences, draw: Streams
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sentence and the category of each requirement; none on a custodial sentence."""
    using = np.array(DRUGS, dtype=object)[population.drug[sentences.person]]
    community = ~np.isin(sentences.kind, CUSTODIAL)
    at, category = [], []
    for name in DESCRIPTIONS:
        if name in OTHERS:
            chance = np.full(len(using), OTHERS[name])
        else:
            table = DRR if name == "DRR" else ATR
            chance = np.array([table.get(drug, 0.0) for drug in using])
        drawn = np.flatnonzero(community & (draw(name).random(len(using)) < chance))
        at.append(drawn)
        category.append(np.full(len(drawn), name, dtype=object))
    return np.concatenate(at), np.concatenate(category)


def _requirements(
    population: Population, sentences: Sentences, draw: Streams
) -> tuple[pl.DataFrame, Referrals]:
    at, category = _requirement_rows(population, sentences, draw)
    start, last = sentences.day[at], sentences.end[at]
    end = np.minimum(start + draw("requirement length").integers(90, 366, len(at)), last)
    over = end <= population.as_at
    outcome = weighted(
        draw("requirement outcome"), {"completed": 0.62, "revoked": 0.20, "expired": 0.18}, len(at)
    )
    frame = pl.DataFrame(
        {
            "requirement_ref": text_column(references("RQ", start)),
            "sentence_ref": text_column(sentences.ref[at]),
            "description": text_column(weighted_by(draw("description"), category, DESCRIPTIONS)),
            "start_date": day_column(start),
            "end_date": day_column(end),
            "outcome": text_column(kept(over, outcome)),
            "person": sentences.person[at],
        }
    )
    treatment = np.isin(category, ("DRR", "ATR"))
    return frame, Referrals(sentences.person[at][treatment], start[treatment])


def _releases(
    population: Population, sentences: Sentences, draw: Streams
) -> tuple[pl.DataFrame, Referrals]:
    served = draw("served").uniform(0.38, 0.55, len(sentences.day))
    day = sentences.day + ((sentences.end - sentences.day) * served).astype(int)
    at = np.flatnonzero(np.isin(sentences.kind, CUSTODIAL) & (day <= population.as_at))
    person, day = sentences.person[at], day[at]
    using = np.array(DRUGS, dtype=object)[population.drug[person]]
    need = draw("need").random(len(at)) < np.array([NEED.get(drug, 0.03) for drug in using])
    recall = between(draw("recall day"), day + 7, np.maximum(sentences.end[at], day + 8))
    recalled = (draw("recalled").random(len(at)) < RECALLED) & (recall <= population.as_at)
    frame = pl.DataFrame(
        {
            "release_ref": text_column(references("RE", day)),
            "sentence_ref": text_column(sentences.ref[at]),
            "release_date": day_column(day),
            "recall_date": day_column(np.where(recalled, recall, NEVER)),
            "treatment_need": text_column(np.where(need, "Y", "N").astype(object)),
            "discharge_accommodation": text_column(weighted(draw("discharge"), DISCHARGE, len(at))),
            "person": person,
        }
    )
    return frame, Referrals(person[need], day[need])


def _sentence_table(
    population: Population, sentences: Sentences, draw: Streams, streams: Streams,
    rates: ErrorRates, filled: Filled, copying: Copying,
) -> pl.DataFrame:  # fmt: skip
    rng = draw("copied")
    person = sentences.person
    second = rng.random(len(person)) < rates.second_crn
    held = first_of_each(person, second)
    first = starts(held)
    recorder = Recorder(
        "probation",
        {
            "pnc_id": filled.probation_pnc,
            "cro_number": filled.probation_cro,
            "noms_number": filled.probation_noms,
            "nino": filled.probation_nino,
        },
        lied_to=0.4,
    )
    identity = record_identities(
        population, person[first], sentences.day[first], recorder, streams, rates
    )[held]
    moved = rng.random(len(person)) < copying.probation_address
    address = first_of_each(held, moved)
    at = starts(address)
    postcode = record_addresses(
        population, person[at], sentences.day[at], "probation", streams, rates
    )[address]
    crn = identifiers.crns(draw("crn"), len(first))[held]
    in_custody = np.isin(person, person[np.isin(sentences.kind, CUSTODIAL)])
    short = draw("short pnc").random(len(first))[held] < 0.06
    return pl.DataFrame(
        {
            "sentence_ref": text_column(sentences.ref),
            "crn": text_column(crn),
            "noms_number": identity["noms_number"].set(pl.Series(~in_custody), None),
            "pnc_id": pl.select(
                pl.when(pl.Series(short))
                .then(identity["pnc_id"].str.slice(2))
                .otherwise(identity["pnc_id"])
            ).to_series(),
            **identity.select("cro_number", "nino", "forename", "surname", "dob", "sex",
                              "ethnicity").to_dict(),
            "postcode": text_column(postcode),
            "sentence_type": text_column(sentences.kind),
            "sentence_date": day_column(sentences.day),
            "sentence_end_date": day_column(sentences.end),
            "rosh": text_column(weighted(draw("rosh"), ROSH, len(first))[held]),
            "person": person,
        }
    )  # fmt: skip


def probation_tables(
    population: Population, sentences: Sentences, streams: Streams, rates: ErrorRates,
    filled: Filled, copying: Copying,
) -> tuple[dict[str, pl.DataFrame], Referrals, Referrals]:  # fmt: skip
    """Return sentence, requirement and release, and the referrals that DRRs and releases make."""
    draw = streams.within("probation tables")
    requirement, ordered = _requirements(population, sentences, draw)
    release, released = _releases(population, sentences, draw)
    sentence = _sentence_table(population, sentences, draw, streams, rates, filled, copying)
    tables = {"sentence": sentence, "requirement": requirement, "release": release}
    return tables, ordered, released
