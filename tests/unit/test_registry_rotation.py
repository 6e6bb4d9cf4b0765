"""Rotation of the key gives every record a new id, and no person one."""

from contextlib import closing
from datetime import datetime

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import store
from linkage.groups import groups
from linkage.incremental import (
    CROWDED,
    PAIRS,
    RECORDS,
    Kept,
    crossed_over,
    fingerprinted,
    standing,
    touched,
)
from linkage.registry import assign, carry_over, record_person
from schemas.encoded import encoded_schema

T1, T2 = datetime(2026, 1, 1), datetime(2026, 1, 2)


def opened():
    connection = duckdb.connect(":memory:")
    store.create(connection)
    return connection


def grouped(labels, records):
    lowest = {label: min(r for r, one in zip(records, labels, strict=True) if one == label)
              for label in labels}  # fmt: skip
    rows = [(r, lowest[label]) for r, label in zip(records, labels, strict=True)]
    return pl.DataFrame(rows, schema={"record_id": pl.Int64, "group": pl.Int64}, orient="row")


def bridge(before, after):
    return pl.DataFrame(
        {"record_id_before": before, "record_id_after": after},
        schema={"record_id_before": pl.Int64, "record_id_after": pl.Int64},
    )


@settings(max_examples=settings().max_examples // 4, deadline=None)
@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=10), seed=st.randoms())
def test_over_any_bridge_every_person_keeps_its_id_and_its_history(labels, seed):
    before = list(range(len(labels)))
    after = seed.sample(range(1000, 2000), len(labels))
    with closing(opened()) as old, closing(opened()) as new:
        assign(old, grouped([0] * len(labels), before), "r0", T1)
        assign(old, grouped(labels, before), "r1", T1)
        held = dict(record_person(old).iter_rows())
        told = old.execute("SELECT * FROM person_history ORDER BY ALL").fetchall()
        store.add_bridge(new, bridge(before, after))
        assert carry_over(old, new) == len(labels)
        change = assign(new, grouped(labels, after), "r2", T2)
        assert (change.created, change.merged, change.split, change.retired) == (0, 0, 0, 0)
        now = dict(record_person(new).iter_rows())
        assert {a: held[b] for b, a in zip(before, after, strict=True)} == now
        assert new.execute("SELECT * FROM person_history ORDER BY ALL").fetchall() == told
        assert new.execute("SELECT count(*) FROM bridge").fetchone() == (0,)


def test_a_person_whose_records_were_not_supplied_again_is_retired():
    with closing(opened()) as old, closing(opened()) as new:
        assign(old, grouped([1, 2], [1, 2]), "r1", T1)
        gone = dict(record_person(old).iter_rows())[2]
        store.add_bridge(new, bridge([1], [11]))
        assert carry_over(old, new) == 1
        assign(new, grouped([1], [11]), "r2", T2)
        retired = new.execute(
            "SELECT person_id FROM person WHERE retired_run IS NOT NULL"
        ).fetchall()
        assert retired == [(gone,)]


def test_a_record_that_is_supplied_twice_during_a_rotation_has_one_bridge():
    with closing(opened()) as new:
        store.add_bridge(new, bridge([1, 2], [11, 12]))
        store.add_bridge(new, bridge([1, 3], [11, 13]))
        rows = new.execute("SELECT * FROM bridge ORDER BY 1").fetchall()
        assert rows == [(1, 11), (2, 12), (3, 13)]


def encoded(bits: dict[int, int], names: dict[int, int]) -> pl.DataFrame:
    """Encoded records of nothing but a sex bit and a token of both names."""
    rows = {"record_id": list(bits), "sex_date_surname": list(bits.values()), "partner": "police"}
    empty = {name: pl.lit(None, dtype).alias(name) for name, dtype in encoded_schema().items()}
    return (
        pl.DataFrame(rows)
        .select(
            pl.col(name).cast(dtype) if name in rows else empty[name]
            for name, dtype in encoded_schema().items()
        )
        .with_columns(t_names_year=pl.Series([names[one] for one in bits], dtype=pl.Int64))
    )


def kept(records, pairs, crowded=()) -> Kept:
    return Kept(
        "model",
        pl.DataFrame(records, schema=RECORDS, orient="row"),
        pl.DataFrame(crowded, schema=CROWDED, orient="row"),
        pl.DataFrame(pairs, schema=PAIRS, orient="row"),
    )


def test_what_was_decided_crosses_under_the_new_ids_and_tokens():
    """Record 4 was not supplied again; 1 and 2 are alike, and 1 stands for both."""
    before = encoded({1: 0, 2: 0, 3: 1, 4: 0}, {1: 70, 2: 70, 3: 70, 4: 71})
    # The order of two record ids may turn round from one key to the next.
    after = encoded({12: 0, 11: 0, 10: 1, 99: 0}, {12: 80, 11: 80, 10: 80, 99: 81})
    decided = kept(
        [(1, 5, 1), (2, 5, 1), (3, 6, 3), (4, 7, 4)],
        [(1, 2, 9.0, False, True), (1, 3, 1.5, False, False), (3, 4, 8.0, False, True)],
        [("t_names_year", 70), ("t_names_year", 71)],
    )
    crossed = crossed_over(decided, bridge([1, 2, 3], [12, 11, 10]), before, after)
    assert crossed.method == "model"
    assert crossed.pairs.rows() == [(10, 12, 1.5, False, False), (11, 12, 9.0, False, True)]
    assert crossed.records.select("record_id", "first").sort("record_id").rows() == [
        (10, 10),
        (11, 12),
        (12, 12),
    ]
    assert crossed.crowded.rows() == [("t_names_year", 80)]
    # Nothing of it need be looked at again but the record that is new, and a block that emptied.
    now = fingerprinted(after, crossed)
    assert now.filter(record_id=11)["first"].item() == 12
    assert touched(after, now, crossed.crowded, crossed).to_list() == [99]


def test_nothing_crosses_of_a_record_that_is_bridged_but_not_there():
    """Linking would go on from a pair of nobody's, night after night."""
    before = encoded({1: 0, 2: 0, 3: 1}, {1: 70, 2: 70, 3: 70})
    after = encoded({11: 0, 13: 1}, {11: 80, 13: 80})
    decided = kept(
        [(1, 5, 1), (2, 5, 1), (3, 6, 3)],
        [(1, 2, 9.0, False, True), (1, 3, 8.0, False, True), (2, 3, 8.0, False, True)],
    )
    crossed = crossed_over(decided, bridge([1, 2, 3], [11, 12, 13]), before, after)
    assert crossed.pairs.rows() == [(11, 13, 8.0, False, True)]
    now = fingerprinted(after, crossed)
    fresh = touched(after, now, crossed.crowded, crossed)
    groups(now["record_id"], standing(crossed, now, fresh))


def test_nothing_crosses_without_a_bridge():
    before = encoded({1: 0}, {1: 70})
    crossed = crossed_over(kept([(1, 5, 1)], []), bridge([], []), before, before.clear())
    assert crossed.records.is_empty()
    assert crossed.pairs.is_empty()


def test_what_is_kept_comes_back_as_it_was():
    with closing(opened()) as connection:
        assert store.read_kept(connection) is None
        first = kept([(1, 5, 1)], [(1, 2, 9.0, False, True)], [("t_names_year", 70)])
        for one in (kept([], []), first, first):
            store.keep(connection, one)
        back = store.read_kept(connection)
        assert back is not None
        assert back.method == "model"
        for name in ("records", "pairs", "crowded"):
            assert getattr(back, name).equals(getattr(first, name)), name
