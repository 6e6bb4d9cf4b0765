"""Keyed pseudo-random functions in bulk: 64-bit tokens of text, and AES keystream for filters."""

from __future__ import annotations

import hmac

import numpy as np
import polars as pl
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256

# ECB over blocks that never repeat is AES used as the pseudo-random function it is modelled as;
# nothing is encrypted for secrecy here.
from cryptography.hazmat.primitives.ciphers.modes import ECB
from numpy.typing import NDArray

BLOCK_WORDS = 2  # an AES block is two 64-bit words


def tokens(values: pl.Series, key: bytes) -> pl.Series:
    """The first 64 bits of HMAC-SHA256 of each text, little-endian, as signed integers.

    Args:
        values: Text; null stays null. Each distinct value is computed once.
        key: 32 bytes, for this kind of token alone.

    Returns:
        An Int64 series as long as ``values``.
    """
    distinct = values.drop_nulls().unique()
    digests = b"".join(hmac.digest(key, text.encode(), "sha256")[:8] for text in distinct)
    coded = pl.Series(np.frombuffer(digests, dtype="<i8").astype(np.int64))
    return values.replace_strict(distinct, coded, default=None, return_dtype=pl.Int64)


def keystream(inputs: NDArray[np.uint64], words: int, key: bytes) -> NDArray[np.uint64]:
    """AES-256 as a pseudo-random function from two 64-bit words to ``words`` words.

    Args:
        inputs: Shape (..., 2): a salt, and a gram below 2**56. The low byte of the second word
            is the block counter.
        words: Output words, a multiple of two.
        key: 32 bytes.

    Returns:
        Shape (..., words).
    """
    blocks = words // BLOCK_WORDS
    counted = np.empty((*inputs.shape[:-1], blocks, BLOCK_WORDS), dtype="<u8")
    counted[..., 0] = inputs[..., None, 0]
    counted[..., 1] = (inputs[..., None, 1] << np.uint64(8)) | np.arange(blocks, dtype=np.uint64)
    stream = Cipher(AES256(key), ECB()).encryptor().update(counted.tobytes())  # noqa: S305
    return np.frombuffer(stream, dtype="<u8").reshape(*inputs.shape[:-1], words)
