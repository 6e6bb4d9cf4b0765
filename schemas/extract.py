"""Read one table file of an extract into strings, or refuse it in one clear sentence.

Without a mapping a file is comma-separated UTF-8 in our own layout and nothing else. With one it
may be text in another encoding and with another delimiter, an Excel workbook, an OpenDocument
spreadsheet or Parquet, with the columns of the supplying system.

Text is looked over whole before polars sees it, in pieces of fixed size: polars fills short rows
and may echo a record in its errors. Nothing that stands in a file is ever in a message: not a
value, not the name of a column that was not expected.
"""

from __future__ import annotations

import codecs
import csv
import io
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from schemas.columnar import read_columns
from schemas.errors import ExtractRejected
from schemas.mapping import OWN_LAYOUT, SystemMapping, apply_mapping, normal_name
from schemas.tables import Table
from schemas.workbook import LONGEST_VALUE, read_sheet

MAX_BYTES = 4 * 1024**3
"""The largest file read: a table is held in memory once."""

POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises. Its text may quote a record, so none is ever let out or chained."""

PIECE = 4 * 1024**2
LONGEST_HEADER = 65_536
LONGEST_TITLES = 1024**2

ZIP, PARQUET = b"PK\x03\x04", b"PAR1"
NOT_TEXT = (
    (ZIP, "a spreadsheet or zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x1f\x8b", "a compressed file"),
    (PARQUET, "a Parquet file"),
    (b"%PDF", "a PDF"),
)
"""How files of other kinds begin."""

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
UTF_16_NAMES = ("utf-16", "utf-16-le", "utf-16-be")
# Encodings in which the bytes 80 to 9F are control characters, which nobody types.
WITHOUT_PRINT_BELOW_A0 = ("latin-1", "iso-8859-15")
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
QUOTE, NEWLINE, RETURN = b'"\n\r'
SEND_CSV = "Ask the partner to send comma-separated text in UTF-8 with one header row."
SEND_AGREED = "Ask the partner to send the file as the agreed layout says."
SEND_AGAIN = "Ask the partner to send the file again, and compare its size with what they sent."


@dataclass(frozen=True)
class _Form:
    """How a text file is written.

    Args:
        encoding: Its encoding; None if its byte-order mark, else UTF-8, decides.
        delimiter: The name of what parts its fields; None if its header decides.
        quotes: Whether quotation marks enclose values.
        header_row: The line that names the columns, counted from 1.
    """

    encoding: str | None
    delimiter: str | None
    quotes: bool
    header_row: int


AS_AGREED = _Form("utf-8", "comma", quotes=True, header_row=1)


@dataclass(frozen=True)
class _Wanted:
    """The columns a file is to have, as normalised names.

    Args:
        needed: Those that have to be there.
        known: Those that are expected.
        system: What messages call the layout.
    """

    needed: list[str]
    known: Collection[str]
    system: str


@dataclass(frozen=True)
class _Text:
    """A text file as UTF-8: the file itself, or its bytes where they had to be made.

    Args:
        content: The one or the other.
        start: How it begins, enough to hold any header.
    """

    content: Path | bytes
    start: bytes

    def pieces(self) -> Iterator[bytes]:
        """Its bytes in pieces of fixed size."""
        if isinstance(self.content, Path):
            yield from _pieces(self.content)
            return
        for at in range(0, len(self.content), PIECE):
            yield self.content[at : at + PIECE]


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
    mapping: SystemMapping | None = None,
    columns: Collection[str] | None = None,
    max_bytes: int = MAX_BYTES,
    as_at: date | None = None,
) -> pl.DataFrame:
    """Read one table file.

    Args:
        path: The file. Without a mapping: comma-separated UTF-8 (a byte-order mark is allowed)
            with a header row. With one: whatever it says, or what the file shows itself to be.
        table: The table it should hold.
        mapping: How the supplying system writes it.
        columns: The columns that have to be there; all of the table's if not given. A column that
            the agreement does not share may be left out of them.
        max_bytes: The largest file read.
        as_at: The day of the extract, which two-digit years of birth are read against; today if
            not given.

    Returns:
        Without a mapping, every column of the file as strings, names in lower case, empty fields
        null. With one, those of our columns that it gives. Columns that are not the table's come
        too, for the agreement to count and drop.

    Raises:
        ExtractRejected: The file is missing, not of this form, damaged or of another layout.
    """
    what = f"The {table.partner} {table.name} file"
    _require_file(path, what, max_bytes)
    if mapping is None:
        frame = _read_text(path, what, AS_AGREED, _own(table, columns))
    else:
        frame = _read_mapped(path, what, table, mapping, columns, max_bytes)
    _require_short(frame, what, table)
    if frame.is_empty() and table.identity is not None and not table.optional:
        # Nobody may have been tested or released, but an extract that names nobody failed.
        raise ExtractRejected(f"{what} has a header and no rows.", SEND_AGAIN)
    if mapping is None:
        return frame
    return _mapped(frame, what, table, mapping, as_at)


def _own(table: Table, columns: Collection[str] | None) -> _Wanted:
    needed = [name for name in table.columns if columns is None or name in columns]
    return _Wanted(needed, table.columns, "layout")


def _read_mapped(
    path: Path,
    what: str,
    table: Table,
    mapping: SystemMapping,
    columns: Collection[str] | None,
    max_bytes: int,
) -> pl.DataFrame:
    """Read whatever kind of file it is under the names that the supplying system gives."""
    mapped = mapping.tables.get(table.name)
    if mapped is None:
        raise ExtractRejected(
            f"The mapping for {mapping.system} does not say how {what[4:]} is read.",
            "Add the table to the mapping, or leave its file out of the extract.",
        )
    is_own = mapping.system == OWN_LAYOUT
    system = "layout" if is_own else f"mapping for {mapping.system}"
    wanted = _Wanted(mapped.sources(columns), mapping.known(table.name), system)
    with path.open("rb") as file:
        start = file.read(4)
    if start == ZIP:
        grid = read_sheet(path, what, mapped.sheet, table.name)
        return _under_header(grid, what, mapped.header_row, wanted)
    if start == PARQUET:
        frame = read_columns(path, what, max_bytes)
        names = [normal_name(name) for name in frame.columns]
        _require_columns(names, what, wanted, "as Parquet")
        return frame.rename(dict(zip(frame.columns, names, strict=True)))
    form = _Form(mapped.encoding, mapped.delimiter, mapped.quotes, mapped.header_row)
    return _read_text(path, what, form, wanted)


def _under_header(grid: pl.DataFrame, what: str, header_row: int, wanted: _Wanted) -> pl.DataFrame:
    """The rows of a sheet under the names in its header row; blank rows at its end left out."""
    if grid.height < header_row:
        raise ExtractRejected(f"{what} has no header row.", SEND_AGREED)
    header = [normal_name(cell or "") for cell in grid.row(header_row - 1)]
    rows = grid.slice(header_row)
    used = [bool(name) or rows[:, at].null_count() < rows.height for at, name in enumerate(header)]
    names = [name for name, is_used in zip(header, used, strict=True) if is_used]
    if not any(names):
        raise ExtractRejected(f"{what} has no header row.", SEND_AGREED)
    _require_columns(names, what, wanted, "in columns")
    rows = rows.select(pl.nth([at for at, is_used in enumerate(used) if is_used]))
    rows.columns = names
    filled = rows.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    return rows.head(0 if filled.is_empty() else int(filled[-1]) + 1)


def _mapped(
    frame: pl.DataFrame, what: str, table: Table, mapping: SystemMapping, as_at: date | None
) -> pl.DataFrame:
    """Bring a table into our layout; an error of polars, which may quote a record, stays here."""
    try:
        return apply_mapping(frame, table, mapping, as_at)
    except POLARS_ERRORS:
        fault = f"{what} could not be read by its mapping."
    raise ExtractRejected(
        fault,
        "Check the mapping's patterns and date formats against the file's layout.",
    )


def _require_short(frame: pl.DataFrame, what: str, table: Table) -> None:
    """Refuse values that no field of any system holds: rows ran together, or worse."""
    texts = frame.select(pl.all().str.len_bytes().max())
    if all((size or 0) <= LONGEST_VALUE for size in texts.row(0)):
        return
    for name in frame.columns:
        long = (frame[name].str.len_chars() > LONGEST_VALUE).arg_true()
        if not long.is_empty():
            where = f" of {name}" if name in table.columns else ""
            raise ExtractRejected(
                f"{what} has a value{where} of more than {LONGEST_VALUE:,} characters in data row "
                f"{long[0] + 1}.",
                "Ask the partner to look for a quotation mark out of place in that row.",
            )


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
        if not stat.S_ISREG(status.st_mode):
            return None
        with path.open("rb"):
            pass
    except OSError:
        return None
    return status.st_size


def _read_text(path: Path, what: str, form: _Form, wanted: _Wanted) -> pl.DataFrame:
    """Read a text file whose every row has as many fields as its header."""
    text = _without_titles(_as_utf_8(path, what, form), what, form.header_row)
    names, delimiter = _require_header(text, what, form, wanted)
    shape = _look_over(text, len(names), DELIMITERS[delimiter], form.quotes)
    _require_whole(shape, what, delimiter)
    frame = _parse(text, names, DELIMITERS[delimiter], form.quotes)
    if frame is None or not _agrees(frame, names, shape):
        raise ExtractRejected(f"{what} has quotation marks out of place.", _send(form))
    return frame.head(shape.rows)


def _send(form: _Form) -> str:
    return SEND_CSV if form == AS_AGREED else SEND_AGREED


def _as_utf_8(path: Path, what: str, form: _Form) -> _Text:
    """The file, known to be text in the encoding that it should be in."""
    with path.open("rb") as file:
        start = file.read(512)
    _require_no_other_kind(start, what, form)
    encoding = form.encoding or ("utf-16" if start.startswith(UTF_16) else "utf-8")
    _require_mark(start, encoding, what, form)
    if encoding == "utf-8":
        _require_text(path, what, form)
        with path.open("rb") as file:
            return _Text(path, file.read(LONGEST_HEADER))
    made = _transcoded(path, what, encoding, form)
    _require_no_markup(made[:512], what, form)
    return _Text(made, made[:LONGEST_HEADER])


def _require_no_other_kind(start: bytes, what: str, form: _Form) -> None:
    for magic, kind in NOT_TEXT:
        if start.startswith(magic):
            raise ExtractRejected(f"{what} is {kind}, not comma-separated text.", _send(form))
    if start.startswith(UTF_16) and form == AS_AGREED:
        raise ExtractRejected(f"{what} is in UTF-16, not UTF-8.", SEND_CSV)
    _require_no_markup(start, what, form)


def _require_no_markup(start: bytes, what: str, form: _Form) -> None:
    if start.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"<", b"{", b"["):
        raise ExtractRejected(
            f"{what} is HTML, XML or JSON, not comma-separated text.", _send(form)
        )


def _require_mark(start: bytes, encoding: str, what: str, form: _Form) -> None:
    """Refuse a byte-order mark that contradicts the encoding the mapping gives."""
    marked = start.startswith(UTF_16) or start.startswith(codecs.BOM_UTF8)
    wide = start.startswith(UTF_16)
    if marked and wide != (encoding in UTF_16_NAMES):
        found = "UTF-16" if wide else "UTF-8"
        raise ExtractRejected(
            f"{what} is in {found}, not in {encoding} as its mapping says.",
            "Correct `encoding` in the mapping, or leave it out.",
        )
    if encoding == "utf-16" and not wide:
        raise ExtractRejected(
            f"{what} has no byte-order mark, so its UTF-16 cannot be read.",
            "Give `encoding` as utf-16-le or utf-16-be in the mapping.",
        )


def _require_text(path: Path, what: str, form: _Form) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for piece in _pieces(path):
        if b"\x00" in piece:
            raise ExtractRejected(f"{what} holds null bytes, so it is not text.", _send(form))
        if _decoded(decoder, piece) is None:
            raise ExtractRejected(f"{what} is not in UTF-8.", _not_utf_8(form))
    if _decoded(decoder, b"", final=True) is None:
        raise ExtractRejected(f"{what} ends in the middle of a character.", SEND_AGAIN)


def _not_utf_8(form: _Form) -> str:
    if form == AS_AGREED:
        return SEND_CSV
    return "Ask the partner for UTF-8, or give `encoding` in the mapping, often cp1252."


def _transcoded(path: Path, what: str, encoding: str, form: _Form) -> bytes:
    """A file in another encoding, as UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)()
    made = bytearray()
    for piece in _pieces(path):
        text = _decoded(decoder, piece)
        if text is None:
            raise ExtractRejected(
                f"{what} is not in {encoding}.", "Correct `encoding` in the mapping."
            )
        made += text.encode("utf-8")
    if _decoded(decoder, b"", final=True) is None:
        raise ExtractRejected(f"{what} ends in the middle of a character.", SEND_AGAIN)
    if b"\x00" in made:
        raise ExtractRejected(f"{what} holds null bytes, so it is not text.", _send(form))
    _require_plausible(path, what, encoding, made)
    return bytes(made.removeprefix(codecs.BOM_UTF8))


def _require_plausible(path: Path, what: str, encoding: str, made: bytearray) -> None:
    """Refuse what only an encoding of one byte a character would pass: UTF-8, or control codes."""
    correct = "Correct `encoding` in the mapping, or leave it out if the file is in UTF-8."
    if encoding in UTF_16_NAMES:
        return
    if len(made) > path.stat().st_size and _is_utf_8(path):
        raise ExtractRejected(
            f"{what} is in UTF-8, not in {encoding} as its mapping says.", correct
        )
    controls = encoding in WITHOUT_PRINT_BELOW_A0 and any(
        bytes((0xC2, low)) in made for low in range(0x80, 0xA0)
    )
    if controls:
        raise ExtractRejected(
            f"{what} holds control characters, so it is in cp1252 rather than {encoding}.", correct
        )


def _is_utf_8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    whole = all(_decoded(decoder, piece) is not None for piece in _pieces(path))
    return whole and _decoded(decoder, b"", final=True) is not None


def _decoded(
    decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False
) -> str | None:
    try:
        return decoder.decode(piece, final)
    except UnicodeDecodeError:
        return None


def _without_titles(text: _Text, what: str, header_row: int) -> _Text:
    """The file from its header on, where titles stand above it."""
    if header_row == 1:
        return text
    content = text.content
    whole = content.read_bytes() if isinstance(content, Path) else content
    at = 0
    for _ in range(header_row - 1):
        at = whole.find(b"\n", at, LONGEST_TITLES) + 1
        if not at:
            raise ExtractRejected(f"{what} has no header row.", SEND_AGREED)
    return _Text(whole[at:], whole[at : at + LONGEST_HEADER])


def _require_header(text: _Text, what: str, form: _Form, wanted: _Wanted) -> tuple[list[str], str]:
    """The column names and the delimiter that parts them."""
    possible = [form.delimiter] if form.delimiter else list(DELIMITERS)
    read = {one: _header(text.start, DELIMITERS[one], form.quotes) for one in possible}
    # The delimiter under which most of the wanted columns are found, then most columns at all.
    best = max(read, key=lambda one: (len(set(read[one]) & set(wanted.needed)), len(read[one])))
    names = read[best]
    if not any(names):
        raise ExtractRejected(f"{what} has no header row.", _send(form))
    parted = f"separated by {form.delimiter}s" if form.delimiter else (
        "separated by commas, semicolons, tabs or pipes"
    )  # fmt: skip
    _require_columns(names, what, wanted, parted)
    return names, best


def _require_columns(names: list[str], what: str, wanted: _Wanted, parted: str) -> None:
    remedy = "Ask the partner to name its columns as the agreed layout does, in the first row."
    missing = [name for name in wanted.needed if name not in names]
    if missing and len(missing) == len(wanted.needed) and len(names) == 1:
        raise ExtractRejected(f"{what} is not {parted}.", SEND_CSV if wanted.system == "layout"
                              else SEND_AGREED)  # fmt: skip
    if missing:
        unknown = sum(name not in wanted.known for name in names)
        raise ExtractRejected(
            f"{what} lacks {', '.join(missing)}; {unknown} of its columns are not in the "
            f"{wanted.system}.",
            remedy,
        )
    if len(set(names)) < len(names):
        raise ExtractRejected(
            f"{what} names {len(names) - len(set(names))} of its columns twice.",
            "Ask the partner to give every column a name of its own.",
        )


def _header(start: bytes, delimiter: str, quotes: bool) -> list[str]:
    """The column names in lower case; empty if there is none to be read."""
    text = start.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="ignore")
    lines = io.StringIO(text, newline="") if quotes else text.splitlines()
    try:
        fields = next(_rows(lines, delimiter, quotes), [])
    except csv.Error:
        return []
    return [normal_name(field) for field in fields]


def _rows(lines: Iterable[str], delimiter: str, quotes: bool) -> Iterator[list[str]]:
    if quotes:
        return csv.reader(lines, delimiter=delimiter, strict=True)
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)


def _require_whole(shape: _Shape, what: str, delimiter: str) -> None:
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
            f"Ask the partner to put values that hold a {delimiter} between quotation marks.",
        )


def _look_over(text: _Text, fields: int, delimiter: str, quotes: bool) -> _Shape:
    """Count each line's fields outside quotation marks, a piece at a time."""
    counts = _Counts(fields, ord(delimiter), quotes)
    last = b""
    for piece in text.pieces():
        counts.add(np.frombuffer(piece, dtype=np.uint8))
        last = piece
    if not last.endswith(b"\n"):
        counts.add(np.frombuffer(b"\n", dtype=np.uint8))
    return counts.shape()


class _Counts:
    """Running counts over the bytes of a file; a line is a row outside quotation marks."""

    def __init__(self, fields: int, delimiter: int, quotes: bool) -> None:
        self.fields = fields
        self.delimiter = delimiter
        self.quotes = quotes
        self.quoted = False
        self.lines = 0
        self.last_full = 0
        self.uneven: list[tuple[int, int]] = []
        self.parted = 0
        self.length = 0
        self.after_return = False
        self.lone_returns = False

    def add(self, octets: np.ndarray) -> None:
        """Count one piece."""
        outside = self._outside(octets)
        ends, delimiters = octets == NEWLINE, octets == self.delimiter
        if outside is not None:
            ends, delimiters = ends & outside, delimiters & outside
        returns = np.flatnonzero(octets == RETURN)
        self._look_for_lone_returns(octets, returns)
        self._add_lines(octets.size, np.flatnonzero(ends), delimiters, returns)

    def _outside(self, octets: np.ndarray) -> np.ndarray | None:
        """Which bytes are outside quotation marks; None if all are."""
        if not self.quotes:
            return None
        quotes = octets == QUOTE
        if not self.quoted and not quotes.any():
            return None
        inside = np.logical_xor.accumulate(quotes) ^ self.quoted
        self.quoted = bool(inside[-1])
        return ~inside

    def _look_for_lone_returns(self, octets: np.ndarray, returns: np.ndarray) -> None:
        follows = returns[returns < octets.size - 1] + 1
        lone = bool((octets[follows] != NEWLINE).any())
        across = self.after_return and octets[0] != NEWLINE
        self.lone_returns = self.lone_returns or lone or bool(across)
        self.after_return = bool(octets[-1] == RETURN)

    def _add_lines(
        self, size: int, ends: np.ndarray, delimiters: np.ndarray, returns: np.ndarray
    ) -> None:
        """Count a piece's fields and visible bytes up to each end of a line, and what is left."""
        if not ends.size:
            self.parted += int(np.count_nonzero(delimiters))
            self.length += size - returns.size
            return
        per_line = np.diff(_totals(delimiters, ends), prepend=0)
        lengths = np.diff(ends, prepend=-1) - 1
        if returns.size:
            lengths -= np.diff(np.searchsorted(returns, ends), prepend=0)
        per_line[0] += self.parted
        lengths[0] += self.length
        self._judge(per_line + 1, lengths)
        rest = int(ends[-1]) + 1
        self.parted = int(np.count_nonzero(delimiters[rest:]))
        self.length = size - rest - int(np.count_nonzero(returns >= rest))

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


def _totals(marks: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How many marks there are before each end."""
    return np.searchsorted(np.flatnonzero(marks), ends)


def _parse(text: _Text, names: list[str], delimiter: str, quotes: bool) -> pl.DataFrame | None:
    try:
        frame = pl.read_csv(
            text.content,
            infer_schema=False,
            separator=delimiter,
            quote_char='"' if quotes else None,
            truncate_ragged_lines=False,
        )
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
