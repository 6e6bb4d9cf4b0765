"""What each record says of its person, as broadly as quality is told: sex, age band, ethnic group.

It is read from the staging store, so that linkage never sees it and the identity store never
holds it (the split-file rule).
"""

from __future__ import annotations

from typing import Final

import duckdb
import polars as pl

from warehouse.connect import store_errors
from warehouse.models import load_seed
from warehouse.staging import TABLES

AGE_BANDS: Final = {
    18: "Under 18",
    25: "18-24",
    35: "25-34",
    45: "35-44",
    55: "45-54",
}
"""The age that each band lies below; the bands of the mart `person`."""
OLDEST: Final = "55 and over"
NO_AGE: Final = "Not known"
AGE_BAND_MACRO: Final = (
    f"CREATE MACRO age_band_of(age) AS CASE WHEN age IS NULL THEN '{NO_AGE}' "
    + " ".join(f"WHEN age < {below} THEN '{name}'" for below, name in AGE_BANDS.items())
    + f" ELSE '{OLDEST}' END"
)
"""The same bands as a word that models may use."""


@store_errors(
    "The staging store could not be read.", "Restore the stores from backup and run again."
)
def described(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Describe every record that names a person.

    Args:
        con: A connection whose default database is the staging store.

    Returns:
        ``record_id``, ``sex`` (M, F or U), ``age_band``, ``ethnicity_group``.

    Raises:
        StoreError: The store cannot be read.
    """
    sent = " UNION ALL ".join(
        f"SELECT record_id, sex, ethnicity, birth_year FROM {name}"
        for name, columns in TABLES.items()
        if "record_id" in columns
    )
    records = con.execute(
        f"""SELECT record_id, sex, ethnicity,
            year((SELECT min(data_as_at) FROM extract)) - birth_year AS age FROM ({sent})"""
    ).pl()
    groups = {
        row["code"]: row["category"] for row in load_seed("code") if row["list"] == "ethnicity"
    }
    age = pl.col("age")
    bands = [pl.when(age < below).then(pl.lit(name)) for below, name in AGE_BANDS.items()]
    band = pl.coalesce(pl.when(age.is_null()).then(pl.lit(NO_AGE)), *bands, pl.lit(OLDEST))
    return records.select(
        "record_id",
        sex=pl.col("sex").fill_null("U"),
        age_band=band,
        ethnicity_group=pl.col("ethnicity").replace_strict(
            groups, default="Not stated", return_dtype=pl.String
        ),
    )
