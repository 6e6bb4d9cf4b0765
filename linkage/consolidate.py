"""From links to people: what reviewers decided, groups without chains, and clients of initials."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import polars as pl

from linkage.groups import Grouped, grouped, groups, numbered
from linkage.reduced import OTHER_IDS, Attached, attach
from linkage.review import CERTAIN, PAIR, Decisions, fallen, no_decisions, respect, standing_alone

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
    guarded: pl.DataFrame | None = None,
) -> Consolidated:
    """Gather links into people.

    What holds a group together as one person's is judged by the links alone. Records that were
    found the same join their groups afterwards: one link between two people who turn out to be one
    would else look like a chain, and cost both of them their weaker links.

    Args:
        encoded: The encoded records.
        firsts: ``record_id``, ``first``: which record stands for those alike.
        links: ``record_id_l`` < ``record_id_r``, ``match_weight``: the pairs that are links.
        model: The model that judged them.
        decisions: What reviewers decided of pairs; of records that are not there as well.
        guarded: ``record_id_l`` < ``record_id_r``: the pairs that the collision guard keeps apart.
    """
    lowest = _lowest(firsts)
    firsts = firsts.sort("record_id").with_columns(pl.col("first").replace(*lowest))
    records = firsts["record_id"]
    decided = (decisions or no_decisions()).among(records)
    relatives = no_decisions().different if guarded is None else of_other_ids(encoded, guarded)
    apart = _with_relatives(decided, _exchanged(relatives, lowest))
    found, whole = _gathered(
        _numbered_firsts(firsts),
        numbered(_exchanged(links.select(*PAIR, "match_weight"), lowest), records),
        _numbered_decisions(decided, records),
        _numbered_decisions(apart, records),
    )
    whole = whole.select(
        records.gather(whole["record_id"]).set_sorted().alias("record_id"),
        records.gather(whole["group"]).alias("group"),
    )
    attached = _respecting(attach(encoded, whole, model.reduced), whole, decided)
    return Consolidated(attached.groups, found.parted, found.giants, attached)


def _gathered(
    firsts: pl.DataFrame, links: pl.DataFrame, decided: Decisions, apart: Decisions
) -> tuple[Grouped, pl.DataFrame]:
    """Groups by the links, and those with what was decided; records are told by their places."""
    links = _alike_last(firsts, links)
    left_out = fallen(links, apart, firsts["record_id"])
    found = grouped(standing_alone(firsts, decided), links.join(left_out, on=PAIR, how="anti"))
    return found, _joined(found.groups, decided.same.join(left_out, on=PAIR, how="anti"))


def of_other_ids(encoded: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The pairs of records that hold different strong ids and none in common.

    Args:
        encoded: The encoded records.
        pairs: ``record_id_l``, ``record_id_r``.
    """
    ids = encoded.select("record_id", *OTHER_IDS)
    both = pairs.join(ids, left_on="record_id_l", right_on="record_id").join(
        ids, left_on="record_id_r", right_on="record_id", suffix="_r"
    )
    agree, differ = (
        pl.any_horizontal(test(pl.col(one), pl.col(f"{one}_r")) for one in OTHER_IDS).fill_null(
            value=False
        )
        for test in (pl.Expr.eq, pl.Expr.ne)
    )
    return both.filter(differ, ~agree).select(PAIR)


def _with_relatives(decided: Decisions, relatives: pl.DataFrame) -> Decisions:
    """The decisions, and relatives as different where nobody decided that they are the same.

    The guard keeps their two records apart. Without this a third, which lacks the forename or the
    date that tells them apart, would bring them together all the same.
    """
    ends = pl.concat([frame[end] for frame in (decided.same, relatives) for end in PAIR]).unique()
    held = groups(ends, decided.same)
    unheard = (
        relatives.join(held, left_on="record_id_l", right_on="record_id")
        .join(held, left_on="record_id_r", right_on="record_id", suffix="_r")
        .filter(pl.col("group") != pl.col("group_r"))
        .select(PAIR)
    )
    return replace(decided, different=pl.concat([decided.different, unheard]).unique())


def _lowest(firsts: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """The records to exchange so that the lowest of those alike stands for them: which, for which.

    Weights are the same, and who is decided of, or named by, must not follow from who came first.
    """
    ahead = firsts.filter(pl.col("record_id") < pl.col("first"))
    lowest = ahead.group_by("first").agg(pl.col("record_id").min())
    old, new = lowest["first"], lowest["record_id"]
    return pl.concat([old, new]), pl.concat([new, old])


def _exchanged(pairs: pl.DataFrame, lowest: tuple[pl.Series, pl.Series]) -> pl.DataFrame:
    """The pairs with some records in the place of others, the lower on the left still."""
    return pairs.with_columns(pl.col(*PAIR).replace(*lowest)).with_columns(
        record_id_l=pl.min_horizontal(*PAIR), record_id_r=pl.max_horizontal(*PAIR)
    )


def _numbered_firsts(firsts: pl.DataFrame) -> pl.DataFrame:
    """The records by their places, in their order, and which stands for those alike."""
    both = firsts.select(record_id_l="record_id", record_id_r="first")
    return numbered(both, firsts["record_id"]).rename(
        {"record_id_l": "record_id", "record_id_r": "first"}
    )


def _numbered_decisions(decided: Decisions, records: pl.Series) -> Decisions:
    return Decisions(numbered(decided.same, records), numbered(decided.different, records))


def _alike_last(firsts: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The links, those of records that are alike in everything being the last to be cut.

    Args:
        firsts: ``record_id``, ``first``, by their places and in their order.
        links: Pairs of places, and ``match_weight``.
    """
    first = firsts["first"]
    left, right = (links[end] for end in PAIR)
    alike = (first.gather(left) == right) | (first.gather(right) == left)
    weight = pl.when(alike).then(ALIKE).otherwise("match_weight").alias("match_weight")
    return links.with_columns(weight)


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
