"""What no file may exceed, and how one is refused: in one sentence that echoes nothing of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from schemas.errors import ExtractRejected
from schemas.reading.rows import FILE_ROW, rows_in_file

MAX_BYTES = 4 * 1024**3
"""The largest file read: a table is held in memory once."""

PIECE = 4 * 1024**2
"""How much of a file is looked at in one go."""

MAX_COLUMNS = 1_000
"""The most columns in one file, four times as many as the widest that any partner sends."""

MAX_CELLS = 32_000_000
"""The largest rectangle of cells read: thirty columns of as many rows as Excel has."""

LONGEST_VALUE = 32_767
"""The longest text that a spreadsheet's cell can hold, and the longest value of any extract."""

POLARS_ERRORS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises. Its text may quote a record, so none is ever let out or chained."""

SEND_CSV = "Ask the partner to send comma-separated text in UTF-8 with one header row."
SEND_AGREED = "Ask the partner to send the file as the agreed layout says."
SEND_AGAIN = "Ask the partner to send the file again, and compare its size with what they sent."
SEND_LESS = "Ask the partner for a shorter period, or for comma-separated text."

Stamp = tuple[int, int, int]
"""What tells that a file was not touched: its inode, size and time of change."""


class Unfit(Exception):
    """Why a file is not read: the sentence's second half, and the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True)
class Wanted:
    """The columns a file is to have, as normalised names.

    Args:
        needed: Those that have to be there.
        known: Those that are expected.
        system: What messages call the layout.
    """

    needed: list[str]
    known: Collection[str]
    system: str


def require_file(path: Path, what: str, max_bytes: int) -> Stamp:
    """Check that a path is a file that can be read and is not too large.

    A pipe or a device is never read from: it might have no end.

    Args:
        path: The file; a link is followed.
        what: What messages call it.
        max_bytes: The largest file read.

    Returns:
        The file as it is now, for `require_untouched`.

    Raises:
        ExtractRejected: It is not there, no file, empty or too large.
    """
    stamp = _stamp(path)
    if stamp is None:
        raise ExtractRejected(
            f"{what} is not there or cannot be opened.",
            "Ask the partner to deliver it, or check the folder and its permissions.",
        )
    size = stamp[1]
    if size == 0:
        raise ExtractRejected(f"{what} is empty.", SEND_AGAIN)
    if size > max_bytes:
        raise ExtractRejected(
            f"{what} is larger than {max_bytes} bytes.",
            "Ask the partner for a shorter period, or raise the limit if the machine has room.",
        )
    return stamp


def is_untouched(path: Path, before: Stamp) -> bool:
    """Whether a file is still the one that was opened: a delivery may still be under way."""
    return _stamp(path) == before


def require_short(frame: pl.DataFrame, what: str, known: Collection[str]) -> None:
    """Refuse values that no field of any system holds: rows ran together, or worse.

    Args:
        frame: The file's columns as strings.
        what: What messages call it.
        known: Columns that may be named in a message.

    Raises:
        ExtractRejected: A value is longer than any.
    """
    texts = frame.select(pl.exclude(FILE_ROW).str.len_bytes().max())
    if all((size or 0) <= LONGEST_VALUE for size in texts.row(0)):
        return
    for name in texts.columns:
        long = (frame[name].str.len_chars() > LONGEST_VALUE).arg_true()
        if not long.is_empty():
            where = f" of {name}" if name in known else ""
            raise ExtractRejected(
                f"{what} has a value{where} of more than {LONGEST_VALUE:,} characters in data row "
                f"{rows_in_file(frame)[long[0]]}.",
                "Ask the partner to look for a quotation mark out of place in that row.",
            )


def _stamp(path: Path) -> Stamp | None:
    """A readable file's stamp. It is opened without waiting, as a pipe would make us."""
    try:
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        found = os.fstat(opened)
    finally:
        os.close(opened)
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
