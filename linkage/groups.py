"""Groups of records that are believed to be one person each.

A group is what links hold together. Links that are each likely can still chain many people: in a
large group whose records are mostly not linked to one another, the weakest links are taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

ENDS: Final = ("record_id_l", "record_id_r")
LARGE: Final = 4
"""Records, alike ones counted once, from which a group must hold together better (policy,
2026-11-22: among a million made-up records links alone made a group of 306 people; ADR 18)."""
DENSE: Final = 0.6
"""The share of a large group's pairs that must be linked (policy, 2026-11-22: one person's records
are mostly linked to one another, those of a chain of people are not; ADR 18)."""
GIANT: Final = 50
"""Records, alike ones counted once, from which it is told that a group was parted (policy,
2026-11-22: among a hundred thousand made-up records no group was, among a million seven)."""


@dataclass(frozen=True)
class Grouped:
    """Groups, and how many were parted because they were chains.

    Attributes:
        groups: ``record_id``, ``group``; every record once, in the order of its id. A group is
            named by its lowest record.
        parted: Groups that were parted.
        giants: Those of them that had more than `GIANT` records.
    """

    groups: pl.DataFrame
    parted: int
    giants: int


def groups(records: pl.Series, links: pl.DataFrame) -> pl.DataFrame:
    """Connected components of the links.

    Args:
        records: Every record id once.
        links: ``record_id_l``, ``record_id_r``.

    Returns:
        ``record_id``, ``group``, sorted by record.

    Raises:
        ValueError: A link is of a record that is not among them.
    """
    ids = records.sort().to_numpy()
    root = _hooked(np.arange(ids.size), *_places(ids, links))
    return _in_order(ids, ids[root])


def grouped(firsts: pl.DataFrame, links: pl.DataFrame) -> Grouped:
    """The groups of all records; alike ones go with the first of them where they are linked.

    Args:
        firsts: ``record_id``, ``first``: every record once, and which stands for those alike.
        links: ``record_id_l``, ``record_id_r``, ``match_weight``.

    Raises:
        ValueError: A link is of a record that is not among them.
    """
    firsts = firsts.sort("record_id")
    ids = firsts["record_id"].to_numpy()
    first = _found(ids, firsts["first"].to_numpy())
    left, right = _places(ids, links)
    alike = first[left] == first[right]
    going = np.concatenate([left[alike], right[alike]])
    stands = np.arange(ids.size)
    stands[going] = first[going]
    across = stands[left] != stands[right]
    edges = _Edges(
        stands[left[across]], stands[right[across]], links["match_weight"].to_numpy()[across]
    )
    counts = np.bincount(stands, minlength=ids.size) > 0
    whole = _hooked(np.arange(ids.size), edges.left, edges.right)
    root = _without_chains(whole, counts, edges)
    group = root[stands]
    lowest = np.arange(ids.size)
    np.minimum.at(lowest, group, np.arange(ids.size))
    sizes = np.bincount(whole, weights=counts, minlength=ids.size)
    parted = np.unique(whole[root != whole])
    return Grouped(
        _in_order(ids, ids[lowest[group]]),
        parted=parted.size,
        giants=int((sizes[parted] > GIANT).sum()),
    )


def _in_order(ids: np.ndarray, group: np.ndarray) -> pl.DataFrame:
    """Records and their groups, the records known to be in order."""
    return pl.DataFrame({"record_id": ids, "group": group}).with_columns(
        pl.col("record_id").set_sorted()
    )


def numbered(pairs: pl.DataFrame, records: pl.Series) -> pl.DataFrame:
    """The pairs with the place of each record among all of them, in which it is found at once.

    Args:
        pairs: ``record_id_l``, ``record_id_r``, and any other columns.
        records: Every record id once, in their order, which is that of the places too.

    Raises:
        ValueError: A pair is of a record that is not among them.
    """
    places = zip(ENDS, _places(records.to_numpy(), pairs), strict=True)
    return pairs.with_columns(pl.Series(name, place) for name, place in places)


def _places(ids: np.ndarray, links: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Where the two records of each link stand among the ids."""
    left, right = (_found(ids, links[name].to_numpy()) for name in ENDS)
    return left, right


def _found(ids: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where values stand among sorted ids; looked for in their order, half as costly.

    Raises:
        ValueError: One is not among them, and would be taken for its neighbour.
    """
    if ids.size and ids[0] == 0 and ids[-1] == ids.size - 1:  # they are the places themselves
        if values.size and not 0 <= values.min() <= values.max() < ids.size:
            raise ValueError("A link names a record that is not there.")
        return values
    order = np.argsort(values)
    sought = values[order]
    found = np.searchsorted(ids, sought)
    if sought.size and (found[-1] == ids.size or not np.array_equal(ids[found], sought)):
        raise ValueError("A link names a record that is not there.")
    places = np.empty_like(order)
    places[order] = found
    return places


def _hooked(root: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The lowest node of each node's component: hook the higher root to the lower, then flatten.

    Args:
        root: The lowest node known so far; a node alone is its own. It is not kept.
        left: One node of each link.
        right: The other.
    """
    while True:
        one, other = root[left], root[right]
        # Two nodes of one root have one root ever after, so their link is not looked at again.
        apart = one != other
        if not apart.any():
            return root
        left, right, one, other = left[apart], right[apart], one[apart], other[apart]
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(root, flat := root[root]):
            root = flat


@dataclass(frozen=True)
class _Edges:
    left: np.ndarray
    right: np.ndarray
    weight: np.ndarray

    def where(self, which: np.ndarray) -> _Edges:
        return _Edges(self.left[which], self.right[which], self.weight[which])


def _without_chains(root: np.ndarray, counts: np.ndarray, edges: _Edges) -> np.ndarray:
    """The lowest node of each component, each of which is now small or dense.

    Args:
        root: The lowest node of each component of all links.
        counts: Whether each node counts towards the size.
        edges: The links.
    """
    chained = np.isfinite(_weakest_of_chains(root, counts, edges))
    nodes = np.flatnonzero(chained[root])
    inside = edges.where(chained[root[edges.left]])
    left, right = (np.searchsorted(nodes, ends) for ends in (inside.left, inside.right))
    now = root.copy()
    now[nodes] = nodes[_parted(counts[nodes], _Edges(left, right, inside.weight))]
    return now


def _parted(counts: np.ndarray, edges: _Edges) -> np.ndarray:
    """The lowest node of each piece of some chains.

    The links of a component that is large and not dense lose their lowest bit of weight, and what
    is left of it is judged anew. All depends on its own links, whatever order they came in.
    """
    nodes = np.arange(counts.size)
    root = _hooked(nodes.copy(), edges.left, edges.right)
    while (chained := np.isfinite(least := _weakest_of_chains(root, counts, edges))).any():
        inside = edges.where(chained[root[edges.left]])
        edges = inside.where(inside.weight >= np.floor(least[root[inside.left]]) + 1)
        root = _hooked(np.where(chained[root], nodes, root), edges.left, edges.right)
    return root


def _weakest_of_chains(root: np.ndarray, counts: np.ndarray, edges: _Edges) -> np.ndarray:
    """The least weight within each chain, at its lowest node; infinite at all others.

    A chain is large and not dense. What is held by decisions alone, of infinite weight, is none.
    """
    of = root[edges.left]
    sizes = np.bincount(root, weights=counts, minlength=root.size)
    held = np.bincount(of, minlength=root.size)
    loose = (sizes > LARGE) & (held < DENSE * sizes * (sizes - 1) / 2)
    least = np.full(root.size, np.inf)
    within = loose[of]
    np.minimum.at(least, of[within], edges.weight[within])
    return least
