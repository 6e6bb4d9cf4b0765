"""Rotation of the key gives every record a new id, and no person one."""

from contextlib import closing
from datetime import datetime

import duckdb
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage import match, store
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


def encoded(connection, records):
    """Encoded records of nothing, told apart by their sex bit."""
    frame = pl.DataFrame({"record_id": list(records), "partner": "police"}).with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in encoded_schema().items()
        if name not in ("record_id", "partner", "sex_date")
    )
    bits = pl.Series("sex_date", list(records.values()), pl.Int8)
    store.replace_partner(connection, "police", frame.with_columns(bits))


def test_what_was_decided_holds_until_a_record_or_the_model_changes():
    pairs = pl.DataFrame(
        {
            "record_id_l": [1, 2],
            "record_id_r": [2, 3],
            "match_weight": [9.0, 1.5],
            "linked": [True, False],
        }
    )
    with closing(opened()) as new:
        # The order of two record ids may turn round from one key to the next.
        encoded(new, {11: 0, 12: 0, 10: 0})
        store.add_bridge(new, bridge([1, 2, 3], [11, 12, 10]))
        store.carry_links(new, pairs, "model")
        carried = store.read_carried(new, "model")
        assert carried is not None
        assert carried.records.to_list() == [10, 11, 12]
        assert carried.pairs.rows() == [(10, 12, 1.5, False), (11, 12, 9.0, True)]
        scored = pl.DataFrame(
            {
                "record_id_l": [10, 11, 11],
                "record_id_r": [12, 12, 99],
                "match_weight": [5.0, 0.5, 7.0],
                "linked": [True, False, True],
            }
        )
        assert match._with_carried(scored, carried).rows() == [
            (10, 12, 1.5, False),
            (11, 12, 9.0, True),
            (11, 99, 7.0, True),
        ]
        assert store.read_carried(new, "another model") is None
        encoded(new, {11: 1, 12: 0, 10: 0})
        changed = store.read_carried(new, "model")
        assert changed is not None and changed.records.to_list() == [10, 12]
