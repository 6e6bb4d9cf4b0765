"""How good the data and the links behind a publication are, told coarsely enough to publish.

These tables count records and pairs of records of whole sources, never of a group of people, and
are in no catalogue. So they say less than the certified ones: records in fifties, shares in whole
per cent, and nothing of a source that tells of too few people. ADR 26 says why that is enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl

from governance.disclosure import MASKED, NOT_AVAILABLE, Rule, percentage
from warehouse.connect import store_errors
from warehouse.publish.framework import framework
from warehouse.publish.pack import (
    COLUMNS,
    EVERYWHERE,
    LINKS_FOUND,
    LINKS_RIGHT,
    LOW,
    UNRELIABLE,
)
from warehouse.publish.sensitivity import linkage_sensitivity

COARSE = 50
"""Records are rounded to this, and below it only said to be few; as many people must be behind an
estimate."""
FEWEST_PAIRS = 100
"""Fewer judged pairs than this tell nothing that should be published."""

_BECAME = {
    "rows_used": "used",
    "rows_unplaced": "left out: nothing says whose they are",
    "rows_undated": "left out: no date",
    "rows_ahead": "left out: dated after the extract",
}
_ESTIMATED = {"precision": LINKS_RIGHT, "recall": LINKS_FOUND}


@store_errors("The release could not be read.", "Run `journeys run` to build it again.")
def about_tables(
    release_con: duckdb.DuckDBPyConnection,
    outcomes: pl.DataFrame,
    funnel: pl.DataFrame,
    published: pl.DataFrame,
    rule: Rule | None = None,
) -> dict[str, pl.DataFrame]:
    """Make the tables of a pack that tell about its figures, and the lists of indicators.

    Args:
        release_con: A connection from ``warehouse.connect.open_release``.
        outcomes: The table ``outcomes`` of the pack.
        funnel: The table ``funnel`` of the pack.
        published: From ``warehouse.publish.published.read_published``.
        rule: The threshold and base of the published counts; the usual ones without.

    Returns:
        ``framework``, ``data_quality``, ``linkage_quality`` and ``linkage_sensitivity``.

    Raises:
        StoreError: The release cannot be read.
    """
    rule = rule or Rule()
    otherwise = release_con.execute(
        "SELECT * FROM linkage_sensitivity WHERE kind = 'funnel' "
        "OR (kind = 'metric' AND category = 'All')"
    ).pl()
    swings = linkage_sensitivity(otherwise, outcomes, funnel, rule)
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
        "data_quality": data_quality(release_con.execute("SELECT * FROM data_quality").pl(), rule),
        "linkage_quality": linkage_quality(
            release_con.execute(
                "SELECT * FROM linkage_quality WHERE split IN ('all', 'partners')"
            ).pl()
        ),
        "linkage_sensitivity": swings,
    }


def data_quality(mart: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    """What became of each partner's records, in fifties.

    Args:
        mart: The mart ``data_quality``.
        rule: A source that tells of fewer people than its threshold is masked.
    """
    rows = []
    for one in mart.filter(pl.col("rows_staged") > 0).sort("partner", "table_name").to_dicts():
        source, is_few = f"{one['partner']} {one['table_name']}", one["people"] < rule.threshold
        staged = MASKED if is_few else _coarse(one["rows_staged"])
        rows.append((source, "all", "accepted", staged, _share(staged, staged)))
        for column, became in _BECAME.items():
            records = MASKED if is_few else _coarse(one[column])
            rows.append((source, "all", became, records, _share(records, staged)))
    return _table("data_quality", rows)


def linkage_quality(mart: pl.DataFrame) -> pl.DataFrame:
    """How many links are right, and how many were found, in whole per cent.

    Args:
        mart: The mart ``linkage_quality``, of all partners and of each two.
    """
    rows = []
    people = _people(mart)
    estimates = mart.filter(pl.col("measure").is_in(list(_ESTIMATED)))
    for one in estimates.sort("split", "partner_a", "partner_b", "measure").to_dicts():
        partners = EVERYWHERE if one["split"] == "all" else f"{one['partner_a']}–{one['partner_b']}"
        judged, value = one["judged"] or 0, one["value"]
        if value is None:
            shown = NOT_AVAILABLE
        elif judged < FEWEST_PAIRS or people[one["partner_a"], one["partner_b"]] < COARSE:
            shown = UNRELIABLE
        else:
            # Only where all of them are right does it say so.
            shown = str(100 if value == 1 else min(99, round(100 * value)))
        rows.append((partners, _ESTIMATED[one["measure"]], _coarse(judged), shown))
    return _table("linkage_quality", rows)


def _people(mart: pl.DataFrame) -> Mapping[tuple[str, str | None], int]:
    """Distinct people that two partners both know, or that one knows; of all, those of the one
    that knows most."""
    known = {
        (one["partner_a"], one["partner_b"] or one["partner_a"]): int(one["value"])
        for one in mart.filter(
            pl.col("measure").is_in(["people", "people known to both"])
        ).to_dicts()
    }
    whole = {("all", name): max(known.values(), default=0) for name in ("all", None)}
    return defaultdict(int, known | whole)


def _coarse(records: int) -> str:
    """A number of records in fifties; ``[low]`` below fifty."""
    return LOW if records < COARSE else str((records + COARSE // 2) // COARSE * COARSE)


def _share(records: str, staged: str) -> str:
    """Which share of a source's records some are."""
    return LOW if LOW in (records, staged) else percentage(records, staged)


def _table(name: str, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS[name], pl.String), orient="row")
