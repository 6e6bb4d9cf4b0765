"""What a release may publish is declared, and counted as declared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linked_tables import YEAR, counted, quarters, two_ways

from governance.disclosure.advice import advise
from governance.disclosure.catalogue import (
    Dimension,
    Population,
    Row,
    Table,
    as_document,
    cross,
    from_document,
    where,
)
from governance.disclosure.certify import Submission
from governance.disclosure.masking import primary
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.tally import Tally, rows_of_table, tally
from governance.disclosure.timeline import Period, check_relation, segments, windows

ONE = np.ones(1, dtype=bool)
SEX = Dimension("sex", ("F", "M"))


def shown(population: Population, rows: pl.DataFrame, rule: Rule | None = None) -> list[str]:
    told = tally(population, rows, (YEAR,), ONE)
    return primary(population, population.matrix @ told.atoms[0], told, rule or Rule())


def test_a_crossed_table_has_every_cell_and_margin_once():
    population = two_ways(3, 2)
    assert len(population.cells) == (3 + 1) * (2 + 1)
    assert population.matrix.sum(axis=1).tolist() == [6, 2, 2, 2, 3, 3, 1, 1, 1, 1, 1, 1]
    twice = replace(
        population, tables=(*population.tables, replace(population.tables[0], name="again"))
    )
    assert twice.cells == population.cells


def test_a_declaration_survives_being_written_and_read():
    population = two_ways(3, 2, impossible=(where(age="a0", area=("b0", "b1")),))
    assert from_document(as_document(population)) == population
    assert from_document(as_document(population)).digest == population.digest
    assert two_ways(3, 2).digest != population.digest
    with pytest.raises(DisclosureError, match="cannot be read"):
        from_document({"name": "p"})


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"unit": ""}, "unit"),
        ({"unit": "bananas"}, "unit"),
        ({"relation": ""}, "relate"),
        ({"relation": "unbounded"}, "relate"),
        ({"dimensions": (SEX, SEX)}, "twice"),
        ({"dimensions": (Dimension("age", ()),)}, "without categories"),
        ({"impossible": (where(age="never"),)}, "not declared"),
        ({"tables": (Table("t", ("x",), (Row(("y",), where(sex="F")),)),)}, "not declared"),
        ({"tables": (Table("t", ("x",), (Row((), where(age="a0")),)),)}, "labels"),
        (
            {"tables": (Table("t", ("x",), (Row(("y",), where(age="a0"), (where(),)),)),)},
            "part of a total",
        ),
    ],
)
def test_what_is_undeclared_or_contradicts_itself_is_refused(changed, why):
    with pytest.raises(DisclosureError, match=why):
        replace(two_ways(), **changed)


@pytest.mark.parametrize("dimensions", [3, 5, 12])  # twelve overflow 64 bits
def test_what_is_too_large_to_audit_is_refused(dimensions):
    many = tuple(Dimension(f"d{n}", tuple(map(str, range(60)))) for n in range(dimensions))
    with pytest.raises(DisclosureError, match="too many"):
        Population("p", "people", "apart", many, (cross("t", *many[:2]),))


def test_units_that_are_not_people_are_masked_by_the_people_behind_them():
    tests = replace(two_ways(2, 1), unit="tests")
    rows = pl.DataFrame(
        {
            "age": ["a0"] * 40 + ["a1"] * 40,
            "area": "b0",
            "person": [f"p{n % 3}" for n in range(40)] + [f"q{n}" for n in range(40)],
        }
    )
    told = dict(zip(tests.cells, shown(tests, rows), strict=True))
    assert told[where(age="a0")] == MASKED
    assert told[where(age="a1")] == "40"
    with pytest.raises(DisclosureError, match="lack person"):
        shown(tests, rows.drop("person"))


def test_a_part_that_is_nearly_all_of_its_total_is_masked_unless_it_is_known_anyway():
    counts = [40, 2]
    secret, open_ = two_ways(2, 1, known=False), two_ways(2, 1)
    assert shown(open_, counted(open_, counts).drop("day"))[1] == "40"
    told = dict(zip(secret.cells, shown(secret, counted(secret, counts).drop("day")), strict=True))
    assert told[where(age="a0")] == told[where(age="a1")] == MASKED
    assert told[where()] == "40"


def test_nearly_all_is_judged_by_the_people_who_are_left():
    """Forty of eighty tests are left, but all of three people."""
    tests = replace(two_ways(2, 1, known=False), unit="tests")
    rows = pl.DataFrame(
        {
            "age": ["a0"] * 40 + ["a1"] * 40,
            "area": "b0",
            "person": [f"p{n}" for n in range(40)] + [f"q{n % 3}" for n in range(40)],
        }
    )
    assert dict(zip(tests.cells, shown(tests, rows), strict=True))[where(age="a0")] == MASKED


def test_a_structural_nought_is_shown_and_any_other_is_masked():
    population = two_ways(2, 2, impossible=(where(age="a0", area="b0"),))
    assert len(population.atoms) == 3
    told = shown(population, counted(population, [0, 20, 20]).drop("day"))
    by_cell = dict(zip(population.cells, told, strict=True))
    assert by_cell[where(age="a0", area="b0")] == "0"
    assert by_cell[where(age="a0", area="b1")] == MASKED


@pytest.mark.parametrize("threshold", [5, 8, 10])
@pytest.mark.parametrize("base", [5, 10])
@given(count=st.integers(0, 400))
def test_what_is_shown_says_what_it_stands_for(threshold, base, count):
    rule = Rule(threshold, base)
    told = MASKED if count < threshold else rule.rounded(count)
    low, high = rule.says(told)
    assert low <= count <= high
    assert told == MASKED or (int(told) % base == 0 and int(told) > 0)


@pytest.mark.parametrize(("threshold", "base"), [(1, 5), (5, 1), (5, 20), (4, 5)])
def test_rules_that_protect_nobody_are_refused(threshold, base):
    with pytest.raises(DisclosureError, match="known to protect"):
        Rule(threshold, base)


def test_a_rule_reads_only_what_it_could_have_written():
    for told in ("7", "", "-5", "five", "[x]"):
        with pytest.raises(DisclosureError, match="multiple of the rounding base"):
            Rule().says(told)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"age": ["a9"], "area": ["b0"]}, "1 rows .* no declared category"),
        ({"age": ["a0"]}, "lack area"),
        ({"age": [None], "area": ["b0"]}, "have no age"),
        ({"age": ["a0"], "area": ["b0"], "count": [-1]}, "whole numbers"),
        ({"age": ["a0"], "area": ["b0"], "count": [1.5]}, "whole numbers"),
        ({"age": ["a0"] * 2, "area": ["b0"] * 2, "person": ["x", "x"]}, "more than once"),
    ],
)
def test_rows_that_do_not_fit_the_declaration_are_refused(rows, why):
    with pytest.raises(DisclosureError, match=why):
        tally(two_ways(), pl.DataFrame(rows), (YEAR,), ONE)


def test_a_unit_is_counted_in_the_segment_of_its_day():
    population = two_ways(1, 1, relation="cumulative")
    periods = [quarters(0, 0), quarters(0, 1)]
    rows = counted(population, [6], [9], [100])
    told = tally(population, rows, segments(periods), windows(periods)[-1])
    assert isinstance(told, Tally)
    assert told.atoms.tolist() == [[6], [9]]
    with pytest.raises(DisclosureError, match="lack day"):
        tally(population, rows.drop("day"), segments(periods), windows(periods)[-1])


def test_a_finished_table_is_taken_when_its_margins_add_up():
    population = two_ways()
    table = pl.DataFrame(
        {
            "age": ["a0", "a0", "a1", "a1", "All", "a0"],
            "area": ["b0", "b1", "b0", "b1", "All", "All"],
            "count": [10, 20, 30, 40, 100, 30],
        }
    )
    assert rows_of_table(population, table)["count"].sum() == 100
    wrong = table.with_columns(
        pl.when(pl.col("count") == 100).then(99).otherwise(pl.col("count")).alias("count")
    )
    with pytest.raises(DisclosureError, match="not the sum of its parts") as refused:
        rows_of_table(population, wrong)
    assert "99" not in str(refused.value)
    with pytest.raises(DisclosureError, match="lacks a dimension"):
        rows_of_table(population, table.drop("area"))


def test_overlapping_periods_are_cut_where_either_begins_or_ends():
    rolling = [quarters(0, 1), quarters(1, 2)]
    assert segments(rolling) == (quarters(0, 0), quarters(1, 1), quarters(2, 2))
    assert windows(rolling).tolist() == [[True, True, False], [False, True, True]]
    apart = [quarters(0, 0), quarters(2, 2)]
    assert segments(apart) == tuple(apart)


@pytest.mark.parametrize(
    ("relation", "before", "after"),
    [
        ("cumulative", quarters(0, 0), quarters(1, 1)),
        ("cumulative", quarters(0, 1), quarters(0, 1)),
        ("rolling", quarters(1, 2), quarters(0, 3)),
        ("apart", quarters(0, 1), quarters(1, 2)),
    ],
)
def test_periods_that_do_not_relate_as_declared_are_refused(relation, before, after):
    with pytest.raises(DisclosureError, match="do not relate"):
        check_relation("people", relation, [before, after])


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(DisclosureError, match="ends before"):
        Period(date(2026, 2, 1), date(2026, 1, 1))


def test_advice_brings_neighbours_together_until_few_cells_are_small():
    population = two_ways(6, 4)
    counts = [n % 5 for n in range(24)]
    rows = counted(population, counts).drop("day")
    told = advise(Submission(population, YEAR, rows))
    assert told.before > 0.2 >= told.after
    assert told.together
    assert len(told.population.cells) < len(population.cells)
    roomy = counted(population, [50] * 24).drop("day")
    assert advise(Submission(population, YEAR, roomy)).together == ()


def test_advice_brings_neighbours_together_until_rounding_moves_little():
    population = two_ways(6, 4)
    rows = counted(population, [7] * 24).drop("day")  # none is small, and 7 is shown as 5
    told = advise(Submission(population, YEAR, rows))
    assert told.before == told.after == 0
    assert told.rounding_before > 0.03 >= told.rounding_after
    assert 0 < told.kept < 1
    few = counted(population, [7] + [0] * 23).drop("day")  # no grouping of so few comes close
    assert advise(Submission(population, YEAR, few)).rounding_after > 0.03
    nearly = two_ways(3, 2)  # nothing is brought together where it would not do
    unmoved = advise(Submission(nearly, YEAR, counted(nearly, [7] * 6).drop("day")))
    assert unmoved.together == () and unmoved.kept == 1
