"""Encodings that are known to fall, so that the attacks can be seen to work.

None of them is used for anything else. Keys are made and thrown away; the target's and the
attacker's own are different ones.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from governance.attacks.bits import Indices, Words

BITS: Final = 1024
DIFFUSED_FROM: Final = 10  # input bits of each output bit (Armknecht, Heng and Schnell, PETS 2023)
FEWEST, USUAL, MOST = 5, 10, 15  # hash functions of a bigram


def new_key() -> bytes:
    """A key for one encoding of one list."""
    return secrets.token_bytes(32)


def unkeyed_hash(values: pl.Series) -> pl.Series:
    """SHA-256 of each value, its first eight bytes as a number: no secret at all."""
    return _tokens(values, lambda text: hashlib.sha256(text).digest())


def bare_token(values: pl.Series, key: bytes) -> pl.Series:
    """A keyed token of one column by itself: equal values stay equal, so frequencies show."""
    return _tokens(values, lambda text: hmac.digest(key, text, "sha256"))


def _tokens(values: pl.Series, digest) -> pl.Series:  # type: ignore[no-untyped-def]
    texts = values.cast(pl.String)
    distinct = texts.drop_nulls().unique()
    coded = [int.from_bytes(digest(text.encode())[:8], "little", signed=True) for text in distinct]
    return texts.replace_strict(
        distinct, pl.Series(coded, dtype=pl.Int64), default=None, return_dtype=pl.Int64
    )


def bloom_filters(columns: Sequence[pl.Series], key: bytes, hashes: int) -> Words:
    """Keyed Bloom filters of 1,024 bits over the bigrams of one column, or of several together.

    Args:
        columns: Values; a null adds nothing. Bigrams of different columns are told apart.
        key: Of the hash functions.
        hashes: Positions a bigram sets.

    Returns:
        Words of shape (records, 16).
    """
    bits = np.zeros((len(columns[0]), BITS), dtype=np.uint8)
    places: dict[str, Indices] = {}
    for number, column in enumerate(columns):
        for row, text in enumerate(column.cast(pl.String)):
            for gram in grams_of(text):
                tagged = f"{number}{gram}"
                if tagged not in places:
                    places[tagged] = _places(tagged, key, hashes)
                bits[row, places[tagged]] = 1
    return _packed(bits)


def diffused(words: Words, key: bytes) -> Words:
    """Each output bit the exclusive or of ten input bits that the key chooses."""
    bits = np.unpackbits(words.view(np.uint8), axis=1)
    made = np.zeros_like(bits)
    for turn in range(DIFFUSED_FROM):
        stream = hashlib.shake_256(key + bytes([turn])).digest(8 * BITS)
        made ^= bits[:, np.argsort(np.frombuffer(stream, dtype="<u8"))]
    return _packed(made)


def grams_of(text: str | None) -> set[str]:
    """The padded bigrams of a text."""
    padded = f"_{text}_" if text else ""
    return {padded[at : at + 2] for at in range(len(padded) - 1)}


def _places(gram: str, key: bytes, hashes: int) -> Indices:
    stream = hmac.digest(key, gram.encode(), "sha512")
    return np.frombuffer(stream[: 2 * hashes], dtype="<u2").astype(np.int64) % BITS


def _packed(bits: np.ndarray) -> Words:
    return np.packbits(bits, axis=1).view(np.uint64)
