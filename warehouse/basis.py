"""What a release is made from, beside the staging store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

import polars as pl

from schemas.errors import StoreError
from warehouse.given import Given
from warehouse.restrict import EVERYTHING, Restriction

# What the linkage room may hand over for the mart linkage_quality; all but these are refused.
LINKAGE_QUALITY: Final = {
    "split": pl.String,
    "slice": pl.String,
    "partner_a": pl.String,
    "partner_b": pl.String,
    "measure": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "judged": pl.Int64,
    "note": pl.String,
}

# What the registry of persons hands over for the mart person_history.
PERSON_HISTORY: Final = {
    "happened_at": pl.Datetime("us"),
    "run_id": pl.String(),
    "cause": pl.String(),
    "person_before": pl.String(),
    "person_after": pl.String(),
    "records": pl.Int64(),
}


def linkage_quality(given: pl.DataFrame | None) -> pl.DataFrame:
    """Bring the linkage room's figures to the columns of the mart; none given are no rows.

    Raises:
        StoreError: They have a column that the mart does not.
    """
    frame = pl.DataFrame(schema=LINKAGE_QUALITY) if given is None else given
    unknown = sorted(set(frame.columns) - set(LINKAGE_QUALITY))
    if unknown:
        raise StoreError(
            f"The linkage quality figures have the unexpected column {', '.join(unknown)}.",
            f"Use {', '.join(LINKAGE_QUALITY)}.",
        )
    missing = [
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in LINKAGE_QUALITY.items()
        if name not in frame.columns
    ]
    return frame.with_columns(missing).select(
        pl.col(name).cast(kind) for name, kind in LINKAGE_QUALITY.items()
    )


def person_history(given: pl.DataFrame | None) -> pl.DataFrame:
    """Return what the registry of persons handed over; none given are no rows."""
    return pl.DataFrame(schema=PERSON_HISTORY) if given is None else given


@dataclass(frozen=True)
class Basis:
    """What a release is made from.

    Attributes:
        record_person: ``record_id`` (Int64) and ``person_id`` (String), one row a record.
        run_id: The run that makes it.
        built_at: When, from the caller: this room has no clock. Without a time zone it is UTC.
        linkage_quality: Rows of :data:`LINKAGE_QUALITY`, whole.
        linked_otherwise: Match weight above or below the link threshold → the same columns as
            ``record_person``, as linked from there.
        person_history: Rows of :data:`PERSON_HISTORY`.
        given: What the partnership says of its warehouse. Unless its purpose lists exact dates,
            days of people's lives are told by the week.
        restriction: Whose records and which marts are in it; everything by default.
    """

    record_person: pl.DataFrame = field(repr=False)
    run_id: str
    built_at: datetime
    linkage_quality: pl.DataFrame = field(
        default_factory=partial(linkage_quality, None), repr=False
    )
    linked_otherwise: Mapping[float, pl.DataFrame] = field(default_factory=dict, repr=False)
    person_history: pl.DataFrame = field(default_factory=partial(person_history, None), repr=False)
    given: Given = field(default_factory=Given)
    restriction: Restriction = EVERYTHING
