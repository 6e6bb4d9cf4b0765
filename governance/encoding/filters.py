"""Filters: bit i is the majority, over a value's grams, of bit i of a keyed stream of each gram."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from governance.encoding.prf import BLOCK_WORDS, Words, aes
from schemas.encoded import FILTER_WORDS

CHUNK = 8_192  # values a call: what a call costs by itself is then little of it


@dataclass(frozen=True)
class Packed:
    """The grams of distinct values, ready to be voted by.

    Attributes:
        codes: Shape (most, values): each value's grams, the largest first, then 0.
        counts: How many each value has, shape (values,).
    """

    codes: Words
    counts: NDArray[np.uint8]


def packed(grams: Words) -> Packed:
    """Pack grams of shape (values, width), 0 where there is none; at least one a value."""
    largest_first = np.sort(grams, axis=1)[:, ::-1]
    counts = (largest_first > 0).sum(axis=1, dtype=np.uint8)  # sorted fast, and none has 256
    most = int(counts.max(initial=0))
    return Packed(np.ascontiguousarray(largest_first[:, :most].T), counts)


def anchored_filters(
    grams: Packed, rows: NDArray[np.int64], salts: Words, key: bytes
) -> NDArray[np.int64]:
    """One filter a row: as many bits as one block of AES.

    Args:
        grams: Of distinct values, from :func:`packed`.
        rows: For each row, the place of its value among them.
        salts: For each row, the anchor's token.
        key: 32 bytes, for this field and anchor alone.

    Returns:
        Shape (rows, words), the filter's words as signed integers.
    """
    filters = np.empty((len(rows), FILTER_WORDS), dtype=np.uint64)
    counts = grams.counts[rows]
    order = np.argsort(counts, kind="stable")
    ends = np.bincount(counts).cumsum()
    encrypt = aes(key)
    for count, (first, end) in enumerate(itertools.pairwise(ends), 1):
        codes = grams.codes[:count]
        for start in range(first, end, CHUNK):
            chunk = order[start : min(start + CHUNK, end)]
            votes = streams(codes.take(rows[chunk], axis=1), salts[chunk], encrypt)
            filters[chunk] = majority(votes)
    return filters.view(np.int64)


def streams(codes: Words, salts: Words, encrypt: Callable[[Words], Words]) -> Words:
    """The keyed stream of each gram under its row's salt.

    Args:
        codes: Grams, shape (grams, rows).
        salts: Shape (rows,).
        encrypt: AES under the filter's key.

    Returns:
        Shape (grams, rows, words).
    """
    inputs = np.empty((*codes.shape, BLOCK_WORDS), dtype="<u8")
    inputs[..., 0] = salts
    inputs[..., 1] = codes
    return encrypt(inputs).reshape(*codes.shape, FILTER_WORDS)


def majority(votes: Words) -> Words:
    """Bitwise majority along axis 0; a tie takes the first vote.

    Args:
        votes: Shape (votes, rows, words).

    Returns:
        Shape (rows, words).
    """
    more, equal = _compare(_counted(list(votes)), len(votes) // 2)
    if len(votes) % 2:
        return more
    return more | (equal & votes[0])


def _counted(votes: list[Words]) -> list[Words]:
    """How many of the votes have each bit, as binary digits across whole words, lowest first.

    Adders of whole words (carry-save) count 64 bits at once: three votes of one weight become one
    of that weight and one of the next.
    """
    digits = []
    while votes:
        carried = []
        while len(votes) > 2:
            one, two, three = votes.pop(), votes.pop(), votes.pop()
            half = one ^ two
            votes.append(half ^ three)
            carried.append((one & two) | (half & three))
        if len(votes) == 2:
            one, two = votes
            carried.append(one & two)
            votes = [one ^ two]
        digits.append(votes[0])
        votes = carried
    return digits


def _compare(digits: list[Words], bound: int) -> tuple[Words, Words]:
    """Where the count is above ``bound``, and where it equals it."""
    more = np.zeros_like(digits[0])
    equal = ~more
    for place, digit in reversed(list(enumerate(digits))):
        if bound >> place & 1:
            equal = equal & digit
        else:
            more = more | (equal & digit)
            equal = equal & ~digit
    return more, equal
