"""Rotation of the key gives every record a new id, and no person one."""

from contextlib import closing
from datetime import datetime

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import store
from linkage.registry import assign, carry_over, record_person

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


@settings(max_examples=60, deadline=None)
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
