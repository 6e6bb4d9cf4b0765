"""Skewed UK names by community, sex and decade of birth, from our own tables in data/.

The tables were written for this project. That a name is common, and when, is common knowledge;
the weights are judgements that follow the usual rank-frequency curve (the commonest surname is
borne by about one person in ninety, the hundredth by one in eight hundred). No list was copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

DATA = Path(__file__).parent / "data"
SEXES = ("M", "F")
DECADES = (1940, 1950, 1960, 1970, 1980, 1990, 2000, 2010)
# Share of people by community. Names follow it, and so does recorded ethnicity. Judgement.
COMMUNITIES: dict[str, float] = {
    "british": 0.640, "scottish": 0.045, "irish": 0.045, "welsh": 0.040, "polish": 0.030,
    "romanian": 0.017, "lithuanian": 0.008, "bulgarian": 0.005, "hungarian": 0.005,
    "pakistani": 0.034, "bangladeshi": 0.016, "sikh": 0.012, "hindu": 0.013,
    "ghanaian": 0.008, "nigerian": 0.011, "somali": 0.009, "zimbabwean": 0.004,
    "eritrean": 0.003, "caribbean": 0.028, "arabic": 0.008, "kurdish": 0.006, "iranian": 0.003,
    "chinese": 0.007, "vietnamese": 0.003,
}  # fmt: skip
# Chance that a forename comes from the community's own list rather than the British one.
OWN_FORENAME = {
    "british": 1.0, "scottish": 0.35, "irish": 0.40, "welsh": 0.35, "caribbean": 0.35,
    "ghanaian": 0.75, "nigerian": 0.75, "zimbabwean": 0.75, "chinese": 0.60, "vietnamese": 0.75,
}  # fmt: skip
OWN_FORENAME_OTHERWISE = 0.93
# Recorded ethnicity (18+1) by community.
ETHNICITIES: dict[str, dict[str, float]] = {
    "british": {"W1": 0.935, "W9": 0.015, "M1": 0.03, "M3": 0.01, "M9": 0.01},
    "scottish": {"W1": 0.98, "M9": 0.02},
    "irish": {"W2": 0.72, "W1": 0.16, "W3": 0.12},
    "welsh": {"W1": 0.98, "M9": 0.02},
    "polish": {"W9": 1.0},
    "romanian": {"W9": 0.95, "W3": 0.05},
    "lithuanian": {"W9": 1.0},
    "bulgarian": {"W9": 1.0},
    "hungarian": {"W9": 0.95, "W3": 0.05},
    "pakistani": {"A2": 0.92, "A9": 0.05, "M3": 0.03},
    "bangladeshi": {"A3": 0.94, "A9": 0.04, "M3": 0.02},
    "sikh": {"A1": 0.90, "A9": 0.10},
    "hindu": {"A1": 0.88, "A9": 0.12},
    "ghanaian": {"B2": 0.90, "M2": 0.08, "B9": 0.02},
    "nigerian": {"B2": 0.90, "M2": 0.08, "B9": 0.02},
    "somali": {"B2": 0.92, "B9": 0.08},
    "zimbabwean": {"B2": 0.92, "M2": 0.06, "B9": 0.02},
    "eritrean": {"B2": 0.92, "B9": 0.08},
    "caribbean": {"B1": 0.78, "M1": 0.14, "B9": 0.08},
    "arabic": {"O2": 0.75, "O9": 0.25},
    "kurdish": {"O9": 0.75, "W9": 0.15, "O2": 0.10},
    "iranian": {"O9": 0.70, "A9": 0.20, "W9": 0.10},
    "chinese": {"A4": 0.92, "A9": 0.08},
    "vietnamese": {"A9": 0.85, "A4": 0.15},
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
def _surnames() -> dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]:
    """Return (community, sex) → surnames and shares that add up to one."""
    frame = pl.read_csv(DATA / "surnames.csv")
    tables: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}
    for (community,), group in frame.group_by("community", maintain_order=True):
        for sex in SEXES:
            borne = group.filter(pl.col("sex").is_null() | (pl.col("sex") == sex))
            share = borne["per_100000"].to_numpy().astype(float)
            tables[str(community), sex] = (
                borne["surname"].to_numpy().astype(object),
                share / share.sum(),
            )
    return tables


@cache
def _of_the_other_sex() -> dict[tuple[str, str], dict[str, str | None]]:
    """Return (community, sex) → surnames that only the other sex bears, with the form it has."""
    frame = pl.read_csv(DATA / "surnames.csv").filter(pl.col("sex").is_not_null())
    tables: dict[tuple[str, str], dict[str, str | None]] = {}
    for community, sex, surname, form in frame.select(
        "community", "sex", "surname", "other_form"
    ).iter_rows():
        other = "F" if sex == "M" else "M"
        tables.setdefault((community, other), {})[surname] = form
    return tables


@cache
def composed_surnames() -> tuple[np.ndarray, np.ndarray]:
    """Return the long tail: a place-name stem with an ending, and its share of the tail."""
    stems = pl.read_csv(DATA / "surname_stems.csv")["stem"].to_list()
    endings = pl.read_csv(DATA / "surname_endings.csv")
    known = set(_surnames()["british", "M"][0])
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


def _groups(
    community: np.ndarray, sex: np.ndarray, cohort: np.ndarray
) -> Iterator[tuple[tuple[str, str], int, np.ndarray]]:
    """Return who shares a community, a sex and a cohort: (community, sex), cohort, positions."""
    names, number = np.unique(community.astype(str), return_inverse=True)
    span = int(cohort.max(initial=0)) + 1
    key = (number * 2 + (sex == "F")) * span + cohort
    order = np.argsort(key, kind="stable")
    found, first = np.unique(key[order], return_index=True)
    for one, at in zip(found, np.split(order, first[1:]), strict=True):
        both, column = divmod(int(one), span)
        yield (str(names[both // 2]), SEXES[both % 2]), column, at


def draw_forenames(
    rng: np.random.Generator, community: np.ndarray, sex: np.ndarray, birth_year: np.ndarray
) -> np.ndarray:
    """Draw a forename for each person by community, sex and decade of birth."""
    own = np.ones(len(sex))
    for name in COMMUNITIES:
        own[community == name] = OWN_FORENAME.get(name, OWN_FORENAME_OTHERWISE)
    source = np.where(rng.random(len(sex)) < own, community, "british").astype(object)
    decade = np.clip((birth_year - DECADES[0]) // 10, 0, len(DECADES) - 1)
    drawn = np.empty(len(sex), dtype=object)
    for group, column, at in _groups(source, sex, decade):
        vocabulary, weights = _forenames()[group]
        share = weights[:, column] / weights[:, column].sum()
        drawn[at] = vocabulary[rng.choice(len(vocabulary), size=len(at), p=share)]
    return drawn


def draw_surnames(rng: np.random.Generator, community: np.ndarray, sex: np.ndarray) -> np.ndarray:
    """Draw a surname by community and sex; a third of British ones from the long tail."""
    drawn = np.empty(len(community), dtype=object)
    for group, _, at in _groups(community, sex, np.zeros(len(sex), dtype=int)):
        vocabulary, share = _surnames()[group]
        drawn[at] = vocabulary[rng.choice(len(vocabulary), size=len(at), p=share)]
    rare, share = composed_surnames()
    british = community == "british"
    at = np.flatnonzero(british & (rng.random(len(community)) < TAIL_SHARE))
    drawn[at] = rare[rng.choice(len(rare), size=len(at), p=share)]
    return drawn


def family_name(
    surname: np.ndarray, own: np.ndarray, community: np.ndarray, sex: np.ndarray
) -> np.ndarray:
    """Return a surname taken from one's family as one's own sex bears it.

    A Kowalski's daughter is Kowalska, a Kaur's son Singh; where a surname such as Begum has no form
    for the other sex, `own` is borne.
    """
    borne = surname.copy()
    for (name, which), forms in _of_the_other_sex().items():
        for at in np.flatnonzero((community == name) & (sex == which)):
            if surname[at] in forms:
                borne[at] = forms[surname[at]] or own[at]
    return borne
