"""The anchored encoding: nothing is encoded on its own.

Two records need comparing only where something already agrees. So every block token is a keyed
composite of at least two fields, and every filter is salted by an anchor: the value that is known
to agree when a pair is compared. Within one anchor the Hamming distance of two filters follows the
grams their values share; across anchors it is noise.

Encoding each column by itself was measured and cannot be made safe: the frequencies and the
similarity graph of one column name its values (see docs/adr/0002).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from governance.encoding.bands import band
from governance.encoding.filters import anchored_filters
from governance.encoding.grams import date_grams, name_grams, postcode_grams
from governance.encoding.prf import tokens
from governance.keys import RootKey
from schemas.encoded import (
    BLOCK_TOKENS,
    ENCODING_VERSION,
    FILTER_WORDS,
    FILTERS,
    STRONG_IDS,
    encoded_schema,
    filter_columns,
    token_column,
)

KeyOf = Callable[[str], bytes]
Grams = Callable[[pl.Series], NDArray[np.uint64]]

SEPARATOR: Final = "\x1f"
IDENTITY: Final = ("forename", "surname", "dob", "postcode", "sex", *STRONG_IDS)

GRAMS: Final[dict[str, Grams]] = {
    "forename": name_grams,
    "surname": name_grams,
    "dob": date_grams,
    "postcode": postcode_grams,
}

# The pieces composites and anchors are made of. `dob` is YYYYMMDD.
PARTS: Final = {
    "forename": pl.col("forename"),
    "surname": pl.col("surname"),
    "date": pl.col("dob"),
    "postcode": pl.col("postcode"),
    "sector": pl.col("postcode").str.head(-2),
    "initial": pl.col("forename").str.head(1),
    "year": pl.col("dob").str.head(4),
    "daymonth": pl.col("dob").str.tail(4),
    # Names in either order: the lower first. One missing name leaves no pair of names.
    "name_low": pl.min_horizontal("forename", "surname"),
    "name_high": pl.when(pl.all_horizontal(pl.col("forename", "surname").is_not_null())).then(
        pl.max_horizontal("forename", "surname")
    ),
}

# Block token → its parts, in the order of schemas.encoded.BLOCK_TOKENS.
COMPOSITES: Final = {
    "date_surname": ("date", "surname"),
    "date_forename": ("date", "forename"),
    "date_sector": ("date", "sector"),
    "postcode_surname": ("postcode", "surname"),
    "postcode_forename": ("postcode", "forename"),
    "names_year": ("forename", "surname", "year"),
    "date_names_either": ("date", "name_low", "name_high"),
    "names_daymonth": ("forename", "surname", "daymonth"),
    "date_initial": ("date", "initial"),
}

ANCHORS: Final = {
    "date": ("date",),
    "postcode": ("postcode",),
    "names": ("forename", "surname"),
}


def encoding_keys(root: RootKey, *, purpose: str, epoch: int) -> KeyOf:
    """The key of each part of the encoding, by its label, under one root, purpose and epoch."""

    def key_of(label: str) -> bytes:
        return root.derive(f"encoding/{ENCODING_VERSION}/{label}", purpose=purpose, epoch=epoch)

    return key_of


def encode(identity: pl.DataFrame, key_of: KeyOf) -> pl.DataFrame:
    """Encode the identities of one partner's records.

    Args:
        identity: ``record_id``, ``partner`` and the standardised identity columns: text or null,
            ``dob`` a date. Rows with the same identity are encoded once.
        key_of: The key of each part, from :func:`encoding_keys`.

    Returns:
        One row a record, in the same order, with the columns of ``encoded_schema()``.
    """
    return _encode(identity, key_of, ANCHORS)


def encode_under_one_salt(identity: pl.DataFrame, key_of: KeyOf) -> pl.DataFrame:
    """Encode so that *any* two filters of a field compare, to estimate u from a public population.

    Random people share no anchor, so how often they agree by chance cannot be seen under anchors.
    What this returns has the weakness that anchors are there to mend: it is for made-up people
    and public lists only, and is never stored.

    Args:
        identity: As for :func:`encode`.
        key_of: As for :func:`encode`; a root made for the purpose and thrown away.
    """
    return _encode(identity, key_of, dict.fromkeys(ANCHORS, ()))


def _encode(
    identity: pl.DataFrame, key_of: KeyOf, anchors: dict[str, tuple[str, ...]]
) -> pl.DataFrame:
    texts = identity.with_columns(pl.col("dob").dt.strftime("%Y%m%d"))
    distinct = texts.select(IDENTITY).unique(maintain_order=True)
    parts = distinct.select(**PARTS)
    coded = distinct.with_columns(
        band(distinct["forename"], "forename").alias("forename_band"),
        band(distinct["surname"], "surname").alias("surname_band"),
        *(
            _token(_joined(parts, COMPOSITES[name]), f"token/{name}", name, key_of)
            for name in BLOCK_TOKENS
        ),
        *(_token(distinct[name], f"strong/{name}", name, key_of) for name in STRONG_IDS),
        *(
            word.alias(column)
            for field, anchor in FILTERS
            for column, word in zip(
                filter_columns(field, anchor),
                _filter(distinct[field], _joined(parts, anchors[anchor]), field, anchor, key_of),
                strict=True,
            )
        ),
    )
    rows = texts.join(coded, on=IDENTITY, how="left", nulls_equal=True, maintain_order="left")
    return rows.select(pl.col(name).cast(dtype) for name, dtype in encoded_schema().items())


def _token(values: pl.Series, label: str, name: str, key_of: KeyOf) -> pl.Series:
    return tokens(values, key_of(label)).alias(token_column(name))


def _joined(parts: pl.DataFrame, names: tuple[str, ...]) -> pl.Series:
    """Parts joined into one text: null where one is missing, constant where none is named."""
    joined = pl.concat_str(names, separator=SEPARATOR) if names else pl.repeat("", pl.len())
    return parts.select(joined).to_series()


def _filter(
    values: pl.Series, anchors: pl.Series, field: str, anchor: str, key_of: KeyOf
) -> pl.DataFrame:
    """The words of one field's filters under one anchor; null where either is missing."""
    label = f"{field}/{anchor}"
    rows = np.flatnonzero((values.is_not_null() & anchors.is_not_null()).to_numpy())
    salts = tokens(anchors, key_of(f"salt/{label}")).gather(rows).to_numpy()
    words = np.zeros((len(values), FILTER_WORDS), dtype=np.int64)
    words[rows] = anchored_filters(
        GRAMS[field](values.gather(rows)), salts.view(np.uint64), key_of(f"filter/{label}")
    )
    present = np.zeros(len(values), dtype=bool)
    present[rows] = True
    return pl.DataFrame(words).select(pl.when(pl.Series(present)).then(pl.all()))
