"""`journeys cohorts`, and a run that reads a partnership's cohort files before anything else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from flows.clock import local_day, utc_now
from flows.settings import load_settings
from flows.start import start
from flows.warehouse_files import check_warehouse_files
from schemas.errors import ConfigError

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-cohort.md"
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
    assert "Of whom     Not arrested in the 180 days after: arrest not recorded" in said
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
        check_warehouse_files(load_settings(partnership / "partnership.yaml"))


def test_every_word_is_listed() -> None:
    found = CliRunner().invoke(app, ["cohorts", "words"])
    assert found.exit_code == 0
    for word in ("step   arrest", "spell  custody", "days   effective"):
        assert word in found.output
