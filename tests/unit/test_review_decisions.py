"""Decisions of reviewers are respected by the groups, whatever links there are."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.groups import groups
from linkage.review import Decisions, contradicts, no_decisions, respect

ID = pl.Int64()
PAIRS = {"record_id_l": ID, "record_id_r": ID}


def pairs(*rows: tuple[int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=PAIRS, orient="row")


def links(*rows: tuple[int, int, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**PAIRS, "match_weight": pl.Float64()}, orient="row")


def decided(same: list[tuple[int, int]] = [], different: list[tuple[int, int]] = []) -> Decisions:  # noqa: B006
    return Decisions(pairs(*same), pairs(*different))


def group_of(made: pl.DataFrame, last: int = 9) -> dict[int, int]:
    whole = groups(pl.int_range(last + 1, dtype=ID, eager=True), made)
    return dict(whole.iter_rows())


CHAIN = links((0, 1, 9.0), (1, 2, 3.0), (2, 3, 8.0))


def test_with_nothing_decided_the_links_are_as_they_were() -> None:
    assert respect(CHAIN, no_decisions()).equals(CHAIN)


def test_records_found_different_are_parted_at_the_weakest_link_between_them() -> None:
    made = respect(CHAIN, decided(different=[(0, 3)]))
    assert made.rows() == [(0, 1, 9.0), (2, 3, 8.0)]


def test_a_link_that_was_found_wrong_falls_itself() -> None:
    assert respect(CHAIN, decided(different=[(2, 3)])).rows() == [(0, 1, 9.0), (1, 2, 3.0)]


def test_a_link_found_right_is_not_the_weakest_any_more() -> None:
    made = respect(CHAIN, decided(same=[(1, 2)], different=[(0, 3)]))
    assert group_of(made)[1] == group_of(made)[2]
    assert group_of(made)[0] != group_of(made)[3]
    assert made.select("record_id_l", "record_id_r").rows() == [(0, 1), (1, 2)]


def test_records_found_the_same_share_a_group_without_any_link() -> None:
    made = respect(CHAIN, decided(same=[(3, 7)]))
    assert group_of(made)[7] == group_of(made)[0]


def test_where_both_are_said_different_wins() -> None:
    made = respect(links(), decided(same=[(0, 1), (1, 2)], different=[(0, 2)]))
    assert group_of(made)[0] != group_of(made)[2]


def test_other_columns_come_through() -> None:
    named = CHAIN.with_columns(linked=pl.lit(value=True))
    made = respect(named, decided(different=[(0, 3)]))
    assert made.columns == named.columns and made["linked"].all()


def test_decisions_of_records_that_have_gone_do_nothing() -> None:
    assert respect(CHAIN, decided(different=[(50, 60)])).equals(CHAIN)


@pytest.mark.parametrize(
    ("one", "other", "decision", "contrary"),
    [
        (0, 2, "different", True),
        (0, 2, "unsure", False),
        (0, 3, "different", False),
        (2, 5, "same", True),
        (2, 4, "same", False),
    ],
)
def test_a_decision_that_contradicts_others_is_known(
    one: int, other: int, decision: str, contrary: bool
) -> None:
    before = decided(same=[(0, 1), (1, 2)], different=[(0, 5)])
    assert contradicts(before, one, other, decision) is contrary


pair = st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] != p[1])
ordered = pair.map(lambda p: (min(p), max(p)))
drawn = st.dictionaries(ordered, st.sampled_from([1.0, 2.0, 2.0, 5.0]), max_size=16)
few = st.lists(ordered, max_size=4, unique=True)


@given(drawn, few, few, st.randoms(use_true_random=False))
def test_whatever_is_decided_is_respected(weights, same, different, chance) -> None:
    given_links = links(*((*ends, weight) for ends, weight in sorted(weights.items())))
    made = respect(given_links, decided(same, different))
    held = group_of(made)
    assert all(held[a] != held[b] for a, b in different)
    # What is found the same is together, unless a decision forbids it.
    by_decision = group_of(respect(links(), decided(same, different)))
    assert all(held[a] == held[b] for a, b in same if by_decision[a] == by_decision[b])
    # No link was left out that could have stood.
    wanted = {**weights, **dict.fromkeys(same, 0.0)}
    for a, b in set(wanted) - set(made.select("record_id_l", "record_id_r").rows()):
        joined = {node: held[a] if part == held[b] else part for node, part in held.items()}
        assert any(joined[x] == joined[y] for x, y in different)
    # Groups in which nothing was decided are as they were.
    before = group_of(given_links)
    named = {before[node] for ends in (*same, *different) for node in ends}
    for node, group in before.items():
        if group not in named:
            assert held[node] == group
    # And the order of rows makes no difference.
    shuffled = given_links.sample(fraction=1, shuffle=True, seed=chance.randint(0, 9999))
    other_way = decided(same[::-1], different[::-1])
    assert respect(shuffled, other_way).equals(made)
    assert respect(made, decided(same, different)).equals(made)
