"""Whoever holds an old person id can learn what it became."""

from datetime import datetime
from itertools import count

import duckdb
import polars as pl
import pytest

from linkage import erasure, store
from linkage.lineage import lineage, read_history
from linkage.registry import assign


@pytest.fixture
def registry():
    connection = duckdb.connect(":memory:")
    store.create(connection)
    yield connection
    connection.close()


@pytest.fixture
def night(registry):
    """Settle the registry on some groups, a night later each time."""
    ids, nights = count(1), count(1)

    def settle(*members: tuple[int, ...]) -> None:
        rows = [(record, min(group)) for group in members for record in group]
        schema = {"record_id": pl.Int64, "group": pl.Int64}
        grouped = pl.DataFrame(rows, schema=schema, orient="row")
        number = next(nights)
        assign(registry, grouped, f"r{number}", datetime(2026, 1, number), lambda: f"p{next(ids)}")

    return settle


def causes(found) -> list[tuple]:
    return [
        (e["run_id"], e["cause"], e["person_before"], e["person_after"], e["records"])
        for e in found.events
    ]


def test_an_id_that_nothing_happened_to_is_itself(registry, night):
    night((1, 2), (3,))
    found = lineage(registry, "p1")
    assert (found.now, found.records, found.events) == (("p1",), 2, ())
    assert (found.created_run, found.created_at) == ("r1", datetime(2026, 1, 1))
    assert lineage(registry, "p9") is None


def test_an_id_is_followed_through_merges_to_the_one_in_use(registry, night):
    night((1,), (2, 3), (4, 5, 6, 7))
    night((1, 2, 3), (4, 5, 6, 7))
    night((1, 2, 3, 4, 5, 6, 7))
    found = lineage(registry, "p1")
    assert (found.now, found.records) == (("p3",), 0)
    assert causes(found) == [("r2", "merged", "p1", "p2", 1)]
    assert causes(lineage(registry, "p2")) == [
        ("r2", "merged", "p1", "p2", 1),
        ("r3", "merged", "p2", "p3", 3),
    ]


def test_what_a_person_lost_before_is_not_what_came_to_it_later(registry, night):
    night((1, 2, 3), (4,))
    night((1, 2), (3,), (4,))
    night((1, 2, 4), (3,))
    assert lineage(registry, "p2").now == ("p1",)
    assert lineage(registry, "p1").now == ("p1", "p3")


def test_what_leaves_in_the_run_in_which_it_comes_is_something_else(registry, night):
    night((1, 2, 3), (4,))
    night((1, 2, 4), (3,))
    assert lineage(registry, "p2").now == ("p1",)


def test_an_id_whose_records_went_is_retired(registry, night):
    night((1,), (2,))
    night((2,))
    found = lineage(registry, "p1")
    assert (found.now, found.records) == ((), 0)
    assert causes(found) == [("r2", "retired", "p1", None, 1)]
    assert read_history(registry)["cause"].to_list() == ["retired"]


def test_former_ids_of_whoever_goes_go_too_and_those_of_others_stay(registry, night):
    night((1,), (2, 3), (4, 5, 6, 7), (8,), (9, 10))
    night((1, 2, 3), (4, 5, 6, 7), (8,), (9, 10))
    night((1, 2, 3, 4, 5, 6, 7), (8,))
    night((1, 2, 3, 4), (5, 6, 7, 8))
    # p1 became p2 and that p3; of p3 a part was split off and came to p4.
    assert erasure.with_former_ids(registry, ["p3"]) == ["p1", "p2", "p3"]
    assert erasure.with_former_ids(registry, ["p4"]) == ["p4"]
    assert erasure.retired(registry, ["p1", "p3", "p5", "p9"]) == ["p5"]
