"""The search for what should be gone finds it wherever and however it was left."""

from __future__ import annotations

import base64
import gzip
import sqlite3
from pathlib import Path

import pytest
from every_byte import Gone, found_in, in_store, readable_stores

from flows.clock import local_day, utc_now
from flows.keys.rings import new_release_key, new_store_keys
from flows.settings import load_settings
from flows.start import start
from warehouse.connect import open_store

NAME, NUMBER = "Zyxforena", -(2**61) - 12345
RUN = "20261122-180000-3f9a"
GONE = Gone([NAME, "0123456789abcdef"], [NUMBER])


def test_what_is_left_is_found_in_files_databases_and_encrypted_stores(tmp_path: Path) -> None:
    folder = tmp_path / "partnership"
    start(folder, demo=True, today=local_day(utc_now()))
    settings = load_settings(folder / "partnership.yaml")
    stores, releases = settings.stores / RUN, settings.releases / RUN
    for place in (stores, releases, folder / ".prefect"):
        place.mkdir(parents=True)
    keys = new_store_keys(settings, RUN)
    left = {
        stores / "identity.duckdb": (keys["identity"], f"SELECT {NUMBER} AS record_id"),
        stores / "next_staging.duckdb": (keys["next_staging"], f"SELECT 'x {NAME} y' AS t"),
        releases / "for-a.duckdb": (new_release_key(settings, RUN), f"SELECT '{NAME}'::BLOB AS b"),
    }
    for path, (key, query) in left.items():
        connection = open_store(path, key)
        connection.execute(f"CREATE TABLE t AS {query}")
        connection.close()
        # The bytes of an encrypted file tell nothing.
        assert not GONE.in_raw(path.read_bytes()) and in_store(path, key, GONE)
    database = sqlite3.connect(folder / ".prefect" / "prefect.db")
    database.execute("CREATE TABLE log (message)")
    database.execute("INSERT INTO log VALUES (?)", [gzip.compress(NAME.encode())])
    database.commit()
    database.close()
    (folder / "a.json").write_text(f'{{"record": {NUMBER}}}')
    (folder / "b.json").write_bytes(base64.b64encode(f"of somebody called {NAME}".encode()))
    (folder / "zyxforena.txt").touch()
    (tmp_path / "spilled").write_bytes(b"..." + NUMBER.to_bytes(8, "little", signed=True))
    (folder / "others.json").write_text('{"record": 9223372036854775}')
    found = found_in(settings, GONE, beside=[tmp_path / "spilled"])
    assert {Path(place.removesuffix(" opened")).name for place in found} == {
        *(path.name for path in left),
        *("prefect.db", "a.json", "b.json", "zyxforena.txt", "spilled"),
    }


def test_a_deleted_row_is_found_in_a_store_that_is_written_in_the_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readable_stores(monkeypatch)
    path = tmp_path / "a.duckdb"
    connection = open_store(path, "5a" * 32)
    connection.execute(f"CREATE TABLE t AS SELECT i, {NUMBER} + i AS n FROM range(9000) r(i)")
    connection.execute("CHECKPOINT")
    connection.execute("DELETE FROM t WHERE i = 0")
    connection.close()
    assert not in_store(path, "5a" * 32, GONE)
    assert GONE.in_raw(path.read_bytes()) == {f"number {NUMBER}"}
