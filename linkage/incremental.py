"""What one run of linking leaves for the next, and what the next one must look at again.

A pair's weight depends on its two records alone, and whether it is compared on which blocks are
crowded. So only pairs in which a record is new, has changed, or lies in a block that has become or
ceased to be crowded are scored; the rest stand. A first run is the same with nothing kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from linkage.blocking import (
    BLOCKING_COLUMNS,
    CROWDED,
    MOST_IN_BLOCK,
    MOST_ON_A_DATE,
    MOST_UNDER_ID,
    OF_A_DATE,
    in_blocks,
    on_dates,
)
from linkage.comparisons import COMPARISONS
from linkage.model import Model
from schemas.encoded import ENCODING_VERSION, encoded_schema

RULES: Final = 3
"""Raise it when a pair is judged otherwise for another reason than its model or its comparisons."""

PAIRS: Final = {
    "record_id_l": pl.Int64(),
    "record_id_r": pl.Int64(),
    "match_weight": pl.Float64(),
    "guarded": pl.Boolean(),
    "linked": pl.Boolean(),
}
RECORDS: Final = {"record_id": pl.Int64(), "fingerprint": pl.UInt64(), "first": pl.Int64()}


@dataclass(frozen=True)
class Kept:
    """What a run of linking leaves for the next.

    Attributes:
        method: What judged the pairs (:func:`method_of`).
        records: ``record_id``, ``fingerprint`` of its encoding, and ``first``, the record that
            stands for those alike.
        crowded: ``block``, ``token``: the blocks that were left out.
        pairs: ``record_id_l`` < ``record_id_r``, ``match_weight``, ``guarded`` (kept apart whatever
            its weight), ``linked``.
    """

    method: str
    records: pl.DataFrame = field(repr=False)
    crowded: pl.DataFrame = field(repr=False)
    pairs: pl.DataFrame = field(repr=False)


def method_of(model: Model) -> str:
    """What judges a pair, as a name: the model and a digest of it and of its comparisons."""
    caps = (MOST_IN_BLOCK, MOST_UNDER_ID, MOST_ON_A_DATE)
    said = (model.model_dump_json(), COMPARISONS, BLOCKING_COLUMNS, *caps, RULES)
    digest = hashlib.sha256(repr((ENCODING_VERSION, *said)).encode()).hexdigest()
    return f"{model.name} {digest}"


def nothing_kept(method: str) -> Kept:
    """What a first run finds."""
    return Kept(method, *(pl.DataFrame(schema=columns) for columns in (RECORDS, CROWDED, PAIRS)))


def fingerprinted(encoded: pl.DataFrame, kept: Kept) -> pl.DataFrame:
    """Each record with the fingerprint of its encoding and the first of those alike.

    Which of them stands first makes no difference to any weight, so one that did goes on doing it;
    else it is the lowest.

    Args:
        encoded: Every encoded record.
        kept: From the last run.

    Returns:
        By ``record_id`` the columns of `RECORDS`, and ``changed``: whether any of them is another
        than it was.
    """
    known = _fingerprints(encoded).join(
        kept.records.sort("record_id"),
        on="record_id",
        how="left",
        suffix="_kept",
        maintain_order="left",
    )
    same = pl.col("fingerprint") == pl.col("fingerprint_kept")
    stood = pl.when(same & (pl.col("first") == pl.col("record_id"))).then("record_id")
    alike = (
        known.filter(pl.col("fingerprint").is_duplicated())
        .group_by("fingerprint")
        .agg(now=pl.coalesce(stood.min(), pl.col("record_id").min()))
    )
    now = pl.coalesce("now", "record_id")
    return (
        known.join(alike, on="fingerprint", how="left", maintain_order="left")
        .select(
            "record_id",
            "fingerprint",
            first=now,
            changed=(~same | (pl.col("first") != now)).fill_null(value=True),
        )
        .sort("record_id")
    )


def _fingerprints(encoded: pl.DataFrame) -> pl.DataFrame:
    """``record_id`` and a digest of all else; another release of polars may give another digest."""
    columns = [name for name in encoded_schema() if name != "record_id"]
    return encoded.select("record_id", fingerprint=encoded.select(columns).hash_rows())


def touched(
    encoded: pl.DataFrame, records: pl.DataFrame, crowded: pl.DataFrame, kept: Kept
) -> pl.Series:
    """The ids of records whose pairs must be found and scored anew.

    Args:
        encoded: Every encoded record.
        records: From :func:`fingerprinted`.
        crowded: The blocks that are crowded now.
        kept: From the last run.
    """
    changed = records.filter("changed")["record_id"]
    crossed = pl.concat(
        [
            crowded.join(kept.crowded, on=crowded.columns, how="anti"),
            kept.crowded.join(crowded, on=crowded.columns, how="anti"),
        ]
    )
    if crossed.is_empty():
        return changed
    inside = encoded.filter(pl.any_horizontal(*in_blocks(crossed), on_dates(crossed)))["record_id"]
    return pl.concat([changed, inside]).unique()


def standing(kept: Kept, records: pl.DataFrame, fresh: pl.Series) -> pl.DataFrame:
    """The kept pairs of records that are still there and need not be looked at again."""
    gone = kept.records.join(records, on="record_id", how="anti")["record_id"]
    moved = pl.concat([gone, fresh]).unique().implode()
    return kept.pairs.filter(
        ~pl.col("record_id_l").is_in(moved), ~pl.col("record_id_r").is_in(moved)
    )


def crossed_over(
    kept: Kept, bridge: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame
) -> Kept:
    """What was kept, under the record ids and tokens of the next key epoch.

    Filters of another key differ by chance, so a pair near a threshold could be judged otherwise
    for no reason of its own. What was decided holds until a record of the pair changes.

    Args:
        kept: From linking in the old epoch.
        bridge: ``record_id_before``, ``record_id_after``.
        before: The encoded records of the old epoch.
        after: Those of the new one; a record that is bridged and not among them has gone.
    """
    there = bridge.join(after, left_on="record_id_after", right_on="record_id", how="semi")
    renamed = dict(there.select("record_id_before", "record_id_after").iter_rows())

    def over(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
        """The rows whose every record came over, under its new id."""
        moved = pl.col(columns).replace_strict(renamed, default=None, return_dtype=pl.Int64)
        return frame.with_columns(moved).drop_nulls(columns)

    pairs = over(kept.pairs, "record_id_l", "record_id_r")
    ends = pl.col("record_id_l", "record_id_r")
    return Kept(
        kept.method,
        records=over(kept.records.drop("fingerprint"), "record_id", "first")
        .join(_fingerprints(after), on="record_id")
        .select(list(RECORDS)),
        crowded=_same_blocks(kept.crowded, over(before, "record_id"), after),
        pairs=pairs.with_columns(
            record_id_l=pl.min_horizontal(ends), record_id_r=pl.max_horizontal(ends)
        ).sort("record_id_l", "record_id_r"),
    )


def _same_blocks(crowded: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Blocks under the tokens that the same records have in another encoding of them."""
    found = [
        before.select("record_id", token=column.removesuffix(OF_A_DATE))
        .join(crowded.filter(block=pl.lit(column)), on="token", how="semi")
        .select("record_id", pl.lit(column).alias("block"))
        .join(
            after.select("record_id", pl.col(column.removesuffix(OF_A_DATE)).alias("token")),
            on="record_id",
        )
        .select(list(CROWDED))
        .unique()
        for column in crowded["block"].unique()
    ]
    return pl.concat([pl.DataFrame(schema=CROWDED), *found]).drop_nulls()
