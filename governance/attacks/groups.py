"""Finding who shares an anchor.

Composites that hold the anchor chain records together for certain. Filters of unrelated values lie
a little nearer inside an anchor than across, too little to tell of one pair; but the mean distance
to the members of a chain tells, so a chain of a few draws in the rest of its hostel.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from governance.attacks.bits import Indices, Reals, bits_of, words_of
from governance.attacks.form import Anchor

FEWEST: Final = 4  # members of a chain that is grown
JOINS, STAYS = 3.7, 1.5  # standard deviations above all other records; 10,000 make one mistake
TURNS: Final = 8
MOST_RECORDS: Final = 40_000  # every chain is compared with all records


def discover(encoded: pl.DataFrame, anchor: Anchor) -> Indices:
    """Group records that seem to share an anchor.

    Args:
        encoded: Encoded records.
        anchor: Which.

    Returns:
        A group number for each record.
    """
    group = chained(encoded, anchor.tokens)
    # Copies of one record are no group.
    first, of_row = _distinct(encoded, anchor)
    return _grown(encoded[first], anchor, group[first])[of_row]


def chained(encoded: pl.DataFrame, tokens: tuple[str, ...]) -> Indices:
    """Group records that are joined by any of the tokens, straight or through others."""
    group = np.arange(encoded.height)
    codes = [
        encoded[token].rank("dense").fill_null(0).cast(pl.Int64).to_numpy() for token in tokens
    ]
    while True:
        before = group
        for code in codes:
            least = np.full(code.max(initial=0) + 1, len(group))
            np.minimum.at(least, code, group)
            group = np.where(code > 0, np.minimum(group, least[code]), group)
        if (group == before).all():
            return np.unique(group, return_inverse=True)[1]


def members(group: Indices, fewest: int) -> list[Indices]:
    """The rows of each group of at least so many, the largest group first."""
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    return sorted((part for part in parts if len(part) >= fewest), key=len, reverse=True)


def _distinct(encoded: pl.DataFrame, anchor: Anchor) -> tuple[Indices, Indices]:
    """Records that differ in a filter or have none, and for each record its equal among them."""
    words = [column for columns in anchor.filters for column in columns]
    row = pl.col("row")
    kind = pl.when(anchor.present()).then(row.first().over(words)).otherwise(row)
    first = encoded.with_row_index("row").select(kind).to_series().to_numpy()
    return np.unique(first.astype(np.int64), return_inverse=True)


def _grown(encoded: pl.DataFrame, anchor: Anchor, group: Indices) -> Indices:
    """Let each chain, the largest first, draw in the records that are near to it as a whole."""
    has = encoded.select(anchor.present()).to_series().to_numpy()
    signs = [_signs(encoded, columns) for columns in anchor.filters]
    grown, taken, number = group.copy(), ~has, group.max(initial=0)
    for chain in members(group, FEWEST):
        inside = np.zeros(len(group), dtype=bool)
        inside[chain] = True
        inside &= ~taken
        for _ in range(TURNS):
            if inside.sum() < FEWEST:
                break
            near = sum(one @ one[inside].mean(axis=0) for one in signs)
            score = _standard(near, has)
            drawn = ~taken & ((score > JOINS) | (inside & (score > STAYS)))
            if (drawn == inside).all():
                break
            inside = drawn
        number += 1
        grown[inside] = number
        taken |= inside
    return np.unique(grown, return_inverse=True)[1]


def _signs(encoded: pl.DataFrame, columns: tuple[str, ...]) -> Reals:
    """A filter's bits as -1 or 1, and 0 where there is no filter."""
    has = encoded[columns[0]].is_not_null().to_numpy()
    return (2 * bits_of(words_of(encoded, columns)) - 1) * has[:, None]


def _standard(near: Reals, has: NDArray[np.bool_]) -> Reals:
    """Standard deviations above the median, both of the bulk of the records."""
    middle = np.median(near[has])
    return (near - middle) / (1.4826 * np.median(np.abs(near[has] - middle)))


def pairs_found(group: Indices, truth: pl.Series) -> tuple[float, float]:
    """How many of the pairs that share an anchor were found, and of those found, how many do.

    Args:
        group: The result of :func:`discover`.
        truth: The anchor's true value; null shares with nobody.
    """
    frame = pl.DataFrame({"group": group, "truth": truth}).drop_nulls()
    found, real = (_pairs(frame, by) for by in (["group"], ["truth"]))
    right = _pairs(frame, ["group", "truth"])
    return right / max(real, 1), right / max(found, 1)


def _pairs(frame: pl.DataFrame, by: list[str]) -> int:
    sizes = frame.group_by(by).agg(n=pl.len().cast(pl.Int64))["n"]
    return int((sizes * (sizes - 1) // 2).sum())
