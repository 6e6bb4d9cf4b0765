"""The identity of every row that names a person, in one shape for all partners."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from schemas import identifiers, standardise
from schemas.tables import TABLES, IdentityColumns, Table

KEY_SEPARATOR = "|"
IDENTITY_SCHEMA = {
    "table": pl.String,
    "record_key": pl.String,
    "forename": pl.String,
    "surname": pl.String,
    "dob": pl.Date,
    "sex": pl.String,
    "postcode": pl.String,
    "nhs_number": pl.String,
    "nino": pl.String,
    "pnc_id": pl.String,
    "cro_number": pl.String,
    "noms_number": pl.String,
    "local_id": pl.String,
    "forename_initial": pl.String,
    "surname_initial": pl.String,
    "sector": pl.String,
}
"""The columns of an identity frame; any but the first two may be null.

Initials and sector are as they were sent; where names and postcode were, they follow from those.
"""

STRONG = ("nhs_number", "nino", "pnc_id", "cro_number", "noms_number")


def record_key(table: Table) -> pl.Expr:
    """A record's key as one string: its parts in order, parted by `|`."""
    return joined_key(table.key).alias("record_key")


def joined_key(columns: tuple[str, ...]) -> pl.Expr:
    """Key columns as one string, parted by `|`; null where any of them is."""
    return pl.concat_str([pl.col(column) for column in columns], separator=KEY_SEPARATOR)


def identity_frame(partner: str, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Gather who each identity-bearing row is about.

    Args:
        partner: Whose tables they are.
        frames: The partner's validated frames.

    Returns:
        One row for each row of the partner's identity-bearing tables, in their order, with the
        columns of `IDENTITY_SCHEMA`. Pseudo-postcodes are null here.
    """
    parts = [
        _identities(table, table.identity, frames[table.name])
        for table in TABLES[partner]
        if table.identity is not None
    ]
    return pl.concat([pl.DataFrame(schema=IDENTITY_SCHEMA), *parts])


def _identities(table: Table, columns: IdentityColumns, frame: pl.DataFrame) -> pl.DataFrame:
    strong = [_column(getattr(columns, name)).alias(name) for name in STRONG]
    local = joined_key(columns.local_id) if columns.local_id else pl.lit(None, pl.String)
    return frame.select(
        pl.lit(table.name).alias("table"),
        record_key(table),
        pl.col(columns.forename).alias("forename"),
        pl.col(columns.surname).alias("surname"),
        pl.col(columns.dob).alias("dob"),
        pl.col(columns.sex).alias("sex"),
        standardise.linkable_postcode(_column(columns.postcode)).alias("postcode"),
        *strong,
        local.alias("local_id"),
        _column(columns.forename_initial).alias("forename_initial"),
        _column(columns.surname_initial).alias("surname_initial"),
        _linkable_sector(_column(columns.sector)).alias("sector"),
    )


def _linkable_sector(normal: pl.Expr) -> pl.Expr:
    """A sector without its space, as a postcode begins; null where it names no place."""
    names_a_place = identifiers.sector_district(normal).is_not_null()
    return pl.when(names_a_place).then(normal.str.replace(" ", "", literal=True))


def _column(name: str | None) -> pl.Expr:
    return pl.lit(None, pl.String) if name is None else pl.col(name)
