"""Who shares an anchor, told by filters that lie near each other.

Filters under two anchors are noise to each other, 64 bits of 128 apart and hardly ever much less.
So two that are much nearer lie under one anchor, whether or not a token shows it. Among all records
chance brings some as near; within a class that is told from elsewhere, as the insider is told
the year of birth, hardly any (docs/adr/0048).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from governance.attacks.bits import Indices, Words, words_of
from schemas.encoded import FILTERS, filter_columns

LIKE: Final = 36
"""Bits apart; 4.9 standard deviations from noise, so of a million pairs about one by chance."""

MOST_RECORDS: Final = 200_000  # all pairs of a class are compared
ROWS: Final = 512  # at a time


def alike(encoded: pl.DataFrame, classes: pl.Series) -> pl.DataFrame:
    """Group the records of each class that are chained by near filters, filter by filter.

    Args:
        encoded: Encoded records.
        classes: What is known of each, in their order; null is a class as well.

    Returns:
        A column a filter: the number of the record's group, null where it is near nobody.
    """
    class_of = classes.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
    return pl.DataFrame(
        {f"like_{field}_{anchor}": _chained(encoded, field, anchor, class_of)
         for field, anchor in FILTERS}
    )  # fmt: skip


def _chained(encoded: pl.DataFrame, field: str, anchor: str, class_of: Indices) -> pl.Series:
    columns = filter_columns(field, anchor)
    words, has = words_of(encoded, columns), encoded[columns[0]].is_not_null().to_numpy()
    near = [_near(words, np.flatnonzero(has & (class_of == one))) for one in np.unique(class_of)]
    one, other = np.concatenate([np.empty((2, 0), np.int64), *near], axis=1)
    size = encoded.height
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    return pl.DataFrame({"group": group.astype(np.int64)}).select(
        pl.when(pl.len().over("group") > 1).then("group")
    )["group"]


def _near(words: Words, rows: Indices) -> Indices:
    """The pairs of these rows that are near, shape (2, pairs)."""
    of = words[rows]
    found = [np.empty((2, 0), np.int64)]
    for start in range(0, len(rows), ROWS):
        some = of[start : start + ROWS, None]
        apart = np.bitwise_count(some ^ of[None]).sum(axis=2, dtype=np.int64)
        one, other = np.nonzero(apart <= LIKE)
        before = one + start < other
        found.append(np.stack([rows[one[before] + start], rows[other[before]]]))
    return np.concatenate(found, axis=1)
