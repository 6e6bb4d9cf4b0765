"""How good the data and the links behind a publication are, told coarsely enough to publish.

These tables count records and pairs of records, not people, and are in no catalogue. So they say
less than the certified ones: records in fifties, shares in whole per cent, and how far a figure
hangs on linkage in a few wide steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl

from governance.disclosure import MASKED, NOT_AVAILABLE, Rule, percentage
from warehouse.connect import store_errors
from warehouse.publish.framework import framework
from warehouse.publish.latest import Latest, latest
from warehouse.publish.pack import COLUMNS

COARSE = 50
"""Records are rounded to this, and masked below it."""
FEWEST_PAIRS = 100
"""Fewer judged pairs than this tell nothing that should be published."""
STEPS = (1, 2, 5, 10, 20, 50, 100)
"""By how many points, or per cent of a count, a figure may be said to hang on linkage."""

_BECAME = {
    "rows_used": "used",
    "rows_unplaced": "left out: nothing says whose they are",
    "rows_undated": "left out: no date",
    "rows_ahead": "left out: dated after the extract",
}
_EVERYWHERE = "all partners"


@store_errors("The release could not be read.", "Run `journeys run` to build it again.")
def about_tables(
    release_con: duckdb.DuckDBPyConnection,
    outcomes: pl.DataFrame,
    published: pl.DataFrame,
    rule: Rule | None = None,
) -> dict[str, pl.DataFrame]:
    """Make the tables of a pack that tell about its figures, and the lists of indicators.

    Args:
        release_con: A connection from ``warehouse.connect.open_release``.
        outcomes: The table ``outcomes`` of the pack.
        published: From ``warehouse.publish.published.read_published``.
        rule: The threshold and base of the published counts; the usual ones without.

    Returns:
        ``framework``, ``data_quality``, ``linkage_quality`` and ``linkage_sensitivity``.

    Raises:
        StoreError: The release cannot be read.
    """
    rule = rule or Rule()
    otherwise = release_con.execute(
        "SELECT * FROM linkage_sensitivity WHERE kind = 'metric' AND category = 'All'"
    ).pl()
    swings = linkage_sensitivity(otherwise, latest(outcomes, rule), rule)
    indicators = release_con.execute(
        "SELECT indicator.*, metric.caveat, metric.unit, metric IN (SELECT metric FROM "
        "metric_period WHERE reason = 'restricted') AS is_withheld FROM indicator LEFT JOIN metric "
        "USING (metric)"
    ).pl()
    prevalence = release_con.execute("SELECT * FROM prevalence").pl()
    return {
        "framework": framework(
            indicators, outcomes, swings, published, prevalence=prevalence, rule=rule
        ),
        "data_quality": data_quality(release_con.execute("SELECT * FROM data_quality").pl()),
        "linkage_quality": linkage_quality(
            release_con.execute(
                "SELECT * FROM linkage_quality WHERE split IN ('all', 'partners')"
            ).pl()
        ),
        "linkage_sensitivity": swings,
    }


def data_quality(mart: pl.DataFrame) -> pl.DataFrame:
    """What became of each partner's records, in fifties.

    Args:
        mart: The mart ``data_quality``.
    """
    rows = []
    for one in mart.filter(pl.col("rows_staged") > 0).sort("partner", "table_name").to_dicts():
        source, staged = f"{one['partner']} {one['table_name']}", _coarse(one["rows_staged"])
        rows.append((source, "all", "accepted", staged, percentage(staged, staged)))
        for column, became in _BECAME.items():
            records = _coarse(one[column])
            rows.append((source, "all", became, records, percentage(records, staged)))
    return _table("data_quality", rows)


def linkage_quality(mart: pl.DataFrame) -> pl.DataFrame:
    """How many links are right, and how many were found, in whole per cent.

    Args:
        mart: The mart ``linkage_quality``, of all partners and of each two.
    """
    rows = []
    estimates = mart.filter(pl.col("measure").is_in(["precision", "recall"]))
    for one in estimates.sort("split", "partner_a", "partner_b", "measure").to_dicts():
        partners = (
            _EVERYWHERE if one["split"] == "all" else f"{one['partner_a']}–{one['partner_b']}"
        )
        judged, value = one["judged"] or 0, one["value"]
        if value is None:
            shown = NOT_AVAILABLE
        elif judged < FEWEST_PAIRS:
            shown = MASKED
        else:
            # Only where all of them are right does it say so.
            shown = str(100 if value == 1 else min(99, round(100 * value)))
        rows.append((partners, one["measure"], _coarse(judged), shown))
    return _table("linkage_quality", rows)


def linkage_sensitivity(
    otherwise: pl.DataFrame, figures: Mapping[tuple[str, str], Latest], rule: Rule
) -> pl.DataFrame:
    """Between which values each published figure would lie, were records linked otherwise.

    The range lies around the published figure, as wide as the smallest of ``STEPS`` that takes in
    every other link threshold. So nothing but the step comes from counts that are not published.

    Args:
        otherwise: The mart ``linkage_sensitivity``, of metrics for everyone.
        figures: From ``warehouse.publish.latest.latest``.
        rule: The threshold and base of the published counts.
    """
    by_metric = otherwise.partition_by("name", "measure", as_dict=True)
    rows = []
    for name, figure in figures.items():
        counted = by_metric.get(name)
        if counted is None or counted["threshold_offset"].n_unique() < 2:
            continue
        low, high = _around(figure, _step(counted, figure), rule)
        rows.append((*name, low, high))
    return _table("linkage_sensitivity", rows)


def _step(counted: pl.DataFrame, figure: Latest) -> int | None:
    """The step that a figure hangs on linkage by; None where too few are counted to say."""
    of = "denominator" if figure.is_share else "numerator"
    if counted[of].is_null().any() or counted[of].to_list() == [] or counted[of].min() < COARSE:  # type: ignore[operator]
        return None
    in_force = pl.col("threshold_offset") == 0
    if figure.is_share:
        points = counted.with_columns(value=100 * pl.col("numerator") / pl.col("denominator"))
    else:
        start = counted.filter(in_force)["numerator"].sum()
        points = counted.with_columns(value=100 * pl.col("numerator") / start)
    values = points["value"].to_list()
    now = points.filter(in_force)["value"].sum()
    swing = max(abs(value - now) for value in values)
    return next((step for step in STEPS if step >= swing), STEPS[-1])


def _around(figure: Latest, step: int | None, rule: Rule) -> tuple[str, str]:
    """The ends of a range around a published figure."""
    if not figure.value.isdigit():
        return figure.value, figure.value
    if step is None:
        return MASKED, MASKED
    value = int(figure.value)
    if figure.is_share:
        return str(max(0, value - step)), str(min(100, value + step))
    width = -(-value * step // (100 * rule.base)) * rule.base
    return str(max(0, value - width)), str(value + width)


def _coarse(records: int) -> str:
    """A number of records in fifties, masked below fifty."""
    return MASKED if records < COARSE else str((records + COARSE // 2) // COARSE * COARSE)


def _table(name: str, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS[name], pl.String), orient="row")
