"""Look for values wherever a run could have left them: files, databases, pickles, open stores."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import hashlib
import io
import pickletools
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from pdf_text import streams, texts

WORD = re.compile(rb"[A-Za-z0-9/|-]{7,40}")
POSTCODE = re.compile(rb"\b[A-Za-z]{1,2}[0-9][A-Za-z0-9]? ?[0-9][A-Za-z]{2}\b")
DEPTH = 3
SHORT = 64
LONG = 4096
START = 4
PACKED = (b"\x1f\x8b", b"\x78", b"PK\x03\x04", b"%PDF", b"\x80")


class Runs:
    """A pattern of many bytes of a kind in a row, with one byte before them or two after at most.

    Most of what is looked through is encrypted, where no such row is. To mark the bytes of the kind
    and look for rows of marks takes a twentieth of what trying the pattern at every place does.
    """

    def __init__(self, kind: bytes, least: int, pattern: bytes) -> None:
        self._marks = bytes(re.match(kind, bytes([one])) is not None for one in range(256))
        self._row = b"\x01" * least
        self._pattern = re.compile(pattern)

    def found_in(self, content: bytes) -> list[bytes]:
        """What the pattern finds in some bytes."""
        marks, found = content.translate(self._marks), []
        start = marks.find(self._row)
        while start >= 0:
            end = marks.find(b"\x00", start)
            end = len(content) if end < 0 else end
            found += self._pattern.findall(content, max(start - 1, 0), end + 2)
            start = marks.find(self._row, end)
        return found


BASE64_RUNS = Runs(rb"[A-Za-z0-9+/_-]", 24, rb"[A-Za-z0-9+/_-]{24,}={0,2}")
NUMBERS = Runs(rb"[0-9]", 12, rb"-?[0-9]{12,20}")
HEX_RUNS = Runs(rb"[0-9a-fA-F]", 16, rb"(?:[0-9a-fA-F]{2}){8,}")


def _forms(value: str) -> set[str]:
    """A value as people, addresses and programs write it."""
    spaced = {value, value.replace(" ", ""), value.replace(" ", "%20"), value.replace(" ", "+")}
    return spaced | {form.replace("/", "%2f") for form in spaced}


class Needles:
    """The values that must not be found, each in every form it could take."""

    def __init__(self, values: Iterable[str]) -> None:
        self.values = sorted(set(values))
        self._forms = [
            (value, form.encode(encoding))
            for value in self.values
            for form in _forms(value.lower())
            for encoding in ("utf-8", "utf-16-le")
        ]

        starts = {form[:START] for _, form in self._forms if len(form) >= START}
        self._starts = np.frombuffer(b"".join(sorted(starts)), "<u4")
        self._marked = np.zeros(1 << 16, dtype=bool)
        self._marked[_hashed(self._starts)] = True

        # Digests of contents that none is in: a partnership is copied and looked through again.
        self.without: set[bytes] = set()
        self._hashes = {
            trace: value
            for value in self.values
            for form in _forms(value.lower()) | {value, value.upper(), value.replace(" ", "")}
            for name in ("md5", "sha1", "sha256")
            for trace in _traces(hashlib.new(name, form.encode(), usedforsecurity=False).digest())
        }

    def hashed_in(self, content: bytes) -> set[str]:
        """The values an unkeyed hash of which is found, in hexadecimal or as a number."""
        runs = {run[:16].lower() for run in HEX_RUNS.found_in(content)}
        seen = runs.union(NUMBERS.found_in(content))
        return {self._hashes[trace] for trace in seen & self._hashes.keys()}

    def in_bytes(self, content: bytes) -> set[str]:
        """The values found in some bytes as they are."""
        lowered = content.lower()
        likely = self._likely_in(lowered) if len(lowered) > LONG else self._forms
        return {value for value, form in likely if form in lowered}

    def _likely_in(self, lowered: bytes) -> Iterator[tuple[str, bytes]]:
        """The forms of which the first bytes are in some bytes: to look for each takes longer."""
        found: set[int] = set()
        for place in range(START):
            words = np.frombuffer(lowered, "<u4", (len(lowered) - place) // START, place)
            some = words[self._marked[_hashed(words)]]
            found |= set(some[np.isin(some, self._starts)].tolist())
        for value, form in self._forms:
            if len(form) < START or int.from_bytes(form[:START], "little") in found:
                yield value, form


def _hashed(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Each word in sixteen bits, by multiplication (Knuth, Art of Computer Programming, 6.4)."""
    return (words * np.uint32(2_654_435_761)) >> np.uint32(16)


def _traces(digest: bytes) -> set[bytes]:
    """What the first eight bytes of a hash look like: enough to look a person up in a list."""
    start = digest[:8]
    numbers = {
        str(int.from_bytes(start, order, signed=signed)).encode()
        for order in ("little", "big")
        for signed in (True, False)
    }
    return {start.hex().encode(), *numbers}


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
            hits |= _scan_file(path, needles)
        if hits:
            found[name] = hits
    return found


def _scan_file(path: Path, needles: Needles) -> set[str]:
    content = path.read_bytes()
    if content.startswith(b"SQLite format 3"):  # what was written last lies in a file beside it
        return scan_bytes(content, needles) | scan_sqlite(path, needles)
    digest = hashlib.sha256(content).digest()
    if digest in needles.without:
        return set()
    hits = scan_bytes(content, needles)
    if not hits:
        needles.without.add(digest)
    return hits


def scan_bytes(content: bytes, needles: Needles, depth: int = DEPTH) -> set[str]:
    """Values in some bytes, in what they unpack or decode to, and in the strings they pickle."""
    hits = needles.in_bytes(content)
    if depth == DEPTH:
        hits |= needles.hashed_in(content)
    if depth:
        for inner in _unpacked(content):
            hits |= scan_bytes(inner, needles, depth - 1)
    return hits


def _unpacked(content: bytes) -> Iterator[bytes]:
    for start, opener in ((b"\x1f\x8b", gzip.decompress), (b"\x78", zlib.decompress)):
        if content.startswith(start):
            with contextlib.suppress(OSError, EOFError, zlib.error):
                yield opener(content)
    if content.startswith(b"PK\x03\x04"):
        with contextlib.suppress(zipfile.BadZipFile, OSError, RuntimeError):
            archive = zipfile.ZipFile(io.BytesIO(content))
            for member in archive.namelist():
                yield member.encode()
                yield archive.read(member)
    if content.startswith(b"%PDF"):
        yield b"\n".join(streams(content))
        yield "\n".join(texts(content)).encode()
    if content.startswith(b"\x80"):
        yield b"\n".join(_pickled(content))
    # Base64 is often broken into lines, and the breaks escaped.
    joined = content.replace(b"\\r", b"").replace(b"\\n", b"").translate(None, b"\r\n")
    runs = {*BASE64_RUNS.found_in(content), *BASE64_RUNS.found_in(joined)}
    yield from _together(_decoded(runs))
    yield from _together(bytes.fromhex(run.decode()) for run in {*HEX_RUNS.found_in(content)})


def _decoded(runs: Iterable[bytes]) -> Iterator[bytes]:
    """What runs of base64 stand for."""
    for run in runs:
        with contextlib.suppress(binascii.Error, ValueError):
            yield base64.b64decode(
                run + b"=" * (-len(run) % 4), altchars=b"-_" if b"-" in run or b"_" in run else None
            )


def _together(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, the short ones as one: there are thousands of digests, and no value in most."""
    short = []
    for piece in pieces:
        if len(piece) > SHORT or piece.startswith(PACKED):
            yield piece
        else:
            short.append(piece)
    if short:
        yield b"\n".join(sorted(short))


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


def words_in(content: bytes) -> set[str]:
    """The words of some bytes that could be an id, a key or a postcode, lower case, no spaces.

    For thousands of values at once: look the words up among the values, not the values in the text.
    """
    found = WORD.findall(content) + POSTCODE.findall(content)
    return {word.decode().replace(" ", "").lower() for word in found}


def store_words(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The words in any cell of an open DuckDB database, as :func:`words_in` takes them."""
    tables = connection.execute(
        "SELECT database_name, schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
    ).fetchall()
    found: set[str] = set()
    for database, schema, table in tables:
        rows = connection.execute(f'SELECT * FROM "{database}"."{schema}"."{table}"').fetchall()
        found |= words_in(b"\n".join(_line(row) for row in rows))
    return found


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
    """Values in any cell, name, comment or view of an open DuckDB database: {place: values}."""
    found = {}
    tables = connection.execute(
        "SELECT database_name, schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
    ).fetchall()
    for database, schema, table in tables:
        rows = connection.execute(f'SELECT * FROM "{database}"."{schema}"."{table}"').fetchall()
        hits = scan_bytes(b"\n".join(_line(row) for row in rows), needles)
        for cell in (cell for row in rows for cell in row if isinstance(cell, bytes)):
            hits |= scan_bytes(cell, needles)
        if hits:
            found[table] = hits
    for catalogue in ("duckdb_tables", "duckdb_columns", "duckdb_views"):
        said = connection.execute(f"FROM {catalogue}() WHERE NOT internal").fetchall()
        if hits := scan_bytes(b"\n".join(_line(row) for row in said), needles):
            found[catalogue] = hits
    return found


def _line(row: tuple[object, ...]) -> bytes:
    return "\t".join(map(str, row)).encode()
