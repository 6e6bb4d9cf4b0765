"""Matching similarity graphs with the attacker's own simulated keys.

Filters that keep similarity within the stolen store keep the shape of the whole as well. The
attacker encodes its own list under keys of its own, describes each record by how its similarities
to the others are spread, and theirs in turn, which hardly depends on who the others are; matches
the surest records; aligns the two clouds of points by these; and matches the rest.

After Vidanage et al. (CIKM 2020) and Schäfer and Armknecht (ACSAC 2024), who describe nodes by
their degrees and node2vec, and align by Wasserstein Procrustes. Here the descriptions are averages
over the graph, weighed by how well each survives a change of key and of list, which the attacker
measures on its own people, and the embedding is the graph's eigenvectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from governance.attacks.bits import Indices, Reals, Words, bits_of, classes_of

DIMENSIONS: Final = 48
ROUNDS: Final = 8
LEAST_DIMENSIONS: Final = 8
STEPS: Final = (0.0, 1.0, 2.0, 3.5)  # standard deviations above which similarities are averaged
SEEDS: Final = 0.1  # share of nodes that start the alignment
BLOCK: Final = 1_000
TRIES: Final = 3
"""How many keys of its own an attacker tries: of a hundred, one starts the alignment wrong."""

Sides = tuple[Words, Words, Words]


@dataclass(frozen=True)
class Nodes:
    """The distinct encodings of one side, and the similarity graph over them.

    Args:
        first: A row of each node.
        of_row: Each row's node.
        counts: Rows of each node.
        similar: Their similarities, standardised, of shape (nodes, nodes).
    """

    first: Indices
    of_row: Indices
    counts: Reals
    similar: Reals


def similarity_graph(words: Words, root: float = 1.0) -> Nodes:
    """The graph of the distinct filters of one side.

    Args:
        words: Filters, one a row.
        root: The power of the similarity (1 less twice the distance): 1, or less where an
            encoding is known to sharpen distances, as an exclusive or of ten bits does.
    """
    first, of_row = classes_of(words)
    counts = np.bincount(of_row).astype(np.float32)
    signs = 2 * bits_of(words[first]) - 1
    similar = signs @ signs.T / np.float32(signs.shape[1])
    if root != 1:
        similar = np.maximum(similar, 0.01) ** np.float32(root)
    share = counts / counts.sum()
    mean = share @ similar @ share
    spread = np.sqrt(share @ (similar - mean) ** 2 @ share)
    np.fill_diagonal(similar, mean)
    return Nodes(first, of_row, counts, (similar - mean) / spread)


def match_rows(sides: Sides, listed: pl.Series, root: float = 1.0) -> pl.Series:
    """The row of the attacker's list for each record of the target.

    Args:
        sides: The store's filters; the attacker's list under a key of its own; and some of the
            same people among others, under another key.
        listed: The row of the list of each row of the last, null for none.
        root: As for :func:`similarity_graph`.
    """
    here, there, other = (similarity_graph(words, root) for words in sides)
    on_list = listed.gather(other.first).fill_null(-1).to_numpy()
    rehearsed = np.where(on_list >= 0, there.of_row[on_list], -1)
    found, _ = match(here, there, other, rehearsed)
    return pl.Series(there.first[found][here.of_row])


def match(target: Nodes, own: Nodes, again: Nodes, rehearsed: Indices) -> tuple[Indices, Reals]:
    """The node of the attacker's list for each node of the target.

    Args:
        target: The store's graph.
        own: The graph of the attacker's list under a key of its own.
        again: The graph of some of the same people among others, under another key.
        rehearsed: The node of ``own`` for each node of ``again``, -1 for none.

    Returns:
        Positions in ``own``, and how much better each is than the next best.
    """
    theirs, ours, other = (_described(nodes) for nodes in (target, own, again))
    both = np.flatnonzero(rehearsed >= 0)
    noise = ours[rehearsed[both]] - other[both]
    change = _telling(ours, noise)
    nearest, margin = _mutual(theirs @ change, ours @ change)
    few = max(20, int(SEEDS * len(nearest)))
    sure = np.argsort(-margin, kind="stable")[:few]
    return _grow(target, own, sure, nearest[sure], (theirs @ change, ours @ change))


def _described(nodes: Nodes) -> Reals:
    """Averages over the graph: of similarities above steps, then of the neighbours' averages."""
    share = (nodes.counts / nodes.counts.sum()).astype(np.float32)
    level = np.ones((len(share), 1), dtype=np.float32)
    levels = []
    for _ in range(3):
        weighed = level * share[:, None]
        level = np.concatenate([_above(nodes.similar, step, weighed) for step in STEPS], axis=1)
        level = _standard(level, share)
        levels.append(level)
        level = np.concatenate([level, np.maximum(level, 0) ** 2], axis=1)[:, :24]
    often = np.sqrt(nodes.counts)[:, None] * 2
    return np.concatenate([*levels, often], axis=1)


def _above(similar: Reals, step: float, weighed: Reals) -> Reals:
    made = np.empty((len(similar), weighed.shape[1]), dtype=np.float32)
    for start in range(0, len(similar), BLOCK):
        rows = slice(start, start + BLOCK)
        made[rows] = np.maximum(similar[rows] - np.float32(step), 0) @ weighed
    return made


def _standard(values: Reals, share: Reals) -> Reals:
    centred = values - share @ values
    return centred / np.sqrt(np.maximum(share @ centred**2, 1e-12))


def _telling(points: Reals, noise: Reals) -> Reals:
    """The change of axes after which noise is one in every direction, and the telling ones kept."""
    values, vectors = np.linalg.eigh(np.cov(noise.T) + 1e-4 * np.eye(noise.shape[1]))
    white = vectors / np.sqrt(values)
    signal, axes = np.linalg.eigh(np.cov((points @ white).T))
    return (white @ axes[:, signal > 1.5]).astype(np.float32)


def _grow(
    target: Nodes, own: Nodes, here: Indices, there: Indices, described: tuple[Reals, Reals]
) -> tuple[Indices, Reals]:
    """Match all nodes by their similarities to those matched so far, in turns."""
    nearest, margin = there, np.zeros(len(there), dtype=np.float32)
    for turn in range(ROUNDS):
        size = min(LEAST_DIMENSIONS * (turn + 1), DIMENSIONS, len(here) // 3)
        one, other = _seen_from(target, own, here, there, size)
        nearest, margin = _mutual(
            np.concatenate([one, described[0] / (turn + 1)], axis=1),
            np.concatenate([other, described[1] / (turn + 1)], axis=1),
        )
        order = np.argsort(-margin, kind="stable")
        share = SEEDS + (0.6 - SEEDS) * turn / ROUNDS
        here = order[: int(share * (margin > 0).sum())]
        if len(here) < 10:
            break
        there = nearest[here]
    return nearest, margin


def _seen_from(
    target: Nodes, own: Nodes, here: Indices, there: Indices, size: int
) -> tuple[Reals, Reals]:
    """Both sides by similarity to the matched nodes, in their main directions, noise one."""
    weight = np.sqrt(np.minimum(target.counts[here], own.counts[there]))
    one, other = target.similar[:, here] * weight, own.similar[:, there] * weight
    mean = other.mean(axis=0)
    vectors = np.linalg.eigh((other - mean).T @ (other - mean)).eigenvectors
    axes = vectors[:, ::-1][:, :size]
    one, other = (one - one.mean(axis=0)) @ axes, (other - mean) @ axes
    noise = np.median(np.abs(one[here] - other[there]), axis=0) + 1e-6
    return one / noise, other / noise


def _mutual(here: Reals, there: Reals) -> tuple[Indices, Reals]:
    """The nearest point of ``there`` for each of ``here``; its margin, 0 where not mutual."""
    square = (there**2).sum(axis=1)
    found, margin = np.empty(len(here), dtype=np.int64), np.empty(len(here), dtype=np.float32)
    best_of = np.full(len(there), np.inf)
    back = np.zeros(len(there), dtype=np.int64)
    for start in range(0, len(here), BLOCK):
        rows = slice(start, start + BLOCK)
        apart = square - 2 * here[rows] @ there.T + (here[rows] ** 2).sum(axis=1)[:, None]
        closest = apart.min(axis=0)
        back = np.where(closest < best_of, start + apart.argmin(axis=0), back)
        best_of = np.minimum(best_of, closest)
        best = apart.argmin(axis=1)
        lines = np.arange(len(best))
        found[rows], nearest = best, apart[lines, best]
        apart[lines, best] = np.inf
        margin[rows] = apart.min(axis=1) - nearest
    return found, np.where(back[found] == np.arange(len(here)), margin, 0)
