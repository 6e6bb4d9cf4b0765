"""Groupings: the finest that leaves few cells small, or none."""

from __future__ import annotations

import polars as pl
import pytest

from governance.disclosure.rules import Rule
from warehouse.metrics.read import load_metrics
from warehouse.models import load_seed
from warehouse.publish.groupings import (
    ELSEWHERE,
    Split,
    as_published,
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


def of(name: str) -> set[str]:
    """Every category that the finest grouping of a kind names."""
    return {one for members in own(name, ()).groupings[0].values() for one in members}


def labels(name: str, column: str = "label") -> set[str]:
    """What a code list can make of a code."""
    return {row[column] for row in load_seed("code") if row["list"] == name}


def test_every_category_is_published_though_nobody_was_ever_in_it() -> None:
    results = own("test_result", ["Positive for cocaine"])
    assert set(results.groupings[0]) > {"Positive for both", "Not known"}


def test_every_kind_of_category_of_a_packaged_metric_is_declared() -> None:
    """Else a category would be published from when somebody first was in it."""
    kinds = {kind for metric in load_metrics() for kind in metric.by}
    assert not [kind for kind in kinds if own(kind, ["made up"]).groupings[0].get("made up")]


def test_a_category_that_the_file_does_not_name_is_of_the_rest() -> None:
    given = pl.Series(["Violence", "Something new"])
    split = own("offence_group", [])
    for grouping in split.groupings:
        assert split.grouped(given, grouping)[1] == "Other or not known"


@pytest.mark.parametrize(
    ("kind", "every"),
    [
        ("drug_offence", {one.capitalize() for one in labels("drug_offence", "category")}),
        ("offence_group", {one.capitalize() for one in labels("offence_class", "category")}),
        ("accommodation", labels("discharge_accommodation")),
        ("referral_route", labels("referral", "category")),
        ("duty", labels("duty")),
        ("disability", labels("disability") - {"Declined to answer"}),
        ("religion", labels("religion") - {"Declined to answer"}),
        ("sexual_orientation", labels("sexual_orientation") - {"Declined to answer"}),
    ],
)
def test_what_the_packaged_code_lists_can_make_is_named(kind: str, every: set[str]) -> None:
    split = own(kind, [])
    assert not {one for one in every if one not in of(kind) and one != split.rest}
    for grouping in split.groupings[1:]:
        assert {one for members in grouping.values() for one in members} == of(kind)


def test_areas_are_the_largest_and_elsewhere() -> None:
    areas = split("area", ("NR3", "NR1", "NR2", "NR4"))  # from the largest to the smallest
    assert [tuple(one) for one in areas.groupings] == [("NR1", "NR2", "NR3", ELSEWHERE)]
    grouped = areas.grouped(pl.Series(["NR1", "NR4", ""]), areas.groupings[0])
    assert grouped.to_list() == ["NR1", ELSEWHERE, ELSEWHERE]


def test_a_category_of_a_metrics_own_stays_as_it_is() -> None:
    result = own("result", ["Cocaine", "Opiates"])
    assert [tuple(one) for one in result.groupings] == [("Cocaine", "Opiates")]
    assert not result.known
    substances = own("substance_group", ["Opiate", "Alcohol only"])
    assert len(substances.groupings) == 2


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
