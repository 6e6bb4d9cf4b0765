"""Filters: bit i is the majority, over a value's grams, of bit i of a keyed stream of each gram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from governance.encoding.prf import keystream
from schemas.encoded import FILTER_WORDS

CHUNK = 8_192  # values a call: what fits the processor's cache


def anchored_filters(
    grams: NDArray[np.uint64], salts: NDArray[np.uint64], key: bytes
) -> NDArray[np.int64]:
    """One 256-bit filter a value.

    Args:
        grams: Shape (values, width), 0 where there is none; at least one a value.
        salts: Shape (values,): the anchor's secret token.
        key: 32 bytes, for this field and anchor alone.

    Returns:
        Shape (values, 4), the filter's words as signed integers.
    """
    filters = np.zeros((len(grams), FILTER_WORDS), dtype=np.uint64)
    packed = -np.sort(-grams.astype(np.int64), axis=1)  # grams first, gaps last
    counts = (packed > 0).sum(axis=1)
    for count in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == count)
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            inputs = np.empty((len(chunk), count, 2), dtype=np.uint64)
            inputs[..., 0] = salts[chunk, None]
            inputs[..., 1] = packed[chunk, :count]
            filters[chunk] = majority(keystream(inputs, FILTER_WORDS, key))
    return filters.view(np.int64)


def majority(streams: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Bitwise majority along axis 1; a tie takes the first stream's bit.

    The counts of all bits are kept as binary digits across whole words (bit-sliced adders), so
    that 64 bits are counted at once.

    Args:
        streams: Shape (values, grams, words).

    Returns:
        Shape (values, words).
    """
    votes = streams.shape[1]
    planes: list[NDArray[np.uint64]] = []
    for vote in range(votes):
        carry = streams[:, vote]
        for place, plane in enumerate(planes):
            planes[place], carry = plane ^ carry, plane & carry
        if (vote + 1).bit_length() > len(planes):
            planes.append(carry)
    more, equal = _compare(planes, votes // 2)
    if votes % 2:
        return more
    return more | (equal & streams[:, 0])


def _compare(
    planes: list[NDArray[np.uint64]], bound: int
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Where the bit-sliced count is above ``bound``, and where it equals it."""
    more = np.zeros_like(planes[0])
    equal = ~more
    for place in reversed(range(len(planes))):
        if bound >> place & 1:
            equal = equal & planes[place]
        else:
            more = more | (equal & planes[place])
            equal = equal & ~planes[place]
    return more, equal
