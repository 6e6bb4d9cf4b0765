"""What many people of one extract share says hardly who they are, but much to somebody with a list.

A hostel or a prison is one postcode. To linkage it is poor evidence, since it is shared by people
who are not the same; to somebody who knows its residents it is a large group to lay over their
list. So each resident has a made-up postcode of the same sector in its place. Were it left out,
what is missing would tell who lives at such a place (docs/adr/0043).

Two names with nothing else are the strongest evidence there is where nobody else bears them, and
where many do they can be counted and looked up by how common they are. So they make a token only
where the extract has them of one person, as far as dates of birth tell.
"""

from __future__ import annotations

import hashlib
from typing import Final

import polars as pl

from governance.encoding.prf import distinct

CROWDED: Final = 20
"""The most different people of one extract who may share any postcode (2026-11-22).

Chosen by measurement: docs/adr/0011. Ordinary postcodes hold some fifteen homes."""

TIMES_THE_MEAN: Final = 6
"""How many times the mean people of a postcode one may have besides, where there are `MANY`
postcodes (2026-11-23). An extract of so many people that most postcodes have over `CROWDED` has no
hostels everywhere (docs/adr/0047)."""

MANY: Final = 1_000
"""Of fewer postcodes a few hostels would set the mean (2026-11-23)."""

MOST_UNDATED: Final = 5
"""The most postcodes that lone names may have in records without a date of birth (2026-11-22).

Nothing else tells whether those are of one person, so that of many a common name could be counted.
Each record that has neither date nor postcode counts as one more."""

LONE: Final = "LONE"
"""What stands for the date beside lone names; no date is written so."""


ENDS: Final = "0123456789abcdefghijklmno"
"""What the last two characters of a made-up postcode are taken from; no real one ends so."""

SEPARATOR: Final = "\x1f"


def without_crowds(identity: pl.DataFrame) -> pl.DataFrame:
    """Make up postcodes for people at crowded ones, and tell which names are one person's alone.

    Args:
        identity: One partner's identities, from ``schemas.identity.identity_frame``. At a postcode
            people are told apart by names and date of birth as written, so one who is written in
            several ways counts several times.

    Returns:
        The same rows, with ``lone``: `LONE` where the names are, else the date of birth as
        YYYYMMDD. Both hang on the whole extract, not on its order.
    """
    people = pl.struct("forename", "surname", "dob").n_unique()
    counted = identity.drop_nulls("postcode").group_by("postcode").agg(people=people)
    over_mean = pl.col("people") * pl.len() > TIMES_THE_MEAN * pl.col("people").sum()
    stands_out = over_mean | (pl.len() < MANY)
    crowded = counted.filter((pl.col("people") > CROWDED) & stands_out)["postcode"]
    lone = pl.when(_lone()).then(pl.lit(LONE)).otherwise(pl.col("dob").dt.strftime("%Y%m%d"))
    return with_made_up(identity.with_columns(lone=lone), crowded)


def with_made_up(identity: pl.DataFrame, crowded: pl.Series) -> pl.DataFrame:
    """Put a postcode of one's own in the place of each crowded one.

    It hangs on that postcode and on the date of birth and initials, or on both names where there is
    no date. So records of one person still agree, and residents hardly ever. Who has neither
    keeps the sector only.

    Args:
        identity: Identities.
        crowded: The crowded postcodes.
    """
    of_many = pl.col("postcode").is_in(crowded.implode())
    dated = pl.col("dob").is_not_null()
    initials = (
        pl.coalesce(pl.col(name).str.head(1), f"{name}_initial", pl.lit(""))
        for name in ("forename", "surname")
    )
    # The names themselves are null where either is.
    who = (
        pl.when(dated)
        .then(pl.concat_str(pl.col("dob").dt.strftime("%Y%m%d"), *initials, separator=SEPARATOR))
        .otherwise(pl.concat_str(pl.lit(""), "forename", "surname", separator=SEPARATOR))
    )
    texts = pl.when(of_many).then(pl.concat_str("postcode", who, separator=SEPARATOR))
    sector = pl.col("postcode").str.head(-2)
    ends = _ends(identity.select(texts).to_series())
    return identity.with_columns(
        sector=pl.when(of_many).then(sector).otherwise("sector"),
        postcode=pl.when(of_many).then(sector + ends).otherwise("postcode"),
    )


def _ends(texts: pl.Series) -> pl.Series:
    """Two characters for each text, as its SHA-256 has them; null where it is null."""
    values, rows = distinct(texts)
    digests = (hashlib.sha256(text.encode()).digest() for text in values)
    numbers = (int.from_bytes(digest[:8], "little") for digest in digests)
    base = len(ENDS)
    ends = [ENDS[number // base % base] + ENDS[number % base] for number in numbers]
    return pl.Series(ends, dtype=pl.String).gather(rows)


def _lone() -> pl.Expr:
    names = ("forename", "surname")
    undated = pl.col("postcode").filter(pl.col("dob").is_null())
    places = undated.drop_nulls().n_unique() + undated.null_count()
    dates = pl.col("dob").drop_nulls().n_unique()
    return (dates.over(names) <= 1) & (places.over(names) <= MOST_UNDATED)
