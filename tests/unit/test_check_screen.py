"""What `journeys check` prints breaks no word on a screen of 80 columns."""

from __future__ import annotations

import io

import polars as pl
import pytest
from rich.console import Console

from flows.cli.check_screen import OUTCOMES, _keys, _rules
from flows.intake.check import BrokenRule, CheckReport
from schemas.rules import rules_of
from schemas.tables import TABLES

PAIRS = [
    (table.name, column, rule)
    for tables in TABLES.values()
    for table in tables
    for column, rule, _ in rules_of(table)
]
BY_LENGTH = sorted(PAIRS, key=lambda one: len("".join(one)))
LONGEST = BY_LENGTH[-40:]


def report(*rules: BrokenRule) -> CheckReport:
    return CheckReport("police", "quarantined", (), (), rules, pl.DataFrame(), ())


def broken(outcome: str, *where: str) -> BrokenRule:
    return BrokenRule(*where, "", outcome, 1_234_567, (123_456, 234_567, 345_678))  # type: ignore[arg-type]


def words(table: object, width: int) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    console.print(table)
    assert all(len(line) <= width for line in out.getvalue().splitlines())
    return out.getvalue().split()


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_rule_and_no_outcome_is_broken(outcome: str, width: int) -> None:
    table = _rules(report(*(broken(outcome, *one) for one in LONGEST)), Console(width=width))
    said = words(table, width)
    follows = {"reject": "rejected", "quarantine": "quarantined", "empty": "emptied"}
    assert said.count(follows.get(outcome, "noted")) == len(LONGEST)
    for name, column, rule in LONGEST:
        assert f"{name}.{column}" in said and rule in said


def test_a_wide_screen_has_a_line_a_rule() -> None:
    narrow, wide = (
        _rules(report(broken("quarantine", *LONGEST[-1])), Console(width=width)).columns[0].header
        for width in (80, 160)
    )
    assert (narrow, wide) == ("Column and rule", "Column")


def keys(pairs: list[tuple[str, str, str]], key: str) -> list[str]:
    shown = [(name, "1,234,567", key, column, rule) for name, column, rule in pairs]
    said = words(_keys(shown, Console(width=80)), 80)
    assert all(rule in said and column in said for _, column, rule in pairs)
    return said


def test_a_record_key_stands_whole_and_only_beside_the_longest_rules_is_folded() -> None:
    usual = BY_LENGTH[: len(BY_LENGTH) // 2]
    assert keys(usual, "N0853|CL000123|E7").count("N0853|CL000123|E7") == len(usual)
    keys(LONGEST, "N0853|CL000123|E7")
