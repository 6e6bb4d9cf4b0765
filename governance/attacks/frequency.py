"""Aligning how often each encoding occurs with how often each name does.

Equal values under one key stay equal, so a column's counts are those of the names behind it. What
is in the clear beside it parts the column into smaller ones, and an attacker aligns each by itself.
Rank alignment is one to one; the likeliest value need not be.
"""

from __future__ import annotations

import polars as pl


def align_by_rank(
    codes: pl.Series, values: pl.Series, within: pl.Series, among: pl.Series
) -> pl.Series:
    """Guess that the n-th commonest code of a colour is the n-th commonest value of it.

    Args:
        codes: One column of the store.
        values: The same column of a public list, in plain or as rows of it.
        within: The colour of each record of the store.
        among: The colour of each entry of the list.

    Returns:
        A value for each record, null where there is none.
    """
    ranked = _ranked(codes, within).join(_ranked(values, among), on=["colour", "rank"])
    return _told(codes, within, ranked.select("colour", "value", guess="value_right"))


def align_by_likelihood(
    codes: pl.Series, values: pl.Series, within: pl.Series, among: pl.Series
) -> pl.Series:
    """Guess for each code the value of its colour that would most likely occur so often.

    Arguments and result are those of :func:`align_by_rank`.
    """
    scale = len(codes) / len(values)
    public = _ranked(values, among).with_columns(expected=pl.col("n") * scale)
    seen = _ranked(codes, within)
    counts = seen.select("colour", "n").unique()
    # Poisson; the commoner value where two are as likely.
    best = (
        counts.join(public.select("colour", "value", "expected"), on="colour")
        .with_columns(likely=pl.col("n") * pl.col("expected").log() - pl.col("expected"))
        .sort("likely", "expected", "value", descending=[True, True, False])
        .unique(["colour", "n"], keep="first", maintain_order=True)
    )
    told = seen.join(best.select("colour", "n", guess="value"), on=["colour", "n"])
    return _told(codes, within, told.select("colour", "value", "guess"))


def _ranked(values: pl.Series, colours: pl.Series) -> pl.DataFrame:
    frame = pl.DataFrame({"value": values, "colour": colours}).drop_nulls("value")
    return (
        frame.group_by("colour", "value")
        .agg(n=pl.len())
        .sort("n", "value", descending=[True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1).over("colour"))
    )


def _told(codes: pl.Series, colours: pl.Series, pairs: pl.DataFrame) -> pl.Series:
    records = pl.DataFrame({"value": codes, "colour": colours})
    joined = records.join(pairs, on=["colour", "value"], how="left", maintain_order="left")
    return joined["guess"]
