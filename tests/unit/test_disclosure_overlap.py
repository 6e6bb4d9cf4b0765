"""Populations of the same people: neither gives away what the other hides."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.disclosure.catalogue import Dimension, Population, cross
from governance.disclosure.certify import Submission, certify
from governance.disclosure.overlap import Overlaps, Side
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.timeline import Period
from governance.disclosure.work import OVERLAP

SPRING = Period(date(2026, 4, 1), date(2026, 6, 30))
SUMMER = Period(date(2026, 7, 1), date(2026, 9, 30))
RULE = Rule()
EDGE = RULE.most_masked


def population(name: str, *groups: str, unit: str = "people") -> Population:
    dimension = Dimension("group", groups or ("in",), known=True)
    return Population(name, unit, "apart", (dimension,), (cross(f"{name} table", dimension),))


def rows(**groups: range | list[int]) -> pl.DataFrame:
    """People by number, in groups."""
    return pl.DataFrame(
        [(str(person), group) for group, people in groups.items() for person in people],
        schema={"person": pl.String, "group": pl.String},
        orient="row",
    )


def side(name: str, frozen: bool = False, period: Period = SPRING, **groups: range) -> Side:
    return Side(population(name, *groups), period, rows(**groups), frozen)


def shown(*sides: Side) -> list[list[str]]:
    """Every count of at least the threshold rounded, the others masked."""
    found = []
    for one in sides:
        counts = [
            one.rows.filter(*(pl.col(n).is_in(list(c)) for n, c in cell)).height
            for cell in one.population.cells
        ]
        found.append([MASKED if n < RULE.threshold else RULE.rounded(n) for n in counts])
    return found


def test_a_small_remainder_of_two_tables_is_not_told() -> None:
    """12 and 13 people, shown as 10 and 15: one to nine are in the second alone."""
    sides = side("treated", all=range(12)), side("arrested", all=range(13))
    overlaps = Overlaps(sides, RULE)
    told = overlaps.told([["10", "10"], ["15", "15"]])
    assert len({one.side for one in told}) == 1
    after = [["10", "10"], ["15", "15"]]
    for one in told:
        after[one.side][one.cell] = MASKED
    assert not overlaps.told(after)


def test_a_remainder_that_rounding_hides_needs_no_mask() -> None:
    """10 and 12 people are both shown as 10: nobody to four may be in the second alone."""
    sides = side("treated", all=range(10)), side("arrested", all=range(12))
    assert not Overlaps(sides, RULE).told([["10", "10"], ["10", "10"]])


def test_what_is_masked_to_protect_another_is_not_shown_elsewhere() -> None:
    one = side("treated", a=range(40), b=range(40, 80))
    other = side("cohort", all=range(40))
    told = Overlaps([one, other], RULE).told([["80", MASKED, "40"], ["40", "40"]])
    assert {place.side for place in told} == {1}


def test_what_is_public_stays_and_the_new_gives_way() -> None:
    public, new = side("treated", frozen=True, all=range(12)), side("arrested", all=range(13))
    told = Overlaps([public, new], RULE).told([["10", "10"], ["15", "15"]])
    assert told
    assert {one.side for one in told} == {1}


def test_periods_that_share_no_day_are_not_compared() -> None:
    sides = side("treated", all=range(12)), side("arrested", period=SUMMER, all=range(13))
    assert not Overlaps(sides, RULE).told([["10", "10"], ["15", "15"]])


def test_other_units_of_one_person_are_told_apart() -> None:
    """Thirteen arrests of twelve people are not twelve people and one."""
    twice = pl.concat([rows(all=range(12)), rows(all=range(1))])
    arrests = Side(population("arrests", "all", unit="arrests"), SPRING, twice)
    people = side("people", all=range(12))
    assert not Overlaps([people, arrests], RULE).told([["10", "10"], ["15", "15"]])
    journeys = Side(population("more", "all", unit="arrests"), SPRING, rows(all=range(12)))
    assert Overlaps([journeys, arrests], RULE).told([["10", "10"], ["15", "15"]])


def test_those_who_are_left_of_two_units_are_told_apart_from_second_units() -> None:
    """Exits and profiles taken at them: somebody has two of either, and another only an exit."""
    twice = [*range(12), 0]
    profiles = Side(population("profiles", "all", unit="profiles"), SPRING, rows(all=twice))
    exits = Side(population("exits", "all", unit="journeys"), SPRING, rows(all=[*twice, 12, 13]))
    assert not Overlaps([profiles, exits], RULE).told([["15", "15"], ["15", "15"]])
    fewer = Side(population("profiles", "all", unit="profiles"), SPRING, rows(all=[*range(11), 0]))
    exits = Side(population("exits", "all", unit="journeys"), SPRING, rows(all=[*range(13), 0]))
    assert Overlaps([fewer, exits], RULE).told([["10", "10"], ["15", "15"]])


def test_units_of_which_nobody_has_two_are_people() -> None:
    """Twelve people and thirteen journeys, one each, differ by one person."""
    people = side("people", all=range(12))
    journeys = Side(population("journeys", "all", unit="journeys"), SPRING, rows(all=range(13)))
    assert Overlaps([people, journeys], RULE).told([["10", "10"], ["15", "15"]])


def meaning(one: Side, what: str) -> Side:
    """The same, with what each of its counts means by definition."""
    tables = tuple(
        replace(
            table,
            rows=tuple(replace(row, meaning=f"{what} {row.labels}") for row in table.rows),
        )
        for table in one.population.tables
    )
    return replace(one, population=replace(one.population, tables=tables))


def test_who_is_in_one_alone_by_chance_is_not_said_to_be_nobody() -> None:
    """5 and 5 of a cohort and one within it: at most two are in the first alone."""
    sides = side("arrested", all=range(6)), side("treated", all=range(6))
    assert Overlaps(sides, RULE).told([["5", "5"], ["5", "5"]])
    told = Overlaps(sides, RULE).told([["5", "5"], ["5", "5"]])
    assert {one.side for one in told} == {1}  # one of the two is enough
    # Where rounding hides as many as a mask does nothing more is needed.
    more = side("arrested", all=range(10)), side("treated", all=range(10))
    assert not Overlaps(more, RULE).told([["10", "10"], ["10", "10"]])


def test_what_is_the_same_by_definition_says_nothing() -> None:
    sides = [
        meaning(side("in treatment", all=range(6)), "in treatment"),
        meaning(side("in treatment by drug", all=range(6)), "in treatment"),
        meaning(side("treated", all=range(6)), "treated"),
    ]
    values = [["5", "5"], ["5", "5"], ["5", "5"]]
    assert not Overlaps(sides[:2], RULE).told(values[:2])
    # Of three, those that mean the same stay.
    assert {one.side for one in Overlaps(sides, RULE).told(values)} == {2}


def test_what_is_public_stays_and_what_is_the_same_by_chance_gives_way() -> None:
    sides = side("treated", all=range(6)), side("arrested", frozen=True, all=range(6))
    assert {one.side for one in Overlaps(sides, RULE).told([["5", "5"], ["5", "5"]])} == {0}


def test_counts_that_are_declared_to_be_the_same_and_are_not_are_refused() -> None:
    sides = [meaning(side(name, all=range(6 + n)), "x") for n, name in enumerate("ab")]
    with pytest.raises(DisclosureError, match="declared to be of the same units"):
        Overlaps(sides, RULE)


def test_nobody_is_left_of_parts_that_are_hardly_more_than_small() -> None:
    """10, 5 and 5: at most two are in neither of the two."""
    sides = [
        side("arrested", all=range(11)),
        side("treated", all=range(5)),
        side("tested", all=range(5, 11)),
    ]
    values = [["10", "10"], ["5", "5"], ["5", "5"]]
    assert Overlaps(sides, RULE).told(values)
    sides[1] = side("treated", all=range(20, 28))
    assert not Overlaps(sides, RULE).told(values)


def test_rows_must_say_who_is_behind_them() -> None:
    nobody = Side(population("treated", "all"), SPRING, pl.DataFrame({"group": ["all"]}))
    with pytest.raises(DisclosureError, match="who is behind"):
        Overlaps([nobody], RULE)


@given(
    st.lists(
        st.lists(st.sets(st.integers(0, 25), max_size=24), min_size=1, max_size=3),
        min_size=2,
        max_size=3,
    )
)
@settings(deadline=None, max_examples=60)
def test_after_masking_no_pair_tells_anything(given_sets: list[list[set[int]]]) -> None:
    """The law, by comparing sets of people one by one."""
    sides = []
    for number, groups in enumerate(given_sets):
        taken: set[int] = set()
        parts = {}
        for place, people in enumerate(groups):
            parts[f"g{place}"] = sorted(people - taken)
            taken |= people
        sides.append(Side(population(f"p{number}", *parts), SPRING, rows(**parts)))
    after = shown(*sides)
    overlaps = Overlaps(sides, RULE)
    while told := overlaps.told(after):
        for one in told:
            after[one.side][one.cell] = MASKED
    told_by = [
        {
            people_of(one, cell): value
            for cell, value in zip(one.population.cells, told, strict=True)
        }
        for one, told in zip(sides, after, strict=True)
    ]
    cells = [(p, v) for one in told_by for p, v in one.items() if v != MASKED]
    for part, low in cells:
        for whole, high in cells:
            # What one population shows by itself is for its own audit.
            alone = any(MASKED not in (t.get(part, MASKED), t.get(whole, MASKED)) for t in told_by)
            if alone or not part <= whole or len(whole - part) > EDGE:
                continue
            (least_part, most_part), (least, most) = RULE.says(low), RULE.says(high)
            assert least - most_part <= 0
            assert most - least_part >= EDGE


def three(left: int) -> Overlaps:
    """Twelve, twelve others, and all of these with so many more."""
    return Overlaps(
        [
            side("treated", all=range(12)),
            side("tested", all=range(12, 24)),
            side("arrested", all=range(24 + left)),
        ],
        RULE,
    )


def test_a_few_that_are_left_of_three_populations_are_not_told() -> None:
    """30, 10 and 10 say of four that there are at least four: 28 less 12 less 12."""
    overlaps = three(4)
    assert [(len(one.more), len(one.less)) for one in overlaps.sums] == [(1, 2)]
    values = [["10", "10"], ["10", "10"], ["30", "30"]]
    told = overlaps.told(values)
    assert len({one.side for one in told}) == 1
    for one in told:
        values[one.side][one.cell] = MASKED
    assert not overlaps.told(values)
    # Of two, 25, 10 and 10 say that there may be none and may be more than a mask hides.
    assert three(2).sums
    assert not three(2).told([["10", "10"], ["10", "10"], ["25", "25"]])


def test_a_few_whom_two_populations_share_are_not_told() -> None:
    """Together they are a third population, so what both count twice is who is in both."""
    sides = [
        side("treated", all=range(14)),
        side("tested", all=range(10, 24)),
        side("either", all=range(24)),
    ]
    overlaps = Overlaps(sides, RULE)
    assert [(len(one.more), len(one.less)) for one in overlaps.sums] == [(2, 1)]
    assert not overlaps.told([["15", "15"], ["15", "15"], ["25", "25"]])
    assert overlaps.told([["15", "15"], ["20", "20"], ["25", "25"]])


def people_of(one: Side, cell: tuple) -> frozenset[str]:
    inside = one.rows.filter(*(pl.col(name).is_in(list(chosen)) for name, chosen in cell))
    return frozenset(inside.get_column("person"))


def test_the_gate_masks_what_two_populations_would_tell() -> None:
    given_rows = {"treated": rows(all=range(12)), "arrested": rows(all=range(13))}
    submissions = [
        Submission(population(name, "all"), SPRING, people) for name, people in given_rows.items()
    ]
    alone = certify("naive", submissions, linked=False)
    assert [one.shown for one in alone.release.populations] == [("10", "10"), ("15", "15")]
    linked = certify("linked", submissions)  # unless it is told that nobody can be in both
    masked = [one for one in linked.release.populations if MASKED in one.shown]
    assert len(masked) == 1
    assert OVERLAP in {reason for one in linked.findings for reason in one.reasons}
    with pytest.raises(DisclosureError, match="do not say who is behind them"):
        certify("nameless", [replace(one, rows=one.rows.drop("person")) for one in submissions])


def test_the_gate_compares_with_what_is_public() -> None:
    first = Submission(population("treated", "all"), SPRING, rows(all=range(12)))
    public = certify("first", [first])
    second = Submission(population("arrested", "all"), SPRING, rows(all=range(13)))
    made = certify(
        "second",
        [second],
        earlier=[public.release],
        still_public=[public.release.digest],
        public=[first],
    )
    assert made.release.populations[0].shown == (MASKED, MASKED)
    with pytest.raises(DisclosureError, match="said to be public"):
        certify("third", [second], public=[first])


def test_what_is_public_is_not_counted_again_under_another_name_unseen() -> None:
    spring = rows(all=range(62)).with_columns(day=pl.lit(SPRING.first))
    joined = rows(all=range(63)).with_columns(day=pl.lit(SPRING.last))
    before, after = (
        Submission(replace(population(name, "all"), relation="cumulative"), SPRING, people)
        for name, people in (("treated", spring), ("in treatment", joined))
    )
    public = certify("first", [before]).release
    with pytest.raises(DisclosureError, match="under another name"):
        certify("second", [after], earlier=[public], still_public=[public.digest])


def test_a_large_overlap_is_compared_quickly() -> None:
    numbers = np.arange(2_000)
    sides = [
        side(f"p{n}", **{f"g{k}": numbers[k :: 2 + n].tolist() for k in range(2 + n)})
        for n in range(30)
    ]
    overlaps = Overlaps(sides, RULE)
    assert sum(len(one.population.cells) for one in sides) == len(overlaps.size)
