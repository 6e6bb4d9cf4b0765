"""Who would be whom, had records been linked more or less readily.

The link threshold is a choice. A figure that changes much when it is moved a little is one to be
careful with; that is its *sensitivity range*, and no confidence interval.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from linkage.consolidate import consolidate
from linkage.model import Model
from linkage.review import Decisions

RANGE: Final = (-3.0, 3.0)
"""Match weights below and above the link threshold between which figures are told: evidence eight
times weaker and eight times stronger (policy, 2026-11-22)."""


def linked_otherwise(
    encoded: pl.DataFrame,
    pairs: pl.DataFrame,
    firsts: pl.DataFrame,
    model: Model,
    decisions: Decisions,
) -> dict[float, pl.DataFrame]:
    """The people that there would be at each end of the range.

    What reviewers decided holds at every threshold, and what the collision guard keeps apart stays
    apart.

    Args:
        encoded: The encoded records.
        pairs: The candidate pairs: ``record_id_l`` < ``record_id_r``, ``match_weight``,
            ``guarded``.
        firsts: ``record_id``, ``first``: which record stands for those alike.
        model: The model that judged them.
        decisions: What reviewers decided.

    Returns:
        Match weight below or above the link threshold → ``record_id``, ``person_id``. These ids
        name a person within that linking only.
    """
    guarded, free = pairs.filter("guarded"), pairs.filter(~pl.col("guarded"))
    found = {}
    for offset in RANGE:
        links = free.filter(pl.col("match_weight") >= model.thresholds.link + offset)
        whole = consolidate(encoded, firsts, links, model, decisions, guarded).groups
        found[offset] = whole.select("record_id", person_id=pl.col("group").cast(pl.String))
    return found
