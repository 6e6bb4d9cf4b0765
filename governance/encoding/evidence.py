"""What two encoded records that share a value show of whether they are one person's.

Nothing but encoded values is looked at: what both share, and how far apart filters lie under an
anchor that both have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from schemas.encoded import (
    BLOCK_TOKENS,
    FILTERS,
    REDUCED_TOKENS,
    SEX_MASKS,
    STRONG_IDS,
    filter_columns,
    sex_column,
    token_column,
)

Numbers = NDArray[np.int64]
Truths = NDArray[np.bool_]
Reals = NDArray[np.float64]

FAR: Final = {"forename": 43, "surname": 43, "dob": 40, "postcode": 38}
"""Bits of 128 beyond which two values under one anchor are unlike (2026-11-23).

None is less than what linkage still holds to be near (`linkage.comparisons`)."""

PAIRS_AT_ONCE: Final = 50_000
"""How many pairs are compared in one go, so that memory follows the records and not the pairs.

A pair takes some 1.4 kB while it is compared, and what is found of it a few bytes."""

_IDS: Final = tuple(map(token_column, STRONG_IDS))
ONE_PERSON: Final = (*_IDS, token_column("date_names_either"))
"""What two records share, as good as never, unless they are one person's."""

_OF_PEOPLE: Final = tuple(column for column in _IDS if column != token_column("local_id"))
"""Ids of which one person has one of a kind; each agency of a partner has client ids of its own."""

_DATE: Final = tuple(
    token_column(name)
    for name in BLOCK_TOKENS + REDUCED_TOKENS
    if "date" in name.split("_") and not name.endswith("date_either")
)
_SECTOR: Final = (token_column("date_sector"),)
_HOME: Final = tuple(
    map(token_column, ("postcode_initials", "postcode_surname", "postcode_forename"))
)
_NAMES: Final = tuple(
    map(token_column, ("names_year", "names_daymonth", "names_lone", "names_either_sector"))
)
_NAMES_SECTOR: Final = (token_column("names_either_sector"),)
_INITIAL: Final = (token_column("date_initial_sex"),)
_EXCHANGED: Final = (token_column("initials_date_either"),)


@dataclass(frozen=True)
class Evidence:
    """What pairs of records show, a truth for each pair.

    Args:
        date: They share a date of birth.
        home: They share a postcode.
        names: They share both names and something besides, though not the date.
        names_sector: They share both names and a sector.
        initial: They share a date, an initial and sex.
        exchanged: They share initials, and a date but for day and month that may be exchanged.
        forename, surname, born: The field is unlike.
        of_forenames: Forenames can be compared.
        ids: They have two ids of one kind.
        sex: They are of two sexes.
        near: They share a postcode or have postcodes that are like.
        elsewhere: Surnames are unlike, and neither a postcode nor a sector is shared.
        at_home: They share a postcode and are alike besides, in both names or by a date.
    """

    date: Truths
    home: Truths
    names: Truths
    names_sector: Truths
    initial: Truths
    exchanged: Truths
    forename: Truths
    surname: Truths
    born: Truths
    of_forenames: Truths
    ids: Truths
    sex: Truths
    near: Truths
    elsewhere: Truths
    at_home: Truths

    @property
    def two_of_one_date(self) -> Truths:
        """Two people who share a date of birth.

        It takes another forename and something besides: another id of one kind, another sex, or
        another surname and not that home; or another surname, sector and id.
        """
        besides = self.ids | self.sex | (self.surname & ~self.near)
        return self.date & ((self.forename & besides) | (self.elsewhere & self.ids))

    @property
    def two_by_ids(self) -> Truths:
        """Two people who share no date and have two ids, but not who agrees at home."""
        return ~self.date & self.ids & ~self.at_home


def evidence(one: pl.DataFrame, other: pl.DataFrame) -> Evidence:
    """What pairs of records show.

    Args:
        one: The one record of each pair, with the columns of ``encoded_schema()``.
        other: The other of each.
    """
    date, sector, home, names, names_sector, initial, exchanged = (
        _any_same(one, other, of)
        for of in (_DATE, _SECTOR, _HOME, _NAMES, _NAMES_SECTOR, _INITIAL, _EXCHANGED)
    )
    apart = {name: _bits(one, other, name) for name in FAR}
    surname = apart["surname"] > FAR["surname"]
    return Evidence(
        date=date,
        home=home,
        names=names,
        names_sector=names_sector,
        initial=initial,
        exchanged=exchanged,
        forename=apart["forename"] > FAR["forename"],
        surname=surname,
        born=apart["dob"] > FAR["dob"],
        of_forenames=~np.isnan(apart["forename"]),
        ids=_any_differs(one, other, _OF_PEOPLE),
        sex=_of_two_sexes(one, other),
        near=home | (apart["postcode"] <= FAR["postcode"]),
        elsewhere=surname & ~(home | sector),
        at_home=home & (names | (apart["dob"] <= FAR["dob"])),
    )


def surely_one(encoded: pl.DataFrame) -> Numbers:
    """Which records are as good as surely one person's: a number for each, of shape (records,).

    They share a strong id, or the date and both names, or are joined through others that do.
    """
    return joined(encoded.height, (alike(encoded[column]) for column in ONE_PERSON))


def joined(count: int, edges: Iterable[tuple[Numbers, Numbers]]) -> Numbers:
    """The connected component of each of so many nodes."""
    ends = [np.concatenate(side) for side in zip(*edges, strict=True)]
    graph = coo_array((np.ones(len(ends[0]), np.int8), tuple(ends)), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    return component.astype(np.int64)


def alike(values: pl.Series) -> tuple[Numbers, Numbers]:
    """Each row of a value with the next of the same value, which chains all that have it."""
    codes = values.rank("dense").fill_null(0).to_numpy()
    order = np.argsort(codes, kind="stable")
    here, after = order[:-1], order[1:]
    same = (codes[here] == codes[after]) & (codes[here] > 0)
    return here[same], after[same]


def _of_two_sexes(one: pl.DataFrame, other: pl.DataFrame) -> Truths:
    shown = (
        _any_same(one, other, (token_column(mask),)) & _any_differs(one, other, (sex_column(mask),))
        for mask in SEX_MASKS
    )
    return np.logical_or.reduce(list(shown))


def _any_same(one: pl.DataFrame, other: pl.DataFrame, columns: Iterable[str]) -> Truths:
    same = ((one[column] == other[column]).fill_null(value=False) for column in columns)
    return np.logical_or.reduce([truth.to_numpy() for truth in same])


def _any_differs(one: pl.DataFrame, other: pl.DataFrame, columns: Iterable[str]) -> Truths:
    differs = ((one[column] != other[column]).fill_null(value=False) for column in columns)
    return np.logical_or.reduce([truth.to_numpy() for truth in differs])


def _bits(one: pl.DataFrame, other: pl.DataFrame, field: str) -> Reals:
    """The least distance of a field under the anchors that two share; not a number if none."""
    return np.fmin.reduce([_apart(one, other, pair) for pair in FILTERS if pair[0] == field])


def _apart(one: pl.DataFrame, other: pl.DataFrame, pair: tuple[str, str]) -> Reals:
    columns = filter_columns(*pair)
    left, right = (
        frame.select(pl.col(columns).fill_null(0)).to_numpy().view(np.uint64)
        for frame in (one, other)
    )
    apart = np.bitwise_count(left ^ right).sum(axis=1, dtype=np.float64)
    missing = (one[columns[0]].is_null() | other[columns[0]].is_null()).to_numpy()
    shared = _any_same(one, other, (token_column(pair[1]),))
    return np.where(missing | ~shared, np.nan, apart)
