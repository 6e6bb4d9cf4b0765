"""The registry keeps ids when nothing changed, and writes down what became of those that did."""

from datetime import datetime
from itertools import count

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import registry as registry_room
from linkage import store
from linkage.registry import assign, new_person_id, record_person

T1, T2, T3 = datetime(2026, 1, 1), datetime(2026, 1, 2), datetime(2026, 1, 3)


@pytest.fixture
def registry():
    connection = duckdb.connect(":memory:")
    store.create(connection)
    yield connection
    connection.close()


def groups(*members: tuple[int, ...]) -> pl.DataFrame:
    rows = [(record, min(group)) for group in members for record in group]
    return pl.DataFrame(rows, schema={"record_id": pl.Int64, "group": pl.Int64}, orient="row")


def numbered():
    ids = count(1)
    return lambda: f"p{next(ids)}"


def persons(connection) -> dict[int, str]:
    return dict(record_person(connection).iter_rows())


def history(connection) -> list[tuple]:
    return connection.execute(
        "SELECT cause, person_before, person_after, records FROM person_history ORDER BY ALL"
    ).fetchall()


def test_a_run_on_the_same_groups_changes_nothing(registry):
    assign(registry, groups((1, 2), (3,)), "r1", T1)
    before = persons(registry)
    change = assign(registry, groups((1, 2), (3,)), "r2", T2)
    assert persons(registry) == before
    assert (change.created, change.merged, change.split, change.retired) == (0, 0, 0, 0)
    assert history(registry) == []


def test_a_merge_takes_the_id_that_most_records_held(registry):
    assign(registry, groups((1,), (2, 3)), "r1", T1, numbered())
    change = assign(registry, groups((1, 2, 3)), "r2", T2, numbered())
    assert set(persons(registry).values()) == {"p2"}
    assert change.merged == 1
    assert history(registry) == [("merged", "p1", "p2", 1)]


def test_an_even_merge_takes_the_oldest_id(registry):
    ids = numbered()
    assign(registry, groups((2,)), "r1", T1, lambda: "z-old")
    assign(registry, groups((1,), (2,)), "r2", T2, ids)
    assign(registry, groups((1, 2)), "r3", T3, ids)
    assert set(persons(registry).values()) == {"z-old"}


def test_an_even_merge_of_one_age_takes_the_lowest_id(registry):
    assign(registry, groups((1,), (2,)), "r1", T1, iter(["b", "a"]).__next__)
    assign(registry, groups((1, 2)), "r2", T2)
    assert set(persons(registry).values()) == {"a"}


def test_a_split_leaves_the_id_with_the_larger_part(registry):
    ids = numbered()
    assign(registry, groups((1, 2, 3)), "r1", T1, ids)
    change = assign(registry, groups((1,), (2, 3)), "r2", T2, ids)
    assert persons(registry) == {1: "p2", 2: "p1", 3: "p1"}
    assert change.split == 1
    assert history(registry) == [("split", "p1", "p2", 1)]


def test_withdrawn_records_retire_their_person_and_the_id_is_not_used_again(registry):
    ids = numbered()
    assign(registry, groups((1,), (2,)), "r1", T1, ids)
    change = assign(registry, groups((2,), (3,)), "r2", T2, ids)
    assert change.retired == 1
    assert persons(registry) == {2: "p2", 3: "p3"}
    retired = registry.execute("SELECT person_id FROM person WHERE retired_run = 'r2'").fetchall()
    assert retired == [("p1",)]


def test_ids_are_random_and_hold_no_record():
    assert len({new_person_id() for _ in range(1000)}) == 1000


partitions = st.lists(st.integers(0, 5), min_size=1, max_size=12).map(
    lambda labels: groups(
        *(
            tuple(i for i, label in enumerate(labels) if label == wanted)
            for wanted in sorted(set(labels))
        )
    )
)


@settings(max_examples=settings().max_examples // 4, deadline=None)
@given(st.lists(partitions, min_size=1, max_size=4))
def test_every_record_has_one_person_and_every_group_one_id(runs):
    connection = duckdb.connect(":memory:")
    store.create(connection)
    for number, grouped in enumerate(runs):
        assign(connection, grouped, f"r{number}", datetime(2026, 1, 1 + number))
        named = grouped.join(record_person(connection), on="record_id", how="left")
        assert named["person_id"].null_count() == 0
        per_group = named.group_by("group").agg(pl.col("person_id").n_unique())
        assert set(per_group["person_id"]) == {1}
        assert named["person_id"].n_unique() == grouped["group"].n_unique()
    connection.close()


@settings(max_examples=settings().max_examples // 4, deadline=None)
@given(st.lists(partitions, min_size=1, max_size=4))
def test_settling_what_changed_alone_gives_what_settling_all_would(runs):
    def told(changed) -> list[object]:
        connection = duckdb.connect(":memory:")
        store.create(connection)
        ids = numbered()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(registry_room, "_changed", changed)
            said: list[object] = [
                assign(connection, grouped, f"r{number}", datetime(2026, 1, 1 + number), ids)
                for number, grouped in enumerate(runs)
            ]
        said += [
            connection.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
            for table in ("person", "person_record", "person_history")
        ]
        connection.close()
        return said

    assert told(registry_room._changed) == told(lambda groups, held: (groups, held))


def test_a_night_without_changes_writes_nothing(registry, monkeypatch):
    assign(registry, groups((1, 2), (3,)), "r1", T1)
    monkeypatch.setattr(registry_room, "_write", lambda *_: pytest.fail("It wrote."))
    assert assign(registry, groups((1, 2), (3,)), "r2", T2).persons == 2
