"""The rows of a text file, each with as many fields as its header."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from schemas.errors import ExtractRejected
from schemas.reading.encodings import (
    LONGEST_HEADER,
    Form,
    Text,
    as_utf_8,
    send_remedy,
    without_footer,
    without_titles,
)
from schemas.reading.guard import POLARS_ERRORS, SEND_AGAIN, SEND_CSV, Wanted
from schemas.reading.header import joined_names, require_columns
from schemas.reading.lines import Shape, look_over
from schemas.reading.rows import numbered

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


def read_text(path: Path, what: str, form: Form, wanted: Wanted) -> pl.DataFrame:
    """Read a text file whose every row has as many fields as its header.

    Args:
        path: The file.
        what: What messages call it.
        form: How it is written.
        wanted: The columns it is to have.

    Returns:
        Its columns as strings under normalised names; empty fields are null. Where it has blank
        lines, they are left out and the rows numbered.

    Raises:
        ExtractRejected: It is not text of that form, is damaged or lacks a column.
    """
    text = without_titles(as_utf_8(path, what, form), what, form.header_row - 1)
    names, delimiter = _require_header(text, what, form, wanted)
    rows = without_footer(without_titles(text, what, form.header_rows - 1), form.footer)
    shape = look_over(rows, len(names), DELIMITERS[delimiter], form.quotes)
    _require_whole(shape, what, delimiter)
    frame = _parse(rows, names, DELIMITERS[delimiter], form.quotes)
    if frame is None or not _agrees(frame, names, shape):
        raise ExtractRejected(f"{what} has quotation marks out of place.", send_remedy(form))
    rows_read = frame.head(shape.rows)
    return _without(rows_read, shape.blank) if shape.blank.size else rows_read


def _require_header(text: Text, what: str, form: Form, wanted: Wanted) -> tuple[list[str], str]:
    """The column names and the delimiter that parts them."""
    if len(text.start) >= LONGEST_HEADER and not set(b"\r\n") & set(text.start):
        raise ExtractRejected(
            f"{what} has a first row of more than {LONGEST_HEADER:,} bytes.", send_remedy(form)
        )
    possible = [form.delimiter] if form.delimiter else list(DELIMITERS)
    read = {one: _header(text.start, DELIMITERS[one], form) for one in possible}
    # The delimiter under which most of the wanted columns are found, then most columns at all.
    best = max(read, key=lambda one: (len(set(read[one]) & set(wanted.needed)), len(read[one])))
    names = read[best]
    if not any(names):
        raise ExtractRejected(f"{what} has no header row.", send_remedy(form))
    parted = f"separated by {form.delimiter}s" if form.delimiter else (
        "separated by commas, semicolons, tabs or pipes"
    )  # fmt: skip
    return require_columns(names, what, wanted, parted), best


def _header(start: bytes, delimiter: str, form: Form) -> list[str]:
    """The column names, normalised; empty if there is none to be read."""
    text = start.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="ignore")
    lines = io.StringIO(text, newline="") if form.quotes else text.splitlines()
    try:
        rows = list(islice(_rows(lines, delimiter, form.quotes), form.header_rows))
    except csv.Error:
        return []
    if len({len(row) for row in rows}) != 1:
        return []
    return joined_names(rows)


def _rows(lines: Iterable[str], delimiter: str, quotes: bool) -> Iterator[list[str]]:
    if quotes:
        return csv.reader(lines, delimiter=delimiter, strict=True)
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)


def _require_whole(shape: Shape, what: str, delimiter: str) -> None:
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


def _parse(text: Text, names: list[str], delimiter: str, quotes: bool) -> pl.DataFrame | None:
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


def _agrees(frame: pl.DataFrame, names: list[str], shape: Shape) -> bool:
    """Whether polars read what was counted, and nothing in blank lines and behind the last row."""
    if frame.columns != names or frame.height < shape.rows:
        return False
    behind = frame.slice(shape.rows)
    between = frame[shape.blank - 1] if shape.blank.size else frame.clear()
    nothing = pl.all_horizontal(pl.all().str.strip_chars().fill_null("") == "").all()
    return bool(pl.concat([between, behind]).select(nothing).item())


def _without(frame: pl.DataFrame, rows: np.ndarray) -> pl.DataFrame:
    """The rows but for those of some numbers, each with its own."""
    kept = np.ones(frame.height, dtype=bool)
    kept[rows - 1] = False
    return numbered(frame).filter(pl.Series(kept))
