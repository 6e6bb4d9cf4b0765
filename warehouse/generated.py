"""Every model of a release: those that are files, and those made from data."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse.cohorts import Cohort, cohort_models
from warehouse.metrics import Metric
from warehouse.metrics.compile import metric_models
from warehouse.models import Model, load_models, with_generated


def every_model(
    metrics: Sequence[Metric], cohorts: Sequence[Cohort], *, only_ranged: bool = False
) -> tuple[Model, ...]:
    """Return all models, each after what it reads.

    Args:
        metrics: The metrics to count.
        cohorts: The cohorts to follow.
        only_ranged: Count only the metrics of which a range over link thresholds is told.

    Raises:
        StoreError: Two share a name, or models read each other in a circle.
    """
    counted = metric_models(metrics, only_ranged=only_ranged)
    return with_generated(load_models(), (*counted, *cohort_models(cohorts)))
