"""Where Splink runs its SQL: DuckDB in this process, or Spark when one machine is not enough.

Both are given the same encoded columns and the same model. Its conditions are written in DuckDB's
SQL, and Splink translates them.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

from schemas.errors import JourneysError

EngineName = Literal["duckdb", "spark"]
Engine = Callable[[], AbstractContextManager[Any]]
"""Opens one of Splink's database APIs, and closes it with all that it held."""

LEAST_JAVA: Final = 17
INSTALL_SPARK: Final = "Install it with `pip install '.[spark]'`"
STAY: Final = "or remove `engine: spark` from partnership.yaml."

# What spills to a disk is otherwise plain, and Spark's logs quote what it works on.
ALWAYS: Final = {"spark.io.encryption.enabled": "true", "spark.log.level": "OFF"}
# Unless the partnership says otherwise.
USUALLY: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "4g",
    "spark.sql.shuffle.partitions": "16",
}
ON_THIS_MACHINE: Final = {
    "spark.master": "local[*]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


class EngineProblem(JourneysError):
    """The engine that linking is set to run on is not there or does not start."""


def engine_named(name: EngineName, properties: Mapping[str, str]) -> Engine:
    """The engine of that name.

    Args:
        name: ``duckdb`` or ``spark``.
        properties: Spark's own, such as ``spark.master``; without that one it runs in this machine.
    """
    return in_duckdb if name == "duckdb" else partial(on_spark, properties)


def check_engine(name: EngineName) -> None:
    """See that what an engine needs is installed, before a run has begun.

    Raises:
        EngineProblem: Something is missing; the remedy says what to install.
    """
    if name == "duckdb":
        return
    if find_spec("pyspark") is None:
        raise EngineProblem(
            "Linking is set to run on Spark, and pyspark is not installed.",
            f"{INSTALL_SPARK}, {STAY}",
        )
    found = _java_version()
    if found < LEAST_JAVA:
        raise EngineProblem(
            f"Spark needs Java {LEAST_JAVA} or newer, and "
            + (f"Java {found} was found." if found else "no Java was found."),
            f"Install it (on Debian and Ubuntu, `apt-get install openjdk-{LEAST_JAVA}-jre-headless`"
            f"), set JAVA_HOME if there are several, {STAY}",
        )


def _java_version() -> int:
    """The major version of the Java that Spark would start; 0 where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java") or "java"
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr  # noqa: S603
    except OSError:
        return 0
    number = re.search(r'version "(\d+)', said)
    return int(number[1]) if number else 0


@contextmanager
def in_duckdb() -> Iterator[Any]:
    """Splink in a throwaway in-memory database of this process."""
    import duckdb
    from splink.backends.duckdb import DuckDBAPI

    _silence()
    # Encodings are never spilt to a disk in the clear.
    connection = duckdb.connect(":memory:", config={"temp_directory": ""})
    try:
        yield DuckDBAPI(connection)
    finally:
        connection.close()


@contextmanager
def on_spark(properties: Mapping[str, str]) -> Iterator[Any]:
    """Splink on Spark: in this machine, or on the cluster that ``spark.master`` names.

    Raises:
        EngineProblem: Something is missing, or Spark does not start.
    """
    check_engine("spark")
    from splink.backends.spark import SparkAPI

    _silence()
    write_sql_for_spark()
    with tempfile.TemporaryDirectory(prefix="journeys-spark-") as scratch:
        usually = {**USUALLY, "spark.sql.warehouse.dir": scratch}
        if "spark.master" not in properties:
            usually |= {**ON_THIS_MACHINE, "spark.local.dir": scratch}
        session = _session({**usually, **properties, **ALWAYS})
        try:
            yield SparkAPI(
                spark_session=session,
                break_lineage_method="persist",  # any other writes plain files
                register_udfs_automatically=False,
            )
        finally:
            _end(session)


def write_sql_for_spark() -> None:
    """Have Splink's SQL for Spark written by sqlglot as it is, which may be compiled.

    Splink extends its writer, which compiled code does not allow, to write numbers that are cast to
    doubles as doubles at once. Without that Spark casts them, to the same ones.
    """
    from sqlglot.dialects import Dialect, Spark

    Dialect["customspark"].generator_class = Spark.generator_class


def _session(properties: Mapping[str, str]) -> Any:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("journeys").config(map=dict(properties))
    try:
        with _without_stderr():
            session = builder.getOrCreate()
    except Exception:
        # What it says may quote the partnership's own settings.
        session = None
    if session is None:
        raise EngineProblem(
            "Spark did not start.",
            f"Start `pyspark` with the same settings to see why, {STAY}",
        )
    return session


def _end(session: Any) -> None:
    """Stop Spark and the Java it runs in, which would otherwise hold its memory until we end."""
    from pyspark import SparkContext

    gateway = session.sparkContext._gateway
    session.stop()
    gateway.shutdown()
    SparkContext._gateway = SparkContext._jvm = None
    if gateway.proc is not None:
        gateway.proc.stdin.close()
        gateway.proc.wait()


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Give what is started here nowhere to complain to: Java's log quotes what it works on."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _silence() -> None:
    """Splink's messages quote SQL and settings; ours are the only ones a run should print."""
    logging.getLogger("splink").setLevel(logging.CRITICAL)
