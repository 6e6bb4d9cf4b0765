"""Pattern mining: bits that are often set together are a frequent gram.

After Christen, Ranbaduge, Vatsalan and Schnell (PAKDD 2018), and the expansion of Vidanage et al.
(ICDE 2019). A gram that many values share sets the same positions in all of them, so those
positions go together in as many records as the gram is common. The commonest grams are found in
this way, names that they allow are guessed, and from the guesses the positions of further grams
are learnt, until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl

from governance.attacks.bits import Reals, Words, bits_of, classes_of

GramsOf = Callable[[str | None], set[str]]

MOST_SETS: Final = 14  # found by their frequency,
MOST_GRAMS: Final = 60  # among as many grams
SMALLEST_SET: Final = 4
RAREST: Final = 0.02
BRANCHES, BEAM = 8, 300
TOGETHER: Final = (0.5, 0.65)  # correlations of two positions of one gram that are tried
TOP_NAMES: Final = (10, 30)  # values that are taken for the commonest filters, as other starts
ROUNDS: Final = 8
ALWAYS: Final = 0.8  # a gram's position is set in so many of the records with it
"""Below one, since some of the guesses that positions are learnt from are wrong."""


def mine(words: Words, names: pl.Series, grams_of: GramsOf) -> pl.Series:
    """Guess the value behind each filter.

    Args:
        words: Filters of one column, one a record.
        names: A public list of values, as often as each occurs.
        grams_of: The grams that the encoding is known to use.

    Returns:
        A value for each record.
    """
    first, of_row = classes_of(words)
    bits = bits_of(words[first])
    counts = np.bincount(of_row).astype(np.float32)
    common = names.drop_nulls().cast(pl.String).value_counts(sort=True, name="n")
    texts, often = common.to_series().to_list(), common["n"].to_numpy()
    grams = sorted(set().union(*(grams_of(text) for text in texts)))
    column = {gram: at for at, gram in enumerate(grams)}
    holds = np.zeros((len(texts), len(grams)), dtype=np.float32)
    for row, text in enumerate(texts):
        holds[row, [column[gram] for gram in grams_of(text)]] = 1
    prior = np.log(often / often.sum()).astype(np.float32)
    share = often / often.sum()
    rate = bits.T @ counts / counts.sum()
    starts = [_frequent(bits, counts, holds, share, together) for together in TOGETHER]
    starts += [_ranked(bits, counts, holds, top, rate) for top in TOP_NAMES]
    tried = []
    for placed in starts:
        for _ in range(ROUNDS):
            guess, sure, explained = _likeliest(bits, holds, placed, prior, rate)
            placed = _learnt(bits, counts * sure, holds[guess], rate)
        tried.append((float(explained @ counts), guess))
    _, guess = max(tried, key=lambda one: one[0])
    return pl.Series(texts, dtype=pl.String).gather(guess[of_row])


def _ranked(bits: Reals, counts: Reals, holds: Reals, top: int, rate: Reals) -> Reals:
    """What is learnt from taking the commonest filters for the commonest values, in order."""
    few = min(top, len(counts), len(holds))
    first = np.argsort(-counts, kind="stable")[:few]
    return _learnt(bits[first], counts[first], holds[:few], rate)


def _frequent(bits: Reals, counts: Reals, holds: Reals, share: Reals, together: float) -> Reals:
    """Give sets of positions that go together to the grams that go together as they do.

    Returns:
        Shape (grams, positions): 1 where a gram sets a position.
    """
    both = (bits * counts[:, None]).T @ bits / counts.sum()
    sets = _sets(both, together)
    grams = np.argsort(-(share @ holds), kind="stable")[:MOST_GRAMS]
    some = holds[:, grams]
    expected = (some * share[:, None]).T @ some
    seen = np.array([[np.median(both[np.ix_(a, b)]) for b in sets] for a in sets])
    placed = np.zeros((holds.shape[1], bits.shape[1]), dtype=np.float32)
    for number, gram in enumerate(_assigned(seen, expected)):
        placed[grams[gram], sets[number]] = 1
    return placed


def _sets(together: Reals, least: float) -> list[np.ndarray]:
    """Disjoint sets of positions each of which is seldom set without the others, largest first."""
    rate = np.diagonal(together)
    spread = np.sqrt(np.maximum(rate * (1 - rate), 1e-9))
    correlation = (together - np.outer(rate, rate)) / np.outer(spread, spread)
    mates = (correlation >= least) & (rate > RAREST)
    found, free = [], np.ones(len(rate), dtype=bool)
    for position in np.argsort(-(mates.sum(axis=1) * rate), kind="stable"):
        group = np.flatnonzero(mates[position] & free)
        if free[position] and len(group) >= SMALLEST_SET:
            found.append(group)
            free[group] = False
    support = [np.median(together[np.ix_(group, group)]) for group in found]
    return [found[at] for at in np.argsort(support)[::-1][:MOST_SETS]]


def _assigned(seen: np.ndarray, expected: np.ndarray) -> list[int]:
    """A gram for each set, so that pairs of both occur together as often; a beam search."""
    beam: list[tuple[float, list[int]]] = [(0.0, [])]
    for number in range(len(seen)):
        longer = []
        for cost, chosen in beam:
            apart = np.abs(seen[number, :number, None] - expected[chosen]).sum(axis=0)
            apart = apart + np.abs(seen[number, number] - np.diagonal(expected))
            apart[chosen] = np.inf
            best = np.argsort(apart)[:BRANCHES]
            longer += [(cost + float(apart[gram]), [*chosen, int(gram)]) for gram in best]
        beam = sorted(longer, key=lambda state: state[0])[:BEAM]
    return beam[0][1]


def _likeliest(
    bits: Reals, holds: Reals, placed: Reals, prior: Reals, rate: Reals
) -> tuple[np.ndarray, Reals, Reals]:
    """The value that best explains each filter; whether much better than others; and how well."""
    needs = np.minimum(holds @ placed, 1)
    # A position that a value sets must be set; one that it does not is set by chance.
    chance = np.log(np.clip(rate, 0.01, 0.99))
    missing, surprise = np.float32(np.log(0.02)), -chance
    score = bits @ (needs * surprise).T + (1 - bits) @ (needs * missing).T + prior
    guess = score.argmax(axis=1)
    lines = np.arange(len(guess))
    best = score[lines, guess]
    score[lines, guess] = -np.inf
    return guess, (best - score.max(axis=1) > 1).astype(np.float32), best


def _learnt(bits: Reals, weight: Reals, holds: Reals, rate: Reals) -> Reals:
    """The positions that are set nearly always with a gram, and are not set always anyhow."""
    weighed = holds * weight[:, None]
    total = weighed.sum(axis=0)
    set_with = weighed.T @ bits / np.maximum(total, 1e-9)[:, None]
    telling = (set_with >= ALWAYS) & (rate[None, :] < 0.9) & (total[:, None] >= 3)
    return telling.astype(np.float32)
