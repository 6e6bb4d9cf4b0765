"""A value's grams as integers: trigrams of a name, digits and numbers of a date, characters of
a postcode.

Every function takes distinct, standardised text and returns an array of shape (values, width)
whose entry is 0 where there is no gram; grams of one value are distinct.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

NAME_WIDTH = 24  # longer names are cut: they differ well before this
DATE_WIDTH = 8
POSTCODE_WIDTH = 7
LETTER_CODES = 32
CHARACTER_CODES = 64
WHOLE_YEAR, DAY_OR_MONTH, REPEATED_NUMBER = 1024, 4096, 8192


def _characters(values: pl.Series, width: int) -> NDArray[np.uint64]:
    """ASCII codes, zero-padded on the right; shape (values, width)."""
    fixed = np.array(values.to_list(), dtype=f"S{width}")
    return fixed.view(np.uint8).reshape(len(values), width).astype(np.uint64)


def _letters(characters: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A–Z to 1–26, space 27, any other character 28, nothing 0."""
    codes = np.full(256, 28, dtype=np.uint64)
    codes[0] = 0
    codes[ord(" ")] = 27
    codes[ord("A") : ord("Z") + 1] = np.arange(1, 27)
    return codes[characters]


def name_grams(values: pl.Series) -> NDArray[np.uint64]:
    """Trigrams with two blanks at both ends; a repeated one is told apart by its occurrence.

    The gram is 1 + first + 32 * second + 1024 * third + 32768 * earlier occurrences, letters coded
    1–28, blanks 0. Trigrams are rarer than bigrams, so unrelated names look less alike
    (docs/adr/0008).
    """
    letters = np.pad(_letters(_characters(values, NAME_WIDTH)), ((0, 0), (2, 2)))
    first, second, third = letters[:, :-2], letters[:, 1:-1], letters[:, 2:]
    trigrams = first + LETTER_CODES * second + LETTER_CODES**2 * third
    grams = np.zeros_like(trigrams)
    for place in range(trigrams.shape[1]):
        earlier = (trigrams[:, :place] == trigrams[:, place, None]).sum(axis=1, dtype=np.uint64)
        grams[:, place] = 1 + trigrams[:, place] + LETTER_CODES**3 * earlier
    return np.where(trigrams != 0, grams, 0)


def date_grams(values: pl.Series) -> NDArray[np.uint64]:
    """Nine grams of YYYYMMDD, so that slips stay closer than chance.

    The last two digits of the year and the digits of month and day in their places
    (1 + digit + 64 * place), the whole year (1024 + year), and month and day as two numbers
    without order (4096 + number, the second of two equal ones 8192 + number), which keeps an
    exchange of day and month near.
    """
    digits = _positional(_characters(values, DATE_WIDTH))[:, 2:]
    year, month, day = (
        values.str.slice(start, length).cast(pl.UInt64).to_numpy()
        for start, length in ((0, 4), (4, 2), (6, 2))
    )
    second = np.where(month == day, REPEATED_NUMBER, DAY_OR_MONTH) + day
    wholes = np.stack([WHOLE_YEAR + year, DAY_OR_MONTH + month, second], axis=1)
    return np.concatenate([digits, wholes.astype(np.uint64)], axis=1)


def postcode_grams(values: pl.Series) -> NDArray[np.uint64]:
    """Positional characters of a postcode without its space, the outward code padded to four.

    The inward code always has three characters, so both parts keep their places.
    """
    aligned = values.str.head(-3).str.pad_end(4, "\x00") + values.str.tail(3)
    return _positional(_characters(aligned, POSTCODE_WIDTH))


def _positional(characters: NDArray[np.uint64]) -> NDArray[np.uint64]:
    place = np.arange(characters.shape[1], dtype=np.uint64)
    # Digits, capitals and small letters up to "o" all fall below 64 once counted from "0".
    grams = 1 + (characters - np.uint64(ord("0"))) + CHARACTER_CODES * place
    return np.where(characters != 0, grams, 0)
