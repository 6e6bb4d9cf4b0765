"""Shares with their intervals, where pairs of records of one person stand or fall together."""

from __future__ import annotations

from typing import Final

import polars as pl

FEWEST_JUDGED: Final = 50
"""Fewer pairs than these support no figure (policy, 2026-11-22)."""

Z: Final = 1.959964
"""Of a 95 % interval."""

NO_SHARED_ID: Final = "Not estimable from ids: no strong id is held by both."
TOO_FEW: Final = f"Not estimable: fewer than {FEWEST_JUDGED} pairs can be judged."
BY_IDS: Final = "Of pairs whose strong ids can be compared, linked without them; 95 % interval."
BY_PEOPLE: Final = "As people judged a sample of pairs, linked as they are; 95 % interval."


def rates_of(pairs: pl.DataFrame, slices: pl.DataFrame) -> pl.DataFrame:
    """Both measures of every slice, empty ones where there is no pair to judge by.

    Args:
        pairs: Judged pairs: ``same``, ``linked``, ``disputed``, ``cluster``, and the columns of the
            slices.
        slices: Each slice once; columns of its own may say more of it.

    Returns:
        The columns of ``slices``, ``measure`` (precision or recall), ``value``, ``low``, ``high``
        and ``judged``, how many pairs it rests on; null where there are none.
    """
    by = [column for column in slices.columns if column in pairs.columns]
    right = pl.col("same") & pl.col("linked")
    made = [
        slices.join(
            rate_of(pairs.filter(among).with_columns(right=right), by), on=by, how="left"
        ).with_columns(measure=pl.lit(measure))
        for measure, among in (("precision", "linked"), ("recall", "same"))
    ]
    return pl.concat(made)


def rate_of(pairs: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """The share of some pairs that is right (``right``), with its interval.

    Pairs of one person stand or fall together, so the interval is Wilson's (1927) for as many
    observations as clusters so unequal are worth (Kish 1965, section 8.2).
    """
    clusters = pairs.group_by(*by, "cluster").agg(
        n=pl.len(), right=pl.col("right").sum(), disputed=pl.col("disputed").sum()
    )
    n, right = pl.col("n").sum(), pl.col("right").sum()
    sums = clusters.group_by(by).agg(
        value=right / n,
        at_best=(right + pl.col("disputed").sum()) / n,
        judged=n.cast(pl.Int64),
        worth=n.cast(pl.Float64) ** 2 / (pl.col("n").cast(pl.Float64) ** 2).sum(),
    )
    low, _ = wilson("value", "worth")
    _, high = wilson("at_best", "worth")
    return sums.with_columns(low=low, high=high).drop("at_best", "worth")


def wilson(share: str, observations: str) -> tuple[pl.Expr, pl.Expr]:
    """The two ends of Wilson's 95 % interval of a share.

    Args:
        share: The column of the share observed.
        observations: The column of how many observations it is of.
    """
    p, n, z2 = pl.col(share), pl.col(observations), Z * Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    reach = Z * (p * (1 - p) / n + z2 / (4 * n * n)).sqrt() / (1 + z2 / n)
    # At shares of 0 and 1 an end is the share itself, on either side of which rounding may fall.
    low, high = pl.min_horizontal(p, middle - reach), pl.max_horizontal(p, middle + reach)
    return low.clip(0.0, 1.0), high.clip(0.0, 1.0)


def told(rates: pl.DataFrame) -> pl.DataFrame:
    """The rates with what to bear in mind, and without those that too few pairs support.

    Args:
        rates: From :func:`rates_of`, with ``split``, ``slice`` and both partners; ``shares_an_id``
            is false where no id is held in common.

    Returns:
        The same with ``note``, sorted.
    """
    judged = pl.col("judged").fill_null(0)
    noted = rates.with_columns(
        judged=judged,
        note=pl.when(pl.col("shares_an_id").eq_missing(pl.lit(value=False)))
        .then(pl.lit(NO_SHARED_ID))
        .when(judged < FEWEST_JUDGED)
        .then(pl.lit(TOO_FEW))
        .otherwise(pl.lit(BY_IDS)),
    )
    figures = [
        pl.when(pl.col("note") == BY_IDS).then(name).alias(name)
        for name in ("value", "low", "high")
    ]
    return noted.with_columns(figures).sort("split", "partner_a", "partner_b", "slice", "measure")
