"""Train a model from labelled records: a rare, reviewed act that writes a dated file.

*u*, how often two random people agree, comes from values encoded under one common salt: under
anchors random pairs share nothing, so sampling them would say nothing. *m*, how often two records
of one person agree, is counted over the labelled pairs that blocking brings together.
"""

from __future__ import annotations

import logging
from math import log2
from typing import Any, Final

import duckdb
import numpy as np
import polars as pl

from linkage.comparisons import COMPARISONS, as_compared
from linkage.groups import grouped
from linkage.match import collision, score
from linkage.model import splink_settings
from schemas.encoded import FILTERS, filter_columns, token_column

# Two people share a strong id only by error, too rarely to sample. Policy of 2026-11-22, after the
# pairs that can be compared of 8,000 and of 5,000 made-up people, of whose ids one in a thousand
# is somebody else's (docs/adr/0015).
STRONG_ID_CLASH: Final = {"agree": 4e-7, "some agree, some differ": 3e-7}
# Of two different names by chance, the share that begin alike: of those whose filters are distant,
# and of those farther apart. Policy of 2026-11-23, as counted among made-up people (docs/adr/0046).
DISTANT_INITIAL: Final = 0.24
SAME_INITIAL: Final = 0.045
# Of two different dates of birth by chance, the share of one year; and for each two that are equal
# by chance, those with day and month exchanged. Policy of 2026-11-23: as counted among made-up
# people; and the 132 days of 365 whose day can be a month.
SAME_YEAR: Final = 0.024
EXCHANGED: Final = 132 / 365
U_PAIRS: Final = 2e7
SMOOTHING: Final = 0.5
# Policy of 2026-11-22: what F1 may be given up for fewer wrong links.
F1_GIVEN_UP: Final = 0.0003
THRESHOLDS_TRIED: Final = range(-6, 25)
# Pairs this far below the link threshold are kept for review; below, evidence is only a risk.
REVIEW_MARGIN: Final = 6.0


def estimate_u(common: pl.DataFrame, *, seed: int, pairs: float = U_PAIRS) -> dict[str, Any]:
    """The share of random pairs of people at each level.

    Args:
        common: One record a person, encoded under one common salt.
        seed: Of the sampling.
        pairs: How many pairs to sample.

    Returns:
        Comparison → level → probability.
    """
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.CRITICAL)
    connection = duckdb.connect(":memory:")
    try:
        frame = DuckDBAPI(connection).register(as_compared(common).to_arrow(), table_name="encoded")
        settings = splink_settings(None, 1e-4, anchored=False)
        linker = Linker(frame, settings, log_level=logging.CRITICAL)
        linker.training.estimate_u_using_random_sampling(
            max_pairs=pairs, seed=seed, min_count_per_level=None
        )
        trained = linker.misc.save_model_to_json()
    finally:
        connection.close()
    shares: dict[str, dict[str, float]] = {}
    for comparison in trained["comparisons"]:
        levels = [x for x in comparison["comparison_levels"] if not x.get("is_null_level")]
        shares[comparison["output_column_name"]] = {
            level["label_for_charts"]: _probability(level.get("u_probability"), pairs)
            for level in levels
        }
    return shares | {
        "strong_id": _strong_id_shares(shares["strong_id"]),
        "forename": _initial_shares(shares["forename"]),
        "surname": _initial_shares(shares["surname"]),
        "dob": _date_shares(shares["dob"]),
        "postcode": _postcode_shares(shares["postcode"], _of_one_sector(common)),
    }


def _strong_id_shares(sampled: dict[str, float]) -> dict[str, float]:
    rest = 1 - sum(STRONG_ID_CLASH.values())
    return {level: STRONG_ID_CLASH.get(level, rest) for level in sampled}


def _initial_shares(sampled: dict[str, float]) -> dict[str, float]:
    """Random people share no composite that shows an initial, so the last levels are parted."""
    *_, distant_alike, alike, distant, different = sampled
    near, far = sampled[distant_alike] + sampled[distant], sampled[alike] + sampled[different]
    return sampled | {
        distant_alike: near * DISTANT_INITIAL,
        alike: far * SAME_INITIAL,
        distant: near * (1 - DISTANT_INITIAL),
        different: far * (1 - SAME_INITIAL),
    }


def _date_shares(sampled: dict[str, float]) -> dict[str, float]:
    """Nor do they share one that shows what two dates have in common."""
    others = sampled["near"] + sampled["different"]
    return sampled | {
        "day and month exchanged": sampled["exact"] * EXCHANGED,
        "of one year": others * SAME_YEAR,
        "near": sampled["near"] * (1 - SAME_YEAR),
        "different": sampled["different"] * (1 - SAME_YEAR),
    }


def _postcode_shares(sampled: dict[str, float], of_one_sector: float) -> dict[str, float]:
    """A sector shows beside a date or names only, which random people do not share."""
    others = sampled["different"]
    return sampled | {
        "of one sector": others * of_one_sector,
        "different": others * (1 - of_one_sector),
    }


def _of_one_sector(common: pl.DataFrame) -> float:
    """The share of people of one date of birth who have one sector, though not one postcode.

    Under one salt equal filters are equal values. Who shares a name as well may be one person, or
    kin, and is left out.
    """
    words = {field: filter_columns(field, anchor) for field, anchor in reversed(FILTERS)}
    held = common.select(
        "record_id", token_column("date_sector"), *(w for some in words.values() for w in some)
    ).drop_nulls()
    both = held.join(held, on=words["dob"]).filter(
        pl.col("record_id") < pl.col("record_id_right"),
        *(
            pl.any_horizontal(pl.col(word) != pl.col(f"{word}_right") for word in words[name])
            for name in ("postcode", "surname", "forename")
        ),
    )
    sector = token_column("date_sector")
    one = both.filter(pl.col(sector) == pl.col(f"{sector}_right")).height
    return (one + SMOOTHING) / (both.height + 1)


def _probability(trained: object, pairs: float) -> float:
    """A usable probability, also for a level that no sampled pair reached."""
    least = SMOOTHING / pairs
    share = float(trained) if isinstance(trained, float | int) else 0.0
    return min(max(share, least), 1 - least)


def estimate_m(scored: pl.DataFrame) -> dict[str, dict[str, float]]:
    """The share of true pairs at each level.

    Args:
        scored: The levels (``gamma_*``) of pairs known to be of one person.

    Returns:
        Comparison → level → probability.
    """
    shares = {}
    for comparison in COMPARISONS:
        reached = scored[f"gamma_{comparison.name}"].to_numpy()
        best = len(comparison.levels) - 1
        counts = np.array([(reached == best - i).sum() for i in range(best + 1)]) + SMOOTHING
        shares[comparison.name] = {
            level.name: float(count / counts.sum())
            for level, count in zip(comparison.levels, counts, strict=True)
        }
    return shares


def train(
    encoded: pl.DataFrame, common: pl.DataFrame, persons: pl.DataFrame, *, seed: int
) -> dict[str, Any]:
    """Estimate every parameter and the threshold of a model.

    Args:
        encoded: Encoded records of the training population.
        common: One record a person of it, under one common salt.
        persons: ``record_id``, ``person``: who each record is.
        seed: Of the sampling.

    Returns:
        ``probability_two_random_records_match``, ``comparisons``, ``thresholds`` and ``guard``, as
        a model file holds them.
    """
    prior = _prior(persons)
    u = estimate_u(common, seed=seed)
    levels = score(encoded, splink_settings(None, prior, retain_levels=True))
    m = estimate_m(with_truth(levels, persons).filter("match"))
    parameters = {c: {level: (m[c][level], u[c][level]) for level in u[c]} for c in u}
    weights = {c: {level: log2(m[c][level] / u[c][level]) for level in u[c]} for c in u}
    scored = with_truth(score(encoded, splink_settings(parameters, prior)), persons)
    threshold = best_threshold(scored.filter(~collision(weights)), persons)
    return {
        "probability_two_random_records_match": prior,
        "thresholds": {"link": threshold, "review": threshold - REVIEW_MARGIN},
        "guard": True,
        "comparisons": {
            c: {level: {"m": m[c][level], "u": u[c][level]} for level in u[c]} for c in u
        },
    }


def _prior(persons: pl.DataFrame) -> float:
    return _pairs_within(persons, "person") / (persons.height * (persons.height - 1) / 2)


def with_truth(scored: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Mark each scored pair with ``match``: whether both records are of one person."""
    sides = [
        persons.select(pl.col("record_id").alias(f"record_id_{side}"), pl.col("person").alias(side))
        for side in ("l", "r")
    ]
    return (
        scored.join(sides[0], on="record_id_l", how="left")
        .join(sides[1], on="record_id_r", how="left")
        .with_columns(match=pl.col("l") == pl.col("r"))
        .drop("l", "r")
    )


def best_threshold(scored: pl.DataFrame, persons: pl.DataFrame) -> float:
    """The whole match weight to link from.

    Groups are judged, not pairs: a few wrong links chain many people together. They are judged as a
    run makes them, with chains parted. Their F1 is nearly flat around its best, and a wrong link
    harms more than a missed one, so the highest weight is taken whose F1 is within ``F1_GIVEN_UP``
    of the best.

    Args:
        scored: ``record_id_l``, ``record_id_r``, ``match_weight`` of the pairs that may be linked.
        persons: ``record_id``, ``person``: who each record is.
    """
    firsts = persons.select("record_id", first="record_id")
    rated = {
        float(weight): group_f1(
            grouped(firsts, scored.filter(pl.col("match_weight") >= weight)).groups, persons
        )
        for weight in THRESHOLDS_TRIED
    }
    enough = max(rated.values()) - F1_GIVEN_UP
    return max(weight for weight, f1 in rated.items() if f1 >= enough)


def group_f1(grouped: pl.DataFrame, persons: pl.DataFrame) -> float:
    """F1 of the record pairs that share a group, against those that share a person.

    Args:
        grouped: ``record_id``, ``group``.
        persons: ``record_id``, ``person``.
    """
    both = grouped.join(persons, on="record_id")
    shared = _pairs_within(both, "group", "person")
    return 2 * shared / (_pairs_within(both, "group") + _pairs_within(both, "person"))


def _pairs_within(frame: pl.DataFrame, *columns: str) -> int:
    sizes = frame.group_by(columns).len()["len"].cast(pl.Int64)
    return int((sizes * (sizes - 1) // 2).sum())
