"""Postcodes at which so many people live that they say where, but hardly who.

A hostel or a prison is one postcode. To linkage it is poor evidence, since it is shared by people
who are not the same; to somebody who knows its residents it is a large group to lay over their
list. So it is encoded as its sector only, like an address that is not known more nearly.
"""

from __future__ import annotations

from typing import Final

import polars as pl

CROWDED: Final = 20
"""The most different people of one extract who may share a postcode that is encoded (2026-11-22).

Chosen by measurement: docs/adr/0008. Ordinary postcodes hold some fifteen homes."""


def without_crowded_postcodes(identity: pl.DataFrame) -> pl.DataFrame:
    """Leave of each crowded postcode its sector.

    Args:
        identity: One partner's identities, from ``schemas.identity.identity_frame``. People are
            told apart by names and date of birth as written, so one who is written in several ways
            counts several times.

    Returns:
        The same rows. Whether a postcode is crowded hangs on the whole extract, not on its order.
    """
    people = pl.struct("forename", "surname", "dob").n_unique()
    counted = identity.group_by("postcode").agg(people=people)
    crowded = counted.filter(pl.col("people") > CROWDED)["postcode"].drop_nulls()
    of_many = pl.col("postcode").is_in(crowded.implode())
    return identity.with_columns(
        sector=pl.when(of_many).then(pl.col("postcode").str.head(-2)).otherwise("sector"),
        postcode=pl.when(~of_many).then("postcode"),
    )
