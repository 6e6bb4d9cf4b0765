"""What a publication says of its data and links: in steps too coarse to tell of anybody."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pack import QUARTERS, table, tables

from governance.disclosure import Rule
from warehouse.publish.about import COARSE, data_quality, linkage_quality
from warehouse.publish.pack import COLUMNS, LINKS_RIGHT, check_shown
from warehouse.publish.sensitivity import linkage_sensitivity

RULE = Rule()
STAGED = {
    "partner": "police",
    "table_name": "custody",
    "rows_staged": 1234,
    "rows_used": 1180,
    "rows_unplaced": 3,
    "rows_undated": 0,
    "rows_ahead": 51,
    "people": 700,
}


def test_records_are_told_in_fifties_and_few_are_masked() -> None:
    rows = data_quality(pl.DataFrame([STAGED]), RULE)
    assert rows.select("measure", "records", "percent").rows() == [
        ("accepted", "1250", "100"),
        ("used", "1200", "96"),
        ("left out: nothing says whose they are", "[low]", "[low]"),
        ("left out: no date", "[low]", "[low]"),
        ("left out: dated after the extract", "50", "4"),
    ]
    assert rows["source"].unique().to_list() == ["police custody"]
    check_shown("data_quality", rows, 10)


def test_a_source_that_tells_of_too_few_people_is_masked_whole() -> None:
    rows = data_quality(pl.DataFrame([{**STAGED, "people": 4}]), RULE)
    assert set(rows["records"]) == set(rows["percent"]) == {"[c]"}
    assert "[c]" not in data_quality(pl.DataFrame([{**STAGED, "people": 5}]), RULE)["records"]


def said(shown: str) -> tuple[int, int]:
    """The numbers of records that a published one can stand for."""
    if shown == "[low]":
        return 0, COARSE - 1
    return max(int(shown) - COARSE // 2, COARSE), int(shown) + COARSE // 2 - 1


FEWEST_LEFT = 20
FEW_OR_MANY = st.one_of(st.integers(0, 300), st.integers(0, 5000))


@given(st.tuples(FEW_OR_MANY, FEW_OR_MANY, FEW_OR_MANY, FEW_OR_MANY).filter(sum))
def test_each_number_of_records_stands_for_many_though_they_add_up(counts: Any) -> None:
    """Whoever adds up a source's numbers is left with 20 that each of them may be, or more.

    There is one sum and nothing else to set them against, so the ends are found without a solver.
    """
    kinds = ("rows_used", "rows_unplaced", "rows_undated", "rows_ahead")
    row = {**STAGED, **dict(zip(kinds, counts, strict=True)), "rows_staged": sum(counts)}
    whole, *parts = [said(shown) for shown in data_quality(pl.DataFrame([row]), RULE)["records"]]
    for place, (low, high) in enumerate(parts):
        others = [part for other, part in enumerate(parts) if other != place]
        least = max(low, whole[0] - sum(most for _, most in others))
        most = min(high, whole[1] - sum(fewest for fewest, _ in others))
        assert least <= counts[place] <= most
        assert most - least >= FEWEST_LEFT


def test_a_table_that_nobody_sent_has_no_row() -> None:
    bare = {**STAGED, "rows_staged": 0, "rows_used": 0, "rows_ahead": 0, "rows_unplaced": 0}
    assert data_quality(pl.DataFrame([bare]), RULE).is_empty()


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_numbers_of_records_that_differ_by_few_look_alike_or_are_far_apart(a: int, b: int) -> None:
    shown = [
        data_quality(pl.DataFrame([{**STAGED, "rows_staged": n, "rows_used": n}]), RULE)["records"]
        for n in (max(a, 1), max(b, 1))
    ]
    for one in shown:
        assert one[0] == "[low]" or int(one[0]) % COARSE == 0


def judged(people: float = 50.0, **said: Any) -> pl.DataFrame:
    row: dict[str, Any] = {
        "split": "partners",
        "partner_a": "police",
        "partner_b": "treatment",
        "measure": "precision",
        "value": 0.987,
        "judged": 640,
    }
    known = {"split": "partners", "measure": "people known to both", "judged": None}
    whole = {**known, "partner_a": "police", "partner_b": None, "measure": "people"}
    return pl.DataFrame(
        [
            row | said,
            row | known | {"value": people},
            row | whole | {"value": 400.0},
        ],
        infer_schema_length=None,
    )


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({}, ("police–treatment", LINKS_RIGHT, "650", "99")),
        ({"value": 0.9996}, ("police–treatment", LINKS_RIGHT, "650", "99")),
        ({"value": 1.0}, ("police–treatment", LINKS_RIGHT, "650", "100")),
        ({"judged": 99}, ("police–treatment", LINKS_RIGHT, "100", "[u]")),
        ({"people": 49.0}, ("police–treatment", LINKS_RIGHT, "650", "[u]")),
        ({"judged": 20}, ("police–treatment", LINKS_RIGHT, "[low]", "[u]")),
        ({"value": None, "judged": None}, ("police–treatment", LINKS_RIGHT, "[low]", "[x]")),
        (
            {"split": "all", "partner_a": "all", "partner_b": None},
            ("all partners", LINKS_RIGHT, "650", "99"),
        ),
    ],
)
def test_estimates_of_linkage_are_whole_points_of_enough_pairs(said: Any, shown: Any) -> None:
    assert linkage_quality(judged(**said)).rows() == [shown]


def test_plain_counts_of_people_are_not_told_with_the_links() -> None:
    assert linkage_quality(judged(measure="people known to both")).is_empty()


def otherwise(*counts: tuple[float, int, int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "threshold_offset": offset,
                "name": "continuity",
                "measure": "within",
                "numerator": above,
                "denominator": below,
            }
            for offset, above, below in counts
        ],
        infer_schema_length=None,
    )


def sensitivity(counts: pl.DataFrame, shown: tuple[str, str]) -> list[Any]:
    outcomes = table(
        "outcomes",
        [("continuity", "within", "Title", *QUARTERS[-1], "All", "All", *shown, "[z]", "people")],
    )
    made = linkage_sensitivity(counts, outcomes, table("funnel", []), RULE)
    return made.select("name", "measure", "low", "high").rows()


NAMED = ("continuity", "within")


@pytest.mark.parametrize(
    ("counts", "shown", "ends"),
    [
        (((-3, 52, 100), (0, 50, 100), (3, 49, 100)), ("50", "100"), ("48", "52")),
        (((-3, 60, 100), (0, 50, 100)), ("50", "100"), ("40", "60")),
        (((-3, 50, 100), (0, 50, 100)), ("50", "100"), ("49", "51")),
        (((-3, 97, 100), (0, 99, 100)), ("100", "100"), ("98", "100")),
        (((-3, 310, None), (0, 300, None)), ("300", "[z]"), ("285", "315")),
        (((-3, 20, 40), (0, 20, 45)), ("20", "45"), ("[u]", "[u]")),
        (((-3, 60, 100), (0, 50, 100)), ("[c]", "100"), ("[c]", "[c]")),
    ],
)
def test_a_figure_hangs_on_linkage_by_a_step_around_what_is_published(
    counts: Any, shown: tuple[str, str], ends: tuple[str, str]
) -> None:
    assert sensitivity(otherwise(*counts), shown) == [(*NAMED, *ends)]


def test_the_steps_of_a_cohort_hang_on_linkage_too() -> None:
    """Each is a share of everyone, over the twelve months that are public together."""
    counts = pl.DataFrame(
        {
            "threshold_offset": [-3.0, 0.0] * 2,
            "name": ["release_need"] * 4,
            "measure": ["1. Released from prison with a treatment need"] * 2
            + ["3. In structured community treatment within 21 days"] * 2,
            "numerator": [490, 480, 240, 220],
            "denominator": [490, 480, 490, 480],
        }
    )
    made = linkage_sensitivity(counts, table("outcomes", []), tables()["funnel"], RULE)
    whole = ("July 2025 to June 2026", "480", "people", "455", "505")
    share = ("July 2025 to June 2026", "46", "per cent", "41", "51")
    assert [row[2:] for row in made.rows()] == [whole, share]


def test_one_threshold_alone_tells_nothing() -> None:
    assert sensitivity(otherwise((0, 50, 100)), ("50", "100")) == []


@given(st.integers(50, 400), st.integers(-40, 40), st.integers(50, 99))
def test_the_range_takes_in_what_other_linking_would_give(now: int, more: int, of: int) -> None:
    """The share at another threshold, to within what rounding moves the published one."""
    below = now * 100 // of
    other = min(max(now + more, 0), below)
    counts = otherwise((-3, other, below), (0, now, below))
    ((_, _, low, high),) = sensitivity(counts, (RULE.rounded(now), RULE.rounded(below)))
    swing = abs(100 * other / below - 100 * now / below)
    value = (int(low) + int(high)) / 2
    assert int(high) - value >= swing or int(high) == 100 or int(low) == 0


def test_the_tables_have_the_columns_of_a_pack() -> None:
    assert tuple(data_quality(pl.DataFrame([STAGED]), RULE).columns) == COLUMNS["data_quality"]
    assert tuple(linkage_quality(judged()).columns) == COLUMNS["linkage_quality"]
