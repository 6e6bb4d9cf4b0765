"""What was found in a table, and what follows: which rows stand, which values go.

A finding is a row number, a column and a rule, never a value; once judged by the policy it also
has an outcome. A row number counts the data rows of the file from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from schemas.drift import TableProfile
from schemas.policy import Policy
from schemas.rules import MAY_BE_ANYTHING
from schemas.tables import Table

ROW = "__row"
"""The 1-based number of a data row in the file, carried until the frames are handed over."""

QUARANTINE_SCHEMA = {
    "table": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
}
NOTED_SCHEMA = {"table": pl.String, "column": pl.String, "rule": pl.String, "count": pl.Int64}

FINDINGS_SCHEMA = {**QUARANTINE_SCHEMA, "outcome": pl.String}

LIKE_A_CODE = r"^[A-Z]{0,3}[0-9]{1,4}[A-Z]?$"
"""What a code that no list knows must look like to be let pass; too short to be an identifier."""

LEFT_OUT = ("reject", "quarantine")
"""Outcomes of a broken rule by which the record is not kept."""


@dataclass(frozen=True)
class Checked:
    """One table on its way through.

    Args:
        frame: The rows still standing.
        found: What was found, judged.
        set_aside: The rows of people who did not consent, as they came; of these the ones that
            say too much are quarantined and the others withheld.
        received: How many rows came.
        withheld: How many were withheld.
        profile: What is remembered of the table.
    """

    frame: pl.DataFrame = field(repr=False)
    found: pl.DataFrame = field(repr=False)
    set_aside: pl.DataFrame = field(repr=False)
    received: int
    withheld: int
    profile: TableProfile


def failure(rows: pl.Series, column: str, rule: str) -> pl.DataFrame:
    """Findings of one rule in one column, one for each row number."""
    found = rows.alias(ROW).to_frame()
    return found.with_columns(pl.lit(column).alias("column"), pl.lit(rule).alias("rule"))


def no_failures() -> pl.DataFrame:
    """No findings, in the shape of some."""
    return failure(pl.Series(dtype=pl.Int64), "", "")


def judged(table: Table, failures: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Findings with what each leads to."""
    kinds = failures.select("column", "rule").unique(maintain_order=True)
    outcomes = [policy.severity_of(table, *kind) for kind in kinds.iter_rows()]
    return failures.join(
        kinds.with_columns(pl.Series("outcome", outcomes, pl.String)),
        on=["column", "rule"],
        how="left",
        maintain_order="left",
    )


def standing(frame: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The rows, or the findings of rows, of which nothing was found that leaves them out."""
    return without_rows(frame, found.filter(pl.col("outcome").is_in(LEFT_OUT))[ROW])


def without_rows(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """The rows but for those of some numbers."""
    if rows.is_empty():
        return frame
    return frame.filter(~pl.col(ROW).is_in(rows.implode()))


def only_rows(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """The rows of some numbers."""
    return frame.filter(pl.col(ROW).is_in(rows.implode()))


def emptied(frame: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The rows with each value gone that the policy empties."""
    gone = found.filter(pl.col("outcome") == "empty").group_by("column").agg(ROW)
    return frame.with_columns(
        pl.when(~pl.col(ROW).is_in(rows.implode())).then(pl.col(column)).alias(column)
        for column, rows in zip(gone["column"], gone[ROW], strict=True)
    )


def without_free_text(table: Table, typed: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Let a value that is only noted stay where it looks like a code: any other may be a name.

    The record of one that does not is kept without it, or quarantined where it is required.
    """
    noted = (pl.col("outcome") == "note") & pl.col("rule").is_in(MAY_BE_ANYTHING)
    for column in found.filter(noted)["column"].unique(maintain_order=True):
        if typed.schema[column] == pl.Date:
            continue
        wordy = typed[ROW].filter(~typed[column].cast(pl.String).str.contains(LIKE_A_CODE))
        at = noted & (pl.col("column") == column) & pl.col(ROW).is_in(wordy.implode())
        instead = "quarantine" if table.columns[column].required else "empty"
        found = found.with_columns(
            pl.when(at).then(pl.lit(instead)).otherwise("outcome").alias("outcome")
        )
    return found
