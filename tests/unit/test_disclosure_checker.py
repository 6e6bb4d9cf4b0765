"""The checker, on certificates written by hand: whatever is asked of them is missed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from linked_tables import YEAR, quarters

from governance.disclosure.catalogue import Dimension, Population, Row, Table, where
from governance.disclosure.certificate import NOBODY, Contents, Evidence, fingerprint, pack
from governance.disclosure.checker import check
from governance.disclosure.release import Published, Release
from governance.disclosure.rules import MASKED, DisclosureError, Rule

AGES = Dimension("age", ("a0", "a1", "a2"), known=True)
AREAS = Dimension("area", ("b0", "b1"), known=True)
BY_AGE = Table("by_age", ("age",), tuple(Row((a,), where(age=a)) for a in AGES.categories))


def population(*dimensions: Dimension, relation: str = "apart") -> Population:
    return Population("people", "people", relation, dimensions, (BY_AGE,))


def checked(declared: Population, base, shown, changes, *, insiders=True, before=()) -> None:
    """Check a release of some counts against a certificate of some tables."""
    periods = [one.populations[0].period for one in before]
    period = quarters(0, len(periods)) if declared.relation == "cumulative" else YEAR
    release = Release(
        "r",
        Rule(),
        (Published(declared, period, tuple(shown)),),
        tuple(one.digest for one in before),
    )
    evidence = {"people": Evidence(np.array(base), tuple(changes), insiders)}
    certificate = pack(Contents(release.digest, evidence, NOBODY))
    check(replace(release, certificate=fingerprint(certificate)), before, certificate)


BASE, SHOWN = [[3, 3, 30]], (MASKED, MASKED, "30")
A0, A1 = (0, 0), (0, 1)
ENOUGH = ({A0: -3}, {A0: -2}, {A0: 1}, {A1: -3}, {A1: -2}, {A1: 1})


def test_tables_that_show_all_that_is_asked_are_enough():
    checked(population(AGES), BASE, SHOWN, ENOUGH)


@pytest.mark.parametrize("left_out", range(len(ENOUGH)))
def test_each_of_them_is_needed(left_out):
    with pytest.raises(DisclosureError, match="nought and the edge"):
        checked(population(AGES), BASE, SHOWN, ENOUGH[:left_out] + ENOUGH[left_out + 1 :])


@pytest.mark.parametrize(
    ("place", "instead"),
    [
        (0, {A0: -3, A1: -3}),  # an insider of the other group knows that this is not so
        (2, {A0: 1, A1: -3}),
        (0, {A0: -1}),
        (2, {A0: 2}),
    ],
)
def test_a_table_that_an_insider_rules_out_is_not_enough(place, instead):
    tables = [*ENOUGH[:place], instead, *ENOUGH[place + 1 :]]
    if place == 0:
        tables.remove({A1: -3})
        tables.append({A1: -3, (0, 2): 1})
    with pytest.raises(DisclosureError, match="nought and the edge"):
        checked(population(AGES), BASE, SHOWN, tables)


def test_a_table_with_fewer_than_nobody_is_refused():
    base = [[1, 2, 20, 0, 20, 0]]
    shown = (MASKED, "20", "20")
    tables = [{(0, 0): -1, (0, 1): -2}, {(0, 0): 1}]
    checked(population(AGES, AREAS), base, shown, tables, insiders=False)
    with pytest.raises(DisclosureError, match="cannot be"):
        odd = [{(0, 0): -2, (0, 1): -1}, {(0, 0): 1}]
        checked(population(AGES, AREAS), base, shown, odd, insiders=False)


def test_a_table_that_contradicts_what_is_published_is_refused():
    with pytest.raises(DisclosureError, match="contradicts"):
        checked(population(AGES), BASE, SHOWN, [*ENOUGH, {(0, 2): 3}])
    checked(population(AGES), BASE, SHOWN, [*ENOUGH, {(0, 2): 2}])


def test_a_count_that_should_be_masked_cannot_be_shown():
    with pytest.raises(DisclosureError, match="contradicts"):
        checked(population(AGES), BASE, ("5", MASKED, "30"), ENOUGH)


def test_a_cell_that_is_masked_for_another_must_keep_a_range():
    base, shown = [[20, 20, 30]], (MASKED, "20", "30")
    checked(population(AGES), base, shown, [{A0: 4}])
    for narrow in ([], [{A0: 3}], [{A0: 1}, {A0: -2}]):
        with pytest.raises(DisclosureError, match="narrowed"):
            checked(population(AGES), base, shown, narrow)


def test_what_is_nearly_all_of_its_total_must_be_masked():
    all_ages = Row(("All",), where())
    rows = [replace(row, totals=(where(),)) for row in BY_AGE.rows]
    declared = Population(
        "people", "people", "apart", (AGES,), (Table("t", ("age",), (all_ages, *rows)),)
    )
    with pytest.raises(DisclosureError, match="nearly all"):
        tables = [{A1: 4, (0, 2): -2, A0: -2}, {(0, 2): 2, A0: -2}]
        checked(declared, [[40, 0, 2]], ("40", "40", MASKED, MASKED), tables, insiders=False)


def test_the_joiners_of_a_quarter_must_keep_a_range():
    declared = population(AGES, relation="cumulative")
    first = Release("r0", Rule(), (Published(declared, quarters(0, 0), ("10", "20", "30")),))
    base, shown = [[10, 20, 30], [1, 20, 30]], ("10", "40", "60")
    wide = [{(1, 0): -1}, {(1, 0): 3, (0, 0): -2}]
    checked(declared, base, shown, wide, before=[first])
    for narrow in ([], [{(1, 0): -1}], [{(1, 0): 1}]):
        with pytest.raises(DisclosureError, match="narrowed"):
            checked(declared, base, shown, narrow, before=[first])
