"""The published tables, counted from a release and put through the gate before anything else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from governance.disclosure import NOT_APPLICABLE, NOT_AVAILABLE, gate, percentage
from warehouse.connect import store_errors

SQL_FOLDER = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Draft:
    """What may be published once two people approve it. Every count in it has been gated.

    Attributes:
        tables: Name → gated table, counts as text.
        notes: Sentences that must go with the tables.
        run_id: The run whose release was counted.
        as_at: Partner → the date of its extract, as ISO text.
        metrics: The definitions of the metrics, as in the mart ``metric``.
    """

    tables: dict[str, pl.DataFrame]
    notes: tuple[str, ...]
    run_id: str
    as_at: dict[str, str]
    metrics: tuple[dict[str, str], ...]


NOTES = (
    "Counts under 5 are masked, nought included, and so is a group that holds all but fewer than "
    "5 of its total; both are shown as [c].",
    "Every other count is rounded to the nearest 5 from its own true value, so parts need not add "
    "up to totals. Percentages are worked out from the rounded counts.",
    "[c] confidential; [x] not available; [z] not applicable.",
    "Records were linked without names. A person who was not linked is not a person who was not "
    "treated: services may know more people than these tables show.",
    "Tables of different dates have not been checked against each other, so do not publish them "
    "side by side.",
)


@store_errors(
    "The release could not be counted.",
    "Run `journeys run` to build it again.",
)
def draft_tables(release_con: duckdb.DuckDBPyConnection) -> Draft:
    """Count the published tables of a release and gate them. Nothing is written.

    Args:
        release_con: A connection from ``warehouse.connect.open_release``.

    Raises:
        StoreError: The release cannot be read.
        DisclosureError: A table cannot be made safe.
    """
    info = release_con.execute(
        "SELECT run_id, police_as_at, probation_as_at, treatment_as_at, housing_as_at "
        "FROM release_info"
    ).fetchall()[0]
    partners = ("police", "probation", "treatment", "housing")
    definitions = release_con.execute("SELECT * FROM metric ORDER BY metric").pl()
    return Draft(
        tables={
            "funnel": funnel(_count(release_con, "funnel")),
            "transitions": transitions(_count(release_con, "transitions")),
            "outcomes": outcomes(_count(release_con, "outcomes")),
        },
        notes=NOTES,
        run_id=info[0],
        as_at={p: str(day) for p, day in zip(partners, info[1:], strict=True) if day is not None},
        metrics=tuple(definitions.to_dicts()),
    )


def funnel(counted: pl.DataFrame) -> pl.DataFrame:
    """Gate the funnel: people at each step, and their share of the cohort."""
    gated = gate(counted, ["people"], totals={"people": "in_cohort"})
    # Rows of a cohort are in order, and its first step is everyone in it.
    return gated.with_columns(
        _percent("people", pl.col("people").first().over("cohort", order_by="step_number"))
    )


def transitions(counted: pl.DataFrame) -> pl.DataFrame:
    """Gate the transitions: people who went from one kind of step to another."""
    gated = gate(counted, ["people", "denominator"], totals={"people": "denominator"})
    return gated.with_columns(_percent("people", pl.col("denominator")))


def outcomes(counted: pl.DataFrame) -> pl.DataFrame:
    """Gate the outcomes: the numerator and denominator of each metric and group."""
    gated = gate(
        counted,
        ["numerator", "denominator"],
        totals={"numerator": "numerator_total", "denominator": "denominator_total"},
        people={"numerator": "numerator_people", "denominator": "denominator_people"},
        rest={"numerator": "rest_people"},
        absent={"numerator": NOT_AVAILABLE, "denominator": NOT_APPLICABLE},
    )
    # A metric that has a denominator, but whose partner sent nothing, lacks both for one reason.
    unsent = (pl.col("numerator") == NOT_AVAILABLE) & (pl.col("metric") != "numbers_in_treatment")
    denominator = (
        pl.when(unsent & (pl.col("denominator") == NOT_APPLICABLE))
        .then(pl.lit(NOT_AVAILABLE))
        .otherwise(pl.col("denominator"))
        .alias("denominator")
    )
    return gated.with_columns(denominator).with_columns(
        _percent("numerator", pl.col("denominator"))
    )


def _count(con: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    """Count one published table. The result is true counts, which must not leave this module."""
    return con.execute((SQL_FOLDER / f"{name}.sql").read_text("utf-8")).pl()


def _percent(numerator: str, denominator: pl.Expr) -> pl.Expr:
    """Return the expression for a column of percentages of gated counts."""
    return (
        pl.struct(pl.col(numerator).alias("n"), denominator.alias("d"))
        .map_elements(lambda pair: percentage(pair["n"], pair["d"]), return_dtype=pl.String)
        .alias("percent")
    )
