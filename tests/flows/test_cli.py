"""The command: help with an example, results apart from chatter, exit codes, quick to start."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.context import open_control
from schemas.errors import StoreError

if TYPE_CHECKING:
    from conftest import Partnership

COMMANDS = [
    ["init"],
    ["synthesise"],
    ["pull"],
    ["sources", "test"],
    ["run"],
    ["status"],
    ["sql"],
    ["lineage"],
    ["publish"],
    ["agreements"],
    ["keys", "new"],
    ["cohorts", "list"],
    ["cohorts", "check"],
    ["link", "train"],
    ["link", "report"],
    ["link", "review", "list"],
    ["link", "review", "show"],
    ["link", "review", "decide"],
    ["release", "list"],
    ["release", "diff"],
    ["release", "rollback"],
    ["release", "key"],
    ["rights", "object"],
    ["rights", "erase"],
    ["rights", "status"],
    *(["schedule", word] for word in ("apply", "status", "remove", "settings")),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_an_example_and_config(words: list[str]) -> None:
    found = CliRunner().invoke(app, [*words, "--help"])
    assert found.exit_code == 0
    assert f"Example: journeys {' '.join(words)}" in found.stdout
    assert "--config" in found.stdout
    assert ("--json" in found.stdout) == (words != ["sql"])


def test_help_starts_quickly_and_loads_nothing_heavy() -> None:
    script = (
        "import sys, runpy; sys.argv=['journeys','--help']\n"
        "from flows.cli import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        "heavy={'prefect','splink','pandera','polars','duckdb','sqlalchemy','numpy','pydantic'}\n"
        "sys.exit(1 if heavy & set(sys.modules) else 0)"
    )
    before = os.times()
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0
    after = os.times()
    # Its own seconds at work, which other work on the machine does not lengthen.
    assert after.children_user + after.children_system < (
        before.children_user + before.children_system + 2
    )


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


@pytest.mark.usefixtures("slight")
def test_run_says_what_was_done_and_where(fresh: Partnership, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    found = fresh.journeys("run", "--no-server", "--json", str(out))
    assert found.exit_code == 0, found.stderr
    for words in ("Received", "Quarantined", "Withheld", "people", "Warehouse", "Draft"):
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
    out = tmp_path / "keys.json"
    again = runner.invoke(app, [*words, "--json", str(out)])
    assert again.exit_code == 0 and "never overwritten" in again.stdout
    assert json.loads(out.read_text()) == {
        "made": [],
        "kept": ["identifier", "store", "release", "seal", "record"],
    }


def test_a_missing_configuration_is_wrong_use(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["status", "--config", str(tmp_path / "none.yaml")])
    assert found.exit_code == 2 and "journeys init" in found.stderr


@pytest.mark.parametrize("target", ["none/report.json", "partnership", "pipe"])
@pytest.mark.parametrize(
    "words", [["run", "--no-server"], ["status"], ["keys", "new"]], ids=" ".join
)
def test_a_report_that_has_no_place_is_told_before_any_work(
    ran: Partnership, tmp_path: Path, words: list[str], target: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    before, problem = ran.kept(), ran.last_problem()
    found = ran.journeys(*words, "--json", str(tmp_path / target))
    assert found.exit_code == 2 and found.stdout == ""
    assert "--json" in found.stderr and not (tmp_path / "none").exists()
    assert ran.kept() == before and ran.last_problem() == problem
    assert (tmp_path / "pipe").is_fifo() and not list(tmp_path.rglob("*.part"))


@pytest.mark.usefixtures("slight")
def test_a_report_lost_after_the_commit_does_not_deny_it(
    ran: Partnership, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: object) -> None:
        raise StoreError("It cannot be written.", "Mend it.")

    monkeypatch.setattr("flows.files.write_json", refused)
    with open_control(ran.settings) as control:
        before = control.current_run()
    found = ran.journeys("run", "--no-server", "--json", str(tmp_path / "report.json"))
    with open_control(ran.settings) as control:
        current = control.current_run()
    assert before and current and current.run_id != before.run_id
    assert found.exit_code == 1 and "is done" in found.stdout
    assert "report" in found.stderr and "was done" in found.stderr
    assert "stands" not in found.stderr and "changed" not in found.stderr


def test_a_step_that_fails_in_a_run_says_what_stands(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import flows.refresh

    @functools.wraps(flows.refresh.link)
    def fails(*args: object) -> None:
        raise ValueError

    monkeypatch.setattr(flows.refresh, "link", fails)
    found = ran.journeys("run", "--no-server", "--json", str(tmp_path / "r.json"))
    assert found.exit_code == 1 and "The last committed run stands" in found.stderr
    assert (
        "The last committed run stands" in json.loads((tmp_path / "r.json").read_text())["remedy"]
    )
    monkeypatch.setattr("flows.cli.status.partnership_status", fails)
    found = ran.journeys("status")
    assert found.exit_code == 1 and "unexpectedly" in found.stderr
    assert "stands" not in found.stderr and "changed" not in found.stderr


def test_one_broken_agreement_does_not_hide_the_others(ran: Partnership) -> None:
    path = ran.folder / "agreements" / "police.yaml"
    path.write_text(path.read_text().replace("expires: ", "expires: 2027-02-30 #"))
    found = ran.journeys("agreements")
    assert found.exit_code == 1 and found.stderr == ""
    assert found.stdout.count("in force") - found.stdout.count("not in force") == 3
    assert "police.yaml" in found.stdout
    status = ran.journeys("status")
    assert status.exit_code == 0 and "police.yaml" in status.stdout


def test_a_state_that_cannot_be_told_does_not_hide_the_others(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    from governance import agreements

    original = agreements.load_agreement

    def fails(path: Path, on: object = None) -> agreements.Agreement:
        if path.stem == "police":
            raise ValueError
        return original(path)

    monkeypatch.setattr(agreements, "load_agreement", fails)
    found = ran.journeys("agreements")
    assert found.exit_code == 1 and found.stdout.count("from ") == 3


def test_a_configuration_that_may_not_be_read_is_told_by_us(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever runs the tests may read everything, so the answer of the system is forged.
    access = os.access
    monkeypatch.setattr(
        "os.access", lambda path, mode: False if mode == os.R_OK else access(path, mode)
    )

    def refused(*args: object, **kwargs: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refused)
    found = ran.journeys("status")
    assert found.exit_code == 2 and "Error: " in found.stderr and "cannot be read" in found.stderr
    assert "Usage" not in found.stderr


def test_init_into_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    found = CliRunner().invoke(app, ["init", "--out", str(tmp_path / "taken")])
    assert found.exit_code == 1 and "is not a folder" in found.stderr


SHELL = 'exec "$0" -c "from flows.cli import main; main()" sql "SELECT 1 AS é" --config "$1" '


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_an_output_that_takes_nothing_is_one_message(ran: Partnership, redirection: str) -> None:
    command = ["bash", "-c", SHELL + redirection, sys.executable, str(ran.config)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 1
    assert found.stderr.count("Error: ") == 1 and "Standard output" in found.stderr
    assert len(found.stderr.splitlines()) == 2


def test_results_are_utf_8_whatever_the_terminal_says(ran: Partnership) -> None:
    command = ["bash", "-c", SHELL, sys.executable, str(ran.config)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    found = subprocess.run(command, capture_output=True, env=environment)
    assert found.returncode == 0, found.stderr
    assert found.stdout.decode("utf-8") == "é\n─\n1\n"
