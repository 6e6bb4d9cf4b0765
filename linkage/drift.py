"""Whether linked records still agree as the model learnt that one person's records do.

A model is trained rarely. If a partner changes how it writes dates or names, links go missing long
before anybody notices; the levels of the pairs that are still linked show it first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from linkage.engines import Engine, in_duckdb
from linkage.match import at_level, score
from linkage.model import Model

DEPARTS_BY: Final = 0.10
"""The share of linked pairs at other levels than the model has it, from which a comparison has
drifted (policy, 2026-11-22: of people it was not trained on it was under .03 for 5,000 and 8,000,
and just over .05 for 1,000)."""

LOOKED_AT: Final = 10_000
"""Linked pairs that are looked at; of more, every so manieth (policy, 2026-11-22)."""

FEWEST: Final = 1_000
"""Fewer linked pairs that can be compared say nothing (policy, 2026-11-22)."""


@dataclass(frozen=True)
class Drift:
    """A comparison that has drifted.

    Attributes:
        comparison: Its name.
        level: The level whose share departs most.
        learnt: That level's share in the model.
        seen: Its share among linked pairs.
    """

    comparison: str
    level: str
    learnt: float
    seen: float

    def __str__(self) -> str:
        """The warning, in a sentence."""
        return (
            f"Of linked pairs {self.seen:.0%} agree on {self.comparison} at the level "
            f"“{self.level}”, where the linkage model learnt {self.learnt:.0%}. Ask the partners "
            "what has changed, or train a new model."
        )


def drifted(
    encoded: pl.DataFrame, linked: pl.DataFrame, model: Model, *, engine: Engine = in_duckdb
) -> list[Drift]:
    """The comparisons on which linked pairs agree otherwise than the model learnt.

    Args:
        encoded: The encoded records.
        linked: ``record_id_l``, ``record_id_r``: the full view's links.
        model: The model that linked them.
        engine: Where pairs are scored.
    """
    some = linked.gather_every(max(1, linked.height // LOOKED_AT))
    if some.height < FEWEST:
        return []
    scored = score(
        encoded, model.settings(), some.select("record_id_l", "record_id_r"), engine=engine
    )
    found = (_of(name, scored, model) for name in model.comparisons)
    return [drift for drift in found if drift]


def _of(comparison: str, scored: pl.DataFrame, model: Model) -> Drift | None:
    learnt = {level: p.m for level, p in model.comparisons[comparison].items()}
    weights = model.weights()
    seen = scored.select(
        at_level(comparison, level, weights).sum().alias(level) for level in learnt
    ).row(0, named=True)
    comparable = sum(seen.values())
    if comparable < FEWEST:
        return None
    apart = {level: seen[level] / comparable - m for level, m in learnt.items()}
    # Half of all departures: the share of pairs that are not at the level they were learnt at.
    if sum(map(abs, apart.values())) / 2 <= DEPARTS_BY:
        return None
    worst = max(apart, key=lambda level: abs(apart[level]))
    return Drift(comparison, worst, learnt[worst], learnt[worst] + apart[worst])
