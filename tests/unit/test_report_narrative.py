"""What the board pack says in words: never more than its published numbers allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.publish.pack import LINKS_FOUND, LINKS_RIGHT
from warehouse.publish.report.narrative import (
    change,
    changes,
    funnel_sentence,
    links_sentence,
    loss_sentence,
    measure_words,
    next_sentence,
    targets_sentence,
    together_sentence,
)
from warehouse.publish.report.numbers import Figure, Window
from warehouse.publish.report.told import Told, window_part

SPRING = Window(date(2026, 4, 1), date(2026, 6, 30), "April to June 2026")
WINTER = Window(date(2026, 1, 1), date(2026, 3, 31), "January to March 2026")
AUTUMN = Window(date(2025, 10, 1), date(2025, 12, 31), "October to December 2025")
LAST_SPRING = Window(date(2025, 4, 1), date(2025, 6, 30), "April to June 2025")
COUNTS = st.integers(5, 3000)


def published(count: int, base: int = 5) -> str:
    """A count as the gate rounds it: to the nearest, halves up."""
    return str(base * ((2 * count + base) // (2 * base)))


@given(COUNTS, COUNTS, st.sampled_from([5, 10]))
def test_a_count_said_to_have_risen_has_risen_whatever_was_rounded_away(
    before: int, now: int, base: int
) -> None:
    found = change(
        Figure(published(before, base), base=base), WINTER, Figure(published(now, base), base=base)
    )
    if found is not None:
        assert ("up" in found.words) == (now > before) and now != before


@given(st.tuples(COUNTS, COUNTS), st.tuples(COUNTS, COUNTS), st.sampled_from([5, 10]))
def test_so_has_a_share(before: tuple[int, int], now: tuple[int, int], base: int) -> None:
    (above, below), (above_now, below_now) = sorted(before), sorted(now)
    found = change(
        Figure(published(above, base), published(below, base), base),
        WINTER,
        Figure(published(above_now, base), published(below_now, base), base),
    )
    if found is not None:
        rose = above_now * below > above * below_now
        assert ("up" in found.words) == rose


@given(st.lists(COUNTS, min_size=2, max_size=4), st.sampled_from([5, 10]))
def test_what_rounding_leaves_open_holds_the_truth(counts: list[int], base: int) -> None:
    shown = [published(count, base) for count in counts]
    bounds = Figure(str(sum(map(int, shown))), base=base, parts=len(shown)).bounds
    assert bounds is not None and bounds[0] <= sum(counts) <= bounds[1]


@pytest.mark.parametrize(
    ("before", "now", "linkage", "is_stated"),
    [
        (Figure("100"), Figure("150"), 0, True),
        (Figure("100"), Figure("105"), 0, False),  # rounding
        (Figure("100"), Figure("115"), 0, False),  # chance: twice the root of 215 is 29
        (Figure("1000"), Figure("1100"), 0, True),
        (Figure("1000"), Figure("1100"), 50, False),  # linkage
        (Figure("40", "100"), Figure("60", "100"), 0, True),
        (Figure("40", "100"), Figure("60", "100"), 9, False),
        (Figure("10", "20"), Figure("15", "20"), 0, False),
        (Figure("[c]"), Figure("150"), 0, False),
        (Figure("100", "[c]"), Figure("150", "200"), 0, False),
        (Figure("100"), Figure("150", parts=2), 0, False),  # a window and a sum of two
    ],
)
def test_a_change_is_stated_where_nothing_else_could_have_made_it(
    before: Figure, now: Figure, linkage: float, is_stated: bool
) -> None:
    before, now = (replace(one, linkage=linkage) for one in (before, now))
    assert (change(before, WINTER, now) is not None) == is_stated


def test_a_window_is_compared_with_the_last_and_with_a_year_ago_only() -> None:
    low, high = Figure("100"), Figure("200")
    assert [one.since for one in changes([(WINTER, low), (SPRING, high)])] == [WINTER]
    assert changes([(AUTUMN, low), (SPRING, high)]) == ()  # the one between is not public
    both = changes([(LAST_SPRING, low), (WINTER, low), (SPRING, high)])
    assert [one.since for one in both] == [WINTER, LAST_SPRING]


def test_a_measure_in_a_sentence() -> None:
    shares = [(WINTER, Figure("40", "120")), (SPRING, Figure("80", "120"))]
    assert measure_words("releases", shares) == (
        "67%, about 80 of 120 releases, in April to June 2026; up from 33% in January to March 2026"
    )
    assert measure_words("people", [(SPRING, Figure("1310"))]) == (
        "about 1,310 people, in April to June 2026"
    )
    assert "privacy" in measure_words("people", [(SPRING, Figure("[c]"))])
    assert "no partner" in measure_words("people", [(SPRING, Figure("[x]"))])
    assert "no clear change" in measure_words(
        "people", [(WINTER, Figure("10")), (SPRING, Figure("15"))]
    )


def test_measures_side_by_side_in_a_sentence() -> None:
    figures = [
        ("For opiates", Figure("230")),
        ("For crack", Figure("[c]")),
        ("For both", Figure("5", "20")),
        ("For all", Figure("10", "1200")),
    ]
    assert together_sentence(figures, SPRING) == (
        "In April to June 2026: for opiates, about 230; for both, between 13% and 39% "
        "(5 of 20); for all, 1% (10 of 1,200)."
    )
    assert "privacy" in together_sentence(figures[1:2], SPRING)


STEPS = (
    ("Released from prison", "120", False),
    ("In contact with a service", "90", False),
    ("Already treated", "10", True),
    ("In structured treatment", "[c]", False),
    ("Stayed 12 weeks", "30", False),
)


def test_a_funnel_in_a_sentence() -> None:
    assert funnel_sentence(STEPS, SPRING) == (
        "Released from prison: about 120 people in April to June 2026. Of them: about 90 (75%) in "
        "contact with a service; about 30 (25%) stayed 12 weeks."
    )
    masked = (("Released from prison", "[c]", False), *STEPS[1:])
    assert funnel_sentence(masked, SPRING) == (
        "Released from prison: how many people in April to June 2026 cannot be told without risk "
        "to someone’s privacy. Of them: about 90 in contact with a service; about 30 stayed 12 "
        "weeks."
    )
    hidden = tuple((title, "[c]", is_part) for title, _, is_part in STEPS)
    assert "too few people" in funnel_sentence(hidden, SPRING)
    assert "cannot be shown" in funnel_sentence((STEPS[0], STEPS[3]), SPRING)


def test_a_share_of_few_people_is_told_as_the_range_that_rounding_leaves() -> None:
    few = (("Released", "65", False), ("Treated", "15", False))
    assert "about 15 (between 15% and 32%) treated" in funnel_sentence(few, SPRING, 5, parts=2)
    moved = funnel_sentence(few, SPRING, 5, 2, {"Treated": 2})  # as its own table has it
    assert "about 15 (between 13% and 34%) treated" in moved
    many = (("Released", "650", False), ("Treated", "150", False))
    assert "about 150 (23%) treated" in funnel_sentence(many, SPRING, 5, parts=2)


def test_a_range_in_a_sentence_is_that_of_the_table() -> None:
    """Both allow for linkage: a reader saw 25 to 43 per cent above and 24 to 44 beneath."""
    few = Figure("15", "45", parts=2)
    told = Told("Treated", "people", ((SPRING, few),), linkage=1)
    words, grid = told.words, window_part(told).grid
    assert grid is not None
    low, high = grid.rows[0][-1].split(" to ")
    assert f"between {low} and {high}" in words
    assert few.said != replace(few, linkage=1).said


@given(COUNTS, COUNTS)
def test_and_that_range_holds_the_truth(one: int, two: int) -> None:
    above, below = sorted((one, two))
    said = Figure(published(above), published(below)).said
    if said.startswith("between"):
        low, high = (int(end.rstrip("%")) for end in said.split()[1::2])
        assert low <= 100 * above / below <= high


def test_what_came_next_is_told_with_every_count_that_is_shown() -> None:
    links = [("New arrest", "20", "60"), ("No new step", "40", "60"), ("Treatment", "[c]", "60")]
    assert next_sentence(links, "Release from prison", SPRING) == (
        "Release from prison: about 60 in April to June 2026. What came next within 90 days, as "
        "far as records could be linked: “no new step”, about 40 (between 61% and 73%); “new "
        "arrest”, about 20 (33%)."
    )


def test_how_many_links_are_missed_is_told_from_published_estimates_alone() -> None:
    def rows(**told: str) -> list[dict[str, str]]:
        named = {"found": ("all partners", LINKS_FOUND), "right": ("all partners", LINKS_RIGHT)}
        named["between"] = ("police–probation", LINKS_FOUND)
        return [
            dict(zip(("partners", "measure", "percent"), (*named[one], percent), strict=True))
            for one, percent in told.items()
        ]

    whole = links_sentence(rows(found="88", right="99", between="80"))
    assert "about 88 in 100 were brought together" in whole
    assert "Fewest were found between police and probation: 80 in 100." in whole
    assert "Fewest" not in links_sentence(rows(found="88", right="99", between="[u]"))
    assert "cannot be estimated" in links_sentence(rows(found="[u]", right="99"))


def test_the_largest_loss_is_told_only_where_it_is_sure() -> None:
    def steps(*people: str) -> list[tuple[str, str, bool]]:
        return [(f"Step {place}", shown, False) for place, shown in enumerate(people)]

    assert "before “step 2”: of about 110" in loss_sentence(steps("120", "110", "60"), 5)
    assert loss_sentence(steps("120", "90", "55"), 5) == ""  # 30 and 35 are alike, rounded
    assert loss_sentence(steps("120", "[c]", "55"), 5) == ""
    assert loss_sentence(steps("120", "120", "120"), 5) == ""


def test_targets_in_a_sentence() -> None:
    rows = [(True, "met"), (True, "too close to call"), (False, ""), (True, "")]
    assert targets_sentence(rows) == (
        "Of 4 indicators, 3 can be told from these partners’ records. Of the 2 that can be set "
        "against a target, 1 met it, none missed it and 1 is too close to call."
    )
    assert targets_sentence([(True, "not met"), *rows[1:]] * 2).endswith(
        "Of the 4 that can be set against a target, none met it, 2 missed it and 2 are too close "
        "to call."
    )
