"""A metric's file is read whole or refused in one sentence that names it."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
import yaml

from schemas.errors import ConfigError
from warehouse.analyst import REFUSED_FUNCTIONS
from warehouse.frames import check_metrics
from warehouse.given import Given
from warehouse.metrics import load_metrics
from warehouse.metrics.condition import PURE_FUNCTIONS, condition_problem, day_numbers
from warehouse.metrics.read import lag_days
from warehouse.metrics.told import metric_frames

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
    lag: start_long + start_short
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
    assert lag_days(measure.lag, {"start_long": 90, "start_short": 28}) == 118


def test_a_metric_of_the_partnerships_own_is_read_with_the_packaged_ones(tmp_path: Path) -> None:
    found = load_metrics(own=written(tmp_path))
    names = [metric.metric for metric in found]
    assert names == sorted(names) and set(found) > set(load_metrics())
    assert names.count("waiting") == 1


def test_an_own_metric_neither_takes_a_packaged_name_nor_is_published(tmp_path: Path) -> None:
    taken = WAITING.replace("metric: waiting", "metric: waiting_time")
    with pytest.raises(ConfigError, match=r"^waiting_time.yaml .* name of a packaged metric"):
        load_metrics(own=written(tmp_path, taken, "waiting_time"))
    (tmp_path / "waiting_time.yaml").unlink()
    with pytest.raises(ConfigError, match=r"^waiting.yaml cannot be used: `publish` is true"):
        load_metrics(own=written(tmp_path, WAITING + "publish: true\n"))
    (tmp_path / "waiting.yaml").rename(tmp_path / "waiting.yml")
    with pytest.raises(ConfigError, match=r"ends in \.yml"):
        load_metrics(own=tmp_path)


def test_a_source_is_of_a_partner_that_is_needed(tmp_path: Path) -> None:
    changed = WAITING.replace("[treatment episode]", "[treatment episode, police custody]")
    with pytest.raises(ConfigError, match=r"`sources.1` is of a partner that `partners` leaves"):
        load_metrics(written(tmp_path, changed))


@pytest.mark.parametrize(
    ("where", "is_said"),
    [
        ("age_band = 'Under 18'", False),
        ("age_band = 'Under 81'", True),
        ("NOT (sex IN ('M', 'Male'))", True),
        ("sex IN ('M', 'F')", False),
        ("'White' <> ethnicity_group", False),
        ("ethnicity_group <> 'white'", True),
        ("area = 'NR3'", False),
    ],
)
def test_a_word_that_no_row_has_is_named(tmp_path: Path, where: str, is_said: bool) -> None:
    changed = WAITING.replace("wait_days IS NOT NULL", where)
    found = load_metrics(written(tmp_path, changed))
    if not is_said:
        check_metrics(found)
        return
    with pytest.raises(ConfigError, match="against a word that no row has"):
        check_metrics(found)


def test_the_packaged_metrics_can_be_read() -> None:
    load_metrics()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"theme": "weather"}, "`theme` is not one of the values allowed"),
        ({"frame": "int_x; DROP TABLE person"}, "`frame` is not in the expected form"),
        ({"metric": "other"}, "`metric` is not the name of the file"),
        ({"measures": []}, "`measures` has too few entries"),
        ({"by": ["a", "b", "c"]}, "waiting.yaml cannot be used"),
        ({"unit": "people"}, "counts people but takes every row"),
        ({"window": "year"}, "relation is not stock"),
        ({"dated_by": {"from": "a", "to": "b"}}, "only a stock"),
        ({"needs": ["police custody"]}, "needs a table that is not among its sources"),
        ({"surprise": 1}, "`surprise` is not a key"),
        ({"sources": ["treatment episodes"]}, "`sources.0` is not a partner and a table"),
        ({"frame": "int_waiting"}, "`frame` is not a model of the folder intermediate"),
        (
            {"measures": [{"measure": "a", "title": "A", "lag": 3, "numerator": {"says": "x"}}]},
            "`measures.0.lag` is neither 0 nor policy names",
        ),
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
        ("wait_days <= policy()", "calls policy() with something other"),
        ("wait_days <= policy('no_such_number')", "no number of days named no_such_number"),
        ("random() < 0.5", "calls random(), which"),
        ("uuid() > 'a'", "calls uuid(), which"),
        ("start_date < now()", "calls now(), which"),
        ("start_date < today()", "calls today(), which"),
        ("start_date < get_current_timestamp()", "calls get_current_timestamp(), which"),
        ("start_date < current_date", "names current_date, which is not the same every night"),
        ("current_setting('threads') = '1'", "calls current_setting(), which"),
        ("getvariable('x') = 1", "calls getvariable(), which"),
        ("sum(wait_days) > 1", "calls sum(), which"),
        ("COLUMNS(*) > 1", "has a part that a condition may not have"),
        ("wait_days > $1", "has a part that a condition may not have"),
        ("substance_group::INTEGER = 1", "changes the type of a column"),
        ("frame.wait_days > 0", "names a column together with a table"),
        ("wait_days <= 28", "has the number of days 28; say it by policy('name') (start_short, "),
        ("wait_days BETWEEN 0 AND 29", "has the number of days 29; say it by policy('name')."),
        ("end_date - start_date >= 84.0", "the number of days 84; say it by policy('name') (eff"),
        ("28 >= wait_days AND TRUE", "the numerator of the measure within_3_weeks has the number"),
        ("end_date > start_date + INTERVAL 28 DAY", "has an interval in it"),
    ],
)
def test_a_condition_is_one_condition(tmp_path: Path, where: str, problem: str) -> None:
    document = yaml.safe_load(WAITING)
    document["measures"][0]["numerator"]["where"] = where
    with pytest.raises(ConfigError) as caught:
        load_metrics(written(tmp_path, yaml.safe_dump(document)))
    assert problem in caught.value.problem
    assert caught.value.problem.startswith("waiting.yaml cannot be used: ")


@pytest.mark.parametrize(
    "where",
    ["wait_days > 0", "substances >= 2", "year(start_date) > 2024", "is_done IS NOT TRUE",
     "greatest(start_date, period_start) <= period_end", "substance_group LIKE 'Alcohol%'"],
)  # fmt: skip
def test_what_is_no_number_of_days_may_be_counted(where: str) -> None:
    assert not condition_problem(where)
    assert not day_numbers(where)


def test_the_functions_of_a_condition_depend_on_nothing_else() -> None:
    with duckdb.connect() as con:
        found = con.execute(
            "SELECT function_name, bool_and(stability = 'CONSISTENT') FROM duckdb_functions() "
            "WHERE function_type = 'scalar' GROUP BY ALL"
        ).fetchall()
    pure = {name for name, is_pure in found if is_pure} - REFUSED_FUNCTIONS
    assert pure >= PURE_FUNCTIONS


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"by": ["substance_grup"]}, "`by` names substance_grup, which is no column of "
         "int_first_intervention; substance_group is"),
        ({"by": ["start_date"]}, "`by` names start_date, a day or an id"),
        ({"by": ["person_id"]}, "`by` names person_id, a day or an id"),
        ({"dated_by": "started"}, "`dated_by` names started, which is no column"),
        ({"dated_by": "wait_days"}, "`dated_by` names wait_days, which is not a date"),
        ({"where": "wait_day IS NULL"}, "the numerator of the measure within_3_weeks names "
         "wait_day, which is no column of int_first_intervention; wait_days is"),
        ({"where": "wait_days"}, "the numerator of the measure within_3_weeks is no condition"),
        ({"where": "wait_days > 'long'"}, "is no condition on the columns"),
        ({"where": "NULL"}, "is no condition on the columns"),
        ({"among": {"says": "x", "where": "agee = 'Under 18'"}}, "`among` names agee"),
        ({"value": "substance_group"}, "`value` of the measure within_3_weeks names "
         "substance_group, which is not a number"),
        ({"frame": "int_as_at"}, "`frame` is not a model with a row per unit"),
    ],
)  # fmt: skip
def test_what_a_frame_does_not_have_is_told_by_file_and_measure(
    tmp_path: Path, change, problem: str
) -> None:
    document = yaml.safe_load(WAITING)
    measure = document["measures"][0]
    if "where" in change:
        measure["numerator"]["where"] = change["where"]
    elif "value" in change:
        measure |= change
    else:
        document |= change
    metrics = load_metrics(written(tmp_path, yaml.safe_dump(document)))
    with pytest.raises(ConfigError) as caught:
        check_metrics(metrics)
    assert caught.value.problem.startswith("waiting.yaml cannot be used: ")
    assert problem in caught.value.problem


def test_the_frames_have_what_the_packaged_metrics_ask() -> None:
    check_metrics(load_metrics())


def test_how_far_a_metric_lags_is_told_in_days_and_not_in_names_of_policies() -> None:
    rows = metric_frames(load_metrics(), [], Given())["metric_given"]
    lags = dict(rows.select("metric", "lag").iter_rows())
    assert lags["continuity_of_care"] == "21 days after the period's end."
    assert lags["arrest_to_treatment"] == "28 or 90 days after the period's end, by measure."
    assert lags["arrests"] == "None."


def test_what_readers_are_told_of_a_metric_has_no_name_of_a_column_or_policy() -> None:
    rows = metric_frames(load_metrics(), [], Given())["metric_given"]
    told = rows.select(
        "title", "definition", "numerator", "denominator", "period", "lag", "exclusions", "caveat"
    )
    said = " ".join(str(cell) for row in told.iter_rows() for cell in row)
    assert not re.findall(r"\b[a-z]+_[a-z_]+\b", said)
