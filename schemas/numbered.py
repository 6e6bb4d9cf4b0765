"""Columns whose different values are numbered, so that what is done to them is done once for each.

A numbered column is a categorical of its own; one shared between columns would hold every value
ever seen, and two that are not shared cannot be compared.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

RAW = "raw"
"""The name of the column that the rule of a column is over."""


def own_category() -> pl.Categorical:
    """The type of a column that is numbered on its own."""
    return pl.Categorical(pl.Categories.random())


def is_numbered(column: pl.Series) -> bool:
    """Whether a column is numbered."""
    # A categorical of its own is not equal to any categorical.
    return isinstance(column.dtype, pl.Categorical)


def worked_out(frame: pl.DataFrame, rules: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """Each column by its rule, which is over a column named `RAW`.

    Of a numbered column it sees each different value once, and no empty one: that stays empty.
    """
    values = [
        column.cat.get_categories() if is_numbered(column) else column
        for column in frame.select(*rules)
    ]
    made = pl.collect_all(
        one.alias(RAW).to_frame().lazy().select(rule.alias(name))
        for one, (name, rule) in zip(values, rules.items(), strict=True)
    )
    return frame.with_columns(
        pl.lit(one.to_series()).gather(frame[name].to_physical()).alias(name)
        if is_numbered(frame[name])
        else one.to_series()
        for name, one in zip(rules, made, strict=True)
    )


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with its numbered columns as strings again."""
    # What `cast` writes anew, `gather` only points to.
    names = frame.select(pl.col(pl.Categorical)).columns
    return worked_out(frame, dict.fromkeys(names, pl.col(RAW)))
