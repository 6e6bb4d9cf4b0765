"""No masked part can be worked out from its total, by brute force."""

from itertools import product

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.disclosure.gate import MASKED, gate
from governance.disclosure.parts import bounds, protect_parts


def gated(counts: list[int]) -> list[str]:
    return gate(pl.DataFrame({"people": counts}), ["people"])["people"].to_list()


def possible(parts: list[str], total: str, cap: int) -> list[tuple[int, ...]]:
    """Every table of true counts that would be published so."""
    least, most = bounds(total)
    ranges = [
        range(int(low), int(min(high, cap)) + 1) for low, high in (bounds(part) for part in parts)
    ]
    return [cells for cells in product(*ranges) if least <= sum(cells) <= most]


@pytest.mark.parametrize(
    ("counts", "told"),
    [([12, 12, 4], {4}), ([0, 18, 43, 8, 18], {0})],
)
def test_two_tables_that_gave_a_count_away_no_longer_do(counts, told):
    shown, (total,) = gated(counts), gated([sum(counts)])
    place = shown.index(MASKED)
    low = bounds(total)[0] - sum(bounds(p)[1] for p in shown if p != MASKED)
    high = bounds(total)[1] - sum(bounds(p)[0] for p in shown if p != MASKED)
    assert low >= max(told) or high <= min(told), "the attack works on the gate alone"
    kept = protect_parts(shown, counts, total)
    assert kept.count(MASKED) > 1
    assert kept[place] == MASKED


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 24), min_size=2, max_size=3))
def test_every_masked_part_could_be_anything_from_nought_to_four(counts):
    (total,) = gated([sum(counts)])
    parts = protect_parts(gated(counts), counts, total)
    if total == MASKED:
        return
    tables = possible(parts, total, cap=60)
    for place, part in enumerate(parts):
        if part == MASKED and set(parts) != {MASKED}:
            values = {cells[place] for cells in tables}
            assert set(range(5)) <= values


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=6))
def test_nothing_is_unmasked_or_changed(counts):
    shown, (total,) = gated(counts), gated([sum(counts)])
    for before, after in zip(shown, protect_parts(shown, counts, total), strict=True):
        assert after in (before, MASKED)
