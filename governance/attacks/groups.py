"""Finding who shares an anchor, and placing what was found.

Filters of unrelated values lie a little nearer inside an anchor than across, and several filters
share an anchor; composites that hold the anchor chain records together for certain. What is found
becomes one more thing that records share, and the graph of tokens is matched with it. Since more
data may find what this does not, the same is measured with the groups given away.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from governance.attacks.bits import Indices, Reals, bits_of, words_of
from governance.attacks.token_graph import TOKENS
from schemas.encoded import FILTERS, filter_columns

SURE: Final = 5.5  # standard deviations above chance; 10,000 records have 50 million pairs
TURNS: Final = 4
MOST_RECORDS: Final = 40_000  # all pairs are compared
BLOCK: Final = 1_000


def anchors() -> dict[str, tuple[str, ...]]:
    """Each anchor that composites name, with the token columns that show it to be shared."""
    named = dict.fromkeys(anchor for _, anchor in FILTERS)
    chained = {
        anchor: tuple(token for token in TOKENS if anchor in token.split("_")) for anchor in named
    }
    return {anchor: tokens for anchor, tokens in chained.items() if tokens}


def discover(encoded: pl.DataFrame, anchor: str) -> Indices:
    """Group records that seem to share an anchor.

    Args:
        encoded: Encoded records.
        anchor: One of :func:`anchors`.

    Returns:
        A group number for each record.
    """
    group = chained(encoded, anchors()[anchor])
    words = [words_of(encoded, filter_columns(*pair)) for pair in FILTERS if pair[1] == anchor]
    signs = np.concatenate([2 * bits_of(one) - 1 for one in words], axis=1)
    signs -= signs.mean(axis=0)
    for _ in range(TURNS):
        merged = _merged(signs, group)
        if merged.max() == group.max():
            break
        group = merged
    return group


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


def _merged(signs: Reals, group: Indices) -> Indices:
    """Join each two groups that are each other's nearest and nearer than chance allows."""
    sizes = np.bincount(group)
    totals = np.zeros((len(sizes), signs.shape[1]), dtype=np.float32)
    np.add.at(totals, group, signs)
    # A sum of products of independent signs has a variance of one for each.
    totals /= np.sqrt(sizes * np.sqrt(signs.shape[1]))[:, None]
    nearest, how_near = _nearest(totals)
    joined = (how_near > SURE) & (nearest[nearest] == np.arange(len(sizes)))
    target = np.where(joined, np.minimum(nearest, np.arange(len(sizes))), np.arange(len(sizes)))
    return np.unique(target[group], return_inverse=True)[1]


def _nearest(totals: Reals) -> tuple[Indices, Reals]:
    found = np.empty(len(totals), dtype=np.int64)
    how_near = np.empty(len(totals), dtype=np.float32)
    for start in range(0, len(totals), BLOCK):
        near = totals[start : start + BLOCK] @ totals.T
        lines = np.arange(len(near))
        near[lines, start + lines] = -np.inf
        found[start : start + BLOCK] = near.argmax(axis=1)
        how_near[start : start + BLOCK] = near.max(axis=1)
    return found, how_near


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
