"""Groups are looked at for size, density, bridges and strong ids; bridges against brute force."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage.clusters import CHECKS, LARGE, bridges, check_groups, doubtful_links
from linkage.groups import groups
from schemas.encoded import encoded_schema

ID = pl.Int64()


def links_of(pairs: list[tuple[int, int]], weight: float = 9.0) -> pl.DataFrame:
    frame = pl.DataFrame(pairs, schema={"record_id_l": ID, "record_id_r": ID}, orient="row")
    return frame.with_columns(match_weight=pl.lit(weight))


def records(count: int, **columns: list[int | None]) -> pl.DataFrame:
    """Encoded records 0, 1, …, all unlike."""
    ids = pl.int_range(count, dtype=ID, eager=True)
    given_columns = {"record_id": ids, "t_date_surname": ids, "partner": ["police"] * count}
    frame = pl.DataFrame({**given_columns, **columns})
    lacking = [
        pl.lit(None, kind).alias(name)
        for name, kind in encoded_schema().items()
        if name not in frame.columns
    ]
    return frame.with_columns(lacking).select(
        pl.col(name).cast(kind) for name, kind in encoded_schema().items()
    )


def complete(nodes: range) -> list[tuple[int, int]]:
    return [(a, b) for a in nodes for b in nodes if a < b]


def checked(encoded: pl.DataFrame, pairs: list[tuple[int, int]]) -> list[dict[str, object]]:
    links = links_of(pairs)
    return check_groups(groups(encoded["record_id"], links), links, encoded).to_dicts()


def flags(row: dict[str, object]) -> set[str]:
    return {check for check in CHECKS if row[check]}


def test_a_group_in_which_everybody_is_linked_is_not_flagged() -> None:
    (row,) = checked(records(6), complete(range(5)))
    assert row["records"] == 5 and row["links"] == 10 and row["density"] == 1.0
    assert flags(row) == set()


def test_two_parts_that_one_link_holds_together_are_told() -> None:
    (row,) = checked(records(6), [*complete(range(3)), *complete(range(3, 6)), (2, 3)])
    assert row["bridges"] == 1
    assert flags(row) == {"bridged", "sparse"}


def test_a_record_that_hangs_on_one_link_is_no_part() -> None:
    (row,) = checked(records(5), [*complete(range(4)), (3, 4)])
    assert row["bridges"] == 0 and flags(row) == set()


def test_a_chain_is_sparse() -> None:
    (row,) = checked(records(7), [(a, a + 1) for a in range(6)])
    assert row["density"] == pytest.approx(6 / 21)
    assert "sparse" in flags(row)


def test_strong_ids_that_differ_are_told_and_a_partners_own_are_not() -> None:
    pair = complete(range(2))
    (row,) = checked(records(2, t_pnc_id=[7, 8]), pair)
    assert flags(row) == {"conflicting"}
    (row,) = checked(records(2, t_pnc_id=[7, None], t_local_id=[3, 4]), pair)
    assert flags(row) == set()


def test_a_large_group_is_told() -> None:
    (row,) = checked(records(LARGE + 1), complete(range(LARGE + 1)))
    assert flags(row) == {"large"}


def test_alike_records_count_once() -> None:
    """A hundred copies of one record, each linked to the first, are neither large nor sparse."""
    copies = records(100, t_date_surname=[4] * 100)
    (row,) = checked(copies, [(0, at) for at in range(1, 100)])
    assert row["records"] == 1 and flags(row) == set()


def test_the_weakest_link_of_a_flagged_group_is_to_be_looked_at_where_it_has_no_bridge() -> None:
    encoded = records(3, t_pnc_id=[7, 8, None])
    links = links_of(complete(range(3))).with_columns(match_weight=pl.Series([5.0, 9.0, 2.0]))
    grouped = groups(encoded["record_id"], links)
    found = doubtful_links(check_groups(grouped, links, encoded), grouped, links, encoded)
    assert found.rows() == [(1, 2, 2.0, "conflicting")]


def test_the_bridges_of_a_flagged_group_are_to_be_looked_at() -> None:
    encoded = records(4)
    links = links_of([(0, 1), (1, 2), (2, 3)])
    grouped = groups(encoded["record_id"], links)
    found = doubtful_links(check_groups(grouped, links, encoded), grouped, links, encoded)
    assert found.select("record_id_l", "record_id_r", "why").rows() == [(1, 2, "bridged")]


def test_no_groups_are_no_trouble() -> None:
    assert checked(records(3), []) == []
    assert bridges(links_of([])).is_empty()


edges = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=14).map(
    lambda pairs: sorted({(min(p), max(p)) for p in pairs if p[0] != p[1]})
)


@given(edges)
def test_bridges_are_those_without_which_two_parts_would_fall_apart(
    pairs: list[tuple[int, int]],
) -> None:
    def part(of: int, among: list[tuple[int, int]]) -> set[int]:
        reached, grown = {of}, True
        while grown:
            more = {b for a, b in among if a in reached} | {a for a, b in among if b in reached}
            grown = not more <= reached
            reached |= more
        return reached

    expected = []
    for pair in pairs:
        others = [other for other in pairs if other != pair]
        left, right = (part(end, others) for end in pair)
        if pair[1] not in left and len(left) > 1 and len(right) > 1:
            expected.append(pair)
    assert bridges(links_of(pairs)).rows() == expected
