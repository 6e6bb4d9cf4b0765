"""The scoring of pairs and groups agrees with counting them one by one."""

from itertools import combinations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.scoring import ALL, CROSS, connected_groups, evaluate

RECORDS = st.lists(
    st.tuples(st.sampled_from(["police", "housing"]), st.integers(0, 3), st.integers(0, 3)),
    min_size=2,
    max_size=12,
)


def by_hand(records, joined, cross):
    """Return precision, recall and F1 of a set of pairs of positions."""
    pairs = [
        (a, b)
        for a, b in combinations(range(len(records)), 2)
        if not cross or records[a][0] != records[b][0]
    ]
    true = {(a, b) for a, b in pairs if records[a][1] == records[b][1]}
    found = {pair for pair in pairs if joined(*pair)}
    both = len(true & found)
    return (
        both / len(found) if found else 0.0,
        both / len(true) if true else 0.0,
        2 * both / (len(found) + len(true)) if found or true else 0.0,
    )


def no_pairs():
    return pl.DataFrame(
        schema={"record_id_l": pl.Int64, "record_id_r": pl.Int64, "match_weight": pl.Float64}
    )


@settings(max_examples=60, deadline=None)
@given(RECORDS)
def test_groups_are_scored_as_the_pairs_they_imply(records):
    truth = pl.DataFrame(
        {
            "record_id": range(len(records)),
            "partner": [partner for partner, _, _ in records],
            "person": [person for _, person, _ in records],
        }
    )
    groups = pl.DataFrame(
        {"record_id": range(len(records)), "group": [group for _, _, group in records]}
    )
    scores = evaluate(no_pairs(), groups, truth).scores.filter(kind="group")
    for scope, cross in ((ALL, False), (CROSS, True)):
        row = scores.filter(scope=scope).row(0, named=True)
        expected = by_hand(records, lambda a, b: records[a][2] == records[b][2], cross)
        assert (row["precision"], row["recall"], row["f1"]) == pytest.approx(expected)


def four_records():
    truth = pl.DataFrame(
        {
            "record_id": [1, 2, 3, 4],
            "partner": ["police", "police", "housing", "housing"],
            "person": [1, 1, 1, 2],
        }
    )
    pairs = pl.DataFrame(
        {"record_id_l": [1, 3, 4], "record_id_r": [2, 1, 3], "match_weight": [9.0, 5.0, 1.0]}
    )
    return pairs, truth


def test_pairs_are_scored_at_the_best_threshold():
    pairs, truth = four_records()
    groups = connected_groups(pairs, 5.0)
    evaluation = evaluate(pairs, groups, truth)
    assert evaluation.threshold == 5.0
    # Two of three true pairs found, none wrong; the third follows from the group.
    assert evaluation.f1("pair") == pytest.approx(0.8)
    assert evaluation.f1("pair", CROSS) == pytest.approx(2 / 3)
    assert evaluation.f1("pair", "police–police") == 1.0
    assert evaluation.f1("group") == 1.0


def test_a_lower_threshold_joins_more():
    pairs, _ = four_records()
    assert connected_groups(pairs, 0.0)["group"].n_unique() == 1
    assert connected_groups(pairs, 9.0)["record_id"].sort().to_list() == [1, 2]
    assert connected_groups(pairs, 10.0).is_empty()


def test_records_that_no_group_holds_stand_alone():
    pairs, truth = four_records()
    assert evaluate(pairs, connected_groups(pairs, 10.0), truth).f1("group") == 0.0
