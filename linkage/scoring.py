"""How well scored pairs and groups agree with the truth; it knows nothing of how they were made.

pairs: record_id_l, record_id_r, match_weight, each pair once in either order.
grouped: record_id, group; a record without a row stands alone.
truth: record_id, partner, person; one row per record, and nothing else counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from linkage.groups import groups

ALL = "all"
CROSS = "cross-partner"


@dataclass(frozen=True)
class Evaluation:
    """Scores of pairs and groups.

    Args:
        threshold: The match weight at which pair F1 over all pairs is best.
        scores: kind (pair, group), scope (all, cross-partner, or two partners joined by `–`),
            true_pairs, precision, recall, f1, and for pairs `best_f1` at the scope's own best
            threshold `best_at`; precision, recall and f1 are at the common threshold.
    """

    threshold: float
    scores: pl.DataFrame

    def f1(self, kind: str, scope: str = ALL) -> float:
        """Return one F1."""
        return float(self.scores.filter(kind=kind, scope=scope)["f1"].item())


def evaluate(pairs: pl.DataFrame, grouped: pl.DataFrame, truth: pl.DataFrame) -> Evaluation:
    """Score pairs at their best threshold, and groups as they are, overall and by partners."""
    scored = label_pairs(pairs, truth)
    true_pairs = count_pairs(truth, ["person"])
    threshold = best_threshold(scored, within(true_pairs, ALL))["threshold"]
    rows = [score_pairs(scored, true_pairs, scope, threshold) for scope in scopes(truth)]
    rows += score_groups(grouped, truth)
    return Evaluation(threshold, pl.DataFrame(rows, infer_schema_length=None))


def scopes(truth: pl.DataFrame) -> list[str]:
    """Return every scope: all pairs, cross-partner ones, and each two partners."""
    partners = sorted(truth["partner"].unique())
    both = [_scope(a, b) for i, a in enumerate(partners) for b in partners[i:]]
    return [ALL, CROSS, *both]


def _scope(one: str, other: str) -> str:
    return "–".join(sorted((one, other)))


def label_pairs(pairs: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Return match_weight, scope of the two partners, cross, and whether they are one person."""
    return (
        pairs.join(truth, left_on="record_id_l", right_on="record_id")
        .join(truth, left_on="record_id_r", right_on="record_id", suffix="_r")
        .select(
            "match_weight",
            scope=pl.concat_str(
                pl.min_horizontal("partner", "partner_r"),
                pl.max_horizontal("partner", "partner_r"),
                separator="–",
            ),
            cross=pl.col("partner") != pl.col("partner_r"),
            true=pl.col("person") == pl.col("person_r"),
        )
    )


def count_pairs(records: pl.DataFrame, by: list[str]) -> dict[str, int]:
    """Count the pairs of records that agree on `by`, for each two partners, listing none."""
    counts = records.group_by(*by, "partner").agg(n=pl.len().cast(pl.Int64))
    same = counts.group_by("partner").agg(n=(pl.col("n") * (pl.col("n") - 1) // 2).sum())
    found = {_scope(partner, partner): n for partner, n in same.iter_rows()}
    across = (
        counts.join(counts, on=by, suffix="_r")
        .filter(pl.col("partner") < pl.col("partner_r"))
        .group_by("partner", "partner_r")
        .agg(n=(pl.col("n") * pl.col("n_r")).sum())
    )
    return found | {_scope(one, other): n for one, other, n in across.iter_rows()}


def within(counts: dict[str, int], scope: str) -> int:
    """Add up the pairs of `count_pairs` that lie in a scope."""
    if scope == ALL:
        return sum(counts.values())
    if scope == CROSS:
        return sum(n for both, n in counts.items() if len(set(both.split("–"))) == 2)
    return counts.get(scope, 0)


def best_threshold(scored: pl.DataFrame, true_pairs: int) -> dict[str, float]:
    """Return the threshold with the highest F1, with its precision, recall and f1."""
    curve = (
        scored.group_by("match_weight")
        .agg(tp=pl.col("true").sum().cast(pl.Int64), n=pl.len().cast(pl.Int64))
        .sort("match_weight", descending=True)
        .with_columns(pl.col("tp", "n").cum_sum())
        .with_columns(f1=2 * pl.col("tp") / (pl.col("n") + true_pairs))
    )
    if curve.is_empty():
        return {"threshold": float("inf"), "precision": 0.0, "recall": 0.0, "f1": 0.0}
    best = curve.row(curve["f1"].arg_max() or 0, named=True)
    return {"threshold": best["match_weight"], **rates(best["tp"], best["n"], true_pairs)}


def rates(tp: int, found: int, true_pairs: int) -> dict[str, float]:
    """Return precision, recall and f1 of so many right among found, and of so many to be found."""
    return {
        "precision": tp / found if found else 0.0,
        "recall": tp / true_pairs if true_pairs else 0.0,
        "f1": 2 * tp / (found + true_pairs) if found + true_pairs else 0.0,
    }


def score_pairs(
    scored: pl.DataFrame, counts: dict[str, int], scope: str, threshold: float
) -> dict[str, Any]:
    """Score the labelled pairs of a scope from one match weight, and at its own best.

    Args:
        scored: From `label_pairs`.
        counts: The true pairs, from `count_pairs`.
        scope: One of `scopes`.
        threshold: The match weight.
    """
    if scope == CROSS:
        scored = scored.filter("cross")
    elif scope != ALL:
        scored = scored.filter(scope=scope)
    total = within(counts, scope)
    taken = scored.filter(pl.col("match_weight") >= threshold)
    own = best_threshold(scored, total)
    return {
        "kind": "pair",
        "scope": scope,
        "true_pairs": total,
        **rates(int(taken["true"].sum()), taken.height, total),
        "best_f1": own["f1"],
        "best_at": own["threshold"],
    }


def score_groups(grouped: pl.DataFrame, truth: pl.DataFrame) -> list[dict[str, Any]]:
    """Score the pairs that groups imply; a record in no group stands alone."""
    alone = pl.concat_str(pl.lit("alone "), pl.col("record_id").cast(pl.String))
    held = truth.join(
        grouped.select("record_id", pl.col("group").cast(pl.String)), on="record_id", how="left"
    ).with_columns(pl.col("group").fill_null(alone))
    true_pairs = count_pairs(held, ["person"])
    found = count_pairs(held, ["group"])
    right = count_pairs(held, ["group", "person"])
    return [
        {
            "kind": "group",
            "scope": scope,
            "true_pairs": within(true_pairs, scope),
            **rates(within(right, scope), within(found, scope), within(true_pairs, scope)),
            "best_f1": None,
            "best_at": None,
        }
        for scope in scopes(truth)
    ]


def connected_groups(pairs: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Return record_id and group: whoever is joined by pairs at or above a match weight."""
    joined = pairs.filter(pl.col("match_weight") >= threshold)
    members = pl.concat([joined["record_id_l"], joined["record_id_r"]]).unique()
    if members.is_empty():
        return pl.DataFrame(schema={"record_id": members.dtype, "group": members.dtype})
    return groups(members, joined)
