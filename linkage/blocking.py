"""Which pairs of records are compared at all: those that share a block token or a strong id.

A token that very many records share is left out: what half a file has in common says of nobody who
he is, and its pairs would grow with the square of the file. So is a strong id under which very many
different people stand, or a date of birth that a good part of the file has: they were written down
where none was known. What is left out depends on all the records there are, and on nothing else.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from linkage.groups import groups
from linkage.reduced import is_reduced
from schemas.encoded import BLOCK_TOKENS, FILTERS, STRONG_IDS, filter_columns, token_column

# Names and birth year are looked at last: they make the largest blocks, and by then most of their
# pairs have been found by a rule that is cheaper.
STRONG_COLUMNS = tuple(token_column(name) for name in STRONG_IDS)
INITIALS = ("initials_either_date", "initials_date_either")
"""Tokens of the reduced view that named records are met by too: sex is not in them, which half of
those have lost whom no other token brings together, and day and month or names may be exchanged."""
BLOCKS = (*BLOCK_TOKENS, *INITIALS)
BLOCKING_COLUMNS = (*STRONG_COLUMNS, *(token_column(name) for name in BLOCKS))

MOST_IN_BLOCK: Final = 500
"""Records that may share a block before it is left out. Set on 2026-11-22: of a million made-up
records some three hundred share a date of birth (a 1 January) and an initial, at most 67 any other
block, and no one person has so many."""
WEAKEST: Final = tuple(token_column(name) for name in ("date_initial_sex", *INITIALS))
"""The blocks that take the least to share: a date and what many have."""
MOST_UNDER_ID: Final = 10
"""Initials with a date of birth, different ones, that may stand under one strong id before it is
taken for nobody's. Set on 2026-11-22: of a million made-up records, mistakes and other names
included, no id has more than six; what is written down for want of an id soon has dozens."""
FEWEST_ON_A_DATE: Final = 500
MOST_ON_A_DATE: Final = 0.02
"""The share of all records, and their number, that may have one date of birth before it is taken
for nobody's. Set on 2026-11-22: of a million made-up records a 1 January has a fourth of a
percent, any other day hardly a hundredth of one."""
BUSY: Final = 15
"""Records in a block of a date from which its date is looked at; others cannot make up a crowd."""
WHO: Final = token_column("initials_date_either")
DATE_COLUMNS = tuple(token_column(name) for name in BLOCK_TOKENS if name.startswith("date_"))
WITH_A_DATE = tuple(
    token_column(name) for name in BLOCKS if {"date", "year", "daymonth"} & set(name.split("_"))
)
DATE_EVIDENCE = WITH_A_DATE + tuple(
    column for pair in FILTERS if pair[0] == "dob" for column in filter_columns(*pair)
)
OF_A_DATE: Final = " of one date"
"""Added to the block of a date that is nobody's; all blocks of such a date are left out."""
CROWDED: Final = {"block": pl.String(), "token": pl.Int64()}
SPARE: Final = 8
"""How many more last bits of tokens are told apart than there can be crowds, so that few meet."""
MOST_BITS: Final = 20
"""The most last bits of tokens that are counted; with more, what is counted outgrows the cache."""


def blocking_rules() -> list[Any]:
    """Splink's blocking rules, one a token, in the order they run."""
    from splink import block_on

    return [block_on(column) for column in BLOCKING_COLUMNS]


def crowded_blocks(encoded: pl.DataFrame, most: int = MOST_IN_BLOCK) -> pl.DataFrame:
    """The blocks that are left out: ``block`` (a column) and ``token``, each once.

    Args:
        encoded: Every encoded record there is.
        most: How many records may share a block.
    """
    found = pl.concat(
        [_shared_by_many(encoded, most), _ids_of_nobody(encoded), _dates_of_nobody(encoded)]
    )
    return found.unique().sort(list(CROWDED))


def _shared_by_many(encoded: pl.DataFrame, most: int) -> pl.DataFrame:
    """The tokens that more records share than may."""
    found = [
        _which_may(encoded.select(token=column), most)
        .group_by("token")
        .len()
        .filter(pl.col("len") > most)
        .select(pl.lit(column).alias("block"), "token")
        for column in BLOCKING_COLUMNS
    ]
    return pl.concat([pl.DataFrame(schema=CROWDED), *found])


def _ids_of_nobody(encoded: pl.DataFrame) -> pl.DataFrame:
    """The strong ids under which more different people stand than may."""
    found = []
    for column in STRONG_COLUMNS:
        held = _which_may(encoded.select(WHO, token=column).drop_nulls(), MOST_UNDER_ID)
        people = held.group_by("token").agg(pl.col(WHO).n_unique())
        found.append(
            people.filter(pl.col(WHO) > MOST_UNDER_ID).select(
                pl.lit(column).alias("block"), "token"
            )
        )
    return pl.concat([pl.DataFrame(schema=CROWDED), *found])


def _dates_of_nobody(encoded: pl.DataFrame) -> pl.DataFrame:
    """The blocks of dates of birth that more records have than may.

    No date has a token of its own. But blocks that share a record share a date, so the records of
    large ones that hang together by any are of one date, and are counted.
    """
    most = max(FEWEST_ON_A_DATE, MOST_ON_A_DATE * encoded.height)
    may_be = np.logical_or.reduce([_may_share(encoded[c], BUSY) for c in DATE_COLUMNS])
    if may_be.sum() <= most:
        return pl.DataFrame(schema=CROWDED)
    # Whatever is in a busy block may be in one, so that each such block is whole among these.
    busy = pl.any_horizontal(pl.count(column).over(column) > BUSY for column in DATE_COLUMNS)
    held = (
        encoded.select(*DATE_COLUMNS, record=pl.int_range(pl.len()))
        .filter(pl.Series(may_be))
        .filter(busy)
    )
    if held.height <= most:
        return pl.DataFrame(schema=CROWDED)
    sharing = pl.concat(
        held.drop_nulls(column).select(
            record_id_l="record", record_id_r=pl.col("record").min().over(column)
        )
        for column in DATE_COLUMNS
    )
    of_one_date = groups(held["record"], sharing)
    many = of_one_date.filter(pl.len().over("group") > most)["record_id"]
    return pl.concat(
        encoded[many].select(pl.lit(column + OF_A_DATE).alias("block"), token=column).drop_nulls()
        for column in DATE_COLUMNS
    )


def _which_may(held: pl.DataFrame, most: int) -> pl.DataFrame:
    """The rows whose ``token`` more than so many rows may share; counting these alone is cheap."""
    return held.filter(pl.Series(_may_share(held["token"], most), dtype=pl.Boolean)).drop_nulls()


def _may_share(tokens: pl.Series, most: int) -> np.ndarray:
    """Which records may share their token with too many, told by some last bits of it.

    Whoever does is among them, as are some whose tokens have the same last bits.
    """
    crowds = tokens.len() // most
    last = (1 << min((SPARE * crowds).bit_length(), MOST_BITS)) - 1
    crowd = np.bincount(tokens.drop_nulls().to_numpy() & last, minlength=last + 1) > most
    if not crowd.any():
        return np.zeros(tokens.len(), dtype=np.bool_)
    return np.asarray(crowd[tokens.fill_null(0).to_numpy() & last])


def in_blocks(crowded: pl.DataFrame) -> list[pl.Expr]:
    """For each block column, whether a record lies in one of some blocks."""
    tokens = dict(crowded.group_by("block").agg("token").iter_rows())
    return [_has_one_of(column, tokens.get(column)) for column in BLOCKING_COLUMNS]


def on_dates(crowded: pl.DataFrame) -> pl.Expr:
    """Whether a record has one of the dates that are nobody's."""
    tokens = dict(crowded.group_by("block").agg("token").iter_rows())
    return pl.any_horizontal(
        _has_one_of(column, tokens.get(column + OF_A_DATE)) for column in DATE_COLUMNS
    )


def _has_one_of(column: str, tokens: list[int] | None) -> pl.Expr:
    """Whether a record has one of some tokens; where there are none, no record is looked at."""
    found = pl.col(column).is_in(tokens).fill_null(value=False) if tokens else pl.lit(value=False)
    return found.alias(column)


def without_what_is_nobodys(encoded: pl.DataFrame, crowded: pl.DataFrame) -> pl.DataFrame:
    """The encoded records without ids and dates that are left out, so that none is evidence.

    Args:
        encoded: Encoded records.
        crowded: From :func:`crowded_blocks`.
    """
    if crowded.is_empty():
        return encoded
    inside = dict(zip(BLOCKING_COLUMNS, in_blocks(crowded), strict=True))
    ids = (pl.when(~inside[column]).then(column).alias(column) for column in STRONG_COLUMNS)
    dates = (pl.when(~on_dates(crowded)).then(column).alias(column) for column in DATE_EVIDENCE)
    return encoded.with_columns(*ids, *dates)


def open_blocks(encoded: pl.DataFrame, crowded: pl.DataFrame) -> pl.DataFrame:
    """``record_id`` and the block columns, without the tokens of crowded blocks.

    A record in any crowded block is not met by `WEAKEST` either: what crowds a block is most often
    a date that stands for an unknown one, and with it an initial says nothing of who somebody is.
    """
    inside = dict(zip(BLOCKING_COLUMNS, in_blocks(crowded), strict=True))
    for column in WITH_A_DATE:
        inside[column] |= on_dates(crowded)
    open_ones = {name: one for name, one in inside.items() if name not in STRONG_COLUMNS}
    crowds = pl.any_horizontal(open_ones.values())
    inside |= dict.fromkeys(WEAKEST, crowds)
    return encoded.select(
        "record_id",
        *(pl.when(~left_out).then(pl.col(name)).alias(name) for name, left_out in inside.items()),
    )


def full_view_blocks(encoded: pl.DataFrame, crowded: pl.DataFrame) -> pl.DataFrame:
    """The open blocks of the full view: of a record of initials only, its strong ids alone.

    The full view may judge no other pair of such a record, so none is made.
    """
    blocks = open_blocks(encoded, crowded)
    initialled = encoded.select(reduced=is_reduced().fill_null(value=False)).to_series()
    return blocks.with_columns(
        pl.when(~initialled).then(column).alias(column)
        for column in BLOCKING_COLUMNS
        if column not in STRONG_COLUMNS
    )


def candidate_pairs(blocks: pl.DataFrame, firsts: pl.DataFrame, fresh: pl.Series) -> pl.DataFrame:
    """The pairs to compare in which a fresh record takes part, each once.

    Records that are alike in everything are compared with the first of them only, and that first
    one with everybody else, so that a thousand copies make a thousand pairs and not half a million.

    Args:
        blocks: From :func:`full_view_blocks`.
        firsts: ``record_id``, ``first``: the record that stands for those alike.
        fresh: Ids of the records that are new, or to be compared anew.

    Returns:
        ``record_id_l`` < ``record_id_r``.
    """
    # A join of one column and not of all: the others need not be copied.
    first = blocks.select("record_id").join(
        firsts, on="record_id", how="left", maintain_order="left"
    )
    known = blocks.with_columns(first["first"], fresh=pl.col("record_id").is_in(fresh.implode()))
    return pl.concat([_across(known), _alike(known)])


def _across(known: pl.DataFrame) -> pl.DataFrame:
    """The pairs of records that stand for themselves and share a block."""
    found = []
    stands = (known["record_id"] == known["first"]).alias("stands")
    for column in BLOCKING_COLUMNS:
        all_of_them = known.select("record_id", "fresh", token=column).filter(
            stands, pl.col("token").is_not_null()
        )
        ours = all_of_them.filter("fresh").select("token", other="record_id")
        met = all_of_them.join(ours, on="token").filter(
            (pl.col("record_id") < pl.col("other")) | ~pl.col("fresh")
        )
        found.append(_pairs(met, "record_id", "other"))
    return pl.concat(found).unique()


def _alike(known: pl.DataFrame) -> pl.DataFrame:
    """Each record that is alike to a first one, with it, where they share a block at all."""
    blocked = pl.any_horizontal(pl.col(BLOCKING_COLUMNS).is_not_null())
    # What makes a first record fresh makes those alike fresh: they have its tokens and name it.
    copies = known.filter("fresh", blocked, pl.col("record_id") != pl.col("first"))
    return _pairs(copies, "record_id", "first")


def _pairs(met: pl.DataFrame, one: str, other: str) -> pl.DataFrame:
    return met.select(
        record_id_l=pl.min_horizontal(one, other), record_id_r=pl.max_horizontal(one, other)
    )
