"""Filters as numbers: words to signs, and Hamming distances between rows."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

Words = NDArray[np.uint64]
Reals = NDArray[np.float32]
Indices = NDArray[np.int64]


def words_of(encoded: pl.DataFrame, columns: tuple[str, ...]) -> Words:
    """A filter's word columns as one array of shape (records, words); null is 0."""
    signed = encoded.select(pl.col(columns).fill_null(0)).to_numpy()
    return np.ascontiguousarray(signed).view(np.uint64)


def bits_of(words: Words) -> Reals:
    """Bits 0 or 1, of shape (records, 64 × words)."""
    return np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1).astype(np.float32)


def distances(one: Words, other: Words) -> Reals:
    """The share of bits that differ between two rows, row by row; shape (records,)."""
    differing = np.bitwise_count(one ^ other).sum(axis=1, dtype=np.float32)
    return differing / np.float32(64 * one.shape[1])


def classes_of(words: Words) -> tuple[Indices, Indices]:
    """Equal rows: the first row of each class, and each row's class."""
    _, first, inverse = np.unique(words, axis=0, return_index=True, return_inverse=True)
    return first.astype(np.int64), inverse.reshape(-1).astype(np.int64)
