"""Values that a delivery shares with somebody else whom another partner knows are not kept.

Of kin of whom two partners know one each, neither delivery shows that a value is two people's. Kept
by both it shows whoever holds the store who has kin (docs/adr/0051). What was kept first stays, as
one of the two is enough to replace. The hub needs no key for it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from governance.encoding.evidence import PAIRS_AT_ONCE, Evidence, Truths, evidence, surely_one
from governance.encoding.stand_ins import COMPOSITES, KEPT, Numbers, with_stand_ins
from schemas.encoded import encoded_schema

_ROW, _OTHER = "row", "row_right"


def without_shared_across(coming: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Put a stand-in in the place of each value that other partners hold of somebody else.

    Args:
        coming: What is new of one partner's delivery, as
            :func:`~governance.encoding.shared.without_shared` leaves it, so that every value is one
            person's.
        held: What is kept of other partners, and what of this one's delivery is not new, in the
            same epoch; with the columns of ``encoded_schema()``.

    Returns:
        The delivery with the columns of ``encoded_schema()``, its rows in the same order.
    """
    every = pl.concat([held, coming.select(held.columns)])
    rows = every.with_row_index(_ROW).with_columns(pl.col(_ROW).cast(pl.Int64)).sort("record_id")
    mine = rows.filter(pl.col(_ROW) >= held.height)
    theirs = rows.join(mine, on="partner", how="anti", maintain_order="left")
    met = {column: _met(mine, theirs, column) for column in COMPOSITES}
    two = _of_two(every, pl.concat(met.values()).unique())
    of_two = {
        column: pairs.join(two, on=[_ROW, _OTHER], how="semi") for column, pairs in met.items()
    }
    words_of = {
        column: _words_of(coming[column], pairs[_ROW].unique() - held.height)
        for column, pairs in of_two.items()
    }
    return with_stand_ins(coming, words_of).select(list(encoded_schema()))


def _met(mine: pl.DataFrame, theirs: pl.DataFrame, column: str) -> pl.DataFrame:
    """Rows that share a value: of a partner's records that have it the one of the lowest id."""
    one, other = (
        side.select(_ROW, "partner", column)
        .drop_nulls(column)
        .unique(["partner", column], keep="first", maintain_order=True)
        for side in (mine, theirs)
    )
    return one.join(other, on=column).select(_ROW, _OTHER)


def _of_two(every: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Those pairs that are shown to be of two people, and by no id to be of one."""
    sure = surely_one(every)
    apart = pairs.filter(sure[pairs[_ROW].to_numpy()] != sure[pairs[_OTHER].to_numpy()])
    slices = apart.iter_slices(PAIRS_AT_ONCE)
    told = [
        some.filter(_are_two(evidence(every[some[_ROW]], every[some[_OTHER]]))) for some in slices
    ]
    return pl.concat([apart.clear(), *told])


def _are_two(of: Evidence) -> Truths:
    """Whether pairs of records of two partners are of two people.

    It takes more than within a delivery, as most who share a value across partners are one person,
    with a slip somewhere: under different dates two of forename, surname and date that are unlike,
    or a date that is and neither a home nor both names and a sector; or two ids.
    """
    unlike = np.sum([of.forename, of.surname, of.born], axis=0) > 1
    elsewhere = of.born & ~(of.home | of.names_sector)
    return of.two_of_one_date | of.two_by_ids | (~of.date & (unlike | elsewhere))


def _words_of(values: pl.Series, firsts: pl.Series) -> Numbers:
    """For each record the row whose words take the place of its value: the first that has it."""
    replaced = pl.DataFrame({"value": values[firsts], "first": firsts})
    joined = values.to_frame("value").join(replaced, on="value", how="left", maintain_order="left")
    return joined["first"].fill_null(KEPT).to_numpy()
