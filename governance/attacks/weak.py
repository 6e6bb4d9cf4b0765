"""Encodings that are known to fall, so that the attacks can be seen to work.

None of them is used for anything else. Keys are made and thrown away; the target's and the
attacker's own are different ones.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import Final

import numpy as np
import polars as pl

from governance.attacks.bits import Indices, Words
from governance.attacks.form import Anchor, Form
from governance.encoding.anchored import GRAMS, OF_THE_EXTRACT, SENT, SENT_INSTEAD, composite
from governance.encoding.filters import anchored_filters, packed
from governance.encoding.parts import part_tokens
from governance.encoding.prf import Coded, distinct
from schemas.encoded import FILTER_WORDS, token_column

BITS: Final = 1024
DIFFUSED_FROM: Final = 10  # input bits of each output bit (Armknecht, Heng and Schnell, PETS 2023)
FEWEST, USUAL, MOST = 5, 10, 15  # hash functions of a bigram

Filter = tuple[str, str, int]  # field, anchor, and which half
# Version 3 had filters twice as wide: two of today's, under two keys.
UNDER_POSTCODE: Final = tuple(product(("forename", "surname", "dob"), (0, 1)))
BARE: Final = {"date": ("date",), "names": ("name_low", "name_high")}
UNDER: Final = {"date": ("forename", "surname"), "names": ("dob", "postcode")}
POSTCODE_TOKENS: Final = {
    "postcode_surname": ("postcode", "surname"),
    "postcode_forename": ("postcode", "forename"),
    "postcode_initials": ("postcode", "initial", "surname_initial"),
}


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


def bare_postcode_form() -> Form:
    """What hung on the bare postcode in version 3 of the anchored encoding.

    All residents of a hostel share the anchor, so hostels can be found, and there are thousands of
    pairs of filters in each.
    """
    tokens = tuple(map(token_column, POSTCODE_TOKENS))
    under = {(field, "postcode", half): ("postcode",) for field, half in UNDER_POSTCODE}
    anchor = Anchor(("postcode",), tuple(_word_columns(*each) for each in under), tokens)
    return Form(partial(_hanging, under, POSTCODE_TOKENS), {"postcode": anchor})


def bare_date_form() -> Form:
    """What hung on the bare date of birth, and on both names, in version 8 of the encoding.

    No token showed who shares either, but that filters are nearer than chance did.
    """
    under = {(field, name, 0): of for name, of in BARE.items() for field in UNDER[name]}
    anchors = {
        name: Anchor(of, tuple(_word_columns(*each) for each in under if each[1] == name), ())
        for name, of in BARE.items()
    }
    return Form(partial(_hanging, under, {}), anchors)


def _hanging(
    under: Mapping[Filter, tuple[str, ...]],
    composites: Mapping[str, tuple[str, ...]],
    people: pl.DataFrame,
) -> pl.DataFrame:
    """Encode people under a new key; whoever lacks an anchor has nothing that compares under it."""
    secret = new_key()

    def key_of(label: str) -> bytes:
        return hmac.digest(secret, label.encode(), "sha256")

    untold = dict.fromkeys(OF_THE_EXTRACT, pl.lit(None, pl.String))
    dated = people.with_columns(pl.col("dob").dt.strftime("%Y%m%d"), **untold)
    columns = {name: distinct(dated[name]) for name in (*SENT, *SENT_INSTEAD, *untold)}
    parts = part_tokens(columns, key_of)
    made = {
        token_column(name): composite(parts, of, key_of(f"token/{name}"))
        for name, of in composites.items()
    }
    salts = {
        of: parts[of[0]] if len(of) == 1 else composite(parts, of, key_of("anchor"))
        for of in under.values()
    }
    for each, of in under.items():
        field, _, half = each
        key = key_of(f"filter/{field}/{half}")
        made |= _salted(each, columns[field], salts[of], key)
    return pl.DataFrame(made)


def _salted(each: Filter, column: Coded, salts: pl.Series, key: bytes) -> dict[str, pl.Series]:
    """The words of half of a field's filters under the salts, null where there is none."""
    present = (column.rows.is_not_null() & salts.is_not_null()).to_numpy()
    words = np.zeros((len(salts), FILTER_WORDS), dtype=np.int64)
    words[present] = anchored_filters(
        packed(GRAMS[each[0]](column.values)),
        column.rows.to_numpy()[present].astype(np.int64),
        salts.fill_null(0).to_numpy().view(np.uint64)[present],
        key,
    )
    shown = pl.Series(present)
    return {
        name: pl.Series(word).zip_with(
            shown, pl.repeat(None, len(word), dtype=pl.Int64, eager=True)
        )
        for name, word in zip(_word_columns(*each), words.T, strict=True)
    }


def _word_columns(field: str, anchor: str, half: int) -> tuple[str, ...]:
    return tuple(f"f_{field}_{anchor}_{half}_{word}" for word in range(FILTER_WORDS))
