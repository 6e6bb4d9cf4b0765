"""What an extract is handed over as, once held to its contract: rows that stand, and counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from schemas.drift import Profile
from schemas.errors import ExtractRejected
from schemas.findings import (
    FINDINGS_SCHEMA,
    LEFT_OUT,
    NOTED_SCHEMA,
    QUARANTINE_SCHEMA,
    ROW,
    Checked,
    standing,
)
from schemas.rules import NO_CONSENT
from schemas.tables import Table, find_table


@dataclass(frozen=True)
class Validated:
    """A partner's extract, held to its contract.

    For every table, received = kept + quarantined + withheld, in rows.

    Args:
        partner: Who sent it.
        frames: The kept rows of each table: typed, standardised, in the order received.
        quarantine: `table, row, column, rule` for each rule a row breaks; `row` counts data rows
            from 1. A row may break several.
        noted: `table, column, rule, count` of what was emptied, and of rows withheld.
        rows: Rows received, by table.
        withheld: Rows left out because the person did not consent, by table; what belongs to such
            a row is withheld with it.
    """

    partner: str
    frames: dict[str, pl.DataFrame] = field(repr=False)
    quarantine: pl.DataFrame = field(repr=False)
    noted: pl.DataFrame = field(repr=False)
    rows: dict[str, int]
    withheld: dict[str, int]

    @property
    def quarantined(self) -> dict[str, int]:
        """Rows quarantined, by table."""
        counted = dict(self.quarantine.group_by("table").agg(pl.col("row").n_unique()).iter_rows())
        return {table: counted.get(table, 0) for table in self.rows}


@dataclass(frozen=True)
class Examined:
    """What was found in an extract, whether or not it can be used.

    Args:
        validated: Its tables, held to the contract; not to be used where it is refused.
        findings: `table, row, column, rule, outcome` of every rule that was broken.
        refusals: Why the extract cannot be used; none where it can.
        profile: What is remembered of it, to hold later ones against.
    """

    validated: Validated
    findings: pl.DataFrame = field(repr=False)
    refusals: tuple[str, ...]
    profile: Profile

    def usable(self) -> Validated:
        """The tables.

        Raises:
            ExtractRejected: The extract is refused.
        """
        if self.refusals:
            raise ExtractRejected(
                " ".join(self.refusals),
                "Ask the partner to correct its export before it is loaded.",
            )
        return self.validated


def hand_over(partner: str, checked: Mapping[str, Checked]) -> Validated:
    """The rows of a partner's tables that stand, and what is told of the others."""
    return Validated(
        partner=partner,
        frames={name: one.frame.drop(ROW) for name, one in checked.items()},
        quarantine=gathered(checked, QUARANTINE_SCHEMA, LEFT_OUT),
        noted=pl.concat(
            [pl.DataFrame(schema=NOTED_SCHEMA)]
            + [_noted(find_table(partner, name), one) for name, one in checked.items()]
        ),
        rows={name: one.received for name, one in checked.items()},
        withheld={name: one.withheld for name, one in checked.items()},
    )


def gathered(
    checked: Mapping[str, Checked], columns: Iterable[str], outcomes: Iterable[str] | None = None
) -> pl.DataFrame:
    """What was found in every table, of some outcomes or of all."""
    found = [
        one.found.rename({ROW: "row"}).with_columns(pl.lit(name).alias("table"))
        for name, one in checked.items()
    ]
    told = pl.concat([pl.DataFrame(schema=FINDINGS_SCHEMA), *found], how="diagonal")
    if outcomes is not None:
        told = told.filter(pl.col("outcome").is_in(list(outcomes)))
    return told.select(list(columns)).sort("table", "row", "column", "rule")


def _noted(table: Table, checked: Checked) -> pl.DataFrame:
    """What was emptied or let pass in the rows that are kept, and how many rows were withheld."""
    kept = standing(checked.found, checked.found)
    counts = kept.group_by("column", "rule").len().sort("column", "rule").iter_rows()
    rows = [(table.name, column, rule, count) for column, rule, count in counts]
    if checked.withheld:
        rows.append((table.name, table.withheld_by, NO_CONSENT, checked.withheld))
    return pl.DataFrame(rows, NOTED_SCHEMA, orient="row")
