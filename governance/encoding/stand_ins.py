"""What takes the place of a value that is not kept, and looks like any other.

What is missing tells as well (docs/adr/0043). So a stand-in hangs on the value and on secret words
of a record, which come with a delivery and are never stored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from schemas.encoded import (
    BLOCK_TOKENS,
    FILTERS,
    REDUCED_TOKENS,
    STAND_IN,
    filter_columns,
    token_column,
)

Numbers = NDArray[np.int64]

COMPOSITES: Final = tuple(map(token_column, BLOCK_TOKENS + REDUCED_TOKENS))
"""What is kept only where it is one person's: all tokens but strong ids."""

HANGING: Final = {filter_columns(*pair): token_column(pair[1]) for pair in FILTERS}
"""The words of each filter, and the composite with which it is kept or not."""

KEPT: Final = -1
"""In the place of a row: the value stays."""


def with_stand_ins(encoded: pl.DataFrame, words_of: Mapping[str, Numbers]) -> pl.DataFrame:
    """Put stand-ins in the place of some values, and of the filters that hang on them.

    Records that had one value and take the words of one record have one stand-in.

    Args:
        encoded: Encoded records, with the columns of ``delivered_schema()``.
        words_of: For each of `COMPOSITES` the row whose secret words the stand-in of each record is
            made with, or `KEPT`; each of shape (records,).

    Returns:
        The same records and columns, secret words as they were.
    """
    secrets = encoded.select(STAND_IN).to_numpy()
    hung: dict[tuple[str, ...], str] = {(column,): column for column in COMPOSITES} | HANGING
    made = [
        column
        for columns, composite in hung.items()
        for column in _replaced(encoded.select(columns), words_of[composite], secrets)
    ]
    return encoded.with_columns(made)


def _replaced(value: pl.DataFrame, words_of: Numbers, secrets: Numbers) -> list[pl.Series]:
    """The columns of a value, with a stand-in where there is one and it is not kept."""
    rows = np.flatnonzero((words_of != KEPT) & value.to_series().is_not_null().to_numpy())
    held, name = value[rows].to_numpy(), value.columns[0].removesuffix("_0").encode()
    messages = np.concatenate([secrets[words_of[rows]], held], axis=1).astype("<i8")
    digests = (hashlib.shake_128(name + row.tobytes()).digest(8 * value.width) for row in messages)
    words = np.frombuffer(b"".join(digests), dtype="<i8").reshape(held.shape)
    return [value[name].scatter(rows, words[:, at]) for at, name in enumerate(value.columns)]
