"""What is said when the engine that a partnership chose is not there, and what Spark is asked."""

from __future__ import annotations

import importlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from flows.clock import utc_now
from flows.context import open_control
from flows.refresh import run_refresh
from flows.settings import load_settings
from flows.start import start
from linkage import engines
from linkage.comparisons import COMPARISONS
from linkage.engines import EngineProblem, check_engine
from schemas.errors import ConfigError


@pytest.fixture
def pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if pyspark were installed."""
    monkeypatch.setattr(engines, "find_spec", lambda _: object())


@pytest.fixture
def no_pyspark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: None)


def java(folder: Path, version: str) -> str:
    """A JAVA_HOME whose Java says that it is of a version."""
    program = folder / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    program.chmod(0o755)
    return str(folder)


def test_duckdb_needs_nothing(no_pyspark: None) -> None:
    check_engine("duckdb")


def test_what_to_install_is_said_where_pyspark_is_missing(no_pyspark: None) -> None:
    with pytest.raises(EngineProblem) as error:
        check_engine("spark")
    assert "pyspark is not installed" in error.value.problem
    assert "pip install '.[spark]'" in error.value.remedy
    assert "engine: spark" in error.value.remedy


@pytest.mark.parametrize(
    ("version", "said"),
    [("11.0.2", "Java 11 was found"), ("1.8.0_392", "Java 1 was found"), (None, "no Java")],
)
def test_what_to_install_is_said_where_java_is_old_or_missing(
    pyspark: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None, said: str
) -> None:
    home = java(tmp_path, version) if version else str(tmp_path / "nowhere")
    monkeypatch.setenv("JAVA_HOME", home)
    with pytest.raises(EngineProblem) as error:
        check_engine("spark")
    assert said in error.value.problem
    assert "openjdk-17-jre-headless" in error.value.remedy


@pytest.mark.parametrize("version", ["17.0.15", "21.0.2", "25"])
def test_java_17_and_newer_will_do(
    pyspark: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", java(tmp_path, version))
    check_engine("spark")


def test_a_run_is_refused_before_an_extract_is_read(no_pyspark: None, tmp_path: Path) -> None:
    start(tmp_path, demo=True, today=utc_now().date())
    path = tmp_path / "partnership.yaml"
    path.write_text(f"{path.read_text()}\nengine: spark\n")
    settings = load_settings(path)
    with pytest.raises(EngineProblem, match="pyspark is not installed"):
        run_refresh(settings, run_id="20260101T000000Z-aaaaaa")
    with open_control(settings) as control:
        assert control.run("20260101T000000Z-aaaaaa").state == "failed"


@pytest.mark.parametrize("said", ["engine: abacus", "spark: [yarn]"])
def test_another_engine_is_refused(tmp_path: Path, said: str) -> None:
    start(tmp_path, demo=True, today=utc_now().date())
    path = tmp_path / "partnership.yaml"
    path.write_text(f"{path.read_text()}\n{said}\n")
    with pytest.raises(ConfigError, match=said.split(":")[0]):
        load_settings(path)


def test_every_condition_is_known_to_spark() -> None:
    """A function that sqlglot passes on under its own name is one that Spark may not have."""
    for comparison in COMPARISONS:
        for step in comparison.steps[:-1]:
            asked = sqlglot.transpile(step.condition, read="duckdb", write="spark")[0]
            assert sqlglot.parse_one(asked, read="spark").find(exp.Anonymous) is None, asked


def test_splinks_sql_for_spark_is_written_where_the_writer_is_compiled() -> None:
    """Splink's own extends it, which compiled code refuses; that is found out by writing."""
    importlib.import_module("splink.internals.spark.spark_helpers.custom_spark_dialect")
    engines.write_sql_for_spark()
    weight = "SELECT CAST(9.631757302928698 AS DOUBLE) AS weight"
    assert sqlglot.transpile(weight, read="spark", write="customspark") == [weight]


TRANSLATE = """
import sqlglot, sqlglot.parser
from linkage.comparisons import COMPARISONS
print(sqlglot.parser.__file__)
for comparison in COMPARISONS:
    for step in comparison.steps[:-1]:
        for engine in ("duckdb", "spark"):
            print(sqlglot.transpile(step.condition, read="duckdb", write=engine)[0])
"""


@pytest.mark.skipif(platform.machine() == "ARM64", reason="There is no compiled wheel.")
def test_where_nothing_is_compiled_the_conditions_read_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows for ARM the lock has the parser of SQL as it is written."""
    compiled, text = _translated()
    assert Path(compiled).suffix in {".so", ".pyd"}
    plain = tmp_path / "sqlglot"
    without = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(Path(sqlglot.__file__).parent, plain, ignore=without)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found, plainly = _translated()
    assert Path(found) == plain / "parser.py"
    assert plainly == text
    assert len(text) > 2 * len(COMPARISONS)


def _translated() -> tuple[str, list[str]]:
    """Which parser a new process has, and every condition as that one writes it."""
    asked = [sys.executable, "-c", TRANSLATE]
    root = Path(__file__).parents[2]
    parser, *text = subprocess.check_output(asked, cwd=root, text=True).splitlines()
    return parser, text
