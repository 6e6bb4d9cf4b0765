"""What speaks against a group being one person: its size, its density, its bridges and its ids.

A group is large, or *sparse* when few of its records are linked to one another, or *bridged* when
one link alone holds two parts of it together, or its strong ids differ. None of these parts a
group: they say where a person should look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import polars as pl

from schemas.encoded import STRONG_IDS, token_column

LARGE: Final = 30
"""Records, alike ones counted once, from which a group is large (policy, 2026-11-22)."""

SPARSE_FROM: Final = 5
SPARSE: Final = 0.5
"""A group of five or more is sparse when under half of its pairs are linked (2026-11-22)."""

PART: Final = 2
"""Records that each part must have for a link between two parts to be a bridge (2026-11-22)."""

CHECKS: Final = {
    "conflicting": "holds different values of one strong id",
    "bridged": "hangs together by one link",
    "sparse": f"has {SPARSE_FROM} or more records, under half of their pairs linked",
    "large": f"has more than {LARGE} records",
}
"""What a group may be flagged for, the gravest first."""

_IDS: Final = [token_column(name) for name in STRONG_IDS if name != "local_id"]


def check_groups(groups: pl.DataFrame, links: pl.DataFrame, encoded: pl.DataFrame) -> pl.DataFrame:
    """Look at every group of more than one record.

    Args:
        groups: ``record_id``, ``group``.
        links: ``record_id_l``, ``record_id_r``: the links that made them.
        encoded: The encoded records.

    Returns:
        ``group``, ``records`` and ``links`` (alike records counted once), ``density`` (the share of
        its pairs that are linked), ``bridges``, and a truth value for each of :data:`CHECKS`;
        sorted by group.
    """
    members = _distinct(groups, encoded)
    between = _links_of(members, links)
    pairs = pl.col("records") * (pl.col("records") - 1) / 2
    sized = (
        members.group_by("group")
        .agg(records=pl.col("first").n_unique().cast(pl.Int64), **_conflict())
        .filter(pl.col("group").is_in(_of_several(groups).implode()))
        .join(between.group_by("group").agg(links=pl.len()), on="group", how="left")
        .with_columns(pl.col("links").fill_null(0).cast(pl.Int64))
        .with_columns(density=pl.when(pairs > 0).then(pl.col("links") / pairs).otherwise(1.0))
    )
    # Where everybody is linked to everybody, as in most groups, there is no bridge to look for.
    may_have_one = sized.filter(pl.col("records") >= 2 * PART, pl.col("density") < 1)
    found = bridges(between.join(may_have_one, on="group", how="semi"))
    across = found.join(members, left_on="record_id_l", right_on="record_id")
    return (
        sized.join(across.group_by("group").agg(bridges=pl.len()), on="group", how="left")
        .with_columns(pl.col("bridges").fill_null(0).cast(pl.Int64))
        .with_columns(
            bridged=pl.col("bridges") > 0,
            sparse=(pl.col("records") >= SPARSE_FROM) & (pl.col("density") < SPARSE),
            large=pl.col("records") > LARGE,
        )
        .select("group", "records", "links", "density", "bridges", *CHECKS)
        .sort("group")
    )


def doubtful_links(
    checked: pl.DataFrame, groups: pl.DataFrame, links: pl.DataFrame, encoded: pl.DataFrame
) -> pl.DataFrame:
    """The links that a person should look at: a flagged group's bridges, or else its weakest link.

    Args:
        checked: From :func:`check_groups`.
        groups: As given to it.
        links: As given to it, with ``match_weight``.
        encoded: As given to it.

    Returns:
        ``record_id_l``, ``record_id_r``, ``match_weight``, ``why`` (one of :data:`CHECKS`).
    """
    flagged = checked.filter(pl.any_horizontal(*CHECKS)).select(
        "group",
        why=pl.coalesce(pl.when(pl.col(check)).then(pl.lit(check)) for check in CHECKS),
    )
    members = _distinct(groups, encoded)
    between = _links_of(members, links).join(flagged, on="group")
    holding = bridges(between).with_columns(bridge=True)
    weakest = pl.int_range(pl.len()).over("group") == 0
    return (
        between.join(holding, on=["record_id_l", "record_id_r"], how="left")
        .with_columns(pl.col("bridge").fill_null(value=False))
        .sort("match_weight", "record_id_l", "record_id_r")
        .filter(pl.col("bridge") | (weakest & ~pl.col("bridge").any().over("group")))
        .select("record_id_l", "record_id_r", "match_weight", "why")
    )


def bridges(links: pl.DataFrame) -> pl.DataFrame:
    """The links that alone hold two parts of some records each together.

    Args:
        links: ``record_id_l``, ``record_id_r``, each pair once.

    Returns:
        The same columns, of the bridges, sorted. A link on which a single record hangs is none.
    """
    near: dict[int, list[int]] = defaultdict(list)
    for left, right in links.select("record_id_l", "record_id_r").iter_rows():
        near[left].append(right)
        near[right].append(left)
    met: set[int] = set()
    found: list[tuple[int, int]] = []
    for start in near:
        if start not in met:
            found += _bridges_from(start, near, met)
    ordered = sorted((min(pair), max(pair)) for pair in found)
    kind = links.schema["record_id_l"]
    return pl.DataFrame(
        ordered, schema=dict.fromkeys(("record_id_l", "record_id_r"), kind), orient="row"
    )


def _bridges_from(
    start: int, near: dict[int, list[int]], met: set[int]
) -> Iterator[tuple[int, int]]:
    """The bridges of one component, by a walk in depth (Tarjan 1974), its nodes added to ``met``.

    A node's *low* is the earliest node that it or what was reached through it is linked to. The
    link by which a node was reached is a bridge where its low is the node itself.
    """
    order = {start: 0}
    low = {start: 0}
    parent: dict[int, int] = {}
    walked = [start]
    path = [(start, iter(near[start]))]
    while path:
        node, others = path[-1]
        for other in others:
            if other not in order:
                order[other] = low[other] = len(order)
                parent[other] = node
                walked.append(other)
                path.append((other, iter(near[other])))
                break
            if other != parent.get(node):
                low[node] = min(low[node], order[other])
        else:
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[node])
    met.update(walked)
    below = dict.fromkeys(walked, 1)
    for node in reversed(walked[1:]):
        below[parent[node]] += below[node]
    for node in walked[1:]:
        if low[node] == order[node] and PART <= below[node] <= len(walked) - PART:
            yield parent[node], node


def _distinct(groups: pl.DataFrame, encoded: pl.DataFrame) -> pl.DataFrame:
    """Each record with its group, its ids, and the first record of the group that is alike to it.

    Alike records are linked to one of them and not to one another, so they count as one.
    """
    known = encoded.select(
        "record_id", *_IDS, alike=encoded.select(pl.exclude("record_id")).hash_rows()
    )
    return groups.join(known, on="record_id").with_columns(
        first=pl.col("record_id").min().over("group", "alike")
    )


def _links_of(members: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """The links between records that are not alike, each pair once, with their group."""
    first = members.select("record_id", "first", "group")
    of_both = links.join(first, left_on="record_id_l", right_on="record_id").join(
        first.select("record_id", first_r="first"), left_on="record_id_r", right_on="record_id"
    )
    return (
        of_both.with_columns(
            record_id_l=pl.min_horizontal("first", "first_r"),
            record_id_r=pl.max_horizontal("first", "first_r"),
        )
        .filter(pl.col("record_id_l") < pl.col("record_id_r"))
        .drop("first", "first_r")
        .unique(["record_id_l", "record_id_r"], keep="first", maintain_order=True)
    )


def _of_several(groups: pl.DataFrame) -> pl.Series:
    return groups.group_by("group").len().filter(pl.col("len") > 1)["group"]


def _conflict() -> dict[str, pl.Expr]:
    several = [pl.col(column).drop_nulls().n_unique() > 1 for column in _IDS]
    return {"conflicting": pl.any_horizontal(several)}
