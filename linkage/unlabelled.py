"""Train a model on encoded records alone, without being told who anybody is.

Under anchors two random records share nothing, so a mixture of all pairs cannot be learnt from
filters. But pairs that share a composite share its anchor, and there the filters compare. So the
pairs of each composite are taken by themselves, and from those the share of each level among
matches is estimated by expectation maximisation (Winkler 1988), *u* being known, for the
comparisons that the composite does not itself settle. Labels train as well and no better:
docs/adr/0012.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from linkage.comparisons import COMPARISONS
from linkage.match import like_relatives, score
from linkage.model import splink_settings
from linkage.train import REVIEW_MARGIN, SMOOTHING, estimate_u
from schemas.encoded import token_column

LEARNT_IN: Final = {
    "date_initial_sex": ("surname", "postcode", "strong_id"),
    "date_sector": ("surname", "forename", "sex", "strong_id"),
    "date_surname": ("forename", "postcode", "sex", "strong_id"),
    "names_year": ("postcode", "strong_id"),
    "names_daymonth": ("postcode", "strong_id"),
    "postcode_initials": ("dob", "strong_id"),
    "postcode_surname": ("dob", "forename", "strong_id"),
    "names_either_sector": ("dob", "strong_id"),
}
"""Each composite, and the comparisons of its pairs that it says nothing of."""

MOST_RECORDS: Final = 200_000
"""More are sampled: their pairs are many more than the parameters need (2026-11-22)."""

LINK_AT: Final = -2.0
"""The match weight that pairs are linked from (policy, 2026-11-22). Weights learnt without labels
are too low about zero: of the pairs from -2 to 0 three in four or more were one person, of made-up,
Australian and historical people alike (docs/adr/0012)."""

FEWEST_DOUBTFUL: Final = 50
"""Fewer pairs that look like relatives do not show that there are none (policy, 2026-11-22)."""

FEWEST_RELATIVES: Final = 0.05
"""The share of pairs that look like relatives from which some are (policy, 2026-11-22)."""

U_PAIRS: Final = 5e6
FIRST_PRIOR: Final = 1e-4
TURNS: Final = 60
PRIOR_TURNS: Final = 20

Reals = NDArray[np.float64]
Parameters = dict[str, dict[str, tuple[float, float]]]


def train_without_labels(
    encoded: pl.DataFrame, common: pl.DataFrame, *, seed: int
) -> dict[str, Any]:
    """Estimate every parameter of a model from encoded records.

    Args:
        encoded: Encoded records.
        common: Records of people as unlike as any, under one common salt: a public population, or
            made-up people.
        seed: Of the sampling.

    Returns:
        ``probability_two_random_records_match``, ``comparisons``, ``thresholds`` and ``guard``, as
        a model file holds them.
    """
    some = encoded
    if encoded.height > MOST_RECORDS:
        some = encoded.sample(MOST_RECORDS, seed=seed)
    u = estimate_u(common, seed=seed, pairs=U_PAIRS)
    levels = _levels(some, u)
    m = _estimate_m(levels, some, u)
    parameters = {c: {level: (m[c][level], u[c][level]) for level in u[c]} for c in u}
    evidence = _evidence(levels, parameters)
    prior = _prior(evidence, some.height)
    linked = levels.filter(pl.Series(evidence + np.log(prior / (1 - prior)) >= LINK_AT))
    return {
        "probability_two_random_records_match": prior,
        "thresholds": {"link": LINK_AT, "review": LINK_AT - REVIEW_MARGIN},
        "guard": shows_relatives(linked, u, some.height),
        "comparisons": {
            c: {level: {"m": m[c][level], "u": u[c][level]} for level in u[c]} for c in u
        },
    }


def _levels(encoded: pl.DataFrame, u: Mapping[str, Mapping[str, float]]) -> pl.DataFrame:
    """Every blocked pair with the level of each comparison, 0 the best; null without evidence.

    Levels are told by their weights, since to have Splink keep them it must keep every column.
    """
    stand_in = {
        c: {
            level: (u[c][level] * 2.0 ** -(place + 1), u[c][level])
            for place, level in enumerate(u[c])
        }
        for c in u
    }
    pairs = score(encoded, splink_settings(stand_in, FIRST_PRIOR))
    place = [(-pl.col(f"mw_{c}") - 1).round().cast(pl.Int8, strict=False).alias(c) for c in u]
    known = pairs.select("record_id_l", "record_id_r", *place)
    return known.with_columns(pl.when(pl.col(c) >= 0).then(c).alias(c) for c in u)


def _estimate_m(
    levels: pl.DataFrame, encoded: pl.DataFrame, u: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """The share of matches at each level: over all composites, by how many matches each showed."""
    counts = {c: np.full(len(u[c]), SMOOTHING) for c in u}
    for token, learnt in LEARNT_IN.items():
        patterns = _patterns(_sharing(levels, encoded, token_column(token)), learnt)
        for c, seen in _expected(patterns, learnt, u).items():
            counts[c] += seen
    shares = {c: seen / seen.sum() for c, seen in counts.items()}
    return {c: dict(zip(u[c], map(float, shares[c]), strict=True)) for c in u}


def _sharing(levels: pl.DataFrame, encoded: pl.DataFrame, column: str) -> pl.DataFrame:
    held = encoded.select("record_id", column)
    return (
        levels.join(held, left_on="record_id_l", right_on="record_id")
        .join(held, left_on="record_id_r", right_on="record_id", suffix="_r")
        .filter(pl.col(column) == pl.col(f"{column}_r"))
    )


def _patterns(pairs: pl.DataFrame, learnt: tuple[str, ...]) -> pl.DataFrame:
    return pairs.group_by(learnt).agg(n=pl.len())


def _expected(
    patterns: pl.DataFrame, learnt: tuple[str, ...], u: Mapping[str, Mapping[str, float]]
) -> dict[str, Reals]:
    """How many matches are expected at each level, by expectation maximisation with *u* known."""
    n = patterns["n"].to_numpy().astype(float)
    place = {c: patterns[c].fill_null(-1).to_numpy().astype(int) for c in learnt}
    chance = {c: np.array(list(u[c].values())) for c in learnt}
    # Begun from agreement being likelier the better it is, so that matches are what agrees.
    m = {c: _begun(len(chance[c])) for c in learnt}
    among, counts = 0.5, {c: np.zeros(len(chance[c])) for c in learnt}
    for _ in range(TURNS):
        odds = np.full(len(n), np.log(among) - np.log1p(-among))
        for c in learnt:
            seen = place[c] >= 0
            odds[seen] += np.log(m[c] / chance[c])[place[c][seen]]
        match = n / (1 + np.exp(-odds.clip(-50, 50)))
        counts = {c: _counted(place[c], match, len(chance[c])) for c in learnt}
        m = {c: (seen + SMOOTHING) / (seen + SMOOTHING).sum() for c, seen in counts.items()}
        among = float(np.clip(match.sum() / max(n.sum(), 1), 1e-6, 1 - 1e-6))
    return counts


def _counted(place: NDArray[np.int64], weight: Reals, levels: int) -> Reals:
    """The weight at each level; what shows no evidence is at none."""
    seen = place >= 0
    return np.bincount(place[seen], weight[seen], levels).astype(float)


def _begun(levels: int) -> Reals:
    falling = np.arange(levels, 0, -1.0) ** 3
    return falling / falling.sum()


def _evidence(levels: pl.DataFrame, parameters: Parameters) -> Reals:
    """The log odds that each pair's levels add to the prior's."""
    weight = pl.sum_horizontal(
        pl.col(c.name).replace_strict(
            dict(enumerate(np.log(m / u) for m, u in parameters[c.name].values())),
            default=0.0,
            return_dtype=pl.Float64,
        )
        for c in COMPARISONS
    )
    return levels.select(weight=weight).to_series().to_numpy()


def _prior(evidence: Reals, records: int) -> float:
    """The share of all pairs that are matches, as the blocked pairs' own evidence has it."""
    every = records * (records - 1) / 2
    prior = FIRST_PRIOR
    for _ in range(PRIOR_TURNS):
        odds = evidence + np.log(prior / (1 - prior))
        prior = float(np.clip((1 / (1 + np.exp(-odds.clip(-50, 50)))).sum() / every, 1e-9, 0.5))
    return prior


def shows_relatives(
    linked: pl.DataFrame, levels: Mapping[str, Iterable[str]], records: int
) -> bool:
    """Whether the pairs that look like relatives may be, so that the collision guard is needed.

    Each of two relatives has records of its own, and as often as anybody. Somebody who was once
    written down otherwise has not: one of the two records goes with no other. Where hardly any
    two both go with others, there are no relatives; where too few pairs say so, there may be.

    Args:
        linked: ``record_id_l``, ``record_id_r`` and the place of each comparison's level, of the
            pairs that would be linked without a guard.
        levels: Comparison → its levels in order.
        records: How many records there are.
    """
    place = {c: {level: i for i, level in enumerate(names)} for c, names in levels.items()}
    alike = like_relatives(lambda c, level: (pl.col(c) == place[c][level]).fill_null(value=False))
    ends = ["record_id_l", "record_id_r"]
    doubtful, free = linked.filter(alike).select(ends), linked.filter(~alike).select(ends)
    if doubtful.height < FEWEST_DOUBTFUL:
        return True
    accompanied = pl.concat([free["record_id_l"], free["record_id_r"]]).unique()
    both = doubtful.select(pl.all_horizontal(pl.all().is_in(accompanied.implode())).mean()).item()
    return bool(both >= FEWEST_RELATIVES * (accompanied.len() / records) ** 2)
