"""Values that two people of one delivery share say who is kin to whom, and are not kept.

Twins share a date and a surname, a father and a son a postcode and both initials. Such values
lead linkage to the wrong person, and to a thief with a list they are the edges of a graph that can
be laid over its own: they are what is left to name anybody by (docs/adr/0040). Two records of one
person share them too, so what counts is whether the encoding itself shows that the two are of two
people. Nothing but encoded values is looked at, so the hub can do it without a key.

What takes their place looks like any other value, since what is missing tells as well
(docs/adr/0043).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from governance.encoding.consistent import consistent
from schemas.encoded import (
    BLOCK_TOKENS,
    FILTERS,
    REDUCED_TOKENS,
    SEX_MASKS,
    STAND_IN,
    STRONG_IDS,
    encoded_schema,
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

MOST_COMPARED: Final = 60
"""The most persons of one value who are compared with each other (2026-11-23).

A value that more have is not one person's, whatever their filters show."""

MOSTLY_CHANCE: Final = 4
"""How many pairs by chance must have unlike forenames for each that has not (2026-11-23).

Of two people who share a date, an initial and sex by chance some one in seven have forenames that
are not unlike, so from here on most of the others are chance as well (docs/adr/0045)."""

PAIRS_AT_ONCE: Final = 50_000
"""How many pairs are compared in one go, so that memory follows the records and not the pairs.

A pair takes some 1.4 kB while it is compared, and what is found of it a few bytes."""

COMPOSITES: Final = tuple(map(token_column, BLOCK_TOKENS + REDUCED_TOKENS))
"""What is kept only where it is one person's: all tokens but strong ids."""

HANGING: Final = {filter_columns(*pair): token_column(pair[1]) for pair in FILTERS}
"""The words of each filter, and the composite with which it is kept or not."""

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
_INITIAL: Final = (token_column("date_initial_sex"),)
_EXCHANGED: Final = (token_column("initials_date_either"),)
_ROW, _OTHER, _PERSON = "row", "row_right", "person"
_TOLD: Final = ("shown", "by_chance", "exchanged", "undecided", "unlike")
"""What a pair shows: two people; two if most such are chance, by an initial or by exchanged dates;
whether it counts for what most are, and then whether its forenames are unlike."""


@dataclass(frozen=True)
class Shared:
    """Which values of a delivery more than one person has.

    Args:
        values: A row a record, with a truth for each of `COMPOSITES`.
        stands_for: For each record the row of the one of the same person that has the lowest id.
    """

    values: pl.DataFrame = field(repr=False)
    stands_for: NDArray[np.uint32] = field(repr=False)


def kept(encoded: pl.DataFrame) -> pl.DataFrame:
    """What the hub keeps of the deliveries of several partners.

    Of each no value that is shared, and of them all none that shows that it is.

    Args:
        encoded: The columns of ``delivered_schema()``, of whole deliveries, one a partner.

    Returns:
        The same rows in the same order, with the columns of ``encoded_schema()``.
    """
    return consistent(kept_by_delivery(encoded))


def kept_by_delivery(encoded: pl.DataFrame) -> pl.DataFrame:
    """What is kept as long as each partner's delivery is looked at by itself.

    Args, and what is returned, are those of :func:`kept`.
    """
    parts = encoded.with_row_index("place").partition_by("partner")
    without = [without_shared(p, shared_values(p)).with_columns(p["place"]) for p in parts]
    return pl.concat(without).sort("place").drop("place")


def shared_values(encoded: pl.DataFrame) -> Shared:
    """Tell which values of a delivery more than one person has.

    Args:
        encoded: The columns of ``encoded_schema()``: one partner's whole delivery, and of one
            epoch.
    """
    rows = encoded.with_columns(pl.Series(_PERSON, persons(encoded)))
    person = pl.col(_PERSON)
    values = rows.select(
        ((person.min() != person.max()).over(column) & pl.col(column).is_not_null()).alias(column)
        for column in COMPOSITES
    )
    lowest = pl.col(_ROW).sort_by("record_id").first().over(_PERSON)
    return Shared(values, rows.with_row_index(_ROW).select(lowest).to_series().to_numpy())


def without_shared(encoded: pl.DataFrame, shared: Shared) -> pl.DataFrame:
    """Put a stand-in in the place of what is shared.

    It hangs on the value and on the secret words of one record of the person, so records of one
    person agree in it where they agreed in the value, and two people never do.

    Args:
        encoded: Encoded records, with the columns of ``delivered_schema()``.
        shared: From :func:`shared_values`, of the same records in the same order; perhaps as they
            are in another epoch.

    Returns:
        The same, with the columns of ``encoded_schema()``.
    """
    secrets = encoded.select(STAND_IN).to_numpy()[shared.stands_for]
    hung: dict[tuple[str, ...], str] = {(column,): column for column in COMPOSITES} | HANGING
    made = [
        column
        for columns, composite in hung.items()
        for column in _stand_ins(encoded.select(columns), shared.values[composite], secrets)
    ]
    return encoded.with_columns(made).select(list(encoded_schema()))


def _stand_ins(value: pl.DataFrame, shared: pl.Series, secrets: Numbers) -> list[pl.Series]:
    """The columns of a value, with a stand-in where it is shared."""
    rows = (shared & value.to_series().is_not_null()).arg_true()
    held, name = value[rows].to_numpy(), value.columns[0].removesuffix("_0").encode()
    messages = np.concatenate([secrets[rows.to_numpy()], held], axis=1).astype("<i8")
    digests = (hashlib.shake_128(name + row.tobytes()).digest(8 * value.width) for row in messages)
    words = np.frombuffer(b"".join(digests), dtype="<i8").reshape(held.shape)
    return [value[name].scatter(rows, words[:, at]) for at, name in enumerate(value.columns)]


def persons(encoded: pl.DataFrame) -> Numbers:
    """Which records of a delivery are one person's, as far as the encoding shows.

    Records that share a strong id, or the date and both names, are one person's. So are others that
    share any value, unless something else shows that they are two people's.

    Args:
        encoded: As for :func:`shared_values`.

    Returns:
        A number for each record; shape (records,).
    """
    alike = (encoded[column].rank("dense").fill_null(0).to_numpy() for column in ONE_PERSON)
    sure = _joined(encoded.height, map(_steps, alike))
    pairs = _pairs(encoded.with_columns(pl.Series(_PERSON, sure)))
    one = pairs.filter(~_of_two(encoded, pairs))
    ends = sure[one[_ROW].to_numpy()], sure[one[_OTHER].to_numpy()]
    return _joined(int(sure.max(initial=-1)) + 1, [ends])[sure]


def _joined(count: int, edges: Iterable[tuple[Numbers, Numbers]]) -> Numbers:
    """The connected component of each of so many nodes."""
    ends = [np.concatenate(side) for side in zip(*edges, strict=True)]
    graph = coo_array((np.ones(len(ends[0]), np.int8), tuple(ends)), shape=(count, count))
    _, component = connected_components(graph, directed=False)
    return component.astype(np.int64)


def _steps(codes: Numbers) -> tuple[Numbers, Numbers]:
    """Each row of a code above 0 with the next of the same code, which chains all that have it."""
    order = np.argsort(codes, kind="stable")
    here, after = order[:-1], order[1:]
    same = (codes[here] == codes[after]) & (codes[here] > 0)
    return here[same], after[same]


def _pairs(encoded: pl.DataFrame) -> pl.DataFrame:
    """Pairs of rows of different persons that share a value; of each person and value one row.

    It is the one of the lowest id, so that the order of rows makes no difference.
    """
    rows = encoded.with_row_index(_ROW).sort("record_id")
    sharing = []
    for column in COMPOSITES:
        held = rows.select(_ROW, _PERSON, column).drop_nulls()
        each = held.unique([_PERSON, column], keep="first", maintain_order=True)
        some = each.filter(pl.len().over(column).is_between(2, MOST_COMPARED))
        both = some.join(some, on=column).filter(pl.col(_ROW) < pl.col(_OTHER))
        sharing.append(both.select(_ROW, _OTHER))
    return pl.concat(sharing).unique()


def _of_two(encoded: pl.DataFrame, pairs: pl.DataFrame) -> pl.Series:
    """Whether two records that share a value are shown to be of two people, pair by pair.

    Under one date of birth it takes another forename and something besides: another id of one kind,
    another sex, or another surname and not that home; or another surname, sector and id. Where the
    dates differ, one name or date that is unlike is enough, and another id is but for who agrees at
    home.

    Who shares a date, an initial and sex, with another surname elsewhere, may have married and
    moved or be a stranger. How many people a delivery has makes one or the other likelier, and how
    many of them have unlike forenames tells which (docs/adr/0045).
    """
    slices = pairs.iter_slices(PAIRS_AT_ONCE)
    told = pl.concat(
        [
            pl.DataFrame(schema=dict.fromkeys(_TOLD, pl.Boolean)),
            *(_told(encoded[some[_ROW]], encoded[some[_OTHER]]) for some in slices),
        ]
    )
    if _mostly_chance(told.filter("undecided")["unlike"]):
        return told.select(pl.any_horizontal("shown", "by_chance", "exchanged")).to_series()
    return told["shown"]


def _told(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """What some pairs show of themselves, whatever the others do: the columns of `_TOLD`."""
    date, sector, home, names = (
        _any_same(one, other, of) for of in (_DATE, _SECTOR, _HOME, _NAMES)
    )
    apart = {name: _bits(one, other, name) for name in FAR}
    forename, surname, born = (apart[f] > FAR[f] for f in ("forename", "surname", "dob"))
    near = home | (apart["postcode"] <= FAR["postcode"])
    elsewhere = surname & ~(home | sector)
    ids, sex = _any_differs(one, other, _OF_PEOPLE), _of_two_sexes(one, other)
    at_home = home & (names | (apart["dob"] <= FAR["dob"]))
    shown = np.where(
        date,
        (forename & (ids | sex | (surname & ~near))) | (elsewhere & ids),
        forename | surname | born | (ids & ~at_home),
    )
    by_chance = elsewhere & _any_same(one, other, _INITIAL)
    exchanged = _any_same(one, other, _EXCHANGED) & ~(date | home | names)
    exchanged &= np.isnan(apart["forename"])
    found = (shown, by_chance, exchanged, by_chance & ~ids, forename)
    return pl.DataFrame(dict(zip(_TOLD, found, strict=True)))


def _mostly_chance(unlike: pl.Series) -> bool:
    """Whether most pairs of a kind are chance, by which of them have unlike forenames."""
    strangers = int(unlike.sum())
    return strangers > 0 and strangers >= MOSTLY_CHANCE * (len(unlike) - strangers)


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
