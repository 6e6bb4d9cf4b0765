"""The anchored encoding: nothing is encoded on its own.

Two records need comparing only where something already agrees. So every block token is a keyed
composite of at least two fields, and every filter is salted by the token of one, its anchor, which
is known to agree when a pair is compared. Within one anchor the Hamming distance of two filters
follows the grams their values share; across anchors it is noise.

Encoding each column by itself was measured and cannot be made safe: the frequencies and the
similarity graph of one column name its values (see docs/adr/0002). How the values are coded, and
why in this way, is docs/adr/0008 and 0049.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from governance.encoding.filters import Packed, anchored_filters, packed
from governance.encoding.grams import date_grams, name_grams, postcode_grams
from governance.encoding.parts import part_tokens
from governance.encoding.prf import Coded, KeyOf, Words, distinct, tokens, word_macs
from governance.keys.root import PurposeKey, RootKey
from schemas.encoded import (
    FILTER_WORDS,
    FILTERS,
    SAME_VALUES_SINCE,
    SEX_MASKS,
    STAND_IN,
    STRONG_IDS,
    delivered_schema,
    filter_columns,
    sex_column,
    token_column,
)

Grams = Callable[[pl.Series], Words]
Salts = Callable[[Mapping[str, pl.Series]], Mapping[str, pl.Series]]

SEPARATOR: Final = "\x1f"
SENT: Final = ("forename", "surname", "dob", "postcode", "sex")
# What an extract without names or whole postcodes sends instead; a frame may lack these columns.
SENT_INSTEAD: Final = ("forename_initial", "surname_initial", "sector")
OF_THE_EXTRACT: Final = ("lone",)
"""What only the whole extract tells (`governance.encoding.crowded`); a frame may lack it too."""

FEW: Final = 5_000
"""Records of which threads would more wait for one another than work (measured, 2026-11-24)."""

GRAMS: Final[dict[str, Grams]] = {
    "forename": name_grams,
    "surname": name_grams,
    "dob": date_grams,
    "postcode": postcode_grams,
}

# Token → its parts, in their order.
COMPOSITES: Final = {
    "date_surname": ("date", "surname"),
    "date_sector": ("date", "sector"),
    "postcode_initials": ("postcode", "initial", "surname_initial"),
    "names_year": ("forename", "surname", "year"),
    "date_names_either": ("date", "name_low", "name_high"),
    "names_daymonth": ("forename", "surname", "daymonth"),
    "date_initial_sex": ("date", "initial", "sex"),
    "names_either_sector": ("name_low", "name_high", "home_sector"),
    "names_lone": ("forename", "surname", "lone"),
    "postcode_surname": ("postcode", "surname"),
    "postcode_forename": ("postcode", "forename"),
    "surname_initial_sector": ("surname", "initial", "home_sector"),
    "forename_initial_sector": ("forename", "surname_initial", "home_sector"),
    "initials_date_sex": ("initial", "surname_initial", "date", "sex"),
    "initials_date_sector": ("initial", "surname_initial", "date", "sector"),
    "initials_either_date": ("initial_low", "initial_high", "date"),
    "initials_date_either": ("initial", "surname_initial", "date_either"),
}


class Held(NamedTuple):
    """A column as arrays: which rows have a value, and the values, 0 where there is none."""

    there: NDArray[np.bool_]
    values: NDArray[Any]


def encoding_keys(root: RootKey, *, purpose: str, epoch: int) -> KeyOf:
    """The key of each part of the encoding, by its label, under one root, purpose and epoch."""
    return working_keys(root.purpose_key(purpose, epoch))


def working_keys(key: PurposeKey) -> KeyOf:
    """The key of each part of the encoding, by its label, under the key of a purpose and epoch."""

    def key_of(label: str) -> bytes:
        return key.derive(f"encoding/{SAME_VALUES_SINCE}/{label}")

    return key_of


def encode(identity: pl.DataFrame, key_of: KeyOf, *, threads: int | None = None) -> pl.DataFrame:
    """Encode the identities of one partner's records.

    Args:
        identity: ``record_id``, ``partner`` and the standardised identity columns: text or null,
            ``dob`` a date. Rows with the same identity are encoded once.
        key_of: The key of each part, from :func:`encoding_keys`.
        threads: How many columns to work out at a time; if not given, as many as there are
            processors, or one where records are few. It changes nothing of what comes out.

    Returns:
        One row a record, in the same order, with the columns of ``delivered_schema()``.
    """
    return _encode(identity, key_of, lambda composites: composites, threads)


def encode_under_one_salt(identity: pl.DataFrame, key_of: KeyOf) -> pl.DataFrame:
    """Encode so that *any* two filters of a field compare, to estimate u from a public population.

    Random people share no anchor, so how often they agree by chance cannot be seen under anchors.
    What this returns has the weakness that anchors are there to mend: it is for made-up people
    and public lists only, and is never stored.

    Args:
        identity: As for :func:`encode`.
        key_of: As for :func:`encode`; a root made for the purpose and thrown away.
    """
    return _encode(identity, key_of, _one_salt, None)


def composite(parts: pl.DataFrame, names: tuple[str, ...], key: bytes) -> pl.Series:
    """The CMAC of parts' tokens one after the other; null where one is missing.

    Args:
        parts: Part tokens, from :func:`governance.encoding.parts.part_tokens`.
        names: Which of them, in order.
        key: 32 bytes, for this composite alone.

    Returns:
        An Int64 series as long as ``parts``.
    """
    chosen = parts.select(names)
    macs = pl.Series(word_macs(chosen.fill_null(0).to_numpy().view(np.uint64), key).view(np.int64))
    return chosen.select(pl.when(pl.all_horizontal(pl.all().is_not_null())).then(macs)).to_series()


def _one_salt(composites: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    rows = len(next(iter(composites.values())))
    return dict.fromkeys(composites, pl.repeat(0, rows, dtype=pl.Int64, eager=True))


def _encode(
    identity: pl.DataFrame, key_of: KeyOf, salts_of: Salts, threads: int | None
) -> pl.DataFrame:
    people, place = _people(identity)

    def grams_of(field: str) -> Packed:
        return packed(GRAMS[field](people[field].values))

    def block_token(name: str) -> pl.Series:
        token = composite(parts, COMPOSITES[name], key_of(f"token/{name}"))
        return token.alias(token_column(name))

    def filter_words(pair: tuple[str, str]) -> list[pl.Series]:
        field, anchor = pair
        key = key_of(f"filter/{field}/{anchor}")
        words = _filter(values[field], grams[field], anchors[anchor], key)
        return [pl.Series(c, word) for c, word in zip(filter_columns(*pair), words, strict=True)]

    # Every column is worked out by itself, so threads share nothing that changes.
    at_a_time = threads or (os.cpu_count() if identity.height > FEW else 1)
    with ThreadPoolExecutor(at_a_time) as pool:
        in_work = pool.map(grams_of, GRAMS)
        parts = part_tokens(people, key_of, pool.map)
        grams = dict(zip(GRAMS, in_work, strict=True))
        composites = dict(zip(COMPOSITES, pool.map(block_token, COMPOSITES), strict=True))
        salts = salts_of(composites)
        values = {field: _held(people[field].rows) for field in GRAMS}
        anchors = {anchor: _held(salts[anchor]) for _, anchor in FILTERS}
        filters = [word for words in pool.map(filter_words, FILTERS) for word in words]
    coded = pl.DataFrame([*composites.values(), *filters]).with_columns(
        _sex_bit(people["sex"], salts[mask], key_of(f"sex/{mask}")).alias(sex_column(mask))
        for mask in SEX_MASKS
    )
    ids = (
        tokens(identity[name], key_of(f"strong/{name}")).alias(token_column(name))
        for name in STRONG_IDS
    )
    own = identity.select("record_id", "partner", *ids, *_stand_ins(identity, key_of))
    rows = pl.concat([own, coded[place]], how="horizontal")
    return rows.select(pl.col(name).cast(dtype) for name, dtype in delivered_schema().items())


def _stand_ins(identity: pl.DataFrame, key_of: KeyOf) -> list[pl.Series]:
    """Secret words of each record, which only who holds its delivery knows."""
    ids = identity.select(pl.col("record_id").cast(pl.Int64))
    return [composite(ids, ("record_id",), key_of(name)).alias(name) for name in STAND_IN]


def _people(identity: pl.DataFrame) -> tuple[dict[str, Coded], pl.Series]:
    """The columns of the distinct identities, and for each row the place of its own among them."""
    nothing = pl.repeat(None, identity.height, dtype=pl.String, eager=True)
    columns = {
        name: distinct(identity[name] if name in identity.columns else nothing)
        for name in SENT + SENT_INSTEAD + OF_THE_EXTRACT
    }
    codes = pl.DataFrame({name: column.rows for name, column in columns.items()})
    people = codes.with_row_index("row").group_by(codes.columns, maintain_order=True).agg("row")
    place = np.empty(identity.height, dtype=np.uint32)
    place[people["row"].explode().to_numpy()] = np.repeat(
        np.arange(people.height, dtype=np.uint32), people["row"].list.len()
    )
    dates = columns["dob"].values.cast(pl.Date).dt.strftime("%Y%m%d")
    values = {name: column.values for name, column in columns.items()} | {"dob": dates}
    return {name: Coded(values[name], people[name]) for name in values}, pl.Series(place)


def _sex_bit(sex: Coded, salts: pl.Series, key: bytes) -> pl.Series:
    """A keyed bit of what masks it, exchanged where sex is F; null where it is neither F nor M."""
    known = pl.when(pl.col("sex").is_in(["M", "F"])).then((pl.col("sex") == "F").cast(pl.Int64))
    female = sex.values.to_frame("sex").select(known).to_series().gather(sex.rows)
    mask = composite(salts.to_frame("salt"), ("salt",), key)
    return (mask & 1) ^ female


def _held(values: pl.Series) -> Held:
    """Which rows have a value, and the values, 0 where there is none."""
    return Held(values.is_not_null().to_numpy(), values.fill_null(0).to_numpy())


def _filter(rows: Held, grams: Packed, salts: Held, key: bytes) -> list[pa.Array]:
    """The words of one field's filters under one anchor; null where either is missing."""
    present = rows.there & salts.there
    words = np.zeros((present.size, FILTER_WORDS), dtype=np.int64)
    words[present] = anchored_filters(
        grams, rows.values[present], salts.values[present].view(np.uint64), key
    )
    return [pa.array(word, mask=~present) for word in words.T]
