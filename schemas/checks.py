"""Run a table's pandera model, and read out of it which rows fail which rule: never a value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from schemas.errors import ConfigError
from schemas.findings import ROW, failure, no_failures
from schemas.tables import Table

if TYPE_CHECKING:
    import pandera.polars as pa
    from pandera.errors import SchemaErrors


class CheckError(Exception):
    """A pandera check that failed to run; it holds nothing."""


def refuse_if_checks_are_off() -> None:
    """Refuse to run where the environment silently disables pandera.

    Raises:
        ConfigError: If it does.
    """
    from pandera.config import ValidationDepth, get_config_global

    enabled = os.environ.get("PANDERA_VALIDATION_ENABLED", "true").strip().lower()
    config = get_config_global()
    if (
        enabled not in ("true", "1")
        or not config.validation_enabled
        or config.validation_depth not in (None, ValidationDepth.SCHEMA_AND_DATA)
    ):
        raise ConfigError(
            "The environment switches validation off, so nothing would be checked.",
            "Unset PANDERA_VALIDATION_ENABLED and PANDERA_VALIDATION_DEPTH and run again.",
        )


def broken_rules(
    table: Table, typed: pl.DataFrame, codes: Path | None, lifted: frozenset[str] = frozenset()
) -> pl.DataFrame:
    """The findings of a table's model in its typed rows.

    Args:
        table: The table.
        typed: Its rows.
        codes: The partnership's own code lists.
        lifted: Rules that do not apply.

    Raises:
        CheckError: A check failed to run.
        ConfigError: A code list cannot be used.
    """
    from schemas.models import schema_of

    masks = _masks(schema_of(table.model, codes), typed)
    found = [
        failure(typed[ROW].filter(~holds), column, rule)
        for column, rule, holds in masks
        if rule not in lifted
    ]
    return pl.concat([no_failures(), *found])


def _masks(schema: pa.DataFrameSchema, typed: pl.DataFrame) -> list[tuple[str, str, pl.Series]]:
    """(column, rule, row by row whether it holds) of each check that some row fails."""
    from pandera.errors import SchemaErrors

    if typed.is_empty():
        return []
    try:
        schema.validate(typed, lazy=True)
    except SchemaErrors as caught:
        return _read_failures(caught, typed.height)
    return []


def _read_failures(caught: SchemaErrors, height: int) -> list[tuple[str, str, pl.Series]]:
    masks = []
    for error in caught.schema_errors:
        output, check = error.check_output, error.check
        if not isinstance(output, pl.DataFrame) or output.height != height:
            raise CheckError
        masks.append((check.title or error.schema.name, check.name, output.to_series()))
    return masks
