"""What many people of one extract share says hardly who they are, but much to somebody with a list.

A hostel or a prison is one postcode. To linkage it is poor evidence, since it is shared by people
who are not the same; to somebody who knows its residents it is a large group to lay over their
list. So it is encoded as its sector only, like an address that is not known more nearly.

Two names with nothing else are the strongest evidence there is where nobody else bears them, and
where many do they can be counted and looked up by how common they are. So they make a token only
where the extract has them of one person, as far as dates of birth tell.
"""

from __future__ import annotations

from typing import Final

import polars as pl

CROWDED: Final = 20
"""The most different people of one extract who may share a postcode that is encoded (2026-11-22).

Chosen by measurement: docs/adr/0008. Ordinary postcodes hold some fifteen homes."""

MOST_UNDATED: Final = 5
"""The most postcodes that lone names may have in records without a date of birth (2026-11-22).

Nothing else tells whether those are of one person, so that of many a common name could be counted.
Each record that has neither date nor postcode counts as one more."""

LONE: Final = "LONE"
"""What stands for the date beside lone names; no date is written so."""


def without_crowds(identity: pl.DataFrame) -> pl.DataFrame:
    """Leave of each crowded postcode its sector, and tell which names are one person's alone.

    Args:
        identity: One partner's identities, from ``schemas.identity.identity_frame``. At a postcode
            people are told apart by names and date of birth as written, so one who is written in
            several ways counts several times.

    Returns:
        The same rows, with ``lone``: `LONE` where the names are, else the date of birth as
        YYYYMMDD. Both hang on the whole extract, not on its order.
    """
    people = pl.struct("forename", "surname", "dob").n_unique()
    counted = identity.group_by("postcode").agg(people=people)
    crowded = counted.filter(pl.col("people") > CROWDED)["postcode"].drop_nulls()
    of_many = pl.col("postcode").is_in(crowded.implode())
    return identity.with_columns(
        sector=pl.when(of_many).then(pl.col("postcode").str.head(-2)).otherwise("sector"),
        postcode=pl.when(~of_many).then("postcode"),
        lone=pl.when(_lone()).then(pl.lit(LONE)).otherwise(pl.col("dob").dt.strftime("%Y%m%d")),
    )


def _lone() -> pl.Expr:
    names = ("forename", "surname")
    undated = pl.col("postcode").filter(pl.col("dob").is_null())
    places = undated.drop_nulls().n_unique() + undated.null_count()
    dates = pl.col("dob").drop_nulls().n_unique()
    return (dates.over(names) <= 1) & (places.over(names) <= MOST_UNDATED)
