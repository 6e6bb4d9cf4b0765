"""From links to people: what reviewers decided, groups without chains, and clients of initials."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from linkage.groups import grouped, groups
from linkage.reduced import Attached, attach
from linkage.review import CERTAIN, PAIR, Decisions, no_decisions, respect, standing_alone

if TYPE_CHECKING:
    from linkage.model import Model


@dataclass(frozen=True)
class Consolidated:
    """Groups that are believed to be one person each.

    Attributes:
        groups: ``record_id``, ``group``: every record once.
        parted: Groups that were chains of people and were parted.
        giants: Those of them that were very large.
        attached: Which clients known by initials only have joined their person.
    """

    groups: pl.DataFrame = field(repr=False)
    parted: int
    giants: int
    attached: Attached


def consolidate(
    encoded: pl.DataFrame,
    firsts: pl.DataFrame,
    links: pl.DataFrame,
    model: Model,
    decisions: Decisions | None = None,
) -> Consolidated:
    """Gather linked records into people.

    Args:
        encoded: The encoded records.
        firsts: ``record_id``, ``first``: which record stands for those alike.
        links: ``record_id_l`` < ``record_id_r``, ``match_weight``: the pairs that are links.
        model: The model that judged them.
        decisions: What reviewers decided of pairs.
    """
    decided = decisions or no_decisions()
    found = grouped(standing_alone(firsts, decided), respect(links, decided))
    attached = _respecting(attach(encoded, found.groups, model.reduced), found.groups, decided)
    return Consolidated(attached.groups, found.parted, found.giants, attached)


def _respecting(attached: Attached, whole: pl.DataFrame, decisions: Decisions) -> Attached:
    """Clients without the links that would bring two different records together.

    The groups that they join are whole: none of their own links falls for a client's sake.
    """
    if decisions.different.is_empty() or attached.links.is_empty():
        return attached
    within = whole.filter(pl.col("record_id") > pl.col("group")).select(
        record_id_l="group", record_id_r="record_id", match_weight=pl.lit(CERTAIN)
    )
    asked = pl.concat([within, attached.links.select(*PAIR, "match_weight")])
    standing = respect(asked, replace(no_decisions(), different=decisions.different))
    return replace(
        attached,
        links=attached.links.join(standing, on=PAIR, how="semi"),
        groups=groups(whole["record_id"], standing),
    )
