"""From links to people: what reviewers decided, groups without chains, and clients of initials."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from linkage.groups import grouped, groups
from linkage.reduced import Attached, attach
from linkage.review import CERTAIN, PAIR, Decisions, no_decisions, respect, standing_alone

if TYPE_CHECKING:
    from linkage.model import Model


ALIKE: Final = 1e9
"""The weight of a link between records that are alike in everything: only decisions weigh more."""


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

    What holds a group together as one person's is judged by the links alone. Records that were
    found the same join their groups afterwards: one link between two people who turn out to be one
    would else look like a chain, and cost both of them their weaker links.

    Args:
        encoded: The encoded records.
        firsts: ``record_id``, ``first``: which record stands for those alike.
        links: ``record_id_l`` < ``record_id_r``, ``match_weight``: the pairs that are links.
        model: The model that judged them.
        decisions: What reviewers decided of pairs.
    """
    decided = decisions or no_decisions()
    firsts, links = _lowest_first(firsts, links)
    links = _alike_last(firsts, links)
    standing = respect(links, decided)
    all_stand = decided.different.is_empty()
    evidence = links if all_stand else links.join(standing, on=PAIR, how="semi")
    found = grouped(standing_alone(firsts, decided), evidence)
    whole = _joined(found.groups, standing.join(decided.same, on=PAIR, how="semi"))
    attached = _respecting(attach(encoded, whole, model.reduced), whole, decided)
    return Consolidated(attached.groups, found.parted, found.giants, attached)


def _lowest_first(firsts: pl.DataFrame, links: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same with the lowest of those alike standing for them, whichever came first.

    Weights are the same, and who is decided of, or named by, must not follow from who came first.
    """
    ahead = firsts.filter(pl.col("record_id") < pl.col("first"))
    if ahead.is_empty():
        return firsts, links
    lowest = ahead.group_by("first").agg(pl.col("record_id").min())
    old, new = lowest["first"], lowest["record_id"]
    places = pl.col(*PAIR).replace(pl.concat([old, new]), pl.concat([new, old]))
    exchanged = links.with_columns(places).with_columns(
        record_id_l=pl.min_horizontal(*PAIR), record_id_r=pl.max_horizontal(*PAIR)
    )
    return firsts.with_columns(pl.col("first").replace(old, new)), exchanged


def _alike_last(firsts: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The links, those of records that are alike in everything being the last to be cut."""
    copies = firsts.filter(pl.col("record_id") != pl.col("first")).select(
        record_id_l=pl.min_horizontal("record_id", "first"),
        record_id_r=pl.max_horizontal("record_id", "first"),
        alike=pl.lit(value=True),
    )
    weight = pl.when("alike").then(ALIKE).otherwise("match_weight").alias("match_weight")
    return links.join(copies, on=PAIR, how="left").with_columns(weight).drop("alike")


def _joined(whole: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The groups, and as one those between which there are links."""
    if links.is_empty():
        return whole
    return groups(whole["record_id"], pl.concat([_held(whole).select(PAIR), links.select(PAIR)]))


def _held(whole: pl.DataFrame) -> pl.DataFrame:
    """Links that hold each group together: of every record with the one that names its group."""
    return whole.filter(pl.col("record_id") > pl.col("group")).select(
        record_id_l="group", record_id_r="record_id", match_weight=pl.lit(CERTAIN)
    )


def _respecting(attached: Attached, whole: pl.DataFrame, decisions: Decisions) -> Attached:
    """Clients without the links that would bring two different records together.

    The groups that they join are whole: none of their own links falls for a client's sake.
    """
    if decisions.different.is_empty() or attached.links.is_empty():
        return attached
    asked = pl.concat([_held(whole), attached.links.select(*PAIR, "match_weight")])
    standing = respect(asked, replace(no_decisions(), different=decisions.different))
    return replace(
        attached,
        links=attached.links.join(standing, on=PAIR, how="semi"),
        groups=groups(whole["record_id"], standing),
    )
