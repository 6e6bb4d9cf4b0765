"""What two records share shows what else they must share.

Composites imply each other: two records of one date and surname and of one postcode and forename
are of one postcode and surname. So do filters: where two are equal under an anchor that is shared,
the field is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from governance.encoding.anchored import COMPOSITES
from schemas.encoded import FILTERS, filter_columns, sex_column, token_column

Numbers = NDArray[np.int64]
Bits = NDArray[np.int8]
Words = NDArray[np.uint64]
Truths = NDArray[np.bool_]

NAMES: Final = tuple(COMPOSITES)
MOST_SHARING: Final = 60
"""The most records of one value that are compared with each other for it (2026-11-24).

What more have is hardly one person's, and who is one person shares something rarer besides."""

SHOWS: Final = (
    ({"date"}, {"year", "daymonth", "date_either"}),
    ({"date_either"}, {"year"}),
    ({"year", "daymonth"}, {"date"}),
    ({"postcode"}, {"home_sector"}),
    ({"home_sector"}, {"sector"}),
    ({"forename"}, {"initial"}),
    ({"surname"}, {"surname_initial"}),
    ({"forename", "surname"}, {"name_low", "name_high"}),
    ({"name_low", "name_high"}, {"initial_low", "initial_high"}),
    ({"name_low", "name_high", "forename"}, {"surname"}),
    ({"name_low", "name_high", "surname"}, {"forename"}),
    ({"initial", "surname_initial"}, {"initial_low", "initial_high"}),
    ({"initial_low", "initial_high", "initial"}, {"surname_initial"}),
    ({"initial_low", "initial_high", "surname_initial"}, {"initial"}),
)
"""Parts of an identity, and those that two records share too who share these."""

FIELD_PARTS: Final = {
    "forename": "forename",
    "surname": "surname",
    "dob": "date",
    "postcode": "postcode",
}
"""Each field that has filters, and the part that it is."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of records.

    Args:
        one: The row of the one.
        other: That of the other.
        known: Whether they are known to have one value of each of `FIELD_PARTS`; of shape (pairs,
            fields).
    """

    one: Numbers
    other: Numbers
    known: Truths

    def __getitem__(self, which: Numbers | Truths) -> Pairs:
        return Pairs(self.one[which], self.other[which], self.known[which])

    def __add__(self, more: Pairs) -> Pairs:
        return Pairs(
            np.concatenate([self.one, more.one]),
            np.concatenate([self.other, more.other]),
            np.concatenate([self.known, more.known]),
        )

    def turned(self) -> Pairs:
        """The same, each the other way round."""
        return Pairs(self.other, self.one, self.known)


@dataclass(frozen=True)
class Records:
    """Encoded records as arrays, in the order of partners and ids.

    Args:
        kept: The columns of ``encoded_schema()``.
        partner: The number of each record's partner.
        values: The value of each composite of each record, 0 for none; of shape (records,).
        words: The filters that were looked at, all 0 for none; of shape (records, words).
    """

    kept: pl.DataFrame = field(repr=False)
    partner: Numbers
    values: dict[str, Numbers]
    words: dict[tuple[str, str], Words] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: pl.DataFrame) -> Records:
        """The arrays of records that stand in this order."""
        return cls(
            kept,
            kept["partner"].rank("dense").cast(pl.Int64).to_numpy(),
            {name: kept[token_column(name)].fill_null(0).to_numpy() for name in NAMES},
        )

    def filter(self, pair: tuple[str, str]) -> Words:
        """A field's filter under an anchor, of each record."""
        if pair not in self.words:
            columns = self.kept.select(pl.col(filter_columns(*pair)).fill_null(0))
            self.words[pair] = columns.to_numpy(order="c").view(np.uint64)
        return self.words[pair]

    def sexes(self, mask: str) -> Bits:
        """The bit of sex that a composite masks, of each record; -1 for none."""
        return self.kept[sex_column(mask)].fill_null(-1).to_numpy()

    def share(self, name: str, one: Numbers, other: Numbers) -> Truths:
        """Whether pairs share a composite."""
        held = self.values[name][one]
        return (held == self.values[name][other]) & (held != 0)

    def apart(self, pair: tuple[str, str], one: Numbers, other: Numbers) -> Numbers:
        """How many bits filters lie apart, -1 where one is missing or the anchor not shared."""
        left, right = self.filter(pair)[one], self.filter(pair)[other]
        compares = self.share(pair[1], one, other)
        compares &= left.any(axis=1)
        compares &= right.any(axis=1)
        bits = np.bitwise_count(left ^ right).sum(axis=1, dtype=np.int64)
        return np.where(compares, bits, -1)


def implied(records: Records) -> tuple[Pairs, Truths]:
    """The pairs of records of two partners that share anything, and what each must share.

    Returns:
        The pairs, those first that share most, by the earlier and then the later row, which is
        ``one``; and whether they must share each of `NAMES`, of shape (pairs, composites).
    """
    one, other = _meeting(records)
    shares = np.sum([records.share(name, one, other) for name in NAMES], axis=0)
    order = np.argsort(-shares, kind="stable")
    one, other = one[order], other[order]
    equal = np.zeros((len(one), len(FIELD_PARTS)), dtype=np.bool_)
    for pair in FILTERS:
        sharing = np.flatnonzero(records.share(pair[1], one, other))
        same = records.apart(pair, one[sharing], other[sharing]) == 0
        equal[sharing, list(FIELD_PARTS).index(pair[0])] |= same
    shared = [records.share(name, one, other) for name in NAMES]
    patterns, of_pair = _patterns([*shared, *equal.T])
    told = np.array([_told(pattern) for pattern in patterns], dtype=np.bool_)
    each = told.reshape(-1, len(NAMES) + len(FIELD_PARTS))[of_pair]
    return Pairs(one, other, each[:, len(NAMES) :]), each[:, : len(NAMES)]


def _meeting(records: Records) -> tuple[Numbers, Numbers]:
    """The pairs of records of two partners that share a composite, the later first."""
    found = []
    for values in records.values.values():
        rows = pl.DataFrame({"value": values, "partner": records.partner}).with_row_index("one")
        held = rows.filter(pl.col("value") != 0)
        held = held.filter(pl.len().over("value").is_between(2, MOST_SHARING))
        both = held.join(held, on="value", suffix="_other")
        both = both.filter(pl.col("partner") > pl.col("partner_other"))
        found.append(both.select("one", other="one_other"))
    pairs = pl.concat(found).unique().sort("other", "one").cast(pl.Int64)
    return pairs["one"].to_numpy(), pairs["other"].to_numpy()


def _patterns(truths: list[Truths]) -> tuple[list[tuple[bool, ...]], Numbers]:
    """The different rows of some columns of truths, and which of them each row is."""
    packed = np.zeros(len(truths[0]), dtype=np.int64)
    for at, truth in enumerate(truths):
        packed |= truth.astype(np.int64) << at
    different, of_row = np.unique(packed, return_inverse=True)
    return [
        tuple(bool(number >> at & 1) for at in range(len(truths))) for number in different
    ], of_row.ravel()


@cache
def _told(pattern: tuple[bool, ...]) -> tuple[bool, ...]:
    """Which composites, and of which fields one value, two records have that have these."""
    of_each = [*COMPOSITES.values(), *((part,) for part in FIELD_PARTS.values())]
    had = [parts for parts, has in zip(of_each, pattern, strict=True) if has]
    known = shown(part for parts in had for part in parts)
    return tuple(known.issuperset(parts) for parts in of_each)


def shown(parts: Iterable[str]) -> set[str]:
    """All the parts of an identity that two records share who share these."""
    known, before = set(parts), -1
    while len(known) != before:
        before = len(known)
        for some, more in SHOWS:
            if some <= known:
                known |= more
    return known
