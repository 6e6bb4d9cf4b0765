"""Read one table file of an extract into strings, or refuse it in one clear sentence.

A file is looked over whole before polars sees it, in pieces of fixed size: polars fills short rows
and may echo a record in its errors. Nothing that stands in a file is ever in a message: not a
value, not the name of a column that was not expected.
"""

from __future__ import annotations

import codecs
import csv
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from schemas.errors import ExtractRejected
from schemas.tables import Table

MAX_BYTES = 4 * 1024**3
"""The largest file read: a table is held in memory once."""

POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises. Its text may quote a record, so none is ever let out or chained."""

PIECE = 4 * 1024**2
LONGEST_HEADER = 65_536

NOT_TEXT = (
    (b"PK\x03\x04", "a spreadsheet or zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a compressed file"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF"),
)
"""How files of other kinds begin."""

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
QUOTE, COMMA, NEWLINE, RETURN = b'",\n\r'
SEND_CSV = "Ask the partner to send comma-separated text in UTF-8 with one header row."
SEND_AGAIN = "Ask the partner to send the file again, and compare its size with what they sent."


@dataclass(frozen=True)
class _Shape:
    """What looking a file over found.

    Args:
        rows: Data rows, blank lines at the end left out.
        uneven: The first data row with another number of fields than the header; None if none.
        uneven_is_last: Whether that row is the last, and too short.
        open_quote: Whether a quotation mark is never closed.
        lone_returns: Whether lines end in a carriage return alone.
    """

    rows: int
    uneven: int | None
    uneven_is_last: bool
    open_quote: bool
    lone_returns: bool


def read_table(
    path: Path,
    table: Table,
    *,
    columns: Collection[str] | None = None,
    max_bytes: int = MAX_BYTES,
) -> pl.DataFrame:
    """Read one table file.

    Args:
        path: The file: comma-separated UTF-8 (a byte-order mark is allowed) with a header row.
        table: The table it should hold.
        columns: The columns that have to be there; all of the table's if not given. A column that
            the agreement does not share may be left out of them.
        max_bytes: The largest file read.

    Returns:
        Every column of the file as strings, names in lower case, empty fields null. Columns that
        are not the table's come too, for the agreement to count and drop.

    Raises:
        ExtractRejected: The file is missing, not of this form, damaged or of another layout.
    """
    what = f"The {table.partner} {table.name} file"
    _require_file(path, what, max_bytes)
    _require_text(path, what)
    names = _require_header(path, what, table, columns)
    shape = _look_over(path, len(names))
    _require_whole(shape, what, names_people=table.identity is not None)
    frame = _parse(path, names)
    if frame is None or not _agrees(frame, names, shape):
        raise ExtractRejected(f"{what} has quotation marks out of place.", SEND_CSV)
    return frame.head(shape.rows)


def _require_file(path: Path, what: str, max_bytes: int) -> None:
    size = _regular_size(path)
    if size is None:
        raise ExtractRejected(
            f"{what} is not there or cannot be opened.",
            "Ask the partner to deliver it, or check the folder and its permissions.",
        )
    if size == 0:
        raise ExtractRejected(f"{what} is empty.", SEND_AGAIN)
    if size > max_bytes:
        raise ExtractRejected(
            f"{what} is larger than {max_bytes} bytes.",
            "Ask the partner for a shorter period, or raise the limit if the machine has room.",
        )


def _regular_size(path: Path) -> int | None:
    try:
        status = path.stat()
        with path.open("rb"):
            pass
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _require_text(path: Path, what: str) -> None:
    with path.open("rb") as file:
        start = file.read(512)
    for magic, kind in NOT_TEXT:
        if start.startswith(magic):
            raise ExtractRejected(f"{what} is {kind}, not comma-separated text.", SEND_CSV)
    if start.startswith(UTF_16):
        raise ExtractRejected(f"{what} is in UTF-16, not UTF-8.", SEND_CSV)
    if start.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"<", b"{", b"["):
        raise ExtractRejected(f"{what} is HTML, XML or JSON, not comma-separated text.", SEND_CSV)
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in _pieces(path):
        if b"\x00" in piece:
            raise ExtractRejected(f"{what} holds null bytes, so it is not text.", SEND_CSV)
        if not _decodes(decoder, piece):
            raise ExtractRejected(f"{what} is not in UTF-8.", SEND_CSV)
    if not _decodes(decoder, b"", final=True):
        raise ExtractRejected(f"{what} ends in the middle of a character.", SEND_AGAIN)


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def _require_header(
    path: Path, what: str, table: Table, columns: Collection[str] | None
) -> list[str]:
    names = _header(path)
    if not any(names):
        raise ExtractRejected(f"{what} has no header row.", SEND_CSV)
    expected = [name for name in table.columns if columns is None or name in columns]
    missing = [name for name in expected if name not in names]
    if len(missing) == len(expected) and len(names) == 1:
        raise ExtractRejected(f"{what} is not separated by commas.", SEND_CSV)
    if missing:
        unknown = sum(name not in table.columns for name in names)
        raise ExtractRejected(
            f"{what} lacks {', '.join(missing)}; {unknown} of its columns are not in the layout.",
            "Ask the partner to name its columns as the agreed layout does, in the first row.",
        )
    if len(set(names)) < len(names):
        raise ExtractRejected(
            f"{what} names {len(names) - len(set(names))} of its columns twice.",
            "Ask the partner to give every column a name of its own.",
        )
    return names


def _header(path: Path) -> list[str]:
    """The column names in lower case; empty if there is none to be read."""
    with path.open("rb") as file:
        start = file.read(LONGEST_HEADER).removeprefix(codecs.BOM_UTF8)
    lines = start.decode("utf-8", errors="ignore").splitlines()
    try:
        fields = next(csv.reader(lines, strict=True), [])
    except csv.Error:
        return []
    return [field.strip().lower() for field in fields]


def _require_whole(shape: _Shape, what: str, *, names_people: bool) -> None:
    # Nobody may have been tested or released, but an extract that names nobody is a failed export.
    if shape.lone_returns:
        raise ExtractRejected(f"{what} ends its lines with a carriage return alone.", SEND_CSV)
    if shape.open_quote:
        raise ExtractRejected(
            f"{what} opens a quotation mark that it never closes, so it may be cut short.",
            SEND_AGAIN,
        )
    if shape.uneven is not None and shape.uneven_is_last:
        raise ExtractRejected(f"{what} stops in the middle of its last row.", SEND_AGAIN)
    if shape.uneven is not None:
        raise ExtractRejected(
            f"{what} has more or fewer fields than its header from data row {shape.uneven}.",
            "Ask the partner to put values that hold a comma between quotation marks.",
        )
    if shape.rows == 0 and names_people:
        raise ExtractRejected(f"{what} has a header and no rows.", SEND_AGAIN)


def _look_over(path: Path, fields: int) -> _Shape:
    """Count each line's fields outside quotation marks, a piece at a time."""
    counts = _Counts(fields)
    last = b""
    for piece in _pieces(path):
        counts.add(np.frombuffer(piece, dtype=np.uint8))
        last = piece
    if not last.endswith(b"\n"):
        counts.add(np.frombuffer(b"\n", dtype=np.uint8))
    return counts.shape()


class _Counts:
    """Running counts over the bytes of a file; a line is a row outside quotation marks."""

    def __init__(self, fields: int) -> None:
        self.fields = fields
        self.quoted = False
        self.lines = 0
        self.last_full = 0
        self.uneven: list[tuple[int, int]] = []
        self.commas = 0
        self.length = 0
        self.after_return = False
        self.lone_returns = False

    def add(self, octets: np.ndarray) -> None:
        """Count one piece."""
        outside = self._outside(octets)
        self._look_for_lone_returns(octets)
        ends = np.flatnonzero((octets == NEWLINE) & outside)
        commas = np.flatnonzero((octets == COMMA) & outside)
        visible = np.flatnonzero((octets != RETURN) & (octets != NEWLINE))
        self._add_lines(ends, commas, visible)

    def _outside(self, octets: np.ndarray) -> np.ndarray:
        quotes = octets == QUOTE
        if not self.quoted and not quotes.any():
            return np.ones(octets.size, dtype=bool)
        inside = (np.cumsum(quotes, dtype=np.int64) + self.quoted) % 2 == 1
        self.quoted = bool(inside[-1])
        return ~inside

    def _look_for_lone_returns(self, octets: np.ndarray) -> None:
        follows = np.flatnonzero(octets[:-1] == RETURN) + 1
        lone = bool((octets[follows] != NEWLINE).any())
        across = self.after_return and octets[0] != NEWLINE
        self.lone_returns = self.lone_returns or lone or across
        self.after_return = bool(octets[-1] == RETURN)

    def _add_lines(self, ends: np.ndarray, commas: np.ndarray, visible: np.ndarray) -> None:
        comma_totals = np.searchsorted(commas, ends)
        visible_totals = np.searchsorted(visible, ends)
        if ends.size:
            per_line = np.diff(comma_totals, prepend=0)
            per_line[0] += self.commas
            lengths = np.diff(visible_totals, prepend=0)
            lengths[0] += self.length
            self._judge(per_line + 1, lengths)
            self.commas, self.length = 0, 0
            comma_rest, visible_rest = comma_totals[-1], visible_totals[-1]
        else:
            comma_rest, visible_rest = 0, 0
        self.commas += int(commas.size - comma_rest)
        self.length += int(visible.size - visible_rest)

    def _judge(self, per_line: np.ndarray, lengths: np.ndarray) -> None:
        full = np.flatnonzero(lengths)
        if full.size:
            self.last_full = self.lines + int(full[-1])
        if len(self.uneven) < 2:
            bad = np.flatnonzero((per_line != self.fields) & (lengths > 0))
            blank = np.flatnonzero(lengths == 0)
            found = np.sort(np.concatenate([bad[:2], blank[:2]]))
            self.uneven += [(self.lines + int(at), int(per_line[at])) for at in found]
        self.lines += per_line.size

    def shape(self) -> _Shape:
        """What was found, once every piece is counted; line 0 is the header."""
        uneven = [(line, fields) for line, fields in self.uneven if line <= self.last_full]
        first = uneven[0] if uneven else None
        return _Shape(
            rows=self.last_full,
            uneven=None if first is None else first[0],
            uneven_is_last=first is not None
            and first[0] == self.last_full
            and first[1] < self.fields,
            open_quote=self.quoted,
            lone_returns=self.lone_returns,
        )


def _parse(path: Path, names: list[str]) -> pl.DataFrame | None:
    try:
        frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=False)
    except (*POLARS_ERRORS, OSError):
        return None
    return frame.rename(dict(zip(frame.columns, names, strict=False)))


def _agrees(frame: pl.DataFrame, names: list[str], shape: _Shape) -> bool:
    """Whether polars read what was counted, but for blank lines at the end."""
    rest = frame.slice(shape.rows)
    blank = rest.select(pl.all_horizontal(pl.all().str.strip_chars().fill_null("") == "").all())
    return frame.columns == names and frame.height >= shape.rows and bool(blank.item())


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
