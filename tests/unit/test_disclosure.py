"""The publication gate: what is masked, what is rounded, and what it refuses."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.disclosure import DisclosureError, gate, percentage


def shown(counts: list[int | None], **options) -> list[str]:
    frame = pl.DataFrame({"people": counts}, schema={"people": pl.Int64})
    return gate(frame, ["people"], **options).get_column("people").to_list()


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "[c]"),
        (1, "[c]"),
        (4, "[c]"),
        (5, "5"),
        (7, "5"),
        (8, "10"),
        (12, "10"),
        (13, "15"),
        (1002, "1000"),
    ],
)
def test_counts_are_masked_below_five_and_rounded_to_five(count: int, expected: str) -> None:
    assert shown([count]) == [expected]


@given(st.lists(st.integers(0, 10_000)))
def test_no_small_count_survives_and_rounding_moves_a_count_by_two_at_most(
    counts: list[int],
) -> None:
    for count, value in zip(counts, shown(counts), strict=True):
        if count < 5:
            assert value == "[c]"
        else:
            assert int(value) % 5 == 0
            assert int(value) >= 5
            assert abs(int(value) - count) <= 2


@given(
    st.lists(st.integers(0, 500), min_size=1),
    st.sampled_from([(5, 5), (8, 5), (10, 10), (7, 5)]),
)
def test_a_higher_threshold_masks_more(counts: list[int], rule: tuple[int, int]) -> None:
    threshold, base = rule
    for count, value in zip(counts, shown(counts, threshold=threshold, base=base), strict=True):
        assert (value == "[c]") == (count < threshold)
        if value != "[c]":
            assert abs(int(value) - count) * 2 <= base


@given(st.integers(0, 300), st.integers(0, 300))
def test_neither_a_count_nor_what_is_left_of_its_total_can_be_told_when_small(
    count: int, others: int
) -> None:
    frame = pl.DataFrame({"numerator": [count], "denominator": [count + others]})
    gated = gate(frame, ["numerator", "denominator"], totals={"numerator": "denominator"})
    value = gated.get_column("numerator")[0]
    assert (value == "[c]") == (count < 5 or others < 5)


def test_a_total_used_only_for_masking_does_not_leave() -> None:
    frame = pl.DataFrame({"people": [98, 40], "everyone": [100, 100]})
    gated = gate(frame, ["people"], totals={"people": "everyone"})
    assert gated.to_dict(as_series=False) == {"people": ["[c]", "40"]}


def test_tests_are_masked_by_the_people_behind_them() -> None:
    frame = pl.DataFrame({"numerator": [40, 40], "who": [3, 30]})
    gated = gate(frame, ["numerator"], people={"numerator": "who"})
    assert gated.to_dict(as_series=False) == {"numerator": ["[c]", "40"]}


def test_tests_are_masked_by_the_people_left_over() -> None:
    frame = pl.DataFrame({"numerator": [40, 40], "others": [2, 20]})
    gated = gate(frame, ["numerator"], rest={"numerator": "others"})
    assert gated.to_dict(as_series=False) == {"numerator": ["[c]", "40"]}


def test_an_unknown_number_of_people_masks() -> None:
    frame = pl.DataFrame({"numerator": [40], "who": [None]}, schema_overrides={"who": pl.Int64})
    assert gate(frame, ["numerator"], people={"numerator": "who"})["numerator"][0] == "[c]"


def test_only_a_nought_can_be_structural() -> None:
    frame = pl.DataFrame({"people": [0, 3, 0], "never": [True, True, False]})
    gated = gate(frame, ["people"], structural_zero="never")
    assert gated.to_dict(as_series=False) == {"people": ["0", "[c]", "[c]"]}


def test_a_missing_count_says_why() -> None:
    assert shown([None, 6], absent={"people": "[x]"}) == ["[x]", "5"]
    with pytest.raises(DisclosureError, match="nothing says why"):
        shown([None])


def test_a_gated_table_is_not_gated_again() -> None:
    once = gate(pl.DataFrame({"people": [7]}), ["people"])
    with pytest.raises(DisclosureError, match="through the gate already"):
        gate(once, ["people"])


@pytest.mark.parametrize(
    "refused",
    [
        {"count_columns": ["absent"]},
        {"count_columns": ["rate"]},
        {"count_columns": ["below"]},
        {"count_columns": ["people"], "threshold": 1},
        {"count_columns": ["people"], "base": 1},
        {"count_columns": ["people"], "threshold": 5, "base": 20},
        {"count_columns": ["people"], "totals": {"other": "people"}},
        {"count_columns": ["people"], "structural_zero": "people"},
        {"count_columns": ["gap"], "absent": {"gap": "3"}},
    ],
)
def test_what_the_gate_refuses(refused: dict) -> None:
    frame = pl.DataFrame({"people": [7], "rate": [0.5], "below": [-1], "gap": [None]})
    with pytest.raises(DisclosureError) as caught:
        gate(frame, **refused)
    assert "7" not in str(caught.value)


def test_the_frame_given_is_left_as_it_was() -> None:
    frame = pl.DataFrame({"people": [3, 8]})
    gate(frame, ["people"])
    assert frame.get_column("people").to_list() == [3, 8]


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        ("5", "40", "13"),
        ("10", "30", "33"),
        ("40", "40", "100"),
        ("[c]", "40", "[c]"),
        ("5", "[c]", "[c]"),
        ("[x]", "40", "[x]"),
        ("[c]", "[z]", "[z]"),
        ("0", "0", "[z]"),
    ],
)
def test_percentages_come_from_published_counts(
    numerator: str, denominator: str, expected: str
) -> None:
    assert percentage(numerator, denominator) == expected
