"""The population figures and prevalence estimates of a partnership, checked as they are read.

Both are files beside ``partnership.yaml`` that a person writes; a fault is named by its line and
column, never by its value.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import Field, StringConstraints, model_validator

from warehouse.given_files import Count, Day, Row, Source, read_rows

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
SHOWN_IN = "docs/how-to/give-population-figures.md"

_People = Annotated[Count, Field(ge=0, le=100_000_000)]


class _Population(Row):
    """One row of population.csv."""

    area: Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,2}[0-9][A-Z0-9]?$")]
    age_band: Literal["Under 18", "18-24", "25-34", "35-44", "45-54", "55 and over"]
    sex: Literal["F", "M"]
    people: _People
    source: Source
    as_at: Day


class _Prevalence(Row):
    """One row of prevalence.csv."""

    substance: Literal["opiate", "crack", "both", "opiate or crack", "alcohol"]
    people: Annotated[Count, Field(ge=1, le=100_000_000)]
    low: _People
    high: _People
    source: Source
    as_at: Day

    @model_validator(mode="after")
    def _lies_in_its_range(self) -> _Prevalence:
        if not self.low <= self.people <= self.high:
            raise ValueError("has an estimate that does not lie between its low and its high")
        return self


def read_population(path: Path | None) -> pl.DataFrame:
    """Read a partnership's population by postcode district, age band and sex.

    Args:
        path: The file, or None for a partnership that gives none.

    Returns:
        The columns of :data:`POPULATION_COLUMNS`; ``people`` is a number of residents.

    Raises:
        ConfigError: The file cannot be read, a row is at fault, or a group is given twice.
    """
    key = ("area", "age_band", "sex")
    return read_rows(path, _Population, POPULATION_COLUMNS, key, SHOWN_IN)


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
    return read_rows(path, _Prevalence, PREVALENCE_COLUMNS, ("substance",), SHOWN_IN)
