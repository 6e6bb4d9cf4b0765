"""Keyed pseudo-random functions in bulk: AES-256-CMAC for tokens, AES-256 blocks for filters.

AES-CMAC (NIST SP 800-38B, RFC 4493) is a pseudo-random function of messages of any length. It is
worked out here for many messages at a time, one AES call for each block place of all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256

# ECB over blocks is AES used as the pseudo-random function it is modelled as; nothing is encrypted
# for secrecy here.
from cryptography.hazmat.primitives.ciphers.modes import ECB
from numpy.typing import NDArray

Words = NDArray[np.uint64]
KeyOf = Callable[[str], bytes]
"""The key of each part of the encoding, by its label."""

BLOCK_BYTES: Final = 16
BLOCK_WORDS: Final = 2
DOUBLING: Final = 0x87  # the polynomial of SP 800-38B for blocks of 128 bits


class Coded(NamedTuple):
    """A column as its distinct values, and for each row the place of its own, null if null."""

    values: pl.Series
    rows: pl.Series


def distinct(values: pl.Series) -> Coded:
    """A column with each value once."""
    coded = values.to_arrow().dictionary_encode()
    return Coded(
        pl.Series(coded.dictionary, dtype=values.dtype), pl.Series(coded.indices, dtype=pl.UInt32)
    )


def tokens(values: pl.Series, key: bytes) -> pl.Series:
    """The first 64 bits of AES-256-CMAC of each text in UTF-8, little-endian, as signed integers.

    Args:
        values: Text; null stays null. Each distinct value is computed once.
        key: 32 bytes, for this kind of token alone.

    Returns:
        An Int64 series as long as ``values``.
    """
    texts, rows = distinct(values)
    return pl.Series(_text_macs(texts, key).view(np.int64), dtype=pl.Int64).gather(rows)


def _text_macs(texts: pl.Series, key: bytes) -> Words:
    """The first word of the CMAC of each text's UTF-8 bytes; no text may be null."""
    lengths = texts.str.len_bytes().to_numpy().astype(np.int64)
    counts = np.maximum(-(-lengths // BLOCK_BYTES), 1)
    found = np.empty(len(texts), dtype=np.uint64)
    for count in np.unique(counts):
        rows = np.flatnonzero(counts == count)
        of_rows = lengths[rows]
        letters = np.frombuffer(texts.gather(rows).str.join("").item().encode(), dtype=np.uint8)
        messages = np.zeros((len(rows), count * BLOCK_BYTES), dtype=np.uint8)
        messages[np.arange(messages.shape[1]) < of_rows[:, None]] = letters
        short = np.flatnonzero(of_rows < messages.shape[1])
        messages[short, of_rows[short]] = 0x80
        found[rows] = _cmac(messages.view("<u8"), of_rows == messages.shape[1], key)
    return found


def word_macs(messages: Words, key: bytes) -> Words:
    """The first word of the CMAC of each row of words.

    Args:
        messages: Shape (rows, words), each word eight little-endian bytes of the message.
        key: 32 bytes.
    """
    rows, words = messages.shape
    odd = words % BLOCK_WORDS
    padded = np.zeros((rows, words + odd), dtype="<u8")
    padded[:, :words] = messages
    if odd:
        padded[:, words] = 0x80
    return _cmac(padded, np.bool_(not odd), key)


def _cmac(messages: Words, complete: NDArray[np.bool_] | np.bool_, key: bytes) -> Words:
    """The first word of the CMAC of padded messages of equal length.

    Args:
        messages: Shape (rows, words), overwritten; an incomplete last block already padded by 0x80.
        complete: Whether the last block was complete before padding, for each row or for all.
        key: 32 bytes.
    """
    encrypt = aes(key)
    zero = encrypt(np.zeros(BLOCK_WORDS, dtype="<u8")).tobytes()
    first = _doubled(zero)
    masks = [np.frombuffer(mask, dtype="<u8") for mask in (_doubled(first), first)]
    places = messages.reshape(len(messages), messages.shape[1] // BLOCK_WORDS, BLOCK_WORDS)
    places[:, -1] ^= np.where(np.reshape(complete, (-1, 1)), masks[1], masks[0])
    state = encrypt(places[:, 0])
    for place in range(1, places.shape[1]):
        state = encrypt(state ^ places[:, place])
    return state[:, 0]


def _doubled(block: bytes) -> bytes:
    """A block times x in GF(2^128), as CMAC's subkeys are made."""
    number = int.from_bytes(block, "big") << 1
    carried = number >> 128
    return (number ^ carried << 128 ^ carried * DOUBLING).to_bytes(BLOCK_BYTES, "big")


def aes(key: bytes) -> Callable[[Words], Words]:
    """AES-256 under one key, of every 16 bytes of an array of words, in the same shape."""
    encryptor = Cipher(AES256(key), ECB()).encryptor()  # noqa: S305

    def encrypted(blocks: Words) -> Words:
        data = np.ascontiguousarray(blocks, dtype="<u8")
        coded = np.empty(data.nbytes + BLOCK_BYTES - 1, dtype=np.uint8)
        encryptor.update_into(data.reshape(-1).view(np.uint8).data, coded.data)
        return coded[: data.nbytes].view("<u8").reshape(data.shape)

    return encrypted
