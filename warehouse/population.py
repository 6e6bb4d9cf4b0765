"""The population figures and prevalence estimates of a partnership, checked as they are read.

Both are files beside ``partnership.yaml`` that a person writes; a fault is named by its line and
column, never by its value.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import polars as pl
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from schemas.documents import check_document, read_text
from schemas.errors import ConfigError

POPULATION_COLUMNS = {
    "area": pl.String(),
    "age_band": pl.String(),
    "sex": pl.String(),
    "people": pl.Int64(),
    "source": pl.String(),
    "as_at": pl.Date(),
}
PREVALENCE_COLUMNS = {
    "substance": pl.String(),
    "people": pl.Int64(),
    "low": pl.Int64(),
    "high": pl.Int64(),
    "source": pl.String(),
    "as_at": pl.Date(),
}
MOST_BYTES = 10 * 1024**2  # ten times the rows of every postcode district of England

_Source = Annotated[str, StringConstraints(min_length=1, max_length=200)]


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


_DIGITS = re.compile(r"-?(0|[1-9][0-9]*)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_Count = Annotated[int, BeforeValidator(_in_plain_digits)]
_People = Annotated[_Count, Field(ge=0, le=100_000_000)]
_Day = Annotated[date, BeforeValidator(_as_a_day)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Population(_Row):
    """One row of population.csv."""

    area: Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,2}[0-9][A-Z0-9]?$")]
    age_band: Literal["Under 18", "18-24", "25-34", "35-44", "45-54", "55 and over"]
    sex: Literal["F", "M"]
    people: _People
    source: _Source
    as_at: _Day


class _Prevalence(_Row):
    """One row of prevalence.csv."""

    substance: Literal["opiate", "crack", "both", "opiate or crack", "alcohol"]
    people: Annotated[_Count, Field(ge=1, le=100_000_000)]
    low: _People
    high: _People
    source: _Source
    as_at: _Day

    @model_validator(mode="after")
    def _lies_in_its_range(self) -> _Prevalence:
        if not self.low <= self.people <= self.high:
            raise ValueError("has an estimate that does not lie between its low and its high")
        return self


_Kind = TypeVar("_Kind", bound=_Row)


def read_population(path: Path | None) -> pl.DataFrame:
    """Read a partnership's population by postcode district, age band and sex.

    Args:
        path: The file, or None for a partnership that gives none.

    Returns:
        The columns of :data:`POPULATION_COLUMNS`; ``people`` is a number of residents.

    Raises:
        ConfigError: The file cannot be read, a row is at fault, or a group is given twice.
    """
    return _read(path, _Population, POPULATION_COLUMNS, ("area", "age_band", "sex"))


def read_prevalence(path: Path | None) -> pl.DataFrame:
    """Read a partnership's estimates of how many people depend on each substance.

    Args:
        path: The file, or None for a partnership that gives none.

    Returns:
        The columns of :data:`PREVALENCE_COLUMNS`; ``low`` and ``high`` are the ends of the
        estimate's own range, in people.

    Raises:
        ConfigError: The file cannot be read, a row is at fault, or a substance is given twice.
    """
    return _read(path, _Prevalence, PREVALENCE_COLUMNS, ("substance",))


def _read(
    path: Path | None,
    kind: type[_Kind],
    columns: dict[str, pl.DataType],
    key: tuple[str, ...],
) -> pl.DataFrame:
    """Read one file into a frame, each row checked and each key given once."""
    if path is None:
        return pl.DataFrame(schema=columns)
    rows: list[_Kind] = []
    seen: set[tuple[object, ...]] = set()
    for line, told in _lines(path, tuple(columns)):
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


def _lines(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
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
        raise ConfigError(
            f"{path.name} {problem}.", "Write it as docs/how-to/give-population-figures.md shows."
        )
    return found
