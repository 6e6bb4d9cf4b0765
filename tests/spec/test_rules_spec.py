"""Every rule that a contract can report: a record that keeps it, and one change that breaks it.

The cases are in the tables beside this file and in `rule_spec`. `test_rules_mutation` takes each
rule out of the contracts and sees these tests fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from policies import LENIENT
from rule_spec import (
    ALSO,
    AS_AT,
    PACKAGED,
    PARTNERS,
    UNLISTED,
    Case,
    event_days,
    every_case,
    every_rule,
    faults,
    reportable,
    write_lists,
)

from schemas.contract import examine_extract, validate_extract
from schemas.errors import ExtractRejected
from schemas.rules import GENERAL_RULES, NO_CONSENT, rules_of
from schemas.tables import TABLES, Table, find_table

EVERY_TABLE = [table for tables in TABLES.values() for table in tables]
REQUIRED = [
    (table, name)
    for table in EVERY_TABLE
    for name, column in table.columns.items()
    if column.required
]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path | None]:
    return write_lists(tmp_path_factory.mktemp("lists"))


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return every_case(event_days())


@pytest.mark.parametrize("partner", PARTNERS)
def test_each_change_breaks_its_own_rule_and_no_other(partner, cases, lists):
    found = [(case.rule, wrong) for case, wrong in faults(partner, cases, lists)]
    assert not found, f"{len(found)} cases, of them {found[:5]}"


def test_every_rule_that_can_be_reported_has_a_case_and_no_case_is_of_another(cases, lists):
    assert {case.rule for case in cases} == every_rule(lists)


def test_exceptions_are_of_rules_that_there_are(cases):
    assert set(ALSO) <= {(*case.rule, case.outcome) for case in cases}


@pytest.mark.parametrize("table", EVERY_TABLE, ids=lambda table: f"{table.partner} {table.name}")
def test_the_pages_list_every_rule_that_can_be_reported(table, lists):
    listed = {(column, rule) for column, rule, _ in rules_of(table) if rule != NO_CONSENT}
    assert listed == reportable(table)
    for codes in lists.values():
        others = {rule for _, rule in reportable(table, codes) - listed}
        assert others <= set(GENERAL_RULES), "of code lists of a partnership's own"


def test_a_rule_is_listed_once_for_a_column():
    for table in EVERY_TABLE:
        rules = [(column, rule) for column, rule, _ in rules_of(table)]
        assert len(rules) == len(set(rules)), table.name


def anything_at_all(table: Table) -> Iterator[dict[str, str | None]]:
    """The example with one field spoiled in every way that comes to mind."""
    example: dict[str, str | None] = {n: column.example for n, column in table.columns.items()}
    yield example
    for name in example:
        for value in (
            None,
            "",
            " ",
            "?",
            "-1",
            "1e9",
            "N",
            "Y",
            UNLISTED,
            "a|b",
            "\x00",
            "Ä" * 200,
            "2099-01-01",
            "1700-01-01",
            "1900-01-01",
            "1970-01-01",
            "UNKNOWN",
        ):
            yield {**example, name: value}


@pytest.mark.parametrize("partner", PARTNERS)
def test_nothing_is_reported_that_is_not_a_known_rule(partner):
    """What `reportable` reads off the code is all there is: whatever is sent, no other is told."""
    frames = {
        table.name: pl.DataFrame(
            list(anything_at_all(table)), dict.fromkeys(table.columns, pl.String), orient="row"
        )
        for table in TABLES[partner]
    }
    examined = examine_extract(partner, frames, as_at=AS_AT)
    known = every_rule({PACKAGED: None})
    told = set(examined.findings.select("table", "column", "rule").unique().iter_rows())
    assert {(partner, *one) for one in told} <= known
    counted = examined.validated.noted.filter(pl.col("rule") != NO_CONSENT)
    noted = set(counted.select("table", "column", "rule").iter_rows())
    assert {(partner, *one) for one in noted} <= known


def one_row(table: Table) -> dict[str, pl.DataFrame]:
    """An extract of the examples."""
    return {
        one.name: pl.DataFrame([{n: c.example for n, c in one.columns.items()}])
        for one in TABLES[table.partner]
    }


@pytest.mark.parametrize(
    ("table", "column"), REQUIRED, ids=lambda one: one if isinstance(one, str) else one.name
)
def test_an_extract_without_a_column_that_is_required_is_refused(table, column):
    frames = one_row(table)
    frames[table.name] = frames[table.name].drop(column)
    with pytest.raises(ExtractRejected) as refused:
        examine_extract(table.partner, frames, as_at=AS_AT)
    assert refused.value.problem == f"The {table.partner} {table.name} table lacks {column}."


@pytest.mark.parametrize("partner", PARTNERS)
def test_every_column_that_is_not_required_may_be_left_out(partner):
    frames = {
        name: frame.select(n for n, c in find_table(partner, name).columns.items() if c.required)
        for name, frame in one_row(TABLES[partner][0]).items()
    }
    validated = validate_extract(partner, frames, as_at=AS_AT, policy=LENIENT)
    assert validated.quarantine.is_empty(), validated.quarantine
    assert all(frame.height == 1 for frame in validated.frames.values())


def test_the_checks_above_can_fail(cases, lists):
    """A case that is told to break another rule than it does, or to follow otherwise, is found."""
    case = next(case for case in cases if case.rule[2:] == ("arrest_date", "required"))
    assert case.lists == PACKAGED
    other = Case((*case.rule[:2], "dob", "required"), case.outcome, case.good, case.bad)
    milder = Case(case.rule, "empty", case.good, case.bad)
    unbroken = Case(case.rule, case.outcome, case.good, case.good)
    broken = Case(case.rule, case.outcome, case.bad, case.bad)
    for wrong in (other, milder, unbroken, broken):
        assert list(faults("police", [wrong], lists))
    assert not list(faults("police", [case], lists))
