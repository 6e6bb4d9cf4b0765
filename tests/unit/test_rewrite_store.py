"""A store that is rewritten keeps its rows and constraints and sheds what was deleted."""

import pytest

from schemas.errors import StoreError
from warehouse import connect
from warehouse.connect import open_store, rewrite_store

KEY, OTHER = "5a" * 32, "3c" * 32


def test_living_rows_are_kept_and_deleted_ones_take_no_room(tmp_path):
    store, copy, plain_copy = (tmp_path / name for name in ("a.duckdb", "b.duckdb", "c.duckdb"))
    connection = open_store(store, KEY)
    connection.execute("CREATE TABLE t (id BIGINT PRIMARY KEY, text VARCHAR)")
    connection.execute("INSERT INTO t SELECT i, md5(i::VARCHAR) FROM range(200000) r(i)")
    connection.execute("CHECKPOINT")
    connection.execute("DELETE FROM t WHERE id >= 10")
    connection.close()
    plain_copy.write_bytes(store.read_bytes())
    rewrite_store(store, copy, KEY, OTHER)
    assert copy.stat().st_size < plain_copy.stat().st_size / 4
    connection = open_store(copy, OTHER)
    assert connection.execute("SELECT count(*), max(id) FROM t").fetchone() == (10, 9)
    with pytest.raises(Exception, match=r"[Cc]onstraint"):
        connection.execute("INSERT INTO t VALUES (1, 'twice')")
    connection.close()


def test_a_damaged_store_is_refused_and_says_nothing_of_it(tmp_path):
    store = tmp_path / "a.duckdb"
    connection = open_store(store, KEY)
    connection.execute("CREATE TABLE t AS SELECT i, md5(i::VARCHAR) m FROM range(100000) r(i)")
    connection.close()
    content = bytearray(store.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(4096)
    store.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        rewrite_store(store, tmp_path / "b.duckdb", KEY, KEY)


def test_a_release_that_goes_while_it_is_opened_is_read_to_the_end(tmp_path, monkeypatch):
    store = tmp_path / "a.duckdb"
    connection = open_store(store, KEY)
    connection.execute("CREATE TABLE t AS FROM range(10)")
    connection.close()
    looks = connect._is_encrypted

    def going(con, alias):
        store.unlink()
        return looks(con, alias)

    monkeypatch.setattr(connect, "_is_encrypted", going)
    connection = open_store(store, KEY, read_only=True)
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (10,)
    connection.close()
    with pytest.raises(StoreError, match=r"There is no a\.duckdb"):
        open_store(store, KEY, read_only=True)
