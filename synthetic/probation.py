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
LEGACY_TIERS = {"A1": 0.1, "A3": 0.1, "B1": 0.2, "B2": 0.2, "C1": 0.15, "C3": 0.15, "D0": 0.1}
TIERS = {"A": 0.06, "B": 0.14, "C": 0.24, "D": 0.24, "E": 0.16, "F": 0.10, "G": 0.06}
NEW_TIERS_FROM = 19_358  # 2023-01-01, as days; judgement
MAPPA = {"M1": 0.07, "M2": 0.02, "M3": 0.01, "": 0.90}
MANAGED = 0.08  # integrated offender management; judgement
MAIN_CATEGORY = {"RAR": "F", "UPW": "W"}
BREACHED = 0.22  # of community sentences; judgement
BREACHES = {"BRE01": 0.4, "BRE03": 0.2, "BRE06": 0.2, "BRE08": 0.1, "BRE13": 0.1}
RECALLS = {"REC01": 0.65, "REC02": 0.35}
HOUSED = 0.85  # of sentences with a spell of accommodation on record; judgement
MOVED = 0.30  # of those, with another after it
LIVED = {"A01A": 0.06, "A01C": 0.24, "A01D": 0.26, "A02": 0.03, "A03": 0.06, "A04": 0.08,
         "A07A": 0.08, "A07B": 0.07, "A08": 0.01, "A08A": 0.05, "A08C": 0.02, "A10": 0.01,
         "A16": 0.01, "A17": 0.02}  # fmt: skip


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
            "main_category": text_column(
                np.array([MAIN_CATEGORY.get(name) for name in category], dtype=object)
            ),
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
    licence_ends = np.maximum(sentences.end[at], day + 8)
    confirmed = draw("confirmed").random(len(at)) < 0.9
    frame = pl.DataFrame(
        {
            "release_ref": text_column(references("RE", day)),
            "sentence_ref": text_column(sentences.ref[at]),
            "conditional_release_date": day_column(day),
            "automatic_release_date": day_column(day),
            "confirmed_release_date": day_column(day, confirmed),
            "release_date": day_column(day),
            "licence_expiry_date": day_column(licence_ends),
            "sentence_expiry_date": day_column(licence_ends),
            "recall_date": day_column(np.where(recalled, recall, NEVER)),
            "treatment_need": text_column(np.where(need, "Y", "N").astype(object)),
            "discharge_accommodation": text_column(weighted(draw("discharge"), DISCHARGE, len(at))),
            "person": person,
        }
    )
    return frame, Referrals(person[need], day[need])


def _enforcement(
    population: Population, sentences: Sentences, release: pl.DataFrame, draw: Streams
) -> pl.DataFrame:
    """Return breaches of community sentences, and the recalls that releases record."""
    last = np.minimum(sentences.end, population.as_at)
    breached = ~np.isin(sentences.kind, CUSTODIAL) & (sentences.day + 14 < last)
    breached &= draw("breached").random(len(last)) < BREACHED
    at = np.flatnonzero(breached)
    day = between(draw("breach day"), sentences.day[at] + 14, last[at])
    recalled = release.filter(pl.col("recall_date").is_not_null())
    recall_day = recalled["recall_date"].str.to_date().to_physical().to_numpy()
    days = np.concatenate([day, recall_day])
    kind = np.concatenate(
        [
            weighted(draw("breach"), BREACHES, len(at)),
            weighted(draw("recall"), RECALLS, recalled.height),
        ]
    )
    return pl.DataFrame(
        {
            "enforcement_ref": text_column(references("EN", days)),
            "sentence_ref": pl.concat([text_column(sentences.ref[at]), recalled["sentence_ref"]]),
            "enforcement_type": text_column(kind),
            "enforcement_date": day_column(days),
            "person": np.concatenate([sentences.person[at], recalled["person"].to_numpy()]),
        }
    )


def _accommodation(population: Population, sentences: Sentences, draw: Streams) -> pl.DataFrame:
    """Return where people lived during a sentence: one spell, or two that follow each other."""
    first = np.flatnonzero(draw("housed").random(len(sentences.day)) < HOUSED)
    start, last = sentences.day[first], np.minimum(sentences.end[first], population.as_at)
    moves = (draw("moved").random(len(first)) < MOVED) & (last - start > 60)
    change = between(draw("moved on"), start + 30, last - 20)
    at = np.concatenate([first, first[moves]])
    starts_on = np.concatenate([start, change[moves]])
    ends = sentences.end[at]
    ends[: len(first)] = np.where(moves, change, ends[: len(first)])
    return pl.DataFrame(
        {
            "accommodation_ref": text_column(references("AC", starts_on)),
            "sentence_ref": text_column(sentences.ref[at]),
            "accommodation_type": text_column(weighted(draw("lived"), LIVED, len(at))),
            "start_date": day_column(starts_on),
            "end_date": day_column(ends, ends <= population.as_at),
            "person": sentences.person[at],
        }
    )


def _tiers(sentences: Sentences, draw: Streams) -> np.ndarray:
    size = len(sentences.day)
    legacy = sentences.day < NEW_TIERS_FROM
    return np.where(
        legacy,
        weighted(draw("legacy tier"), LEGACY_TIERS, size),
        weighted(draw("tier"), TIERS, size),
    )


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
    mappa = weighted(draw("mappa"), MAPPA, len(first))[held]
    managed = draw("iom").random(len(first))[held] < MANAGED
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
            "tier": text_column(_tiers(sentences, draw)),
            "rosh": text_column(weighted(draw("rosh"), ROSH, len(first))[held]),
            "mappa": text_column(mappa).replace("", None),
            "iom": text_column(kept(managed, np.full(len(person), "IIOM", dtype=object))),
            "person": person,
        }
    )  # fmt: skip


def probation_tables(
    population: Population, sentences: Sentences, streams: Streams, rates: ErrorRates,
    filled: Filled, copying: Copying,
) -> tuple[dict[str, pl.DataFrame], Referrals, Referrals]:  # fmt: skip
    """Return probation's tables, and the referrals that DRRs and releases make."""
    draw = streams.within("probation tables")
    requirement, ordered = _requirements(population, sentences, draw)
    release, released = _releases(population, sentences, draw)
    sentence = _sentence_table(population, sentences, draw, streams, rates, filled, copying)
    tables = {
        "sentence": sentence,
        "requirement": requirement,
        "release": release,
        "enforcement": _enforcement(population, sentences, release, draw),
        "accommodation": _accommodation(population, sentences, draw),
    }
    return tables, ordered, released
