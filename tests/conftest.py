"""How properties are tried, and what every test may take as proved once for all.

Properties are tried on few examples, and by `make test-slow` on thirty times as many.
"""

from __future__ import annotations

import functools
import gc
import os
import pickle
import sys
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import settings
from servers import postgres_server, s3_server, sftp_server

__all__ = ["postgres_server", "s3_server", "sftp_server"]
"""Fixtures that every test may ask for."""

# Workers are as many as processors: more threads in each would only wait for one another. polars
# looks when it is first imported.
ONE_OF_SEVERAL = "PYTEST_XDIST_WORKER" in os.environ
if ONE_OF_SEVERAL:
    os.environ.setdefault("POLARS_MAX_THREADS", "1")

# The tests and the product are compiled once, not by every process that a test starts.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Of the hundreds of thousands of objects of the collected tests none goes before the end. To look
# through them for cycles, as Python does after every 700 new ones or so, is a fifth of collecting.
OBJECTS_BETWEEN_LOOKS = 50_000
gc.set_threshold(OBJECTS_BETWEEN_LOOKS, 20, 20)

FEW, MANY = 30, 1_000

# A busy machine is slow; that is not what a property is about.
settings.register_profile("few", max_examples=FEW, deadline=None)
settings.register_profile("thorough", max_examples=MANY, deadline=None)
settings.load_profile("few")


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later look for cycles."""
    gc.collect()
    gc.freeze()


UNSIGNED = "allow_unsigned_extensions"
CONNECT = duckdb.connect


def connect_with_one_thread(*args: Any, config: dict[str, Any] | None = None, **more: Any) -> Any:
    """`duckdb.connect`, for a worker that shares the machine with others."""
    return CONNECT(*args, config={"threads": 1, **(config or {})}, **more)


@pytest.fixture(scope="session", autouse=True)
def _one_thread_a_worker() -> Iterator[None]:
    """Have DuckDB work in one thread where there are several workers."""
    with pytest.MonkeyPatch.context() as patch:
        if ONE_OF_SEVERAL:
            patch.setattr(duckdb, "connect", connect_with_one_thread)
        yield


@pytest.fixture(scope="session", autouse=True)
def _flushed_by_the_system() -> Iterator[None]:
    """Have nobody wait until a file is on the disk: no plug is pulled on this process.

    Where it is (`tests/faults/`), and where a flush fails, that is a process or a patch of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _signature_checked_once() -> Iterator[None]:
    """Check the signature of DuckDB's extension once, as the product does at every connection.

    DuckDB hashes the whole file for it, which is most of what opening a small store takes.
    Processes that a test starts, and tests that ask for `as_shipped`, have it checked every time.
    """
    from warehouse import connect

    connection = connect.memory_connection(spill=None)
    connect.load_encryption(connection)
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connect._SETTINGS, UNSIGNED, True)
        yield


@pytest.fixture(scope="session", autouse=True)
def _passphrases_stretched_once() -> Iterator[None]:
    """Have scrypt work once on a passphrase and salt, however often a test opens the bundle."""
    from governance.keys import bundle

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "_cipher", functools.cache(bundle._cipher))
        yield


@pytest.fixture(scope="session", autouse=True)
def _conditions_parsed_once() -> Iterator[None]:
    """Have the conditions of a linkage model parsed once: Splink does so whenever it links."""
    import sqlglot

    parsed = functools.cache(sqlglot.parse_one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlglot, "parse_one", lambda *words, **how: parsed(*words, **how).copy())
        yield


@pytest.fixture(scope="session", autouse=True)
def _columns_named_once() -> Iterator[None]:
    """Have Splink write each name of a column once: it does so two thousand times for a score."""
    from splink.internals.input_column import SqlglotColumnTreeBuilder as Named

    written: Any = Named.sql
    read = functools.cache(Named.from_raw_column_name_or_column_reference)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Named, "sql", property(functools.cache(written.fget)))
        patch.setattr(Named, "from_raw_column_name_or_column_reference", staticmethod(read))
        yield


@pytest.fixture(scope="session", autouse=True)
def _commands_made_once() -> Iterator[None]:
    """Have Typer make the commands of a program once: it does so whenever one of them is called."""
    from typer import testing

    made = functools.cache(testing._get_command)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "_get_command", made)
        yield


@pytest.fixture(scope="session", autouse=True)
def _documents_parsed_once() -> Iterator[None]:
    """Have the YAML of one text parsed once: a run reads its agreements eight times.

    What is no YAML is parsed, and refused, every time; what is, is given out as a copy.
    """
    from schemas import documents

    parse, known = documents._parse, dict[tuple[str, object], bytes]()

    def parse_once(text: str, name: str, error: type, loader: type = documents._UniqueKeys) -> Any:
        if (text, loader) not in known:
            known[text, loader] = pickle.dumps(parse(text, name, error, loader))
        return pickle.loads(known[text, loader])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "_parse", parse_once)
        yield


@pytest.fixture
def as_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test of what a connection may do: its settings are the product's to the last one."""
    from warehouse import connect

    monkeypatch.delitem(connect._SETTINGS, UNSIGNED)
    monkeypatch.setattr(duckdb, "connect", CONNECT)
