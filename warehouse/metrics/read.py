"""Reading the metrics: every file checked before anything is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from schemas.documents import read_document
from schemas.errors import ConfigError
from warehouse.metrics.definition import RESTRICTED, STOCK, SUM_OF_QUARTERS, Metric
from warehouse.models import load_seed

FOLDER = Path(__file__).parent
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
}


def load_metrics(folder: Path = FOLDER) -> tuple[Metric, ...]:
    """Read every metric, in the order of their names.

    Raises:
        ConfigError: A file is not a metric, is not named after it, or hangs on a number of days
            that is not in the seed ``policy``. The message names the file and what is wrong.
    """
    known = policy_days()
    return tuple(_read(path, known) for path in sorted(folder.glob("*.yaml")))


def policy_days() -> dict[str, int]:
    """Return the seed ``policy``: name → number of days."""
    return {row["name"]: int(row["days"]) for row in load_seed("policy")}


def lag_days(lag: int | str, policy: dict[str, int]) -> int:
    """Return a lag in days: numbers and policy names, added up."""
    parts = str(lag).split(" + ")
    return sum(int(part) if part.isdigit() else policy[part] for part in parts)


def metric_row(metric: Metric, asked: frozenset[str]) -> dict[str, object]:
    """Return one metric as a row of the mart ``metric``, and what the other models need of it.

    Args:
        metric: The metric.
        asked: The restricted metrics that the partnership asks for.
    """
    of = [f"{one.title}: {one.denominator.says}" for one in metric.measures if one.denominator]
    lags = dict.fromkeys(str(one.lag) for one in metric.measures)
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
        "lag": "None." if list(lags) == ["0"] else f"Days: {', '.join(lags)} (see policy).",
        "exclusions": metric.exclusions,
        "partners": ", ".join(metric.partners),
        "sources": ", ".join(metric.sources),
        "status": metric.status,
        "caveat": metric.caveat,
        "model": metric.frame,
        "owner": metric.owner,
        "relation": metric.relation,
        "category_kind": metric.by[0] if metric.by else "all",
        "is_published": metric.publish,
        "is_withheld": metric.status == RESTRICTED and metric.metric not in asked,
    }


def measure_rows(metric: Metric, policy: dict[str, int]) -> Iterator[dict[str, object]]:
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
        }


def _read(path: Path, known: dict[str, int]) -> Metric:
    """Read one metric and check what it says against its name and the policy numbers."""
    metric = read_document(path, Metric, ConfigError)
    if metric.metric != path.stem:
        raise ConfigError(
            f"{path.name} cannot be used: it defines a metric of another name.",
            "Name the file after the metric.",
        )
    if missing := sorted(metric.policies - set(known)):
        raise ConfigError(
            f"{path.name} cannot be used: there is no policy number named {', '.join(missing)}.",
            "Add it to warehouse/sql/seeds/policy.csv, or correct the name.",
        )
    return metric
