"""Every line's fields counted before anything else reads them.

Polars fills rows that are too short and can be led astray by a quotation mark; what it read is
held against this count. A line is a row where it is outside quotation marks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from schemas.reading.encodings import Text

QUOTE, NEWLINE, RETURN = b'"\n\r'


@dataclass(frozen=True)
class Shape:
    """What looking a file over found.

    Args:
        rows: Data rows and the blank lines between them, those at the end left out.
        blank: Which of those rows are blank lines, counted from 1.
        uneven: The first data row with another number of fields than the header; None if none.
        uneven_is_last: Whether that row is the last, and too short.
        open_quote: Whether a quotation mark is never closed.
        lone_returns: Whether lines end in a carriage return alone.
    """

    rows: int
    blank: np.ndarray = field(repr=False)
    uneven: int | None
    uneven_is_last: bool
    open_quote: bool
    lone_returns: bool


def look_over(text: Text, fields: int, delimiter: str, quotes: bool) -> Shape:
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
        self.blank: list[np.ndarray] = []
        self.uneven: tuple[int, int] | None = None
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
        self.blank.append(np.flatnonzero(lengths == 0) + self.lines)
        if self.uneven is None:
            uneven = np.flatnonzero((per_line != self.fields) & (lengths > 0))[:1]
            self.uneven = next(((self.lines + int(at), int(per_line[at])) for at in uneven), None)
        self.lines += per_line.size

    def shape(self) -> Shape:
        """What was found, once every piece is counted; line 0 is the header."""
        line, fields = self.uneven or (None, self.fields)
        blank = np.concatenate([np.empty(0, dtype=np.intp), *self.blank])
        return Shape(
            rows=self.last_full,
            blank=blank[blank < self.last_full],
            uneven=line,
            uneven_is_last=line == self.last_full and fields < self.fields,
            open_quote=self.quoted,
            lone_returns=self.lone_returns,
        )


def _totals(marks: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How many marks there are before each end."""
    return np.searchsorted(np.flatnonzero(marks), ends)
