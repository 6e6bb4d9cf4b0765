"""What is deleted from a store is in no byte of its file, and what is cut short loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from every_byte import Gone, readable_stores

import warehouse.connect
from flows.retention.rewriting import rewritten
from schemas.errors import StoreError
from warehouse.connect import open_store

KEY, NUMBER = "5a" * 32, 2**61 + 12345


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose bytes can be read, with a row that is to go."""
    readable_stores(monkeypatch)
    path = tmp_path / "identity.duckdb"
    connection = open_store(path, KEY)
    connection.execute(f"CREATE TABLE t AS SELECT i, {NUMBER} + i AS n FROM range(9000) r(i)")
    connection.close()
    return path


def test_a_deleted_row_is_in_no_byte_of_a_store_that_is_written_anew(store: Path) -> None:
    gone = Gone([], [NUMBER])
    assert gone.in_raw(store.read_bytes())
    with rewritten(store, KEY) as connection:
        connection.execute("DELETE FROM t WHERE i = 0")
    assert not gone.in_raw(store.read_bytes()) and [store] == list(store.parent.iterdir())
    connection = open_store(store, KEY, read_only=True)
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (8999,)
    connection.close()


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
    connection = open_store(store, KEY, read_only=True)
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (8990,)
    connection.close()
