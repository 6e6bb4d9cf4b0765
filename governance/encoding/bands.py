"""Coarse frequency bands of names, from a public list that belongs to the encoding's version.

Agreement on a rare name is better evidence than agreement on a common one. Term-frequency tables
would say so too, but need counts of bare names; a band of six says nearly as much and tells far
less. The list is packaged, so that a partner and the hub band a name alike.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import polars as pl

from schemas.encoded import BANDS


@cache
def _listed(kind: str) -> pl.DataFrame:
    """Listed names of a kind (``forename`` or ``surname``) with their bands."""
    text = resources.files("governance.encoding").joinpath(f"data/{kind}_bands.csv").read_bytes()
    return pl.read_csv(text, schema={"name": pl.String, "band": pl.Int8})


def band(names: pl.Series, kind: str) -> pl.Series:
    """The band of each standardised name, 1 the commonest, ``BANDS`` if unlisted, null if null.

    Args:
        names: Standardised names.
        kind: ``forename`` or ``surname``.
    """
    listed = _listed(kind)
    bands = names.replace_strict(
        listed["name"], listed["band"], default=BANDS, return_dtype=pl.Int8
    )
    return pl.select(pl.when(names.is_not_null()).then(bands)).to_series()
