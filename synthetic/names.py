"""Skewed UK names by community, sex and decade of birth, from our own tables in data/.

The tables were written for this project. That a name is common, and when, is common knowledge;
the weights are judgements that follow the usual rank-frequency curve (the commonest surname is
borne by about one person in ninety, the hundredth by one in eight hundred). No list was copied.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

DATA = Path(__file__).parent / "data"
DECADES = (1940, 1950, 1960, 1970, 1980, 1990, 2000)
# Share of people by community. Names follow it, and so does recorded ethnicity.
COMMUNITIES: dict[str, float] = {
    "british": 0.640,
    "scottish": 0.045,
    "irish": 0.045,
    "welsh": 0.040,
    "muslim_south_asian": 0.050,
    "hindu_sikh_south_asian": 0.025,
    "polish": 0.030,
    "east_european": 0.035,
    "african": 0.035,
    "caribbean": 0.028,
    "arabic": 0.017,
    "chinese": 0.010,
}
# Chance that a forename comes from the community's own list rather than the British one.
OWN_FORENAME = {
    "british": 1.0,
    "scottish": 0.35,
    "irish": 0.40,
    "welsh": 0.35,
    "caribbean": 0.35,
    "african": 0.75,
    "chinese": 0.60,
}
OWN_FORENAME_OTHERWISE = 0.93
# Recorded ethnicity (18+1) by community.
ETHNICITIES: dict[str, dict[str, float]] = {
    "british": {"W1": 0.935, "W9": 0.015, "M1": 0.03, "M3": 0.01, "M9": 0.01},
    "scottish": {"W1": 0.98, "M9": 0.02},
    "irish": {"W2": 0.72, "W1": 0.16, "W3": 0.12},
    "welsh": {"W1": 0.98, "M9": 0.02},
    "muslim_south_asian": {"A2": 0.60, "A3": 0.25, "A9": 0.13, "M3": 0.02},
    "hindu_sikh_south_asian": {"A1": 0.87, "A9": 0.13},
    "polish": {"W9": 1.0},
    "east_european": {"W9": 0.95, "W3": 0.05},
    "african": {"B2": 0.85, "M2": 0.10, "B9": 0.05},
    "caribbean": {"B1": 0.78, "M1": 0.14, "B9": 0.08},
    "arabic": {"O2": 0.60, "O9": 0.40},
    "chinese": {"A4": 0.70, "A9": 0.30},
}
TAIL_SHARE = 0.33  # of British people, who bear one of the composed rare surnames


def pick(rng: np.random.Generator, weights: dict[str, float], size: int) -> np.ndarray:
    """Draw keys of a weighted dictionary, as an object array."""
    share = np.array(list(weights.values()), dtype=float)
    drawn = rng.choice(len(share), size=size, p=share / share.sum())
    return np.array(list(weights), dtype=object)[drawn]


@cache
def _forenames() -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Return (community, sex) → names and their weights by decade."""
    frame = pl.read_csv(DATA / "forenames.csv")
    decades = [f"born_{decade}s" for decade in DECADES]
    return {
        (str(community), str(sex)): (
            group["forename"].to_numpy().astype(object),
            group.select(decades).to_numpy().astype(float),
        )
        for (community, sex), group in frame.group_by("community", "sex", maintain_order=True)
    }


@cache
def _surnames() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return community → surnames and shares that add up to one."""
    frame = pl.read_csv(DATA / "surnames.csv")
    tables: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for (community,), group in frame.group_by("community", maintain_order=True):
        share = group["per_100000"].to_numpy().astype(float)
        tables[str(community)] = (
            group["surname"].to_numpy().astype(object),
            share / share.sum(),
        )
    return tables


@cache
def composed_surnames() -> tuple[np.ndarray, np.ndarray]:
    """Return the long tail: a place-name stem with an ending, and its share of the tail."""
    stems = pl.read_csv(DATA / "surname_stems.csv")["stem"].to_list()
    endings = pl.read_csv(DATA / "surname_endings.csv")
    known = set(_surnames()["british"][0])
    pairs = {
        stem + ending: weight / (1 + position % 17)
        for position, stem in enumerate(stems)
        for ending, weight in endings.iter_rows()
        if stem + ending not in known
    }
    share = np.array(list(pairs.values()), dtype=float)
    return np.array(list(pairs), dtype=object), share / share.sum()


@cache
def nicknames() -> dict[str, tuple[str, ...]]:
    """Return forename → the short forms people use for it."""
    frame = pl.read_csv(DATA / "nicknames.csv")
    grouped = frame.group_by("forename", maintain_order=True).agg("nickname")
    return {name: tuple(short) for name, short in grouped.iter_rows()}


def draw_forenames(
    rng: np.random.Generator, community: np.ndarray, sex: np.ndarray, birth_year: np.ndarray
) -> np.ndarray:
    """Draw a forename for each person by community, sex and decade of birth."""
    own = np.vectorize(lambda name: OWN_FORENAME.get(name, OWN_FORENAME_OTHERWISE), otypes=[float])
    source = np.where(rng.random(len(sex)) < own(community), community, "british").astype(object)
    decade = np.clip((birth_year - DECADES[0]) // 10, 0, len(DECADES) - 1)
    names = np.empty(len(sex), dtype=object)
    for (name, which), (vocabulary, weights) in _forenames().items():
        for column in range(len(DECADES)):
            at = np.flatnonzero((source == name) & (sex == which) & (decade == column))
            share = weights[:, column] / weights[:, column].sum()
            names[at] = vocabulary[rng.choice(len(vocabulary), size=len(at), p=share)]
    return names


def draw_surnames(rng: np.random.Generator, community: np.ndarray) -> np.ndarray:
    """Draw a surname for each person by community; a third of British ones from the long tail."""
    names = np.empty(len(community), dtype=object)
    for name, (vocabulary, share) in _surnames().items():
        at = np.flatnonzero(community == name)
        names[at] = vocabulary[rng.choice(len(vocabulary), size=len(at), p=share)]
    rare, share = composed_surnames()
    british = community == "british"
    at = np.flatnonzero(british & (rng.random(len(community)) < TAIL_SHARE))
    names[at] = rare[rng.choice(len(rare), size=len(at), p=share)]
    return names
