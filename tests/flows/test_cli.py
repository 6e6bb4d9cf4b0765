"""The command: help with an example, results apart from chatter, exit codes, quick to start."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flows.cli import app

if TYPE_CHECKING:
    from conftest import Partnership

COMMANDS = [
    ["init"],
    ["synthesise"],
    ["run"],
    ["status"],
    ["sql"],
    ["publish"],
    ["agreements"],
    ["keys", "new"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_an_example_and_config(words: list[str]) -> None:
    found = CliRunner().invoke(app, [*words, "--help"])
    assert found.exit_code == 0
    assert f"Example: journeys {' '.join(words)}" in found.stdout
    assert "--config" in found.stdout


def test_help_starts_quickly_and_loads_nothing_heavy() -> None:
    script = (
        "import sys, runpy; sys.argv=['journeys','--help']\n"
        "from flows.cli import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy={'prefect','splink','pandera','polars','duckdb','sqlalchemy','numpy','pydantic'}\n"
        "sys.exit(1 if heavy & set(sys.modules) else 0)"
    )
    started = time.monotonic()
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0
    assert time.monotonic() - started < 2


def test_sql_writes_results_only(ran: Partnership) -> None:
    found = ran.journeys("sql", "SELECT count(*) AS people FROM person", "--format", "csv")
    assert found.exit_code == 0
    heading, count = found.stdout.splitlines()
    assert heading == "people" and int(count) > 50
    assert "1 row" in found.stderr
    as_json = ran.journeys("sql", "SELECT 1 AS one", "--format", "json")
    assert json.loads(as_json.stdout) == [{"one": 1}]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM person",
        "SELECT 1; SELECT 2",
        "COPY person TO '/tmp/out.csv'",
        "ATTACH 'other.db'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT nonsense FROM person",
    ],
)
def test_sql_refuses_what_is_not_one_select(ran: Partnership, query: str) -> None:
    before = ran.kept()
    found = ran.journeys("sql", query)
    assert found.exit_code == 1 and found.stdout == ""
    assert "Error:" in found.stderr and "Traceback" not in found.stderr
    assert ran.kept() == before


def test_sql_before_the_first_run_says_what_to_do(fresh: Partnership) -> None:
    found = fresh.journeys("sql", "SELECT 1")
    assert found.exit_code == 1 and "journeys run" in found.stderr


def test_run_says_what_was_done_and_where(fresh: Partnership, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    found = fresh.journeys("run", "--no-server", "--json", str(out))
    assert found.exit_code == 0, found.stderr
    for words in ("Received", "Quarantined", "Withheld", "people", "Warehouse", "Draft tables"):
        assert words in found.stdout
    report = json.loads(out.read_text())
    assert report["outcome"] == "committed" and set(report["partners"]) == {
        "police",
        "probation",
        "treatment",
        "housing",
    }
    assert (fresh.folder / report["release"]["path"]).is_file()


def test_a_rejected_run_reports_why(fresh: Partnership, tmp_path: Path) -> None:
    fresh.inbox("police", "custody").write_text("")
    out = tmp_path / "report.json"
    found = fresh.journeys("run", "--no-server", "--json", str(out))
    assert found.exit_code == 1
    report = json.loads(out.read_text())
    assert report["outcome"] == "rejected" and list(report["problems"]) == ["police"]


def test_status_says_what_is_current(ran: Partnership, tmp_path: Path) -> None:
    out = tmp_path / "status.json"
    found = ran.journeys("status", "--json", str(out))
    assert found.exit_code == 0 and "Current run" in found.stdout
    status = json.loads(out.read_text())
    assert status["current_run"] and len(status["drafts"]) == 1
    assert all(one["in_force"] for one in status["agreements"].values())


def test_agreements_that_are_not_in_force_are_told(ran: Partnership) -> None:
    assert ran.journeys("agreements").exit_code == 0
    (ran.folder / "agreements" / "housing.yaml").unlink()
    found = ran.journeys("agreements")
    assert found.exit_code == 1 and "not in force" in found.stdout


def test_init_makes_a_folder_to_complete_and_overwrites_nothing(tmp_path: Path) -> None:
    runner = CliRunner()
    made = runner.invoke(app, ["init", "--out", str(tmp_path / "new")])
    assert made.exit_code == 0, made.stderr
    config = tmp_path / "new" / "partnership.yaml"
    config.write_text(config.read_text() + "# mine\n")
    key = (tmp_path / "new" / "keys" / "store.key").read_bytes()
    again = runner.invoke(app, ["init", "--out", str(tmp_path / "new"), "--demo"])
    assert again.exit_code == 0 and "made" not in again.stdout
    assert config.read_text().endswith("# mine\n")
    assert (tmp_path / "new" / "keys" / "store.key").read_bytes() == key
    refused = runner.invoke(app, ["run", "--no-server", "--config", str(config)])
    assert refused.exit_code == 1 and "angle brackets" in refused.stderr


def test_keys_are_made_once(tmp_path: Path) -> None:
    runner = CliRunner()
    runner.invoke(app, ["init", "--out", str(tmp_path)])
    (tmp_path / "keys" / "store.key").unlink()
    words = ["keys", "new", "--config", str(tmp_path / "partnership.yaml")]
    made = runner.invoke(app, words)
    assert made.exit_code == 0 and "made  the store key" in made.stdout
    again = runner.invoke(app, words)
    assert again.exit_code == 0 and "never overwritten" in again.stdout


def test_a_missing_configuration_is_wrong_use(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["status", "--config", str(tmp_path / "none.yaml")])
    assert found.exit_code == 2 and "journeys init" in found.stderr
