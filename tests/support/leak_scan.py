"""Look for values wherever a run could have left them: files, databases, pickles, open stores."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import pickletools
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
HEX_RUN = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
DEPTH = 3


class Needles:
    """The values that must not be found, each in every form it could take."""

    def __init__(self, values: Iterable[str]) -> None:
        self.values = sorted(set(values))
        self._forms = [
            (value, form.encode(encoding))
            for value in self.values
            for form in {value.lower(), value.lower().replace(" ", "")}
            for encoding in ("utf-8", "utf-16-le")
        ]

    def in_bytes(self, content: bytes) -> set[str]:
        """The values found in some bytes as they are."""
        lowered = content.lower()
        return {value for value, form in self._forms if form in lowered}


def scan_tree(folder: Path, needles: Needles, leave_out: Iterable[str] = ()) -> dict[str, set[str]]:
    """Every file below a folder whose name or content holds a value: {relative path: values}."""
    skipped = {folder / name for name in leave_out}
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*")):
        if any(path == s or s in path.parents for s in skipped):
            continue
        name = str(path.relative_to(folder))
        hits = needles.in_bytes(name.encode())
        if path.is_file():
            hits |= scan_bytes(path.read_bytes(), needles) | scan_sqlite(path, needles)
        if hits:
            found[name] = hits
    return found


def scan_bytes(content: bytes, needles: Needles, depth: int = DEPTH) -> set[str]:
    """Values in some bytes, in what they unpack or decode to, and in the strings they pickle."""
    hits = needles.in_bytes(content)
    if depth:
        for inner in _unpacked(content):
            hits |= scan_bytes(inner, needles, depth - 1)
    return hits


def _unpacked(content: bytes) -> Iterator[bytes]:
    for start, opener in ((b"\x1f\x8b", gzip.decompress), (b"\x78", zlib.decompress)):
        if content.startswith(start):
            with contextlib.suppress(OSError, EOFError, zlib.error):
                yield opener(content)
    if content.startswith(b"\x80"):
        yield b"\n".join(_pickled(content))
    for run in BASE64_RUN.findall(content):
        with contextlib.suppress(binascii.Error, ValueError):
            yield base64.b64decode(
                run + b"=" * (-len(run) % 4), altchars=b"-_" if b"-" in run or b"_" in run else None
            )
    for run in HEX_RUN.findall(content):
        yield bytes.fromhex(run.decode())


def _pickled(content: bytes) -> Iterator[bytes]:
    """The strings and bytes in a pickle, read without running it."""
    try:
        for _, argument, _ in pickletools.genops(content):
            if isinstance(argument, str):
                yield argument.encode()
            elif isinstance(argument, bytes):
                yield argument
    except Exception:  # not a pickle after all
        return


def scan_sqlite(path: Path, needles: Needles) -> set[str]:
    """Values in any cell of an SQLite file, packed ones too; nothing for other files."""
    with path.open("rb") as file:
        if not file.read(16).startswith(b"SQLite format 3"):
            return set()
    hits: set[str] = set()
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for cell in row:
                    if isinstance(cell, str | bytes):
                        text = cell.encode() if isinstance(cell, str) else cell
                        hits |= scan_bytes(text, needles)
    return hits


def scan_store(connection: duckdb.DuckDBPyConnection, needles: Needles) -> dict[str, set[str]]:
    """Values in any table of an open DuckDB database: {table: values}."""
    found = {}
    tables = connection.execute(
        "SELECT database_name, schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
    ).fetchall()
    for database, schema, table in tables:
        rows = connection.execute(f'SELECT * FROM "{database}"."{schema}"."{table}"').fetchall()
        hits = needles.in_bytes("\n".join(map(str, _cells(rows))).encode())
        if hits:
            found[table] = hits
    return found


def _cells(rows: list[tuple[object, ...]]) -> Iterator[object]:
    for row in rows:
        yield "\t".join(map(str, row))
