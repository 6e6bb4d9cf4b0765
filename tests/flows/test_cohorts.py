"""`journeys cohorts`, and a run that reads a partnership's cohort files before anything else."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from flows.cli.status import _freshness, _metrics_problem
from flows.clock import local_day, utc_now
from flows.releases.warehouse_files import check_warehouse_files
from flows.settings import load_settings
from flows.start import start
from schemas.errors import ConfigError, JourneysError

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-cohort.md"
METRIC = re.findall(
    r"```yaml\n(metric: .*?)```", PAGE.with_name("add-a-metric.md").read_text("utf-8"), re.DOTALL
)[0]
TODAY = local_day(utc_now())
EXAMPLE = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]


@pytest.fixture
def partnership(tmp_path: Path) -> Path:
    start(tmp_path, demo=True, today=local_day(utc_now()))
    (tmp_path / "cohorts").mkdir()
    return tmp_path


def answered(folder: Path, *words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, [*words, "--config", str(folder / "partnership.yaml")])
    return found.exit_code, found.output


def test_the_example_of_the_page_is_taken_as_it_stands(partnership: Path) -> None:
    (partnership / "cohorts" / "rearrested.yaml").write_text(EXAMPLE, "utf-8")
    code, said = answered(partnership, "cohorts", "check")
    assert code == 0
    assert "Not arrested in the 180 days after (some of stage 1): arrest not recorded" in said
    assert "1 cohort file can be used." in said
    report = partnership / "cohorts.json"
    code, said = answered(partnership, "cohorts", "list", "--json", str(report))
    assert code == 0
    told = {one["cohort"]: one for one in json.loads(report.read_text("utf-8"))}
    assert told["rearrested"]["is_own"]
    assert not told["positive_test"]["is_own"]
    assert "rearrested             own" in said


def test_a_mistake_is_told_at_once_and_by_name(partnership: Path) -> None:
    broken = yaml.safe_load(EXAMPLE) | {"partners": ["police", "probation"]}
    path = partnership / "cohorts" / "rearrested.yaml"
    path.write_text(yaml.safe_dump(broken), "utf-8")
    for words in (("cohorts", "check"), ("cohorts", "check", str(path)), ("run", "--no-server")):
        code, said = answered(partnership, *words)
        assert code == 2, words
        assert "rearrested.yaml cannot be used: `partners` leaves out treatment" in said
    with pytest.raises(ConfigError):
        check_warehouse_files(load_settings(partnership / "partnership.yaml"), TODAY)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("restricted_metrics: [waiting_time]", "names a metric that is not a restricted one"),
        ("roles: {analyst: {partners: [police], tables: [persons]}}", "has no table persons"),
        ("restricted_metrics: [suspected_drug_deaths]", ""),
    ],
)
def test_what_partnership_yaml_says_of_the_warehouse_is_checked_first(
    partnership: Path, said: str, problem: str
) -> None:
    path = partnership / "partnership.yaml"
    settled = yaml.safe_load(path.read_text("utf-8")) | yaml.safe_load(said)
    path.write_text(yaml.safe_dump(settled), "utf-8")
    if not problem:
        check_warehouse_files(load_settings(path), TODAY)
        return
    with pytest.raises(JourneysError, match=problem) as caught:
        check_warehouse_files(load_settings(path), TODAY)
    assert "partnership.yaml" in str(caught.value)


@pytest.mark.parametrize("name", ["population.csv", "prevalence.csv", "published_indicators.csv"])
def test_a_file_that_is_given_is_checked_before_a_run(partnership: Path, name: str) -> None:
    (partnership / name).write_text("no,such,columns\n1,2,3\n", "utf-8")
    with pytest.raises(ConfigError, match=f"{name} does not have exactly the columns"):
        check_warehouse_files(load_settings(partnership / "partnership.yaml"), TODAY)


def test_data_that_are_whole_only_from_a_day_to_come_are_refused(partnership: Path) -> None:
    settings = load_settings(partnership / "partnership.yaml")
    police = settings.partners["police"].model_copy(update={"data_from": TODAY})
    told = settings.model_copy(update={"partners": {**settings.partners, "police": police}})
    check_warehouse_files(told, TODAY)
    with pytest.raises(ConfigError, match=r"partnership.yaml .* `partners.police.data_from` is a"):
        check_warehouse_files(told, TODAY - timedelta(days=1))


def test_data_that_are_complete_to_a_day_to_come_or_before_the_first_are_refused(
    partnership: Path,
) -> None:
    settings = load_settings(partnership / "partnership.yaml")

    def check(**days: date) -> None:
        police = settings.partners["police"].model_copy(update=days)
        partners = {**settings.partners, "police": police}
        check_warehouse_files(settings.model_copy(update={"partners": partners}), TODAY)

    yesterday = TODAY - timedelta(days=1)
    check(complete_to=TODAY, data_from=TODAY)
    with pytest.raises(ConfigError, match=r"`partners.police.complete_to` is a day to come"):
        check(complete_to=TODAY + timedelta(days=1))
    with pytest.raises(ConfigError, match=r"`partners.police.complete_to` lies before its"):
        check(complete_to=yesterday, data_from=TODAY)


def test_status_says_when_data_are_older_than_was_promised(
    partnership: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(partnership / "partnership.yaml")
    monkeypatch.setattr("flows.clock.local_day", lambda _: date(2026, 7, 20))

    def told(**said: object) -> dict[str, object]:
        police = settings.partners["police"].model_copy(update=said)
        known = settings.model_copy(update={"partners": {"police": police}})
        return _freshness(known, "police", date(2026, 7, 1))

    assert told() == {"data_as_at": "2026-07-01", "days_overdue": 0}
    assert told(cadence_days=19)["days_overdue"] == 0
    assert told(cadence_days=18)["days_overdue"] == 1
    assert told(cadence_days=18, complete_to=date(2026, 6, 1)) == {
        "data_as_at": "2026-06-01", "days_overdue": 31,
    }  # fmt: skip


def test_status_tells_of_a_restricted_metric_that_there_is_none_of(partnership: Path) -> None:
    settings = load_settings(partnership / "partnership.yaml")
    assert _metrics_problem(settings) == ""
    wrong = settings.model_copy(update={"restricted_metrics": ("deaths_in_tretment",)})
    assert "restricted_metrics" in _metrics_problem(wrong)


def test_a_metrics_file_is_checked_down_to_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "prompt_start.yaml"
    path.write_text(METRIC, "utf-8")
    found = CliRunner().invoke(app, ["metrics", "check", str(path)])
    assert found.exit_code == 0, found.output
    assert "The numerator of the measure within_28_days: Those followed by a start." in found.output
    path.write_text(METRIC.replace("was_in_treatment", "was_treated"), "utf-8")
    found = CliRunner().invoke(app, ["metrics", "check", str(path)])
    assert found.exit_code == 2
    assert "the denominator of the measure within_28_days names was_treated" in found.output


def test_a_partnerships_own_metrics_lie_beside_its_file(partnership: Path) -> None:
    config = ["--config", str(partnership / "partnership.yaml")]
    path = partnership / "metrics" / "prompt_start.yaml"
    path.parent.mkdir()
    path.write_text(METRIC, "utf-8")
    listed = CliRunner().invoke(app, ["metrics", "list", *config]).output
    assert re.search(r"^prompt_start +own, exact", listed, re.MULTILINE)
    assert re.search(r"^waiting_time +exact", listed, re.MULTILINE)
    many = CliRunner().invoke(app, ["metrics", "check", *config])
    assert f"{listed.count(chr(10))} metric files can be used." in many.output
    settings = load_settings(partnership / "partnership.yaml")
    check_warehouse_files(settings, TODAY)
    path.write_text(METRIC.replace("was_in_treatment", "was_treated"), "utf-8")
    with pytest.raises(ConfigError, match="names was_treated"):
        check_warehouse_files(settings, TODAY)


def test_metrics_and_their_words_are_listed() -> None:
    found = CliRunner().invoke(app, ["metrics", "list"])
    assert "waiting_time" in found.output
    found = CliRunner().invoke(app, ["metrics", "words", "int_positive_test"])
    assert re.search(r"int_positive_test +days_to_start +BIGINT", found.output)
    assert CliRunner().invoke(app, ["metrics", "words", "int_nothing"]).exit_code == 2
    assert "metric files can be used." in CliRunner().invoke(app, ["metrics", "check"]).output


def test_every_word_is_listed() -> None:
    found = CliRunner().invoke(app, ["cohorts", "words"])
    assert found.exit_code == 0
    for word in ("step   arrest", "spell  custody", "days   effective"):
        assert word in found.output
