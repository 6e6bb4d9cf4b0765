"""The metrics as tables that the models read: what is counted, when, and how it is described."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from schemas.errors import ConfigError
from warehouse.given import Given
from warehouse.metrics.definition import (
    RESTRICTED,
    STOCK,
    SUM_OF_QUARTERS,
    Metric,
    measure_numbers,
)
from warehouse.metrics.read import lag_days, policy_days

PERIODS = {
    SUM_OF_QUARTERS: "Calendar quarters, each counted once; twelve months are the sum of four.",
    STOCK: "The twelve months that end with each calendar quarter.",
}
MEASURE_ROW = {
    "metric": pl.String,
    "place": pl.Int64,
    "measure": pl.String,
    "title": pl.String,
    "numerator": pl.String,
    "denominator": pl.String,
    "numerator_sql": pl.String,
    "denominator_sql": pl.String,
    "lag": pl.String,
    "lag_days": pl.Int64,
    "value_column": pl.String,
    "target": pl.Float64,
    "target_unit": pl.String,
    "target_source": pl.String,
    "target_dated": pl.Date,
    "target_at_most": pl.Boolean,
}


def metric_frames(
    metrics: Sequence[Metric], others: Sequence[dict[str, Any]], given: Given
) -> dict[str, pl.DataFrame]:
    """Return the tables ``metric_given``, ``measure_given``, ``kind_given``, ``data_from_given``
    and ``cadence_given``.

    Args:
        metrics: Every metric.
        others: Rows of the mart ``metric`` that are none: funnels and transitions.
        given: What the partnership says: the restricted metrics it asks for, from when each
            partner's data are complete, and how old they may become.

    Raises:
        ConfigError: It asks for a restricted metric that there is none of.
    """
    check_asked_for(metrics, given.restricted_metrics)
    days = policy_days()
    told = [metric_row(metric, given.restricted_metrics, days) for metric in metrics]
    told += list(others)
    measures = [row for metric in metrics for row in measure_rows(metric, days)]
    whole_from = [{"partner": name, "data_from": day} for name, day in given.data_from.items()]
    schema = {"partner": pl.String, "data_from": pl.Date}
    promised = [
        {"partner": name, "cadence_days": days} for name, days in given.cadence_days.items()
    ]
    of_cadence = {"partner": pl.String, "cadence_days": pl.Int32}
    return {
        "metric_given": pl.DataFrame(told, infer_schema_length=None),
        "measure_given": pl.DataFrame(measures, schema=MEASURE_ROW),
        "kind_given": pl.DataFrame(list(kind_rows(metrics))),
        "data_from_given": pl.DataFrame(whole_from, schema=schema),
        "cadence_given": pl.DataFrame(promised, schema=of_cadence),
    }


def check_asked_for(metrics: Sequence[Metric], asked: frozenset[str]) -> None:
    """Check that a partnership asks only for restricted metrics that there are.

    Raises:
        ConfigError: It asks for another.
    """
    known = {metric.metric for metric in metrics if metric.status == RESTRICTED}
    if asked - known:
        raise ConfigError(
            "`restricted_metrics` of partnership.yaml names a metric that is not a restricted one.",
            f"The restricted metrics are {', '.join(sorted(known)) or 'none'}.",
        )


def metric_row(metric: Metric, asked: frozenset[str], days: dict[str, int]) -> dict[str, Any]:
    """Return one metric as a row of the mart ``metric``, and what the other models need of it.

    Args:
        metric: The metric.
        asked: The restricted metrics that the partnership asks for.
        days: Policy → its days.
    """
    of = [f"{one.title}: {one.denominator.says}" for one in metric.measures if one.denominator]
    return {
        "metric": metric.metric,
        "kind": "metric",
        "title": metric.title,
        "definition": metric.definition,
        "theme": metric.theme,
        "unit": metric.unit,
        "numerator": " ".join(f"{one.title}: {one.numerator.says}" for one in metric.measures),
        "denominator": " ".join(of) or "None. This is a count.",
        "period": PERIODS[metric.relation],
        "lag": _lag_says(metric, days),
        "exclusions": metric.exclusions,
        "partners": ", ".join(metric.partners),
        "sources": ", ".join(metric.sources),
        "needs": ", ".join(metric.needs),
        "status": metric.status,
        "caveat": metric.caveat,
        "model": metric.frame,
        "owner": metric.owner,
        "relation": metric.relation,
        "category_kind": metric.kinds[0],
        "is_published": metric.publish,
        "is_withheld": metric.status == RESTRICTED and metric.metric not in asked,
    }


def _lag_says(metric: Metric, days: dict[str, int]) -> str:
    """How many days after a period's end a metric's measures can be counted, in words."""
    lags = sorted({lag_days(one.lag, days) for one in metric.measures})
    if lags == [0]:
        return "None."
    by_measure = ", by measure" if len(lags) > 1 else ""
    return f"{' or '.join(map(str, lags))} days after the period's end{by_measure}."


def measure_rows(metric: Metric, policy: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Yield a metric's measures as rows of the mart ``measure``."""
    for place, one in enumerate(metric.measures):
        yield {
            "metric": metric.metric,
            "place": place,
            "measure": one.measure,
            "title": one.title,
            "numerator": one.numerator.says,
            "denominator": one.denominator.says if one.denominator else None,
            "numerator_sql": one.numerator.where,
            "denominator_sql": one.denominator.where if one.denominator else None,
            "lag": str(one.lag),
            "lag_days": lag_days(one.lag, policy),
            "value_column": one.value,
            "target": one.target.value if one.target else None,
            "target_unit": one.target.unit if one.target else None,
            "target_source": one.target.source if one.target else None,
            "target_dated": one.target.dated if one.target else None,
            "target_at_most": one.target.at_most if one.target else None,
        }


def kind_rows(metrics: Sequence[Metric]) -> Iterator[dict[str, Any]]:
    """Yield what the numbers in the metrics' models stand for: measures and kinds of category."""
    numbers = measure_numbers(metrics)
    for metric in metrics:
        for one in metric.measures:
            for place, kind in enumerate(metric.kinds, start=1):
                yield {
                    "metric": metric.metric,
                    "measure": one.measure,
                    "measure_number": numbers[metric.metric, one.measure],
                    "kind_number": place,
                    "category_kind": kind,
                    "is_once": metric.take != "every",
                }
