"""The same journey under Prefect: done, recorded by Prefect, and nothing of the data with it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import yaml
from few_in_a_process import Process
from listening import Mail, mail_server
from under_prefect import assert_no_value_in, environment

from flows.context import open_control
from flows.orchestration.artifacts import DISCLOSURE, LINKAGE, ROWS, VALIDATION
from flows.orchestration.prefect_settings import ALWAYS, prepare
from flows.refresh import STEPS

if TYPE_CHECKING:
    from conftest import Partnership

COLUMNS = {
    VALIDATION: {"partner", "table", "column", "rule", "rows"},
    ROWS: {"partner", "what", "rows"},
    LINKAGE: {"what", "measure", "value", "from", "to", "judged"},
    DISCLOSURE: {"what", "count"},
}


def prefect_rows(partnership: Partnership, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(partnership.folder / ".prefect" / "prefect.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_the_journey_runs_under_prefect_and_leaves_no_value_there(fresh: Partnership) -> None:
    run = ("run", "--config", str(fresh.config))
    with mail_server() as mail, Process(environment(fresh)) as process:
        tell_by_email(fresh, mail)
        found = process.journeys(*run)
        assert found.returncode == 0, found.stderr
        assert "is done" in found.stdout
        with open_control(fresh.settings) as control:
            current = control.current_run()
        assert current is not None
        states = dict(prefect_rows(fresh, "SELECT name, state_type FROM task_run"))
        assert {str(name).rsplit("-", 1)[0] for name in states} == set(STEPS)
        assert set(states.values()) == {"COMPLETED"}
        ((parameters,),) = prefect_rows(fresh, "SELECT parameters FROM flow_run")
        assert yaml.safe_load(str(parameters)) == {"run_id": current.run_id}
        assert not list((fresh.folder / ".prefect" / "storage").glob("*"))
        assert_counts_are_shown(fresh, current.run_id)
        assert [one["Subject"].split(": ")[1:] for one in mail.taken] == [
            ["A draft waits for approval", current.run_id]
        ]
        # A failure under Prefect is one message for people, and Prefect's record has no value.
        spoil(fresh)
        mail.refuses = True
        failed = process.journeys(*run)
        assert failed.returncode == 1 and failed.stdout == ""
        assert failed.stderr.count("Error:") == 1 and "Traceback" not in failed.stderr
        assert "police: " in failed.stderr
        assert "The alert `run-failed` could not be sent by email" in failed.stderr
        mail.refuses = False
    shown = prefect_rows(fresh, f"SELECT data FROM artifact WHERE key = '{VALIDATION}'")
    assert len(shown) == 2 and sum("ExtractRejected" in str(one) for one in shown) == 1
    assert_no_value_in(fresh, fresh.folder / ".prefect")
    assert not (fresh.folder.parent / "refused").exists(), "nothing tried to leave the machine"


def test_what_would_leave_the_machine_is_refused_and_written_down(fresh: Partnership) -> None:
    """The check above can fail."""
    out = "import socket; socket.create_connection(('192.0.2.1', 443), 1)"
    tried = subprocess.run([sys.executable, "-c", out], env=environment(fresh), capture_output=True)
    assert b"nothing goes out from here" in tried.stderr
    assert "192.0.2.1" in (fresh.folder.parent / "refused").read_text()


def assert_counts_are_shown(partnership: Partnership, run_id: str) -> None:
    """Four tables, by the same keys in every run, of names and numbers."""
    rows = prefect_rows(partnership, "SELECT key, description, data FROM artifact")
    assert {str(key) for key, _, _ in rows} == set(COLUMNS)
    for key, description, data in rows:
        table = json.loads(json.loads(str(data)))
        assert description == f"Run {run_id}" and table, key
        assert all(set(row) == COLUMNS[str(key)] for row in table)
    shown = {str(key): json.loads(json.loads(str(data))) for key, _, data in rows}
    measures = {row["measure"] for row in shown[LINKAGE]}
    assert {"precision", "recall", "people", "linked"} <= measures
    for partner in {str(row["partner"]) for row in shown[ROWS]} - {""}:
        told = Counter(
            {row["what"]: row["rows"] for row in shown[ROWS] if row["partner"] == partner}
        )
        gone = ("not_agreed", "quarantined", "withheld", "suppressed", "erased", "staged")
        assert told["received"] == sum(told[one] for one in gone) > 0
        then = ("used", "unplaced", "undated", "ahead", "left_out")
        assert told["staged"] == sum(told[one] for one in then)


def tell_by_email(partnership: Partnership, mail: Mail) -> None:
    said = {"host": "127.0.0.1", "port": mail.port, "security": "none",
            "sender": "hub@a.example", "recipients": ["lead@a.example"]}  # fmt: skip
    with partnership.config.open("a") as file:
        file.write("\n" + yaml.safe_dump({"alerts": {"email": said}}))


def spoil(partnership: Partnership) -> None:
    """Have most police rows break a rule, so that the run is refused."""
    path = partnership.inbox("police", "custody")
    frame = pl.read_csv(path, infer_schema=False)
    frame.with_columns(outcome=pl.col("surname")).write_csv(path)


def test_prefect_is_told_to_send_nothing_out_and_to_stay_in_the_folder(tmp_path: Path) -> None:
    environment = {"PREFECT_SERVER_ANALYTICS_ENABLED": "true", "PREFECT_API_URL": "http://x/api"}
    prepare(tmp_path / ".prefect", tmp_path / "partnership.yaml", environment)
    assert ALWAYS.items() <= environment.items()
    assert environment["PREFECT_HOME"] == str(tmp_path / ".prefect")
    assert environment["PREFECT_API_URL"] == "http://x/api"
    environment = {"PREFECT_HOME": "/elsewhere"}
    prepare(tmp_path / ".prefect", tmp_path / "partnership.yaml", environment)
    assert environment["PREFECT_HOME"] == "/elsewhere"
