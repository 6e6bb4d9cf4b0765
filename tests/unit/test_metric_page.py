"""The page of metrics says everything that a metric's file does, and which columns it hangs on."""

from __future__ import annotations

import pytest

from warehouse.metrics import load_metrics
from warehouse.reference.metrics import columns_of, metrics_page

METRICS = {one.metric: one for one in load_metrics()}


@pytest.fixture(scope="module")
def page() -> str:
    return metrics_page(tuple(METRICS.values()))


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_everything_that_defines_a_metric_is_on_the_page(page, metric) -> None:
    part = page.split(f"\n### {metric.metric}\n")[1].split("\n### ")[0]
    said = [metric.title, metric.definition, metric.exclusions, metric.status, metric.owner]
    said += [metric.caveat, metric.frame, *metric.by, *metric.sources, *metric.needs]
    rules = [metric.among] if metric.among else []
    for measure in metric.measures:
        said += [measure.title, f"`{measure.measure}`"]
        rules += [measure.numerator] + ([measure.denominator] if measure.denominator else [])
        said += [f"{measure.target.value:g} {measure.target.unit}"] if measure.target else []
    said += [text for rule in rules for text in (rule.says, rule.where)]
    assert [text for text in said if text.replace("|", "\\|").replace("\n", " ") not in part] == []


def test_a_condition_hangs_on_its_columns_of_the_frame_and_of_the_person() -> None:
    metric = METRICS["justice_contact"]
    types = {metric.frame: dict.fromkeys(("person_id", "as_of", "other"), "DATE")}
    named = columns_of(metric, types)
    assert {(metric.frame, "person_id"), (metric.frame, "as_of"), ("person", "age_band")} <= named
    assert (metric.frame, "other") not in named
