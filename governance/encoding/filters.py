"""Filters: bit i is the majority, over a value's grams, of bit i of a keyed stream of each gram."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from governance.encoding.prf import BLOCK_WORDS, Words, aes
from schemas.encoded import FILTER_WORDS

CHUNK = 1_024  # values a call: what fits the processor's cache


def anchored_filters(
    grams: Words, rows: NDArray[np.int64], salts: Words, key: bytes
) -> NDArray[np.int64]:
    """One filter a row: as many bits as one block of AES.

    Args:
        grams: The grams of distinct values, shape (values, width), 0 where there is none; at least
            one a value.
        rows: For each row, the place of its value among them.
        salts: For each row, the anchor's secret token.
        key: 32 bytes, for this field and anchor alone.

    Returns:
        Shape (rows, words), the filter's words as signed integers.
    """
    filters = np.zeros((len(rows), FILTER_WORDS), dtype=np.uint64)
    packed = -np.sort(-grams.astype(np.int64), axis=1)  # the largest first, gaps last
    codes = packed.astype(np.uint64).T
    counts = (packed > 0).sum(axis=1)[rows]
    encrypt = aes(key)
    for count in np.unique(counts):
        alike = np.flatnonzero(counts == count)
        made = np.empty((len(alike), FILTER_WORDS), dtype=np.uint64)
        of_values, of_anchors = rows[alike], salts[alike]
        for start in range(0, len(alike), CHUNK):
            chunk = slice(start, start + CHUNK)
            votes = streams(codes[:count, of_values[chunk]], of_anchors[chunk], encrypt)
            made[chunk] = majority(votes)
        filters[alike] = made
    return filters.view(np.int64)


def streams(codes: Words, salts: Words, encrypt: Callable[[Words], Words]) -> Words:
    """The keyed stream of each gram under its row's salt.

    Args:
        codes: Grams, shape (grams, rows).
        salts: Shape (rows,).
        encrypt: AES under the filter's key.
        key: 32 bytes.

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
