"""A committed store is never written to: what is deleted is in no byte, and nothing is lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from every_byte import Gone, readable_stores

import warehouse.connect
from flows.committed import changed, rewritten
from schemas.errors import StoreError
from warehouse.connect import open_store

KEY, NUMBER = "5a" * 32, 2**61 + 12345


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose bytes can be read, with a row that is to go."""
    readable_stores(monkeypatch)
    path = tmp_path / "identity.duckdb"
    filled(path)
    return path


def filled(path: Path) -> None:
    connection = open_store(path, KEY)
    connection.execute(f"CREATE TABLE t AS SELECT i, {NUMBER} + i AS n FROM range(9000) r(i)")
    connection.close()


def rows(path: Path) -> int:
    connection = open_store(path, KEY, read_only=True)
    (count,) = connection.execute("SELECT count(*) FROM t").fetchall()[0]
    connection.close()
    return int(count)


def test_a_deleted_row_is_in_no_byte_of_a_store_that_is_written_anew(store: Path) -> None:
    gone = Gone([], [NUMBER])
    assert gone.in_raw(store.read_bytes())
    with rewritten(store, KEY) as connection:
        connection.execute("DELETE FROM t WHERE i = 0")
    assert not gone.in_raw(store.read_bytes()) and [store] == list(store.parent.iterdir())
    assert rows(store) == 8999


def test_what_is_left_of_one_that_was_cut_short_is_removed(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = store.with_suffix(".rewritten")
    left.write_bytes(b"of a command that was killed")

    def full(*_: object) -> None:
        raise StoreError("The disk is full.", "Make room.")

    with monkeypatch.context() as patched, pytest.raises(StoreError):
        patched.setattr(warehouse.connect, "rewrite_store", full)
        with rewritten(store, KEY) as connection:
            connection.execute("DELETE FROM t WHERE i < 10")
    assert [store] == list(store.parent.iterdir())
    with pytest.raises(ZeroDivisionError), rewritten(store, KEY) as connection:
        raise ZeroDivisionError
    assert rows(store) == 9000


@pytest.mark.parametrize("how", [changed, rewritten])
def test_a_store_is_as_it_was_until_it_is_as_it_is_to_be(store: Path, how: Any) -> None:
    before = store.read_bytes()
    with how(store, KEY) as connection:
        connection.execute("DELETE FROM t WHERE i < 10")
        connection.execute("CHECKPOINT")
        assert store.read_bytes() == before
    assert rows(store) == 8990 and [store] == list(store.parent.iterdir())


@pytest.mark.parametrize("how", [changed, rewritten])
def test_what_a_killed_command_left_in_the_log_is_not_lost(tmp_path: Path, how: Any) -> None:
    path, log = tmp_path / "identity.duckdb", tmp_path / "identity.duckdb.wal"
    filled(path)
    killed = "; ".join(
        (
            "import os, sys; from pathlib import Path; from warehouse.connect import open_store",
            "connection = open_store(Path(sys.argv[1]), sys.argv[2])",
            "connection.execute('INSERT INTO t VALUES (9000, 1)')",
            "os._exit(0)",
        )
    )
    subprocess.run([sys.executable, "-c", killed, str(path), KEY], check=True, timeout=60)
    assert log.stat().st_size
    with how(path, KEY) as connection:
        connection.execute("DELETE FROM t WHERE i < 10")
    assert rows(path) == 8991 and [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("how", [changed, rewritten])
def test_a_store_that_is_not_there_or_has_no_room_is_refused(
    store: Path, how: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = store.with_name("missing.duckdb")
    with pytest.raises(StoreError, match="could not be copied"), how(missing, KEY):
        pass

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StoreError, match="could not be copied"), how(store, KEY):
        pass
    assert [store] == list(store.parent.iterdir())
