"""Files that a person writes beside ``partnership.yaml``, read whole or refused.

CSV files are read row by row; a fault is named by its line and column, never by its value.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path
from typing import Annotated, TypeVar

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from schemas.documents import check_document, read_text
from schemas.errors import ConfigError

MOST_BYTES = 10 * 1024**2  # ten times the rows of every postcode district of England

_DIGITS = re.compile(r"-?(0|[1-9][0-9]*)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _in_plain_digits(said: str) -> str:
    """Refuse a number that would be taken for another than it looks like, such as 010 or 1_000."""
    if not _DIGITS.fullmatch(said):
        raise ValueError("is not a whole number, such as 1210")
    return said


def _as_a_day(said: str) -> str:
    """Refuse a date in another form: a bare number would be taken for seconds since 1970."""
    if not _DAY.fullmatch(said):
        raise ValueError("is not a date such as 2026-04-01")
    return said


Source = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Count = Annotated[int, BeforeValidator(_in_plain_digits)]
Day = Annotated[date, BeforeValidator(_as_a_day)]


class Row(BaseModel):
    """A row of such a file; what it holds stays out of messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


_Kind = TypeVar("_Kind", bound=Row)


def read_rows(
    path: Path | None,
    kind: type[_Kind],
    columns: dict[str, pl.DataType],
    key: tuple[str, ...],
    shown_in: str,
) -> pl.DataFrame:
    """Read one file into a frame, each row checked and each key given once.

    Args:
        path: The file, or None for a partnership that gives none.
        kind: What a row has to be.
        columns: The columns it has to have, in any order, and their types.
        key: The columns that no two rows may share.
        shown_in: The page of the documentation that shows such a file.

    Returns:
        A frame of these columns; without rows where there is no file.

    Raises:
        ConfigError: The file cannot be read, a row is at fault, or a key is given twice.
    """
    if path is None:
        return pl.DataFrame(schema=columns)
    rows: list[_Kind] = []
    seen: set[tuple[object, ...]] = set()
    for line, told in _lines(path, tuple(columns), shown_in):
        row = check_document(dict(told), f"{path.name} line {line}", kind, ConfigError)
        group = tuple(getattr(row, column) for column in key)
        if group in seen:
            raise ConfigError(
                f"{path.name} line {line} gives the same {', '.join(key)} as a line before it.",
                "Keep one of them.",
            )
        seen.add(group)
        rows.append(row)
    return pl.DataFrame([row.model_dump() for row in rows], schema=columns)


def _lines(path: Path, columns: tuple[str, ...], shown_in: str) -> list[tuple[int, dict[str, str]]]:
    """Return a CSV file's rows with the lines they end on; blank lines are passed over."""
    reader = csv.DictReader(io.StringIO(read_text(path, ConfigError, MOST_BYTES)), strict=True)
    found: list[tuple[int, dict[str, str]]] = []
    problem = ""
    try:
        if sorted(reader.fieldnames or ()) != sorted(columns):
            problem = f"does not have exactly the columns {', '.join(columns)}"
        for row in () if problem else reader:
            if None in row or None in row.values():
                problem = f"has more or fewer values than columns in line {reader.line_num}"
                break
            found.append((reader.line_num, {name: text.strip() for name, text in row.items()}))
    except csv.Error:
        problem = f"is not a CSV file after line {reader.line_num}"
    if not problem and not found:
        problem = "has no rows"
    if problem:
        raise ConfigError(f"{path.name} {problem}.", f"Write it as {shown_in} shows.")
    return found


def yaml_files(folder: Path) -> list[Path]:
    """Return the YAML files of a folder of definitions, in the order of their names.

    Raises:
        ConfigError: The folder cannot be read, or one of its files would be passed over.
    """
    unread = False
    found: list[Path] = []
    try:
        found = sorted(folder.iterdir())
    except OSError:
        unread = True
    if unread:
        raise ConfigError(f"The folder {folder.name} cannot be read.", "Check its permissions.")
    if any(path.suffix == ".yml" for path in found):
        raise ConfigError(
            f"The folder {folder.name} holds a file whose name ends in .yml.",
            "Let it end in .yaml.",
        )
    return [path for path in found if path.suffix == ".yaml" and not path.name.startswith(".")]
