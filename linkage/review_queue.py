"""Which pairs of records a person should look at, and what that person is shown of them.

The hub is asked of any pair. A partner is asked of pairs within its own extract only, and which
those are is worked out from its own records alone, so that the question cannot tell it anything
about a record of another partner.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from linkage.clusters import CHECKS, check_groups, doubtful_links
from linkage.groups import groups
from linkage.match import WEIGHT_TOLERANCE, score
from linkage.model import Model
from linkage.review import PAIR, Decisions, respect
from linkage.review_store import RECTIFIED

HUB: Final = "hub"

NEAR: Final = 1.0
"""A pair within this of the link threshold could as well be judged otherwise (2026-11-22)."""

MOST_QUEUED: Final = 100
"""Of each reason, as many pairs are asked about at a time (policy, 2026-11-22)."""

WHY: Final = {
    **{check: f"it holds together a group that {said}" for check, said in CHECKS.items()},
    "guarded": "it would be a link, but its records look like two people of one household",
    "near": "its weight is near the link threshold",
    RECTIFIED: "the person had it put apart",
}
"""Why a pair is asked about, the gravest first."""

NO_EVIDENCE: Final = "no evidence"


def queue(
    encoded: pl.DataFrame, pairs: pl.DataFrame, decisions: Decisions, link_at: float
) -> pl.DataFrame:
    """The pairs to be looked at, by the hub and by each partner.

    Args:
        encoded: The encoded records.
        pairs: The candidate pairs: ``record_id_l`` < ``record_id_r``, ``match_weight``,
            ``guarded``, ``linked``.
        decisions: What was decided before.
        link_at: The match weight from which a pair is linked.

    Returns:
        ``asked`` (``hub`` or a partner), ``record_id_l``, ``record_id_r`` and ``why``, one of
        :data:`WHY`: each pair once for whoever is asked, with the gravest reason.
    """
    asked = [_asked(HUB, encoded, pairs, decisions.among(encoded["record_id"]), link_at)]
    for partner in sorted(encoded["partner"].unique()):
        own = encoded.filter(partner=partner)
        asked.append(
            _asked(
                partner,
                own,
                _within(pairs, own),
                decisions.among(own["record_id"]),
                link_at,
            )
        )
    return pl.concat(asked)


def _within(pairs: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    known = records.select("record_id")
    return pairs.join(known, left_on="record_id_l", right_on="record_id", how="semi").join(
        known, left_on="record_id_r", right_on="record_id", how="semi"
    )


def _asked(
    whom: str, encoded: pl.DataFrame, pairs: pl.DataFrame, decisions: Decisions, link_at: float
) -> pl.DataFrame:
    linked = respect(pairs.filter("linked").select(*PAIR, "match_weight"), decisions)
    grouped = groups(encoded["record_id"], linked)
    flagged = check_groups(grouped, linked, encoded)
    strong = pl.col("match_weight") >= link_at
    doubts = [
        doubtful_links(flagged, grouped, linked, encoded),
        pairs.filter(strong & pl.col("guarded")).select(
            *PAIR, "match_weight", why=pl.lit("guarded")
        ),
        pairs.filter((pl.col("match_weight") - link_at).abs() <= NEAR).select(
            *PAIR, "match_weight", why=pl.lit("near")
        ),
    ]
    rank = pl.col("why").replace_strict({why: at for at, why in enumerate(WHY)})
    nearness = (pl.col("match_weight") - link_at).abs()
    return (
        pl.concat(doubts)
        .sort(rank, nearness, *PAIR)
        .unique(PAIR, keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).over("why") < MOST_QUEUED)
        .select(pl.lit(whom).alias("asked"), *PAIR, "why")
    )


def patterns(pairs: pl.DataFrame, encoded: pl.DataFrame, model: Model) -> pl.DataFrame:
    """How much the records of some pairs agree: all that a reviewer is shown.

    Args:
        pairs: ``record_id_l`` < ``record_id_r``.
        encoded: The encoded records.
        model: The model that judged them.

    Returns:
        ``record_id_l``, ``record_id_r``, ``match_weight``, for each comparison the name of the
        level reached, and in a column of that name after ``mw_`` the weight that adds; sorted by
        pair.
    """
    named = pl.concat([pairs[column] for column in PAIR]).unique()
    some = encoded.filter(pl.col("record_id").is_in(named.implode()))
    scored = score(some, model.settings(), pairs.select(PAIR))
    levels = [_level(name, weights) for name, weights in model.weights().items()]
    return scored.select(*PAIR, "match_weight", *levels, "^mw_.*$").sort(PAIR)


def _level(comparison: str, weights: dict[str, float]) -> pl.Expr:
    """The name of the level of a comparison, told by its weight."""
    found = pl.col(f"mw_{comparison}")
    reached = [
        pl.when((found - weight).abs() < WEIGHT_TOLERANCE).then(pl.lit(level))
        for level, weight in weights.items()
    ]
    return pl.coalesce(*reached, pl.lit(NO_EVIDENCE)).alias(comparison)
