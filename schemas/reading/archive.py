"""A spreadsheet's zip archive and its XML, unpacked in pieces and by our own count.

Sizes that an archive states may be lies, and a few kilobytes can unpack to more than a machine
has. Nothing here is kept: a part's bytes go by in pieces, or past handlers of XML tags.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn
from xml.parsers import expat

from schemas.reading.guard import MAX_CELLS, SEND_AGAIN, SEND_LESS, Unfit

MAX_UNPACKED = 2 * 1024**3
"""The most bytes an archive may unpack to."""

MAX_PARTS = 2_000
"""The most files in an archive."""

MAX_TEXT = 1024**3
"""The most characters that the cells of a sheet may hold between them."""

MAX_MAKE_UP = 16 * 1024**2
"""The most bytes of a part that lists sheets, styles or relations: they are read whole."""

LONGEST_TAG = 4 * 1024**2
LONGEST_LIST = 4 * 1024**2
PIECE = 1024**2

STORED, DEFLATED = 0, 8
ENCRYPTED = 0x1
LOCAL_HEADER = 30

SAVE_VALUES = "Ask the partner to save the values alone as .xlsx, or as comma-separated text."


def parts_of(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The archive's files by name in lower case, once nothing about their list is amiss."""
    infos = archive.infolist()
    if len(infos) > MAX_PARTS or sum(info.file_size for info in infos) > MAX_UNPACKED:
        raise too_much()
    parts = {info.filename.lower().replace("\\", "/").lstrip("/"): info for info in infos}
    if archive.comment:
        # Readers look for the list from the end, and a comment there could hold another list.
        raise Unfit("is a spreadsheet or zip archive with a comment", SAVE_VALUES)
    if len(parts) < len(infos):
        raise Unfit("is a spreadsheet or zip archive that holds a part twice", SAVE_VALUES)
    if any(info.flag_bits & ENCRYPTED for info in infos):
        raise Unfit("is protected by a password", SAVE_VALUES)
    if any(info.compress_type not in (STORED, DEFLATED) for info in infos):
        raise Unfit("is a spreadsheet or zip archive packed in an unusual way", SAVE_VALUES)
    return parts


@dataclass(frozen=True)
class Book:
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
                    raise Unfit("unpacks to more than it says it holds", SEND_AGAIN)
                yield piece
        whole = made == info.file_size and (inflate is None or inflate.eof)
        if not whole or check != info.CRC:
            raise EOFError

    def require_sound(self) -> None:
        """Unpack every part to nowhere, so that no size is a lie and no byte is another."""
        for name in self.parts:
            for _ in self.pieces(name):
                pass

    def require_small(self, *names: str) -> None:
        """Refuse parts that say how a workbook is made up, where they are longer than any."""
        if any(name in self.parts and self.parts[name].file_size > MAX_MAKE_UP for name in names):
            raise too_much()

    def parse(
        self, name: str, start: Callable[[str, dict[str, str]], None], **handlers: Any
    ) -> None:
        """Run one XML part past a handler of opening tags, and perhaps others.

        The parser keeps a tag until it ends, so one that goes on and on is refused.
        """
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = start
        parser.EndElementHandler = handlers.get("end")
        parser.CharacterDataHandler = handlers.get("text")
        parser.buffer_text = True
        given = 0
        for piece in self.pieces(name):
            parser.Parse(piece, False)
            given += len(piece)
            if given - parser.CurrentByteIndex > LONGEST_TAG:
                raise too_much()
        parser.Parse(b"", True)


class BoundedFile(io.BufferedReader):
    """A file of which an archive's list of parts is read, unless it is longer than any is."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size > LONGEST_LIST:
            raise too_much()
        return super().read(size)


def _inflated(inflate: Any, packed: bytes) -> Iterator[bytes]:
    if inflate is None:
        yield packed
        return
    while packed:
        yield inflate.decompress(packed, PIECE)
        packed = inflate.unconsumed_tail


def _refuse_doctype(*_: object) -> NoReturn:
    raise Unfit("holds XML of a kind that no spreadsheet needs", SAVE_VALUES)


def too_much() -> Unfit:
    """That an archive holds more than is ever read."""
    return Unfit("unpacks to more than is read from one spreadsheet", SEND_LESS)


def local_name(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(":")[2]


def refuse_parts(
    names: str, active: tuple[str, ...], linked: tuple[str, ...], embedded: tuple[str, ...]
) -> None:
    """Refuse an archive by the names of its parts.

    Args:
        names: All of them, joined.
        active: What names a part that could be run.
        linked: What names a part that reaches for other data.
        embedded: What names a part that holds another file.

    Raises:
        Unfit: One is there.
    """
    if any(mark in names for mark in active):
        raise Unfit("holds macros or controls", SAVE_VALUES)
    if any(mark in names for mark in linked):
        raise Unfit("holds links to other files or data sources", SAVE_VALUES)
    if any(mark in names for mark in embedded):
        raise Unfit("holds embedded objects", SAVE_VALUES)


@dataclass
class Extent:
    """What the cells of one sheet come to; each scan raises `Unfit` where it is too much."""

    rows: int = 0
    columns: int = 0
    cells: int = 0
    text: int = 0
    refused: str = ""

    def span(self, row: int, column: int) -> None:
        """Take in a cell that is so many rows down and columns across."""
        self.rows = max(self.rows, row)
        self.columns = max(self.columns, column)
        if self.rows * self.columns > MAX_CELLS:
            raise too_much()

    def count(self, cells: int, text: int = 0) -> None:
        """Take in so many cells and characters of text."""
        self.cells += cells
        self.text += text
        if self.cells > MAX_CELLS or self.text > MAX_TEXT:
            raise too_much()


def given_as(attributes: dict[str, str], wanted: str, default: str = "") -> str:
    """An attribute by its name without the namespace."""
    found = (value for key, value in attributes.items() if local_name(key) == wanted)
    return next(found, default)
