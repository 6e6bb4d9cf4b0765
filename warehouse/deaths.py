"""Whether a release tells who died: only where the partnership asks for a metric of deaths.

Without that the reports of suspected drug-related deaths are not read, no death ends or bounds
anything, and a reason for an end that says so is told together with a like one (seed
``untold_reason``). So whoever has died is as somebody of whom no more is heard.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import duckdb

from warehouse.given import Given
from warehouse.restrict import Restriction

DEATHS: Final = frozenset({"deaths_in_treatment", "suspected_drug_deaths"})
"""The restricted metrics that are of deaths."""
REPORTS: Final = "police_suspected_drug_death"
"""The table that is read for them alone."""


def are_told(given: Given) -> bool:
    """Whether a partnership asks for a metric of deaths."""
    return bool(DEATHS & given.restricted_metrics)


def without_reports(restriction: Restriction, given: Given) -> Restriction:
    """Return what a release is of, without the reports of deaths unless they are asked for."""
    if are_told(given):
        return restriction
    return replace(restriction, hidden=restriction.hidden | {REPORTS})


def tell(con: duckdb.DuckDBPyConnection, told: bool) -> None:
    """Let the models know, by the macro ``deaths_are_told()``, whether deaths are told."""
    con.execute(f"CREATE MACRO deaths_are_told() AS {str(told).upper()}")
