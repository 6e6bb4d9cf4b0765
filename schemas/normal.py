"""Bring a table's columns to their one form: trimmed, then typed, then standardised.

Most values repeat, so a column is numbered on arrival: a categorical holds each of its different
values once, and what is done to the column is worked out once for each of them. Keys and numbers
of people hardly repeat: numbering them would take longer than it saves, so they stay strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from schemas import standardise
from schemas.codes import code_list
from schemas.columns import Column
from schemas.findings import ROW, failure, no_failures
from schemas.numbered import RAW, as_text, own_category, worked_out
from schemas.reading.rows import rows_in_file
from schemas.rules import UNUSABLE
from schemas.tables import Table

SELDOM_REPEATED = frozenset(
    {"key", "nhs_number", "nino", "pnc_id", "cro_number", "crn", "noms_number", "uprn"}
)
"""The kinds of column that are not numbered. Their rules leave an empty value empty."""


def tidied(
    raw: pl.DataFrame, columns: Mapping[str, Column], codes: Path | None = None
) -> pl.DataFrame:
    """The contract's columns in its order, trimmed, empty ones null, rows as numbered in the file.

    Those of `SELDOM_REPEATED` come as strings, every other as a categorical of its own; a code is
    written as its list writes it, with the partnership's own lists in the folder `codes`.
    """
    tidy = [_arrived(raw, name, column) for name, column in columns.items()]
    rows = rows_in_file(raw).alias(ROW)
    listed = {
        name: code_list(column.codes, codes).by_lower_case
        for name, column in columns.items()
        if column.codes
    }
    return _tidied_categories(raw.select(rows, *tidy), listed)


def _arrived(raw: pl.DataFrame, name: str, column: Column) -> pl.Expr:
    seldom = column.kind in SELDOM_REPEATED
    if name not in raw.columns:
        return pl.lit(None, pl.String if seldom else own_category()).alias(name)
    text = pl.col(name).cast(pl.String)
    return _trimmed(text).alias(name) if seldom else text.cast(own_category())


def _trimmed(text: pl.Expr) -> pl.Expr:
    stripped = text.str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def _tidied_categories(
    frame: pl.DataFrame, listed: Mapping[str, Mapping[str, str]]
) -> pl.DataFrame:
    """Categoricals whose values are tidy; of two that are then the same, both numbers go on."""
    changed = []
    for column in frame.select(pl.col(pl.Categorical)):
        values = column.cat.get_categories()
        tidy = pl.select(_as_listed(_trimmed(pl.lit(values)), listed.get(column.name))).to_series()
        if not tidy.equals(values, null_equal=True):
            number = column.to_physical()
            changed.append(tidy.cast(own_category()).gather(number).alias(column.name))
    return frame.with_columns(changed)


def _as_listed(text: pl.Expr, listed: Mapping[str, str] | None) -> pl.Expr:
    """A code that differs from one of its list in capitals only, as the list writes it."""
    if not listed:
        return text
    found = text.str.to_lowercase().replace_strict(
        listed, default=None, return_dtype=pl.String
    )  # fmt: skip
    return pl.coalesce(found, text)


def typed(tidy: pl.DataFrame, columns: Mapping[str, Column]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the dates; also the findings of values that are none."""
    dates = [name for name, column in columns.items() if column.kind in ("date", "dob")]
    rule = standardise.iso_date(pl.col(RAW))
    read = worked_out(tidy, dict.fromkeys(dates, rule))
    return read, _lost(tidy, read, dict.fromkeys(dates, "not_a_date"))


def standardised(
    table: Table, standing: pl.DataFrame, codes: Path | None, year: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Bring every column to its one form; also the findings of values that have none.

    Args:
        table: The table.
        standing: Its typed rows.
        codes: The partnership's own code lists.
        year: The year of the extract, which two-digit years are read against.
    """
    columns = table.columns
    rules = {name: standardise.rule_of(column, codes, year) for name, column in columns.items()}
    made = worked_out(standing, {name: rule for name, rule in rules.items() if rule is not None})
    unusable = {
        name: UNUSABLE[column.kind] for name, column in columns.items() if column.kind in UNUSABLE
    }
    becomes = {name: column.becomes for name, column in columns.items() if column.becomes}
    return as_text(made).rename(becomes), _lost(standing, made, unusable)


def _lost(before: pl.DataFrame, after: pl.DataFrame, rules: Mapping[str, str]) -> pl.DataFrame:
    """A finding of its column's rule for each value that was there before and is not after."""
    found = [
        failure(before[ROW].filter(after[name].is_null() & before[name].is_not_null()), name, rule)
        for name, rule in rules.items()
        if after[name].null_count() > before[name].null_count()
    ]
    return pl.concat([no_failures(), *found])
