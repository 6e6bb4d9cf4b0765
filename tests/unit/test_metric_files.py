"""A metric's file is read whole or refused in one sentence that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from schemas.errors import ConfigError
from warehouse.metrics import load_metrics
from warehouse.metrics.read import lag_days

WAITING = """
metric: waiting
title: Waiting less than three weeks
definition: Of first interventions, how many began within three weeks of referral.
theme: treatment
unit: interventions
frame: int_first_intervention
window: quarter
dated_by: start_date
take: every
by: [substance_group]
partners: [treatment]
sources: [treatment episode]
exclusions: None.
status: exact definition on linked data
relation: sum of quarters
owner: Treatment commissioner
measures:
  - measure: within_3_weeks
    title: Within three weeks
    lag: start_long + 3
    denominator: {says: First interventions., where: "wait_days IS NOT NULL"}
    numerator: {says: Those within 28 days., where: "wait_days <= policy('start_short')"}
    target: {value: 95, unit: percent, source: Partnership indicator table, dated: 2026-11-22}
"""


def written(folder: Path, text: str = WAITING, name: str = "waiting") -> Path:
    (folder / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    (metric,) = load_metrics(written(tmp_path))
    (measure,) = metric.measures
    assert (metric.metric, metric.by, metric.publish) == ("waiting", ("substance_group",), False)
    assert measure.policies == {"start_long", "start_short"}
    assert lag_days(measure.lag, {"start_long": 90}) == 93


def test_the_packaged_metrics_can_be_read() -> None:
    load_metrics()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"theme": "weather"}, "`theme` is not one of the values allowed"),
        ({"frame": "int_x; DROP TABLE person"}, "`frame` is not in the expected form"),
        ({"metric": "other"}, "defines a metric of another name"),
        ({"measures": []}, "`measures` has too few entries"),
        ({"by": ["a", "b", "c"]}, "waiting.yaml cannot be used"),
        ({"unit": "people"}, "counts people but takes every row"),
        ({"window": "year"}, "relation is not stock"),
        ({"dated_by": {"from": "a", "to": "b"}}, "only a stock"),
        ({"needs": ["police custody"]}, "needs a table that is not among its sources"),
        ({"surprise": 1}, "`surprise` is not a key"),
        ({"sources": ["treatment episodes"]}, "`sources.0` is not a partner and a table"),
        ({"frame": "int_waiting"}, "`frame` is not a model of the folder intermediate"),
        ({"frame": "person"}, "`frame` is not a model of the folder intermediate"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_file(tmp_path: Path, change, problem) -> None:
    changed = yaml.safe_dump(yaml.safe_load(WAITING) | change)
    with pytest.raises(ConfigError) as caught:
        load_metrics(written(tmp_path, changed))
    assert "waiting.yaml" in caught.value.problem
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("wait_days <=", "is not a condition in SQL"),
        ("TRUE); DROP TABLE person; --", "is not a condition in SQL"),
        ("TRUE) OR (TRUE", "is not a condition in SQL"),
        ("person_id IN (SELECT person_id FROM person)", "more than a condition on one row"),
        ("row_number() OVER () = 1", "more than a condition on one row"),
        ("wait_days <= policy(name)", "calls policy() with something other"),
        ("wait_days <= policy('no_such_number')", "no policy number named no_such_number"),
    ],
)
def test_a_condition_is_one_condition(tmp_path: Path, where: str, problem: str) -> None:
    document = yaml.safe_load(WAITING)
    document["measures"][0]["numerator"]["where"] = where
    with pytest.raises(ConfigError) as caught:
        load_metrics(written(tmp_path, yaml.safe_dump(document)))
    assert problem in caught.value.problem
