"""Look for what should be gone in every byte of a partnership folder, encrypted stores decrypted.

Looked through are the bytes of every file as they are, what is packed in them and every cell of
SQLite files; and what is encrypted, opened with the partnership's keys: every cell of every table
of every store and release, and every certificate. Bytes of deleted rows that linger in an encrypted
store are not seen so: `readable_stores` has stores written in the clear, where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from leak_scan import Needles, scan_bytes, scan_sqlite

import warehouse.connect
import warehouse.release
from flows.keys.rings import release_key, store_keys
from flows.publication.certificates import SUFFIX, open_certificate
from flows.settings import Settings
from warehouse.connect import attach, memory_connection

WIDTH = 64


class Gone:
    """What should be gone: texts (identifiers, person ids, keys) and 64-bit numbers (record ids,
    encodings, marks), each looked for in every form that a file could hold it in.

    Texts of fewer than six characters are looked for as whole cells only.
    """

    def __init__(self, texts: Iterable[str] = (), numbers: Iterable[int] = ()) -> None:
        self.texts, self.numbers = frozenset(texts), frozenset(numbers)
        self.needles = Needles(text for text in self.texts if len(text) > 5)
        self._written = {
            _unsigned(one, form).encode(): one for one in self.numbers for form in ("d", "016x")
        }
        self._written |= {str(one).encode(): one for one in self.numbers}
        packed = [
            (int.from_bytes(one.to_bytes(8, order, signed=one < 0), "little"), one)
            for one in self.numbers
            for order in ("little", "big")
        ]
        self._packed = dict(sorted(packed))
        self._sorted = np.array(list(self._packed), dtype=np.uint64)
        self._lowest = np.zeros(1 << 16, dtype=bool)  # the last two bytes of any of them
        self._lowest[self._sorted & np.uint64(0xFFFF)] = True

    def in_raw(self, content: bytes) -> set[str]:
        """What is found in some bytes as they are: texts in any case, numbers as eight bytes."""
        hits = self.needles.in_bytes(content)
        return hits | {f"number {self._packed[form]}" for form in self._packed_in(content)}

    def _packed_in(self, content: bytes) -> set[int]:
        """The numbers that stand in some bytes at any place, as eight bytes of either order."""
        found: set[int] = set()
        for start in range(min(8, len(content) - 7) if self._packed else 0):
            words = np.frombuffer(content, "<u8", (len(content) - start) // 8, start)
            every = words[self._lowest[words.astype(np.uint16)]]  # few are left to be looked up
            at = np.searchsorted(self._sorted, every).clip(max=len(self._sorted) - 1)
            found |= set(every[self._sorted[at] == every].tolist())
        return found

    def in_text(self, content: bytes) -> set[str]:
        """What is found in some bytes and what they unpack to; numbers as they are written too."""
        lowered = content.lower()
        written = {one for form, one in self._written.items() if form in lowered}
        hits = scan_bytes(content, self.needles) | self.in_raw(content)
        return hits | {f"number {one}" for one in written}

    def in_cells(self, cells: Iterable[Any]) -> set[str]:
        """What is found among the cells of a table."""
        values = set(cells)
        hits = {f"number {one}" for one in values & self.numbers}
        hits |= {str(one) for one in values & self.texts}
        texts = [one.encode() for one in values if isinstance(one, str)]
        blobs = [one for one in values if isinstance(one, bytes)]
        return hits | self.in_raw(b"\n".join([*texts, *blobs]))


def found_in(settings: Settings, gone: Gone, beside: Iterable[Path] = ()) -> dict[str, set[str]]:
    """Where anything of it is: {place: what}; nothing where all is gone.

    Args:
        settings: The partnership.
        gone: What to look for.
        beside: Other files and folders to look through: files handed out, temporary folders.
    """
    found: dict[str, set[str]] = {}
    for root in (settings.folder, *beside):
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            _note(found, str(path), gone.in_raw(path.name.encode()) | _in_file(path, gone))
    for path, key in opened(settings):
        _note(found, f"{path} opened", in_store(path, key, gone))
    for path in sorted(settings.certificates.glob(f"*/*{SUFFIX}")):
        _note(found, f"{path} opened", gone.in_text(open_certificate(settings, path)))
    return found


def opened(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Every encrypted store and release that the partnership keeps, each with its key."""
    for folder in sorted(settings.stores.glob("*-*")):
        for path in sorted(folder.glob("*.duckdb")):
            yield path, store_keys(settings, folder.name)[path.stem]
    for folder in sorted(settings.releases.glob("*-*")):
        for path in sorted(folder.glob("*.duckdb")):
            yield path, release_key(settings, folder.name)


def in_store(path: Path, key: str, gone: Gone) -> set[str]:
    """What is found in any cell of any table of an encrypted store; a role's file is one too."""
    connection = memory_connection(spill=None)
    try:
        warehouse.connect.attach(connection, path, "searched", key, read_only=True)
        return set().union(*(gone.in_cells(cells) for cells in _tables(connection)))
    finally:
        connection.close()


def readable_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every store written without encryption or compression, so that its bytes can be read."""

    def plainly(con: Any, path: Path, alias: str, key: str, *, read_only: bool, **_: Any) -> None:
        con.execute("PRAGMA force_compression='uncompressed'")
        con.execute(f"ATTACH '{path}' AS {alias} {'(READ_ONLY)' if read_only else ''}")

    for room in (warehouse.connect, warehouse.release):
        if getattr(room, "attach", None) is attach:
            monkeypatch.setattr(room, "attach", plainly)


def _tables(connection: duckdb.DuckDBPyConnection) -> Iterator[Iterator[Any]]:
    """The cells of each table."""
    listed = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'searched'"
    ).fetchall()
    for schema, table in listed:
        rows = connection.execute(f'SELECT * FROM searched."{schema}"."{table}"').fetchall()
        yield (_plain(cell) for row in rows for cell in row)


def _in_file(path: Path, gone: Gone) -> set[str]:
    if not path.is_file():
        return set()
    content = path.read_bytes()
    if path.suffix == ".duckdb" or len(content) > 1 << 22:
        return gone.in_raw(content)
    return gone.in_text(content) | scan_sqlite(path, gone.needles)


def _note(found: dict[str, set[str]], place: str, hits: set[str]) -> None:
    if hits:
        found[place] = hits


def _plain(cell: Any) -> Any:
    return cell if isinstance(cell, int | str | bytes) else str(cell)


def _unsigned(number: int, form: str) -> str:
    return format(number % (1 << WIDTH), form)
