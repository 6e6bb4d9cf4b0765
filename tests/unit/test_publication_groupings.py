"""Groupings: the finest that leaves few cells small, or none."""

from __future__ import annotations

import polars as pl
import pytest

from governance.disclosure.rules import Rule
from warehouse.publish.groupings import (
    ELSEWHERE,
    Split,
    as_published,
    categories_of,
    finest,
    of_people,
    own,
    wider_next,
)

RULE = Rule()
EVERYONE = [frozenset({"in"})]


def units(**many: int) -> tuple[pl.Series, pl.Series]:
    given = pl.Series([name for name, number in many.items() for _ in range(number)])
    return given, pl.Series(["in"] * len(given))


def split(name: str, areas: tuple[str, ...] = ()) -> Split:
    return next(one for one in of_people(areas) if one.name == name)


def test_the_finest_grouping_with_few_small_cells_is_taken() -> None:
    ages = split("age_band")
    plenty = units(**{"18-24": 40, "25-34": 40, "35-44": 40, "45-54": 40, "55 and over": 40})
    assert finest(ages, *plenty, EVERYONE, RULE) == ages.groupings[0]
    fewer = units(**{"18-24": 3, "Under 18": 40, "25-34": 40, "45-54": 3, "55 and over": 40})
    assert finest(ages, *fewer, EVERYONE, RULE) == ages.groupings[1]


def test_counts_that_rounding_would_move_too_far_are_brought_together() -> None:
    """1.2 of 20 people are 6 per cent, of 40 and 60 they are 2 to 3."""
    ages = split("age_band")
    few = units(**{"18-24": 20, "25-34": 20, "35-44": 20, "45-54": 20, "55 and over": 20})
    assert finest(ages, *few, EVERYONE, RULE) == ages.groupings[1]
    fewest = units(**{"18-24": 6, "25-34": 6, "35-44": 6, "45-54": 6, "55 and over": 6})
    assert finest(ages, *fewest, EVERYONE, RULE) == ages.groupings[-1]


def test_where_no_grouping_will_do_the_split_is_left_out() -> None:
    assert finest(split("sex"), *units(M=40, F=2), EVERYONE, RULE) is None


def test_a_residual_group_may_be_small() -> None:
    sexes = split("sex")
    assert finest(sexes, *units(M=40, F=20, U=1), EVERYONE, RULE) == sexes.groupings[0]


def test_a_line_that_is_small_of_everyone_does_not_count() -> None:
    given, counted = units(M=40, F=20)
    rare = [*EVERYONE, frozenset({"out"})]
    assert finest(split("sex"), given, counted, rare, RULE) is not None
    assert finest(split("sex"), given, counted, rare[1:], RULE) is None


def test_every_category_of_a_declared_kind_is_published_though_nobody_was_ever_in_it() -> None:
    results = categories_of("test_result")
    assert set(results) > {"Positive for both", "Not known"}
    assert tuple(own("test_result", results[:1]).groupings[0]) == results
    assert categories_of("contact_group") == categories_of("sex") == ()


def test_areas_are_the_largest_and_elsewhere() -> None:
    areas = split("area", ("NR1", "NR2", "NR3", "NR4"))
    assert [tuple(one) for one in areas.groupings] == [("NR1", "NR2", "NR3", ELSEWHERE)]
    grouped = areas.grouped(pl.Series(["NR1", "NR4", ""]), areas.groupings[0])
    assert grouped.to_list() == ["NR1", ELSEWHERE, ELSEWHERE]


def test_a_category_of_a_metrics_own_stays_as_it_is() -> None:
    result = own("test_result", ["Cocaine", "Opiates"])
    assert [tuple(one) for one in result.groupings] == [("Cocaine", "Opiates")]
    assert not result.known
    substances = own("substance_group", ["Opiate", "Alcohol only"])
    assert len(substances.groupings) == 2
    assert len(own("substance_group", ["Something new"]).groupings) == 1


@pytest.mark.parametrize("name", ["sex", "age_band", "ethnicity_group"])
def test_every_grouping_holds_every_category(name: str) -> None:
    finest_of, *wider = split(name).groupings
    every = sorted(one for members in finest_of.values() for one in members)
    for grouping in wider:
        assert sorted(one for members in grouping.values() for one in members) == every


def test_what_is_published_says_its_grouping() -> None:
    ages = split("age_band")
    for grouping in ages.groupings:
        assert as_published(ages, tuple(grouping)) == grouping
    assert as_published(split("area"), ("NR1", ELSEWHERE)) == {"NR1": ("NR1",), ELSEWHERE: ()}


def test_what_came_next_keeps_kinds_that_no_group_names() -> None:
    for groups in wider_next(["New arrest", "No new step recorded", "Something new"]):
        assert groups["Something new"] == "Something new"
        assert groups["New arrest"] != "New arrest"
