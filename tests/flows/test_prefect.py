"""The same journey under Prefect: done, recorded by Prefect, and nothing of the data with it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
import yaml

from flows.context import open_control
from flows.orchestration.prefect_settings import ALWAYS, prepare
from flows.refresh import STEPS

if TYPE_CHECKING:
    from conftest import Partnership

CLEARED = ("PREFECT_HOME", "PREFECT_API_URL", "PREFECT_PROFILE", "JOURNEYS_CONFIG")


def journeys(partnership: Partnership, *words: str) -> subprocess.CompletedProcess[str]:
    command = "from flows.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", command, *words, "--config", str(partnership.config)],
        capture_output=True,
        text=True,
        timeout=240,
        env={name: value for name, value in os.environ.items() if name not in CLEARED},
    )


def prefect_rows(partnership: Partnership, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(partnership.folder / ".prefect" / "prefect.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_the_journey_runs_under_prefect_and_leaves_no_value_there(fresh: Partnership) -> None:
    found = journeys(fresh, "run")
    assert found.returncode == 0, found.stderr
    assert "is done" in found.stdout
    with open_control(fresh.settings) as control:
        run = control.current_run()
    assert run is not None
    states = dict(prefect_rows(fresh, "SELECT name, state_type FROM task_run"))
    assert {str(name).rsplit("-", 1)[0] for name in states} == set(STEPS)
    assert set(states.values()) == {"COMPLETED"}
    ((parameters,),) = prefect_rows(fresh, "SELECT parameters FROM flow_run")
    assert yaml.safe_load(str(parameters)) == {"run_id": run.run_id}
    assert not list((fresh.folder / ".prefect" / "storage").glob("*"))
    assert_no_value_in(fresh, fresh.folder / ".prefect")
    # A failure under Prefect is one message for people, and Prefect's record has no value either.
    spoil(fresh)
    failed = journeys(fresh, "run")
    assert failed.returncode == 1 and failed.stdout == ""
    assert failed.stderr.count("Error:") == 1 and "Traceback" not in failed.stderr
    assert "police: " in failed.stderr
    assert_no_value_in(fresh, fresh.folder / ".prefect")


def spoil(partnership: Partnership) -> None:
    """Have most police rows break a rule, so that the run is refused."""
    path = partnership.inbox("police", "custody")
    frame = pl.read_csv(path, infer_schema=False)
    frame.with_columns(outcome=pl.col("surname")).write_csv(path)


def assert_no_value_in(partnership: Partnership, folder: Path) -> None:
    custody = pl.read_csv(partnership.inbox("police", "custody"), infer_schema=False)
    columns = ("pnc_id", "custody_ref", "postcode", "dob")
    values = {v for c in columns for v in custody[c].drop_nulls().to_list() if len(v) > 6}
    values |= {v for v in custody["surname"].drop_nulls().to_list() if len(v) > 7}
    values.discard("1970-01-01")  # the beginning of time to a computer, and a dummy to us
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found = [value for value in values if value.encode() in content]
            assert found == [], f"{path.name} holds {len(found)} values"


def test_prefect_is_told_to_send_nothing_out_and_to_stay_in_the_folder(tmp_path: Path) -> None:
    environment = {"PREFECT_SERVER_ANALYTICS_ENABLED": "true", "PREFECT_API_URL": "http://x/api"}
    prepare(tmp_path / ".prefect", tmp_path / "partnership.yaml", environment)
    assert ALWAYS.items() <= environment.items()
    assert environment["PREFECT_HOME"] == str(tmp_path / ".prefect")
    assert environment["PREFECT_API_URL"] == "http://x/api"
    environment = {"PREFECT_HOME": "/elsewhere"}
    prepare(tmp_path / ".prefect", tmp_path / "partnership.yaml", environment)
    assert environment["PREFECT_HOME"] == "/elsewhere"


@pytest.mark.parametrize("name", ["prefect.yaml"])
def test_the_deployment_is_nightly_in_local_time(name: str) -> None:
    root = Path(__file__).resolve().parents[2]
    (deployment,) = yaml.safe_load((root / name).read_text())["deployments"]
    assert deployment["name"] == "nightly"
    (schedule,) = deployment["schedules"]
    assert schedule == {"cron": "0 2 * * *", "timezone": "Europe/London"}
    module, flow = deployment["entrypoint"].split(":")
    assert f"def {flow}(" in (root / module).read_text()
