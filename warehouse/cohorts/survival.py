"""Kaplan-Meier estimates of the time to each stage's event, by SciPy."""

from __future__ import annotations

import warnings
from typing import Final

import duckdb
import polars as pl

SURVIVAL: Final = "survival_given"
"""The table that the mart `survival` reads."""

ESTIMATES: Final[dict[str, type[pl.DataType]]] = {
    "cohort": pl.String,
    "stage": pl.String,
    "day": pl.Int64,
    "at_risk": pl.Int64,
    "events": pl.Int64,
    "probability": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}
CONFIDENCE: Final = 0.95


def survival(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Estimate, for each cohort and stage, how many the event had not come to by each day.

    Args:
        con: A connection on which ``int_time_seen`` has been built: it has the exact days.

    Returns:
        The columns of :data:`ESTIMATES`, one row for each day on which an event came.
    """
    timed = con.execute("SELECT cohort, stage, days, is_event FROM int_time_seen").pl()
    estimates = [
        estimate(group["days"], group["is_event"]).with_columns(
            cohort=pl.lit(cohort), stage=pl.lit(stage)
        )
        for (cohort, stage), group in timed.group_by("cohort", "stage")
    ]
    empty = pl.DataFrame(schema=ESTIMATES)
    return pl.concat(
        [
            empty,
            *(
                one.select(pl.col(name).cast(kind) for name, kind in ESTIMATES.items())
                for one in estimates
            ),
        ]
    )


def estimate(days: pl.Series, is_event: pl.Series) -> pl.DataFrame:
    """Estimate one survival function.

    Args:
        days: Days to the event, or to when it could no longer be seen.
        is_event: Whether the event was seen.

    Returns:
        ``day``, ``at_risk``, ``events``, ``probability`` and the ``low`` and ``high`` ends of its
        95 % confidence interval (log-log: it stays between 0 and 1).
    """
    from scipy.stats import CensoredData, ecdf

    events = days.filter(is_event)
    if events.is_empty():
        return pl.DataFrame(schema={name: ESTIMATES[name] for name in list(ESTIMATES)[2:]})
    curve = ecdf(
        CensoredData(uncensored=events.to_numpy(), right=days.filter(~is_event).to_numpy())
    )
    with warnings.catch_warnings():
        # Where nobody or everybody is left there is no interval, which is then missing.
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = curve.sf.confidence_interval(CONFIDENCE, method="log-log")
    came = events.value_counts(name="events").rename({events.name: "day"})
    at_risk = (
        pl.DataFrame({"day": days})
        .group_by("day")
        .len()
        .sort("day", descending=True)
        .with_columns(at_risk=pl.col("len").cum_sum())
    )
    return (
        pl.DataFrame(
            {
                "day": curve.sf.quantiles,
                "probability": curve.sf.probabilities,
                "low": interval.low.probabilities,
                "high": interval.high.probabilities,
            }
        )
        .cast({"day": days.dtype})
        .join(came, on="day")
        .join(at_risk, on="day")
        .with_columns(pl.col("low", "high").fill_nan(None))
        .sort("day")
    )
