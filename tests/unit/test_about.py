"""What a publication says of its data and links: in steps too coarse to tell of anybody."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pack import QUARTERS, table

from governance.disclosure import Rule
from warehouse.publish.about import COARSE, data_quality, linkage_quality, linkage_sensitivity
from warehouse.publish.latest import latest
from warehouse.publish.pack import COLUMNS, check_shown

STAGED = {
    "partner": "police",
    "table_name": "custody",
    "rows_staged": 1234,
    "rows_used": 1180,
    "rows_unplaced": 3,
    "rows_undated": 0,
    "rows_ahead": 51,
}


def test_records_are_told_in_fifties_and_few_are_masked() -> None:
    rows = data_quality(pl.DataFrame([STAGED]))
    assert rows.select("measure", "records", "percent").rows() == [
        ("accepted", "1250", "100"),
        ("used", "1200", "96"),
        ("left out: nothing says whose they are", "[c]", "[c]"),
        ("left out: no date", "[c]", "[c]"),
        ("left out: dated after the extract", "50", "4"),
    ]
    assert rows["source"].unique().to_list() == ["police custody"]
    check_shown("data_quality", rows, 10)


def test_a_table_that_nobody_sent_has_no_row() -> None:
    bare = {**STAGED, "rows_staged": 0, "rows_used": 0, "rows_ahead": 0, "rows_unplaced": 0}
    assert data_quality(pl.DataFrame([bare])).is_empty()


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_numbers_of_records_that_differ_by_few_look_alike_or_are_far_apart(a: int, b: int) -> None:
    shown = [
        data_quality(pl.DataFrame([{**STAGED, "rows_staged": n, "rows_used": n}]))["records"]
        for n in (max(a, 1), max(b, 1))
    ]
    for one in shown:
        assert one[0] == "[c]" or int(one[0]) % COARSE == 0


def judged(**said: Any) -> pl.DataFrame:
    row: dict[str, Any] = {
        "split": "partners",
        "partner_a": "police",
        "partner_b": "treatment",
        "measure": "precision",
        "value": 0.987,
        "judged": 640,
    }
    return pl.DataFrame([row | said], infer_schema_length=None)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({}, ("police–treatment", "precision", "650", "99")),
        ({"value": 0.9996}, ("police–treatment", "precision", "650", "99")),
        ({"value": 1.0}, ("police–treatment", "precision", "650", "100")),
        ({"judged": 99}, ("police–treatment", "precision", "100", "[c]")),
        ({"judged": 20}, ("police–treatment", "precision", "[c]", "[c]")),
        ({"value": None, "judged": None}, ("police–treatment", "precision", "[c]", "[x]")),
        ({"split": "all"}, ("all partners", "precision", "650", "99")),
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
    rule = Rule()
    return linkage_sensitivity(counts, latest(outcomes, rule), rule).rows()


NAMED = ("continuity", "within")


@pytest.mark.parametrize(
    ("counts", "shown", "ends"),
    [
        (((-3, 52, 100), (0, 50, 100), (3, 49, 100)), ("50", "100"), ("48", "52")),
        (((-3, 60, 100), (0, 50, 100)), ("50", "100"), ("40", "60")),
        (((-3, 50, 100), (0, 50, 100)), ("50", "100"), ("49", "51")),
        (((-3, 97, 100), (0, 99, 100)), ("100", "100"), ("98", "100")),
        (((-3, 310, None), (0, 300, None)), ("300", "[z]"), ("285", "315")),
        (((-3, 20, 40), (0, 20, 45)), ("20", "45"), ("[c]", "[c]")),
        (((-3, 60, 100), (0, 50, 100)), ("[c]", "100"), ("[c]", "[c]")),
    ],
)
def test_a_figure_hangs_on_linkage_by_a_step_around_what_is_published(
    counts: Any, shown: tuple[str, str], ends: tuple[str, str]
) -> None:
    assert sensitivity(otherwise(*counts), shown) == [(*NAMED, *ends)]


def test_one_threshold_alone_tells_nothing() -> None:
    assert sensitivity(otherwise((0, 50, 100)), ("50", "100")) == []


@given(st.integers(50, 400), st.integers(-40, 40), st.integers(50, 99))
def test_the_range_takes_in_what_other_linking_would_give(now: int, more: int, of: int) -> None:
    """The share at another threshold, to within what rounding moves the published one."""
    below = now * 100 // of
    other = min(max(now + more, 0), below)
    counts = otherwise((-3, other, below), (0, now, below))
    rule = Rule()
    ((_, _, low, high),) = sensitivity(counts, (rule.rounded(now), rule.rounded(below)))
    swing = abs(100 * other / below - 100 * now / below)
    value = (int(low) + int(high)) / 2
    assert int(high) - value >= swing or int(high) == 100 or int(low) == 0


def test_the_tables_have_the_columns_of_a_pack() -> None:
    assert tuple(data_quality(pl.DataFrame([STAGED])).columns) == COLUMNS["data_quality"]
    assert tuple(linkage_quality(judged()).columns) == COLUMNS["linkage_quality"]
