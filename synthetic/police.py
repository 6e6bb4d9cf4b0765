"""Arrests and drug tests: a few people arrested often, most of them once."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase

import numpy as np
import polars as pl

from synthetic.histories import (
    between,
    day_column,
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
from synthetic.names import DATA
from synthetic.population import DRUGS, Population
from synthetic.rates import Copying, ErrorRates, Filled
from synthetic.streams import Streams

MOST_ARRESTS = 30
# Home Office outcomes, by label in the code list. Judgement from published shares.
OUTCOMES = {
    "1": 0.34, "3": 0.04, "4": 0.01, "6": 0.01, "8": 0.06, "9": 0.02, "10": 0.03,
    "14": 0.02, "15": 0.13, "16": 0.18, "20": 0.01, "21": 0.08, "22": 0.07,
}  # fmt: skip
TESTED = 0.78  # of arrests for a trigger offence
TESTED_OTHERWISE = 0.05  # on an inspector's authority
HELD_OVERNIGHT = 0.35  # a day longer than the test may take; judgement
RESULTS = {
    "none": {"NEG": 0.93, "POS_COCAINE": 0.02, "REFUSED": 0.02, "NOT_TAKEN": 0.03},
    "opiate": {"POS_OPIATE": 0.26, "POS_BOTH": 0.44, "POS_COCAINE": 0.12, "NEG": 0.10,
               "REFUSED": 0.05, "NOT_TAKEN": 0.03},
    "crack": {"POS_COCAINE": 0.72, "POS_BOTH": 0.06, "NEG": 0.14, "REFUSED": 0.05,
              "NOT_TAKEN": 0.03},
    "cocaine": {"POS_COCAINE": 0.62, "NEG": 0.30, "REFUSED": 0.05, "NOT_TAKEN": 0.03},
    "alcohol": {"NEG": 0.82, "POS_COCAINE": 0.12, "REFUSED": 0.03, "NOT_TAKEN": 0.03},
    "cannabis": {"NEG": 0.82, "POS_COCAINE": 0.12, "REFUSED": 0.03, "NOT_TAKEN": 0.03},
}  # fmt: skip


@dataclass(frozen=True)
class Arrests:
    """Who was arrested when, in order of person and day; other partners' events follow these."""

    person: np.ndarray
    day: np.ndarray
    uses_class_a: np.ndarray


def make_arrests(population: Population, streams: Streams) -> Arrests:
    """Draw each known person's arrests over their window."""
    draw = streams.within("arrests")
    known = population.known_to("police")
    uses = np.isin(population.drug[known], [DRUGS.index(d) for d in ("opiate", "crack")])
    rng = draw("how many")
    extra = np.where(
        uses,
        rng.negative_binomial(0.9, 0.22, len(known)),
        rng.negative_binomial(0.6, 0.36, len(known)),
    )
    which, _ = repeated(1 + np.minimum(extra, MOST_ARRESTS - 1))
    person = known[which]
    today = np.full(len(person), population.as_at)
    day = between(draw("when"), population.window_opens(person), today)
    order = np.lexsort((day, person))
    return Arrests(person[order], day[order], uses[which][order])


def _offences(arrests: Arrests, draw: Streams) -> pl.DataFrame:
    offences = pl.read_csv(DATA / "offences.csv", infer_schema=False)
    weights = offences.select(pl.col("weight", "weight_if_using").cast(pl.Float64))
    chosen = np.zeros(len(arrests.day), dtype=int)
    rng = draw("offence")
    for column, using in (("weight", False), ("weight_if_using", True)):
        share = weights[column].to_numpy()
        at = np.flatnonzero(arrests.uses_class_a == using)
        chosen[at] = rng.choice(len(share), size=len(at), p=share / share.sum())
    return offences[chosen]


def _drug_tests(
    population: Population, arrests: Arrests, custody_ref: np.ndarray, trigger: np.ndarray,
    draw: Streams,
) -> pl.DataFrame:  # fmt: skip
    rng = draw("tested")
    chance = np.where(trigger, TESTED, TESTED_OTHERWISE)
    at = np.flatnonzero(rng.random(len(chance)) < chance)
    person = arrests.person[at]
    day = np.minimum(arrests.day[at] + (rng.random(len(at)) < 0.2), population.as_at)
    using = np.array(DRUGS, dtype=object)[population.drug[person]]
    result = weighted_by(draw("result"), using, RESULTS)
    return pl.DataFrame(
        {
            "drug_test_ref": text_column(references("DT", day)),
            "custody_ref": text_column(custody_ref[at]),
            "test_date": day_column(day),
            "authority": text_column(np.where(trigger[at], "trigger", "inspector").astype(object)),
            "result": text_column(result),
            "person": person,
        }
    )


def _home_office_codes(classes: pl.Series) -> pl.Series:
    """Write a class as a Home Office code: 92D is 092/04, a class without a letter ends in 00."""
    numbers = {letter: f"{at:02d}" for at, letter in enumerate(ascii_uppercase, 1)}
    number = classes.str.extract(r"([A-Z])$").replace_strict(numbers, default="00")
    return classes.str.extract(r"^([0-9]+)").str.zfill(3) + "/" + number


def _ends(population: Population, arrests: Arrests, draw: Streams) -> tuple[pl.Series, pl.Series]:
    """Return the days on which custody ended and the case had its outcome."""
    held = 1 + (draw("held overnight").random(len(arrests.day)) < HELD_OVERNIGHT)
    left = arrests.day + held
    took = draw("outcome after").gamma(1.4, 30, len(arrests.day)).astype(int)
    decided = np.minimum(arrests.day + took, population.as_at)
    return day_column(left, left <= population.as_at), day_column(decided)


def police_tables(
    population: Population, arrests: Arrests, streams: Streams, rates: ErrorRates,
    filled: Filled, copying: Copying,
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """Return custody and drug_test, each with the person behind the row."""
    draw = streams.within("police tables")
    recorder = Recorder(
        "police",
        {"pnc_id": filled.police_pnc, "cro_number": filled.police_cro},
        capitals=True,
        lied_to=1.7,
    )
    rng = draw("copied")
    afresh = rng.random(len(arrests.person)) < copying.police_identity
    moved = rng.random(len(arrests.person)) < copying.police_address
    held = first_of_each(arrests.person, afresh)
    first = starts(held)
    identity = record_identities(
        population, arrests.person[first], arrests.day[first], recorder, streams, rates
    )[held]
    address = first_of_each(arrests.person, moved)
    first = starts(address)
    postcode = record_addresses(
        population, arrests.person[first], arrests.day[first], "police", streams, rates
    )[address]
    offences = _offences(arrests, draw)
    ref = references("CU", arrests.day)
    left, decided = _ends(population, arrests, draw)
    custody = pl.DataFrame(
        {
            "custody_ref": text_column(ref),
            **identity.select("pnc_id", "cro_number", "forename", "surname", "dob", "sex",
                              "ethnicity").to_dict(),
            "postcode": text_column(postcode),
            "arrest_date": day_column(arrests.day),
            "release_date": left,
            **offences.select("offence_code", "offence_class").to_dict(),
            "home_office_code": _home_office_codes(offences["offence_class"]),
            "outcome": text_column(weighted(draw("outcome"), OUTCOMES, len(ref))),
            "outcome_date": decided,
            "person": arrests.person,
        }
    )  # fmt: skip
    trigger = (offences["trigger"] == "Y").to_numpy()
    return {
        "custody": custody,
        "drug_test": _drug_tests(population, arrests, ref, trigger, draw),
    }
