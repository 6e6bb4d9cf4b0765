"""Read one sheet of an Excel workbook (.xlsx) or an OpenDocument spreadsheet (.ods) as text.

A spreadsheet is a zip archive of XML, and either can unpack to more than the machine has. So the
archive is unpacked to nowhere first, in pieces, and counted: its size, its cells, the rectangle
they span and the text they repeat. Only a sheet that fits is handed to calamine. Nothing in a
workbook is run or followed: one with macros, links, embedded objects or formulas is refused, and
so is one with cells in error, which would otherwise read as empty.
"""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

import polars as pl

from schemas.errors import ExtractRejected

MAX_UNPACKED = 2 * 1024**3
"""The most bytes an archive may unpack to."""

MAX_PARTS = 2_000
"""The most files in an archive."""

MAX_CELLS = 32_000_000
"""The largest rectangle of cells read: thirty columns of as many rows as Excel has."""

MAX_TEXT = 1024**3
"""The most characters that the cells of a sheet may hold between them."""

LONGEST_VALUE = 32_767
"""The longest text that a cell can hold, and the longest value that any extract may hold."""

PIECE = 1024**2

STORED, DEFLATED = 0, 8
ENCRYPTED = 0x1
LOCAL_HEADER = 30
MAX_NAME_NUMBER = 16_384
LETTERS, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"

SAVE_VALUES = "Ask the partner to save the values alone as .xlsx, or as comma-separated text."
SEND_AGAIN = "Ask the partner to send the file again, and compare its size with what they sent."
SEND_LESS = "Ask the partner for a shorter period, or for comma-separated text."

XLSX_ACTIVE = ("vbaproject", "macrosheets/", "dialogsheets/", "activex/", "ctrlprops/")
XLSX_LINKED = ("externallinks/", "connections.xml", "querytables/", "webextensions/")
XLSX_EMBEDDED = ("embeddings/",)
ODS_ACTIVE = ("basic/", "scripts/", "dialogs/")
ODS_LINKED_ELEMENTS = (
    "table-source",
    "cell-range-source",
    "dde-source",
    "dde-link",
    "dde-connection-decl",
    "database-source-sql",
    "database-source-table",
    "database-source-query",
    "event-listener",
    "script",
)


class _Unfit(Exception):
    """Why a workbook is not read: the sentence's second half, and the remedy."""

    def __init__(self, problem: str, remedy: str = SAVE_VALUES) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


@dataclass
class _Extent:
    """What the cells of one sheet come to; each scan raises `_Unfit` where it is too much."""

    rows: int = 0
    columns: int = 0
    cells: int = 0
    text: int = 0
    refused: str = ""

    def span(self, row: int, column: int) -> None:
        self.rows = max(self.rows, row)
        self.columns = max(self.columns, column)
        if self.rows * self.columns > MAX_CELLS:
            raise _too_much()

    def count(self, cells: int, text: int = 0) -> None:
        self.cells += cells
        self.text += text
        if self.cells > MAX_CELLS or self.text > MAX_TEXT:
            raise _too_much()


def read_sheet(path: Path, what: str, sheet: str | None, table: str) -> pl.DataFrame:
    """Read one sheet as it stands: no header, every cell as text, blank cells null.

    Args:
        path: The file, known to begin as a zip archive does.
        what: What messages call it.
        sheet: The sheet's name, or a pattern of it such as `custody*`, in any case; if None, the
            sheet named as the table is, or else the only sheet.
        table: The table it should hold.

    Returns:
        The cells from the first row of the sheet to the last used one. Dates are written
        `2024-01-05 00:00:00`, whole numbers without a point, yes and no as `true` and `false`.

    Raises:
        ExtractRejected: It is no workbook, is damaged or too large, holds macros, links, embedded
            objects, formulas or errors, or has no such sheet.
    """
    unfit: _Unfit | None = None
    try:
        return _read(path, sheet, table)
    except _Unfit as found:
        unfit = found
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, OSError, EOFError, ValueError,
            KeyError, RuntimeError, UnicodeError):  # fmt: skip
        unfit = _Unfit("is a spreadsheet or zip archive that is damaged", SEND_AGAIN)
    raise ExtractRejected(f"{what} {unfit.problem}.", unfit.remedy)


def _read(path: Path, sheet: str | None, table: str) -> pl.DataFrame:
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        parts = _parts(archive)
        book = _Book(file, parts)
        _require_sound(book)
        if "xl/workbook.xml" in parts:
            names = _check_xlsx(book)
            chosen = _choose(names, sheet, table)
            extent = _xlsx_extent(book, names[chosen])
        elif "content.xml" in parts:
            names = _check_ods(book)
            chosen = _choose(names, sheet, table)
            extent = _ods_extent(book, chosen)
        else:
            raise _Unfit("is a spreadsheet or zip archive that holds no .xlsx or .ods workbook")
    if extent.refused:
        raise _Unfit(extent.refused)
    return _cells(path, chosen, extent)


def _parts(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The archive's files by name in lower case, once nothing about their list is amiss."""
    infos = archive.infolist()
    if len(infos) > MAX_PARTS or sum(info.file_size for info in infos) > MAX_UNPACKED:
        raise _too_much()
    parts = {info.filename.lower().replace("\\", "/").lstrip("/"): info for info in infos}
    if len(parts) < len(infos):
        raise _Unfit("is a spreadsheet or zip archive that holds a part twice")
    if any(info.flag_bits & ENCRYPTED for info in infos):
        raise _Unfit("is protected by a password")
    if any(info.compress_type not in (STORED, DEFLATED) for info in infos):
        raise _Unfit("is a spreadsheet or zip archive packed in an unusual way")
    return parts


def _require_sound(book: _Book) -> None:
    """Unpack every part to nowhere, so that no size is a lie and no byte is another."""
    for name in book.parts:
        for _ in book.pieces(name):
            pass


@dataclass(frozen=True)
class _Book:
    """An open archive whose parts are unpacked in pieces and by our own count."""

    file: io.BufferedReader
    parts: dict[str, zipfile.ZipInfo] = field(repr=False)

    def pieces(self, name: str) -> Iterator[bytes]:
        """A part's bytes. An archive may lie about its sizes, so they are counted here."""
        info = self.parts[name]
        self.file.seek(info.header_offset)
        head = self.file.read(LOCAL_HEADER)
        if len(head) < LOCAL_HEADER or not head.startswith(b"PK\x03\x04"):
            raise zipfile.BadZipFile
        skip = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        start = info.header_offset + LOCAL_HEADER + skip
        inflate = zlib.decompressobj(-15) if info.compress_type == DEFLATED else None
        made = taken = check = 0
        while taken < info.compress_size:
            self.file.seek(start + taken)
            packed = self.file.read(min(PIECE, info.compress_size - taken))
            if not packed:
                raise EOFError
            taken += len(packed)
            for piece in _inflated(inflate, packed):
                made += len(piece)
                check = zlib.crc32(piece, check)
                if made > info.file_size:
                    raise _Unfit("unpacks to more than it says it holds", SEND_AGAIN)
                yield piece
        whole = made == info.file_size and (inflate is None or inflate.eof)
        if not whole or check != info.CRC:
            raise EOFError

    def parse(
        self, name: str, start: Callable[[str, dict[str, str]], None], **handlers: Any
    ) -> None:
        """Run one XML part past a handler of opening tags, and perhaps others."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = start
        parser.EndElementHandler = handlers.get("end")
        parser.CharacterDataHandler = handlers.get("text")
        parser.buffer_text = True
        for piece in self.pieces(name):
            parser.Parse(piece, False)
        parser.Parse(b"", True)


def _inflated(inflate: Any, packed: bytes) -> Iterator[bytes]:
    if inflate is None:
        yield packed
        return
    while packed:
        yield inflate.decompress(packed, PIECE)
        packed = inflate.unconsumed_tail


def _refuse_doctype(*_: object) -> NoReturn:
    raise _Unfit("holds XML of a kind that no spreadsheet needs")


def _too_much() -> _Unfit:
    return _Unfit("unpacks to more than is read from one spreadsheet", SEND_LESS)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _check_xlsx(book: _Book) -> dict[str, str]:
    """The workbook's sheets and the part that holds each, once nothing in it is active."""
    names = " ".join(book.parts)
    _refuse_parts(names, XLSX_ACTIVE, XLSX_LINKED, XLSX_EMBEDDED)
    for part in book.parts:
        if part == "[content_types].xml":
            book.parse(part, _refuse_macro_types)
        elif part.endswith(".rels"):
            book.parse(part, _refuse_links)
    targets: dict[str, str] = {}
    book.parse("xl/_rels/workbook.xml.rels", lambda _, given: _note_target(targets, given))
    sheets: dict[str, str] = {}

    def note_sheet(name: str, given: dict[str, str]) -> None:
        if _local(name) == "sheet":
            ids = [value for key, value in given.items() if _local(key) == "id" and ":" in key]
            sheets[given["name"]] = targets[ids[0]] if ids else ""

    book.parse("xl/workbook.xml", note_sheet)
    return {name: part for name, part in sheets.items() if part in book.parts}


def _refuse_parts(
    names: str, active: tuple[str, ...], linked: tuple[str, ...], embedded: tuple[str, ...]
) -> None:
    if any(mark in names for mark in active):
        raise _Unfit("holds macros or controls")
    if any(mark in names for mark in linked):
        raise _Unfit("holds links to other files or data sources")
    if any(mark in names for mark in embedded):
        raise _Unfit("holds embedded objects")


def _refuse_macro_types(_: str, given: dict[str, str]) -> None:
    kind = given.get("ContentType", "").lower()
    if "macroenabled" in kind or "vbaproject" in kind or "intlmacrosheet" in kind:
        raise _Unfit("holds macros or controls")


def _refuse_links(_: str, given: dict[str, str]) -> None:
    if given.get("TargetMode", "").lower() == "external":
        raise _Unfit("holds links to other files or data sources")


def _note_target(targets: dict[str, str], given: dict[str, str]) -> None:
    if "Id" in given and given.get("Type", "").endswith("/worksheet"):
        target = given["Target"].lower()
        targets[given["Id"]] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    elif "Id" in given:
        targets[given["Id"]] = ""


def _xlsx_extent(book: _Book, part: str) -> _Extent:
    """Count a sheet of a workbook; its strings are counted as often as cells repeat them."""
    lengths = _shared_lengths(book)
    extent = _scan_xlsx(book, part)
    longest = max(lengths, default=0)
    if longest * extent.cells > MAX_TEXT and not extent.refused:
        _count_repeats(book, part, lengths, extent)
    return extent


def _shared_lengths(book: _Book) -> list[int]:
    """How long each of the workbook's shared strings is."""
    lengths: list[int] = []

    def start(name: str, _: dict[str, str]) -> None:
        if _local(name) == "si":
            lengths.append(0)

    def text(run: str) -> None:
        if lengths:
            lengths[-1] += len(run)
            if lengths[-1] > LONGEST_VALUE:
                raise _Unfit(f"holds a value of more than {LONGEST_VALUE:,} characters")

    if "xl/sharedstrings.xml" in book.parts:
        book.parse("xl/sharedstrings.xml", start, text=text)
    return lengths


def _scan_xlsx(book: _Book, part: str) -> _Extent:
    extent = _Extent()
    numbers: dict[str, int] = {}
    row = column = 0

    def start(name: str, given: dict[str, str]) -> None:
        nonlocal row, column
        local = _local(name)
        if local == "c":
            row, column = _place(given.get("r"), numbers, row, column)
            if row > extent.rows or column > extent.columns:
                extent.span(row, column)
            extent.count(1)
            if given.get("t") == "e":
                extent.refused = extent.refused or "holds cells in error, such as #REF!"
        elif local == "row":
            row, column = int(given.get("r", row + 1)), 0
        elif local == "f":
            extent.refused = "holds formulas"

    book.parse(part, start)
    return extent


def _place(
    reference: str | None, numbers: dict[str, int], row: int, column: int
) -> tuple[int, int]:
    """The row and column of a cell: as its reference says, else next in its row."""
    if reference is None:
        return max(row, 1), column + 1
    letters = reference.rstrip(DIGITS)
    if letters not in numbers:
        numbers[letters] = _column_number(letters)
    return int(reference[len(letters) :]), numbers[letters]


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + LETTERS.index(letter) + 1
        if number > MAX_NAME_NUMBER:
            raise _too_much()
    return number


def _count_repeats(book: _Book, part: str, lengths: list[int], extent: _Extent) -> None:
    """Add up the shared strings that the cells name, each as often as it is named."""
    shared = False
    index: list[str] = []

    def start(name: str, given: dict[str, str]) -> None:
        nonlocal shared
        if _local(name) == "c":
            shared = given.get("t") == "s"

    def text(run: str) -> None:
        if shared:
            index.append(run)

    def end(name: str) -> None:
        if _local(name) == "v" and shared:
            at = int("".join(index))
            extent.count(0, lengths[at] if 0 <= at < len(lengths) else 0)
        index.clear()

    book.parse(part, start, text=text, end=end)


def _check_ods(book: _Book) -> dict[str, str]:
    """The spreadsheet's sheets, once nothing in it is active."""
    _refuse_parts(" ".join(book.parts), ODS_ACTIVE, (), ())
    if "meta-inf/manifest.xml" in book.parts:
        book.parse("meta-inf/manifest.xml", _refuse_encryption)
    sheets: dict[str, str] = {}

    def start(name: str, given: dict[str, str]) -> None:
        local = _local(name)
        if local == "table":
            sheets.setdefault(_given(given, "name"), "")
        links = (value for key, value in given.items() if _local(key) == "href")
        if local in ODS_LINKED_ELEMENTS or any(not link.startswith("#") for link in links):
            raise _Unfit("holds links to other files or data sources")

    book.parse("content.xml", start)
    return sheets


def _refuse_encryption(name: str, _: dict[str, str]) -> None:
    if _local(name) == "encryption-data":
        raise _Unfit("is protected by a password")


def _given(attributes: dict[str, str], wanted: str, default: str = "") -> str:
    """An attribute by its name without the namespace."""
    found = (value for key, value in attributes.items() if _local(key) == wanted)
    return next(found, default)


class _OdsScan:
    """Counts one sheet of content.xml, with rows and cells as often as they are repeated."""

    def __init__(self, sheet: str) -> None:
        self.sheet = sheet
        self.extent = _Extent()
        self.inside = False
        self.rows_before = 0
        self.row_repeats = 1
        self.cells_before = 0
        self.width = 0
        self.row_text = 0
        self.cell_repeats = 1
        self.cell_text = 0
        self.filled = False

    def start(self, name: str, given: dict[str, str]) -> None:
        """An opening tag."""
        local = _local(name)
        if local == "table":
            if self.inside:
                raise _Unfit("holds a table inside a table")
            self.inside = _given(given, "name") == self.sheet
        elif not self.inside:
            return
        elif local == "table-row":
            self.row_repeats = int(_given(given, "number-rows-repeated", "1"))
            self.cells_before = self.width = self.row_text = 0
        elif local in ("table-cell", "covered-table-cell"):
            self._start_cell(given)
        elif local == "s":
            self.text("", int(_given(given, "c", "1")))

    def _start_cell(self, given: dict[str, str]) -> None:
        self.cell_repeats = int(_given(given, "number-columns-repeated", "1"))
        self.cell_text = 0
        self.filled = any(_local(key) == "value-type" for key in given)
        if self.cell_repeats < 1 or self.row_repeats < 1:
            raise ValueError
        if any(_local(key) == "formula" for key in given):
            self.extent.refused = "holds formulas"

    def text(self, run: str, spaces: int = 0) -> None:
        """Text inside a cell, or as many spaces as a tag stands for."""
        if not self.inside:
            return
        self.filled = True
        self.cell_text += len(run) + spaces
        if self.cell_text > LONGEST_VALUE:
            raise _Unfit(f"holds a value of more than {LONGEST_VALUE:,} characters")

    def end(self, name: str) -> None:
        """A closing tag."""
        local = _local(name)
        if local == "table":
            self.inside = False
        elif not self.inside:
            return
        elif local in ("table-cell", "covered-table-cell"):
            self.cells_before += self.cell_repeats
            if self.filled:
                self.width = self.cells_before
                self.row_text += self.cell_text * self.cell_repeats
            self.filled = False
        elif local == "table-row":
            self.rows_before += self.row_repeats
            if self.width:
                self.extent.span(self.rows_before, self.width)
                self.extent.count(self.width * self.row_repeats, self.row_text * self.row_repeats)


def _ods_extent(book: _Book, sheet: str) -> _Extent:
    scan = _OdsScan(sheet)
    book.parse("content.xml", scan.start, text=scan.text, end=scan.end)
    return scan.extent


def _choose(names: dict[str, str], sheet: str | None, table: str) -> str:
    """The sheet that is meant. Sheets' names come from the file, so none is ever in a message."""
    wanted = (sheet or table).lower()
    found = [name for name in names if fnmatchcase(name.strip().lower(), wanted)]
    if not found and sheet is None and len(names) == 1:
        found = list(names)
    if len(found) == 1:
        return found[0]
    how_many = "none" if not found else f"{len(found)}"
    raise _Unfit(
        f"has {len(names)} sheets, of which {how_many} could be this table",
        "Name the sheet under `sheet` in the mapping, or ask the partner for a sheet so named.",
    )


def _cells(path: Path, sheet: str, extent: _Extent) -> pl.DataFrame:
    """Let calamine read a sheet that is known to be safe and to fit."""
    import fastexcel

    if not extent.rows:
        return pl.DataFrame()
    frame: pl.DataFrame | None = None
    try:
        with _stderr_unseen():
            book = fastexcel.read_excel(path.read_bytes())
            read = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
            frame = read.to_polars()
    except BaseException as fault:
        # A panic of the library is no Exception, and its text may quote a cell: neither it nor
        # anything chained to it is let out.
        if not isinstance(fault, Exception) and type(fault).__name__ != "PanicException":
            raise
    if frame is None or frame.height > extent.rows:
        raise _Unfit("is a spreadsheet that cannot be read", SAVE_VALUES)
    return frame.select(pl.all().cast(pl.String))


@contextmanager
def _stderr_unseen() -> Iterator[None]:
    """Send file descriptor 2 nowhere: a panic is printed there before Python hears of it."""
    kept = -1
    with suppress(OSError):
        kept = os.dup(2)
    if kept < 0:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
