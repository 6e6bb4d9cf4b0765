"""Rows that break a rule of the contract, so that quarantine has something to show."""

from __future__ import annotations

import polars as pl

from synthetic.rates import ErrorRates
from synthetic.streams import Streams

Tables = dict[str, dict[str, pl.DataFrame]]

MISSING = None
LONG_BEFORE = -400  # days by which a date comes too early
# What is done to a row: (partner, table, column, new value), or an offset in days from a column.
WRONG_VALUES: tuple[tuple[str, str, str, str | None], ...] = (
    ("police", "custody", "arrest_date", MISSING),
    ("police", "custody", "outcome", "99"),
    ("police", "custody", "offence_code", "THEFT"),
    ("police", "drug_test", "result", "POSITIVE"),
    ("probation", "sentence", "sentence_type", "XX"),
    ("probation", "sentence", "sentence_date", "31/02/2024"),
    ("probation", "requirement", "description", MISSING),
    ("probation", "release", "treatment_need", "MAYBE"),
    ("treatment", "episode", "DRUG1", MISSING),
    ("treatment", "episode", "ACCMNEED", "9"),
    ("treatment", "intervention", "MODAL", "07"),
    ("housing", "application", "assessment", "unknown"),
    ("housing", "duty", "duty", "interim"),
    ("housing", "tenancy", "start_date", MISSING),
)
TOO_EARLY: tuple[tuple[str, str, str, str], ...] = (
    ("probation", "sentence", "sentence_end_date", "sentence_date"),
    ("treatment", "episode", "TRIAGED", "REFLD"),
    ("housing", "duty", "start_date", "start_date"),  # before the application
)


def break_rows(tables: Tables, streams: Streams, rates: ErrorRates) -> Tables:
    """Return the tables with a small named share of rows broken, a little by each rule."""
    draw = streams.within("broken rows")
    broken = {partner: dict(frames) for partner, frames in tables.items()}
    rules = [(partner, table) for partner, table, *_ in WRONG_VALUES + TOO_EARLY]
    for partner, table, column, value in WRONG_VALUES:
        share = rates.broken_rows / rules.count((partner, table))
        frame = broken[partner][table]
        at = _chosen(frame, share, draw, f"{partner} {table} {column}")
        broken[partner][table] = frame.with_columns(
            pl.when(at).then(pl.lit(value, pl.String)).otherwise(pl.col(column)).alias(column)
        )
    for partner, table, column, after in TOO_EARLY:
        share = rates.broken_rows / rules.count((partner, table))
        frame = broken[partner][table]
        at = _chosen(frame, share, draw, f"{partner} {table} {column} too early")
        early = pl.col(after).str.to_date(strict=False).dt.offset_by(f"{LONG_BEFORE}d")
        broken[partner][table] = frame.with_columns(
            pl.when(at).then(early.dt.to_string("%Y-%m-%d")).otherwise(pl.col(column)).alias(column)
        )
    return broken


def _chosen(frame: pl.DataFrame, share: float, draw: Streams, purpose: str) -> pl.Series:
    """Choose rows by chance, sparing bare rows of people who refused consent."""
    chosen = pl.Series(draw(purpose).random(frame.height) < share, dtype=pl.Boolean)
    return chosen & (frame["CONSENT"] == "Y") if "CONSENT" in frame.columns else chosen
