"""A share of a cohort that the event reached is the funnel's, wherever both say it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.disclosure import percentage
from warehouse.cohorts import load_cohorts
from warehouse.cohorts.rows import stage_rows
from warehouse.cohorts.vocabulary import vocabulary
from warehouse.publish.assemble import SURVIVALS, Shown, days_within
from warehouse.publish.indexes import DAYS, FUNNEL
from warehouse.publish.windows import Window

WINDOW = Window(date(2026, 4, 1), date(2026, 6, 30))


def curve(everyone: str, step: str, waiting: list[str], within: int | None, made: int) -> list[str]:
    """The percentages of a curve: of everyone, so many reached the step, and so many waited."""
    steps = (("1", "Released", everyone), ("2", "In contact", step))
    cells = {("T", "All", "All", number, title, "false"): shown for number, title, shown in steps}
    waits = {
        ("T", "All", "All", "In contact", str(day)): shown
        for day, shown in zip(DAYS, waiting, strict=True)
    }
    shown = Shown(FUNNEL, "released", "people", WINDOW, WINDOW.label, cells, waits, within)
    return [row[-1] for row in SURVIVALS[made](shown)]


@pytest.mark.parametrize(
    ("step", "waiting", "within", "told"),
    [
        ("5", ["40", "35", "35", "35"], 21, ["0", "13", "13", "13"]),
        ("5", ["40", "35", "30", "30"], 21, ["0", "13", "13", "13"]),  # 5 and 30 are not 40
        ("15", ["40", "35", "30", "30"], 21, ["0", "13", "38", "38"]),
        ("15", ["40", "[c]", "30", "20"], 90, ["0", "[c]", "25", "38"]),
        ("[c]", ["40", "40", "35", "35"], 21, ["0", "0", "[c]", "[c]"]),
        ("[c]", ["40", "40", "35", "35"], None, ["0", "0", "13", "13"]),
    ],
)
def test_a_figure_has_one_value(
    step: str, waiting: list[str], within: int | None, told: list[str]
) -> None:
    assert curve("40", step, waiting, within, 2) == told


def test_the_first_publications_are_read_as_they_were_made() -> None:
    assert curve("40", "5", ["40", "35", "30", "30"], 21, 1) == ["0", "12", "25", "25"]


@given(
    waiting=st.lists(st.integers(0, 40), min_size=len(DAYS), max_size=len(DAYS)),
    step=st.integers(0, 40),
    within=st.sampled_from([None, 21, 90]),
)
def test_a_curve_never_falls_and_never_passes_the_step(
    waiting: list[int], step: int, within: int | None
) -> None:
    shares = [int(one) for one in curve("40", str(step), list(map(str, waiting)), within, 2)]
    assert shares == sorted(shares) and shares[-1] <= int(percentage(str(step), "40"))


def test_the_days_of_a_step_are_read_from_what_it_counts() -> None:
    words = vocabulary()
    for cohort in load_cohorts():
        second = stage_rows(cohort, words)[1]
        assert days_within(f"who | contact of 1: {second['meaning']}") == words.days(
            cohort.stages[0].days
        )
    assert days_within("who | kept of 1: treated on the index day and still 84 days after") is None
    assert days_within("") is None
