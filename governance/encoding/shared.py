"""Values that two people of one delivery share say who is kin to whom, and are not kept.

Twins share a date and a surname, a father and a son a postcode and both initials. Such values
lead linkage to the wrong person, and to a thief with a list they are the edges of a graph that can
be laid over its own: they are what is left to name anybody by (docs/adr/0040). Two records of one
person share them too, so what counts is whether the encoding itself shows that the two are of two
people. Nothing but encoded values is looked at, so the hub can do it without a key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from governance.encoding.evidence import PAIRS_AT_ONCE, evidence, joined, surely_one
from governance.encoding.stand_ins import COMPOSITES, KEPT, Numbers, with_stand_ins

MOST_COMPARED: Final = 60
"""The most persons of one value who are compared with each other (2026-11-23).

A value that more have is not one person's, whatever their filters show."""

MOSTLY_CHANCE: Final = 4
"""How many pairs by chance must have unlike forenames for each that has not (2026-11-23).

Of two people who share a date, an initial and sex by chance some one in seven have forenames that
are not unlike, so from here on most of the others are chance as well (docs/adr/0045)."""

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

    It is made with the secret words of one record of the person, so records of one person agree in
    it where they agreed in the value, and two people never do.

    Args:
        encoded: Encoded records, with the columns of ``delivered_schema()``.
        shared: From :func:`shared_values`, of the same records in the same order; perhaps as they
            are in another epoch.

    Returns:
        The same records and columns, of which the secret words are not for keeping.
    """
    words_of = {
        column: np.where(shared.values[column], shared.stands_for.astype(np.int64), KEPT)
        for column in COMPOSITES
    }
    return with_stand_ins(encoded, words_of)


def persons(encoded: pl.DataFrame) -> Numbers:
    """Which records of a delivery are one person's, as far as the encoding shows.

    Records that share a strong id, or the date and both names, are one person's. So are others that
    share any value, unless something else shows that they are two people's.

    Args:
        encoded: As for :func:`shared_values`.

    Returns:
        A number for each record; shape (records,).
    """
    sure = surely_one(encoded)
    pairs = _pairs(encoded.with_columns(pl.Series(_PERSON, sure)))
    one = pairs.filter(~_of_two(encoded, pairs))
    ends = sure[one[_ROW].to_numpy()], sure[one[_OTHER].to_numpy()]
    return joined(int(sure.max(initial=-1)) + 1, [ends])[sure]


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
    of = evidence(one, other)
    unlike = ~of.date & (of.forename | of.surname | of.born)
    by_chance = of.elsewhere & of.initial
    exchanged = of.exchanged & ~(of.date | of.home | of.names | of.of_forenames)
    shown = of.two_of_one_date | of.two_by_ids | unlike
    found = (shown, by_chance, exchanged, by_chance & ~of.ids, of.forename)
    return pl.DataFrame(dict(zip(_TOLD, found, strict=True)))


def _mostly_chance(unlike: pl.Series) -> bool:
    """Whether most pairs of a kind are chance, by which of them have unlike forenames."""
    strangers = int(unlike.sum())
    return strangers > 0 and strangers >= MOSTLY_CHANCE * (len(unlike) - strangers)
