"""Made-up kin whom several partners know, few names, dates and postcodes among them."""

from __future__ import annotations

import datetime as dt
import random

import polars as pl

from schemas.encoded import STRONG_IDS

PARTNERS = ("housing", "police", "probation", "treatment")
COLUMNS = {"partner": pl.String, "forename": pl.String, "surname": pl.String, "dob": pl.Date,
           "postcode": pl.String, "sex": pl.String, "forename_initial": pl.String,
           "surname_initial": pl.String, "sector": pl.String,
           **dict.fromkeys(STRONG_IDS, pl.String)}  # fmt: skip
FORENAMES = ("JACK", "JACQUELINE", "JANE", "THEODORE", "TEODORE", "MARY", "SMITH")
SURNAMES = ("OKONKWO", "OKONKWA", "SMITH", "SMYTHE", "MARY")
POSTCODES = ("NR31AB", "NR31AA", "NR31EB", "NR12AB", "IP14AA")


def kin(rng: random.Random, people: int) -> list[dict]:
    """Records of people who share few names, dates and postcodes, known to several partners."""
    days = [dt.date(1980, rng.randrange(1, 13), rng.randrange(1, 13)) for _ in range(6)]
    days += [day.replace(month=day.day, day=day.month) for day in days[:3]]
    found = []
    for number in range(people):
        one = {
            "forename": rng.choice(FORENAMES),
            "surname": rng.choice(SURNAMES),
            "dob": rng.choice(days),
            "postcode": rng.choice(POSTCODES),
            "sex": rng.choice("MF"),
            **{name: f"{number}" for name in STRONG_IDS[:3] if rng.random() < 0.2},
        }
        for partner in rng.choices(PARTNERS, k=3):
            found.append({**one, "partner": partner, **slip(rng, one)})
    return found


def slip(rng: random.Random, one: dict) -> dict:
    """What another agency wrote of a person."""
    bare = {
        "forename_initial": one["forename"][0],
        "surname_initial": one["surname"][0],
        "sector": one["postcode"][:-2],
        **dict.fromkeys(("forename", "surname", "postcode")),
    }
    exchanged = {"forename": one["surname"], "surname": one["forename"]}
    missing = [{name: None} for name in ("forename", "surname", "dob", "postcode", "sex")]
    others = ({"postcode": rng.choice(POSTCODES)}, {"sex": rng.choice("MF")})
    return rng.choice([{}, {}, {}, {}, bare, exchanged, *others, *missing])
