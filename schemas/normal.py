"""Bring a table's columns to their one form: trimmed, then typed, then standardised.

What is done to a column is worked out once for each of its different values: most repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from schemas import standardise
from schemas.columns import Column
from schemas.findings import ROW, failure, no_failures
from schemas.policy import UNUSABLE
from schemas.tables import Table


def tidied(raw: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """The contract's columns in its order, as trimmed strings, empty ones null, rows numbered."""
    tidy = [
        pl.col(name).cast(pl.String).str.strip_chars().replace("", None).alias(name)
        if name in raw.columns
        else pl.lit(None, pl.String).alias(name)
        for name in columns
    ]
    rows = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(ROW)
    return raw.select(rows, *tidy)


def typed(tidy: pl.DataFrame, columns: Mapping[str, Column]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the dates; also the findings of values that are none."""
    dates = [name for name, column in columns.items() if column.kind in ("date", "dob")]
    rule = standardise.iso_date(pl.col(standardise.RAW))
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
    return made.rename(becomes), _lost(standing, made, unusable)


def worked_out(frame: pl.DataFrame, rules: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Each column by its rule, which is over a column named `RAW` and sees a value once."""
    texts = [name for name in rules if frame.schema[name] == pl.String]
    others = [
        frame[name].alias(standardise.RAW).to_frame().select(rule.alias(name)).to_series()
        for name, rule in rules.items()
        if name not in texts
    ]
    # Numbered in a category of its own each: a shared one would hold every value ever seen.
    numbered = frame.select(
        pl.col(name).cast(pl.Categorical(pl.Categories.random())) for name in texts
    )
    normal = pl.collect_all(
        numbered[name]
        .cat.get_categories()
        .alias(standardise.RAW)
        .to_frame()
        .lazy()
        .select(rules[name].alias(name))
        for name in texts
    )
    back = [
        pl.lit(values.to_series()).gather(numbered[name].to_physical()).alias(name)
        for name, values in zip(texts, normal, strict=True)
    ]
    return frame.with_columns(*others, *back)


def _lost(before: pl.DataFrame, after: pl.DataFrame, rules: Mapping[str, str]) -> pl.DataFrame:
    """A finding of its column's rule for each value that was there before and is not after."""
    found = [
        failure(before[ROW].filter(after[name].is_null() & before[name].is_not_null()), name, rule)
        for name, rule in rules.items()
        if after[name].null_count() > before[name].null_count()
    ]
    return pl.concat([no_failures(), *found])
