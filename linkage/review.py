"""What reviewers decide of pairs of records, and how the groups respect it.

A reviewer says of two records that they are of one person (*same*), that they are not (*different*)
or that it cannot be told (*unsure*). Records that are different never share a group, records that
are the same always do, unless another decision forbids it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from linkage.groups import groups

PAIR: Final = ("record_id_l", "record_id_r")
CERTAIN: Final = float("inf")
"""The weight of a link that a person decided: it is the last to be cut."""


@dataclass(frozen=True)
class Decisions:
    """The pairs that were decided: ``record_id_l`` < ``record_id_r`` each.

    Attributes:
        same: Records of one person.
        different: Records of two people.
    """

    same: pl.DataFrame = field(repr=False)
    different: pl.DataFrame = field(repr=False)

    def among(self, records: pl.Series) -> Decisions:
        """Those of some records alone: what was decided of a record outlives its being left out.

        Args:
            records: The ids of the records that are there.
        """
        if self.same.is_empty() and self.different.is_empty():
            return self
        there = pl.all_horizontal(pl.col(*PAIR).is_in(records.implode()))
        return Decisions(self.same.filter(there), self.different.filter(there))


def no_decisions() -> Decisions:
    """Nothing decided."""
    nothing = pl.DataFrame(schema=dict.fromkeys(PAIR, pl.Int64))
    return Decisions(nothing, nothing)


def respect(links: pl.DataFrame, decisions: Decisions) -> pl.DataFrame:
    """The links that may join groups, once reviewers have been heard.

    Links between records that were found the same are added. Where links would bring two different
    records together, however far round, they are taken up again from the strongest to the weakest,
    and one that would do so is left out: the weakest on the way falls. What links of one weight do
    depends on their record ids, so the outcome is the same whatever order they come in. Links that
    lead to no different records are as they were.

    Args:
        links: ``record_id_l`` < ``record_id_r``, ``match_weight``, and any other columns.
        decisions: What was decided of records that are there.

    Returns:
        The same columns, sorted by pair. In no component of them are two different records.
    """
    wanted = _with_the_same(links, decisions.same)
    apart = decisions.different
    records = pl.concat([frame[end] for frame in (wanted, apart) for end in PAIR]).unique()
    return wanted.join(_fallen(wanted, apart, records), on=PAIR, how="anti").sort(PAIR)


def fallen(links: pl.DataFrame, decisions: Decisions, records: pl.Series) -> pl.DataFrame:
    """The links that :func:`respect` leaves out, and decided ones that fall for others' sake.

    Args:
        links: ``record_id_l`` < ``record_id_r``, ``match_weight``.
        decisions: What was decided.
        records: Every record, at least those that links and decisions name.

    Returns:
        ``record_id_l``, ``record_id_r``.
    """
    return _fallen(_with_the_same(links, decisions.same), decisions.different, records)


def _fallen(wanted: pl.DataFrame, apart: pl.DataFrame, records: pl.Series) -> pl.DataFrame:
    """The links that may not stand, where some records must stay apart."""
    if apart.is_empty():
        return apart.select(PAIR)
    whole = groups(records, wanted)
    broken = (
        apart.join(whole, left_on="record_id_l", right_on="record_id")
        .join(whole, left_on="record_id_r", right_on="record_id", suffix="_r")
        .filter(pl.col("group") == pl.col("group_r"))
    )
    inside = whole.join(broken.select("group").unique(), on="group", how="semi")["record_id"]
    judged = wanted.filter(pl.col("record_id_l").is_in(inside.implode())).sort(
        "match_weight", *PAIR, descending=[True, False, False]
    )
    return judged.filter(~_standing(judged, broken)).select(PAIR)


def _with_the_same(links: pl.DataFrame, same: pl.DataFrame) -> pl.DataFrame:
    """The links, those that were decided being certain, and the decided ones that are no links."""
    if same.is_empty():
        return links
    decided = links.join(same, on=PAIR, how="semi").with_columns(
        match_weight=pl.lit(CERTAIN, links.schema["match_weight"])
    )
    added = same.join(links, on=PAIR, how="anti").with_columns(match_weight=pl.lit(CERTAIN))
    others = links.join(same, on=PAIR, how="anti")
    return pl.concat([others, decided, added], how="diagonal")


def _standing(links: pl.DataFrame, apart: pl.DataFrame) -> pl.Series:
    """Which of some links, in the order they are taken up, join nobody who must stay apart."""
    root: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    foes: dict[int, set[int]] = defaultdict(set)
    for one, other in apart.select(PAIR).iter_rows():
        foes[one].add(other)
        foes[other].add(one)
    stands = []
    for one, other in links.select(PAIR).iter_rows():
        parts = [root.setdefault(record, record) for record in (one, other)]
        small, large = sorted(parts, key=lambda part: len(members.setdefault(part, [part])))
        may_join = small == large or not any(
            root.get(foe) == large for record in members[small] for foe in foes[record]
        )
        if may_join and small != large:
            for record in members[small]:
                root[record] = large
            members[large] += members.pop(small)
        stands.append(may_join)
    return pl.Series(stands, dtype=pl.Boolean)


def contradicts(decisions: Decisions, one: int, other: int, decision: str) -> bool:
    """Whether deciding so of two records would contradict what was decided of others.

    Args:
        decisions: What was decided before, without that pair.
        one: A record.
        other: Another.
        decision: ``same`` or ``different``; ``unsure`` contradicts nothing.
    """
    if decision == "unsure":
        return False
    pair = pl.DataFrame([sorted((one, other))], schema=dict.fromkeys(PAIR, pl.Int64), orient="row")
    same, different = decisions.same, decisions.different
    if decision == "same":
        same = pl.concat([same, pair])
    else:
        different = pl.concat([different, pair])
    records = pl.concat([frame[c] for frame in (same, different) for c in PAIR]).unique()
    held = groups(records, same)
    return not (
        different.join(held, left_on="record_id_l", right_on="record_id")
        .join(held, left_on="record_id_r", right_on="record_id", suffix="_r")
        .filter(pl.col("group") == pl.col("group_r"))
        .is_empty()
    )


def standing_alone(firsts: pl.DataFrame, decisions: Decisions) -> pl.DataFrame:
    """Which record stands for those alike, where one found different stands for itself.

    Args:
        firsts: ``record_id``, ``first``.
        decisions: What was decided.

    Returns:
        The same columns.
    """
    named = pl.concat([decisions.different[column] for column in PAIR]).unique()
    decided = pl.col("record_id").is_in(named.implode())
    return firsts.with_columns(first=pl.when(decided).then("record_id").otherwise("first"))
