"""Read a labelled file of made-up or public people, to measure linkage on.

It is for benchmarks: such a file says who each record is, which no partner's extract does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from governance.encoding.anchored import SENT_INSTEAD
from schemas.errors import ExtractRejected
from schemas.standardise import person_name, sex

TEXTS: Final = ("first_name", "last_name", "dob", "dob_raw", "sex", "postcode")
NEEDED: Final = ("source", "true_id")
DATE_FORMS: Final = ("%Y-%m-%d", "%Y%m%d", "%d/%m/%Y")
SEXES: Final = {"MALE": "M", "FEMALE": "F"}
FEWEST: Final = 100
"""Fewer records than these train nothing."""


def read_labelled(path: Path) -> pl.DataFrame:
    """The people of a labelled Parquet file, in the shape that encoding takes.

    Args:
        path: A file with `source` and `true_id`, and any of `first_name`, `last_name`, `dob`,
            `dob_raw`, `sex`, `postcode`. Other columns are passed over.

    Returns:
        `record_id` (a row number), `partner` (the source), `person` (numbered from the true id),
        and `forename`, `surname`, `dob`, `sex`, `postcode`, standardised; `dob` is read from
        `dob_raw` where it is null. A postcode need not be British. What an extract without names
        sends instead (`SENT_INSTEAD`) is null.

    Raises:
        ExtractRejected: The file cannot be read, lacks a column that is needed, or holds too few
            records.
    """
    frame = _read_or_none(path)
    if frame is None:
        raise ExtractRejected(
            "The labelled file cannot be read as Parquet.", "Give a Parquet file of records."
        )
    lacking = [name for name in NEEDED if name not in frame.columns]
    if lacking or not set(TEXTS) & set(frame.columns):
        raise ExtractRejected(
            f"The labelled file lacks {', '.join(lacking) or 'every column to link by'}.",
            f"Give it {', '.join(NEEDED)}, and any of {', '.join(TEXTS)}.",
        )
    if frame.height < FEWEST or any(frame[name].null_count() for name in NEEDED):
        raise ExtractRejected(
            f"The labelled file has under {FEWEST} records, or some without source or true_id.",
            "Give every record its source and true_id.",
        )
    return _standardised(frame)


def _read_or_none(path: Path) -> pl.DataFrame | None:
    try:
        frame = pl.read_parquet(path)
        return frame.select(pl.col(c).cast(pl.String) for c in (*NEEDED, *TEXTS) if c in frame)
    except (OSError, pl.exceptions.PolarsError):
        return None


def _standardised(frame: pl.DataFrame) -> pl.DataFrame:
    absent = {name: pl.lit(None, pl.String) for name in TEXTS if name not in frame.columns}
    texts = frame.with_columns(**absent).with_columns(pl.col(TEXTS).str.strip_chars())
    dates = [
        pl.col(name).str.to_date(form, strict=False)
        for name in ("dob", "dob_raw")
        for form in DATE_FORMS
    ]
    postcode = pl.col("postcode").str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")
    return texts.select(
        record_id=pl.int_range(pl.len(), dtype=pl.Int64),
        partner="source",
        person=pl.col("true_id").rank("dense").cast(pl.Int64),
        forename=person_name(pl.col("first_name")),
        surname=person_name(pl.col("last_name")),
        dob=pl.coalesce(dates),
        sex=sex(pl.col("sex").str.to_uppercase().replace(SEXES)),
        postcode=pl.when(postcode.str.len_chars() > 3).then(postcode),
        **dict.fromkeys(SENT_INSTEAD, pl.lit(None, pl.String)),
    )
