"""The published tables, counted from a release and put through the gate before anything else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from governance.disclosure import NOT_APPLICABLE, NOT_AVAILABLE, gate, percentage
from governance.disclosure.parts import protect_parts
from warehouse.connect import store_errors

WHOLE = "All"  # the category that the others of a metric are parts of
SQL_FOLDER = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Draft:
    """What may be published once two people approve it. Every count in it has been gated.

    Attributes:
        tables: Name → gated table, counts as text.
        notes: Sentences that must go with the tables.
        run_id: The run whose release was counted.
        as_at: Partner → the date of its extract, as ISO text.
        metrics: The definitions of what is published, as in the mart ``metric``.
        built_at: When the release was made (UTC).
    """

    tables: dict[str, pl.DataFrame]
    notes: tuple[str, ...]
    run_id: str
    as_at: dict[str, str]
    metrics: tuple[dict[str, str], ...]
    built_at: datetime | None = None


NOTES = (
    "Counts under 5 are masked, nought included, and so is a group that holds all but fewer than "
    "5 of its total; both are shown as [c].",
    "Every other count is rounded to the nearest 5 from its own true value: 5 stands for 5, 6 or "
    "7, 10 for 8 to 12. Parts need not add up to totals, and two counts that look alike may differ "
    "by up to 4. Percentages are worked out from the rounded counts.",
    "[c] confidential; [x] not available; [z] not applicable.",
    "Records were linked without names. A person who was not linked is not a person who was not "
    "treated: services may know more people than these tables show.",
    "Periods end on different days, as each table says. These tables have not been checked against "
    "those of other publications: do not set the two side by side in public, because small changes "
    "between them could show single people.",
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
        "SELECT run_id, built_at, police_as_at, probation_as_at, treatment_as_at, housing_as_at "
        "FROM release_info"
    ).fetchall()[0]
    partners = ("police", "probation", "treatment", "housing")
    definitions = release_con.execute(
        "SELECT * FROM metric WHERE is_published ORDER BY metric"
    ).pl()
    return Draft(
        tables={
            "funnel": funnel(_count(release_con, "funnel")),
            "transitions": transitions(_count(release_con, "transitions")),
            "outcomes": outcomes(_count(release_con, "outcomes")),
        },
        notes=NOTES,
        run_id=info[0],
        as_at={p: str(day) for p, day in zip(partners, info[2:], strict=True) if day is not None},
        metrics=tuple(definitions.to_dicts()),
        built_at=info[1],
    )


def funnel(counted: pl.DataFrame) -> pl.DataFrame:
    """Gate the funnel: people at each stage, and their share of the cohort."""
    gated = gate(
        counted,
        ["people", "denominator"],
        totals={"people": "people_total"},
        people={"people": "reached_people", "denominator": "in_cohort_people"},
        rest={"people": "rest_people"},
    )
    return gated.with_columns(_percent("people", pl.col("denominator")))


def transitions(counted: pl.DataFrame) -> pl.DataFrame:
    """Gate the transitions: people by a kind of step and the kind of what came next."""
    gated = gate(
        counted,
        ["people", "denominator"],
        totals={"people": "denominator"},
        people={"people": "people_behind", "denominator": "denominator_behind"},
        rest={"people": "rest_people"},
    )
    gated = _with_parts_protected(gated, counted, ["from_step"], "people", "denominator")
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
    gated = _protected_outcomes(gated.with_columns(denominator), counted)
    return gated.with_columns(_percent("numerator", pl.col("denominator")))


def _protected_outcomes(gated: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """Protect the parts of every total among the outcomes.

    Groups are parts of the row of all, in numerator and denominator alike; where a metric has no
    such row, its groups are parts of the denominator they share.
    """
    same = ("metric", "measure")
    whole = (pl.col("category") == WHOLE).any().over(same)
    kinds = gated.with_columns(
        kind=pl.when(pl.col("category") == WHOLE).then(0).when(whole).then(1).otherwise(2),
        **{
            f"whole_{column}": pl.col(column)
            .filter(pl.col("category") == WHOLE)
            .first()
            .over(same)
            .fill_null(NOT_APPLICABLE)
            for column in ("numerator", "denominator")
        },
    )
    done = []
    for kind, totals in (
        (0, {}),
        (1, {"numerator": "whole_numerator", "denominator": "whole_denominator"}),
        (2, {"numerator": "denominator"}),
    ):
        place = (kinds["kind"] == kind).arg_true()
        part, true = kinds[place], counted[place]
        for column, total in totals.items():
            part = _with_parts_protected(part, true, list(same), column, total)
        done.append(part.with_columns(order=place))
    return pl.concat(done).sort("order").select(gated.columns)


def _with_parts_protected(
    gated: pl.DataFrame, counted: pl.DataFrame, by: list[str], part: str, total: str
) -> pl.DataFrame:
    """Mask more parts of each total, so that none can be worked out from it and its siblings.

    Args:
        gated: The gated table.
        counted: Its true counts, row by row.
        by: The columns that name a total's parts together.
        part: The column of the parts.
        total: The column that holds their total, the same in every row of them.
    """
    rows = gated.with_columns(true=counted[part]).with_row_index("place")
    shown = gated[part].to_list()
    for group in rows.partition_by(by):
        counts = group.filter(~pl.col(part).is_in([NOT_AVAILABLE, NOT_APPLICABLE]))
        if counts.is_empty() or counts[total][0] in (NOT_AVAILABLE, NOT_APPLICABLE):
            continue
        safe = protect_parts(counts[part].to_list(), counts["true"].to_list(), counts[total][0])
        for place, value in zip(counts["place"], safe, strict=True):
            shown[place] = value
    return gated.with_columns(pl.Series(part, shown, dtype=pl.String))


def _count(con: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    """Count one published table. The result is true counts, which must not leave this module."""
    return con.execute((SQL_FOLDER / f"{name}.sql").read_text("utf-8")).pl()


def _percent(numerator: str, denominator: pl.Expr) -> pl.Expr:
    """Return the expression for a column of percentages of gated counts."""
    return (
        pl.struct(pl.col(numerator).alias("n"), denominator.alias("d"))
        .map_elements(lambda pair: percentage(pair["n"], pair["d"]), return_dtype=pl.String)
        .alias("percent_of_denominator")
    )
