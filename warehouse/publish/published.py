"""Indicators that others publish: what a partnership gives of them, checked as it is read.

The national figures stand beside a partnership's own, and fill the rows that its partners cannot
supply.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

import polars as pl
from pydantic import StringConstraints, model_validator

from schemas.errors import ConfigError
from warehouse.given import PUBLISHED
from warehouse.given_files import Day, Row, Source, read_rows
from warehouse.models import load_seed

SHOWN_IN = "docs/how-to/give-published-indicators.md"
WHOLE = "All"
"""The area of a row of the whole partnership."""
AS_PUBLISHED = "All, as published"
"""The area of a row of the whole partnership as others publish it."""
PUBLISHED_COLUMNS = {
    "list": pl.String(),
    "indicator": pl.String(),
    "authority": pl.String(),
    "authority_name": pl.String(),
    "period": pl.String(),
    "value": pl.String(),
    "unit": pl.String(),
    "england": pl.String(),
    "source": pl.String(),
    "as_at": pl.Date(),
}

# Text that a spreadsheet would not take as a formula.
_Words = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^=+\-@\s]")]
_Number = Annotated[str, StringConstraints(pattern=r"^(-?[0-9]{1,12}(\.[0-9]{1,6})?)?$")]


class _Published(Row):
    """One row of published_indicators.csv."""

    list: str
    indicator: str
    # Unitary authorities, metropolitan and London boroughs, counties: the upper tier.
    authority: Annotated[str, StringConstraints(pattern=r"^((E06|E08|E09|E10)[0-9]{6})?$")]
    authority_name: Annotated[str, StringConstraints(max_length=100, pattern=r"^([^=+\-@\s]|$)")]
    period: _Words
    value: _Number
    unit: _Words
    england: _Number
    source: Annotated[Source, StringConstraints(pattern=r"^[^=+\-@\s]")]
    as_at: Day

    @model_validator(mode="after")
    def _says_something_of_a_known_indicator(self) -> _Published:
        if (self.list, self.indicator) not in _known():
            raise ValueError("names no indicator of a list; docs/reference/indicators.md has them")
        if bool(self.authority) != bool(self.authority_name):
            raise ValueError("gives an authority without its name, or a name without its code")
        if self.authority_name in (WHOLE, AS_PUBLISHED):
            raise ValueError("gives an authority the name of the whole partnership")
        if not self.value and not self.england:
            raise ValueError("gives neither a value nor a figure for England")
        return self


def read_published(path: Path | None) -> pl.DataFrame:
    """Read the published indicators that a partnership gives.

    Args:
        path: The file, or None for a partnership that gives none.

    Returns:
        The columns of :data:`PUBLISHED_COLUMNS`; ``value`` and ``england`` are numbers as text, in
        the unit of the row, empty where the source has none. ``authority`` is empty for the whole
        partnership.

    Raises:
        ConfigError: The file cannot be read, a row is at fault, or an indicator is given twice of
            one authority or of two that bear one name.
    """
    key = ("list", "indicator", "authority")
    found = read_rows(path, _Published, PUBLISHED_COLUMNS, key, SHOWN_IN)
    if found.select("list", "indicator", "authority_name").is_duplicated().any():
        raise ConfigError(
            f"{PUBLISHED} gives an indicator of two authorities of one name.",
            "Give each authority its own name and code.",
        )
    return found


@cache
def _known() -> frozenset[tuple[str, str]]:
    return frozenset((row["list"], row["indicator"]) for row in load_seed("indicator"))
