"""What the columns of events may hold, whoever made them: the contract once more, at the hub.

What a value that a partner encoded itself was made of cannot be seen any more. But a code can be
held to its list, a number to its range and a day to the years there are, and no name fits into any.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from schemas import identifiers, standardise
from schemas.codes import CATEGORIES, code_list, crosswalk
from schemas.columns import Column
from schemas.findings import LIKE_A_CODE
from schemas.policy import Policy
from schemas.tables import Table

DISTRICT = r"^(?:[A-Z][A-HJ-Y]?[0-9][A-Z0-9]?|GIR)$"
"""The outward half of a postcode, such as NR3."""

FIRST_DAY = date(standardise.EARLIEST_YEAR, 1, 1)
LAST_DAY = date(standardise.LATEST_YEAR, 12, 31)

TRANSLATED = frozenset({"sex", "ethnicity"})
"""Kinds whose code is replaced by another, so that one the policy lets pass is empty afterwards."""


@dataclass(frozen=True)
class HeldTo:
    """What events are held to beside their contract.

    Args:
        policy: What a broken rule leads to: one that is only noted leaves its value where it is.
        codes: The partnership's own code lists.
        made_on: The day the events were made; nothing can have happened after it.
    """

    policy: Policy
    codes: Path | None
    made_on: date

    def notes(self, table: Table, column: str, rule: str) -> bool:
        """Whether a value that breaks a rule stays."""
        return self.policy.severity_of(table, column, rule) == "note"


def strange_values(table: Table, events: pl.DataFrame, held: HeldTo) -> dict[str, int]:
    """How many values of each column of a table's events its contract has no room for.

    Args:
        table: The table.
        events: Its standardised and generalised rows; keys and record ids are passed over.
        held: What they are held to.

    Returns:
        Column → values, of the columns that have any.

    Raises:
        ConfigError: A code list cannot be used.
    """
    rules = {
        name: rule
        for name, rule in allowed(table, events.columns, held).items()
        if name in events.columns
    }
    if not rules:
        return {}
    strange = events.select((~rule.fill_null(False)).sum().alias(n) for n, rule in rules.items())
    return {name: count for name, count in strange.row(0, named=True).items() if count}


def allowed(table: Table, among: list[str], held: HeldTo) -> dict[str, pl.Expr]:
    """What each column of a table's events may hold, as an expression that is true where it does.

    Args:
        table: The table.
        among: The columns that the events have.
        held: What they are held to.

    Raises:
        ConfigError: A code list cannot be used.
    """
    found: dict[str, pl.Expr] = {}
    for name, spec in table.columns.items():
        if spec.role == "attribute":
            event = "ethnicity" if name == "ethnic" else spec.becomes or name
            value = pl.col(event)
            fits = value.is_null() | _attribute(table, name, spec, value, among, held)
            if spec.required and spec.kind not in TRANSLATED:
                fits &= value.is_not_null()
            found[event] = fits
        elif spec.kind == "dob":
            found["birth_year"] = _or_empty("birth_year", _birth_year(table, name, held))
        elif spec.kind == "postcode":
            district = pl.col("postcode_district").str.contains(DISTRICT)
            found["postcode_district"] = _or_empty("postcode_district", district)
            found["no_fixed_abode"] = pl.lit(True)
        elif spec.kind == "key":
            # Of keys only an agency's is ever kept.
            found[name] = _shaped("agency", pl.col(name))
    return found


def _or_empty(name: str, fits: pl.Expr) -> pl.Expr:
    return pl.col(name).is_null() | fits


def _attribute(
    table: Table, name: str, spec: Column, value: pl.Expr, among: list[str], held: HeldTo
) -> pl.Expr:
    from schemas.models import CONSENT_GIVEN

    match spec.kind:
        case "date":
            return _day(table, name, value, among, held)
        case "sex":
            return value.is_in(sorted(set(standardise.SEX.values())))
        case "ethnicity" if spec.codes:
            return value.is_in(sorted(set(crosswalk(spec.codes, held.codes).values())))
        case "consent":
            return value == CONSENT_GIVEN
        case "requirement":
            return value.is_in(CATEGORIES)
        case "la_code":
            return identifiers.la_code(value) == value
        case _:
            return _coded(table, name, spec, value, held)


def _coded(table: Table, name: str, spec: Column, value: pl.Expr, held: HeldTo) -> pl.Expr:
    """A code of its list and of its shape; one that is only noted has to look like a code."""
    from schemas.models import SHAPES

    text = value.cast(pl.String)
    rules: list[tuple[str, pl.Expr]] = []
    if spec.codes:
        listed = code_list(spec.codes, held.codes)
        ending = "_passed" if listed.unknown == "pass" else ""
        rules.append((f"code_unknown{ending}", text.is_in(listed.codes)))
    if spec.kind in SHAPES:
        rules.append((SHAPES[spec.kind][0], _shaped(spec.kind, text)))
    # A column of neither has no rule that would keep a name out, so nothing is taken in it.
    fits = pl.lit(bool(rules))
    for rule, holds in rules:
        passed = text.str.contains(LIKE_A_CODE) if held.notes(table, name, rule) else False
        fits &= holds | passed
    return fits


def _shaped(kind: str, text: pl.Expr) -> pl.Expr:
    from schemas.models import SHAPES

    return next(holds for known, (_, holds) in SHAPES.items() if known == kind)(text)


def _day(table: Table, name: str, value: pl.Expr, among: list[str], held: HeldTo) -> pl.Expr:
    """A day of the years there are; one of what has happened is no later than the events."""
    fits = value.is_between(pl.lit(FIRST_DAY), pl.lit(LAST_DAY))
    past = table.past_dates
    if name not in past or held.notes(table, name, "after_the_extract"):
        return fits
    settled = past[name]
    if settled is not None and settled not in among:
        return fits
    planned = pl.lit(False) if settled is None else pl.col(settled).is_null()
    return fits & (planned | (value <= held.made_on))


def _birth_year(table: Table, column: str, held: HeldTo) -> pl.Expr:
    from schemas.models import LAST_IMPOSSIBLE_BIRTH_YEAR

    first = LAST_IMPOSSIBLE_BIRTH_YEAR + 1
    if held.notes(table, column, "born_too_early"):
        first = standardise.EARLIEST_YEAR
    return pl.col("birth_year").is_between(first, held.made_on.year)
