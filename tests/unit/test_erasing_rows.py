"""With a record goes what belongs to it, and of a household only what nobody is left of."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkage import erasure as identity
from linkage import store
from schemas.marks import GROUNDS, marks_schema
from schemas.tables import TABLES
from warehouse.connect import open_store
from warehouse.erasure import key_columns, remove, rows_of, staged_keys, without
from warehouse.staging import create, key_of, tables_of

KEY = "5a" * 32


def tables(partner: str, **rows: list[tuple[int, ...]]) -> dict[str, pl.DataFrame]:
    """The key columns of a partner's staging tables, most of them empty."""
    return {
        name: pl.DataFrame(
            rows.get(name.removeprefix(f"{partner}_"), []),
            schema=dict.fromkeys(key_columns(name), pl.Int64),
            orient="row",
        )
        for name in tables_of(partner)
    }


def left(partner: str, frames: dict[str, pl.DataFrame], *records: int) -> dict[str, list[int]]:
    """Own keys of what is left, of tables that had rows."""
    gone = rows_of(partner, frames, pl.Series(records, dtype=pl.Int64))
    kept = without(frames, gone)
    return {
        name.removeprefix(f"{partner}_"): frame[key_of(name)].to_list()
        for name, frame in kept.items()
        if frames[name].height
    }


HOUSING = {
    # record, person, case; duty, case; tenancy, person
    "application": [(1,), (2,)],
    "person": [(10, 100, 1), (11, 101, 1), (12, 102, 2)],
    "duty": [(1000, 1), (1001, 2)],
    "tenancy": [(2000, 100), (2001, 102)],
}


@pytest.mark.parametrize(
    ("records", "application", "person", "duty", "tenancy"),
    [
        ((), [1, 2], [100, 101, 102], [1000, 1001], [2000, 2001]),
        ((10,), [1, 2], [101, 102], [1000, 1001], [2001]),
        ((10, 11), [2], [102], [1001], [2001]),
        ((12,), [1], [100, 101], [1000], [2000]),
        ((10, 11, 12), [], [], [], []),
    ],
)
def test_a_household_goes_with_the_last_of_its_people(
    records, application, person, duty, tenancy
) -> None:
    assert left("housing", tables("housing", **HOUSING), *records) == {
        "application": application, "person": person, "duty": duty, "tenancy": tenancy,
    }  # fmt: skip


def test_a_custody_record_takes_its_tests_along() -> None:
    frames = tables("police", custody=[(1, 10), (2, 20)], drug_test=[(5, 10), (6, 20), (7, 10)])
    assert left("police", frames, 1) == {"custody": [20], "drug_test": [6]}


@given(st.data())
def test_no_row_is_left_of_a_record_or_without_its_parent(data: st.DataObject) -> None:
    partner = data.draw(st.sampled_from(sorted(TABLES)))
    frames, record = {}, 0
    for table in TABLES[partner]:
        name = f"{partner}_{table.name}"
        rows = []
        for key in range(data.draw(st.integers(0, 4))):
            row: dict[str, int] = {}
            for column in key_columns(name):
                above = [n for n in frames if key_of(n) == column]
                if column == "record_id":
                    record += 1
                    row[column] = record
                elif above:
                    known = frames[above[0]][column].to_list()
                    row[column] = data.draw(st.sampled_from(known)) if known else -1
                else:
                    row[column] = key
            rows.append(row)
        frames[name] = pl.DataFrame(rows, schema=dict.fromkeys(key_columns(name), pl.Int64))
    going = data.draw(st.sets(st.integers(1, record))) if record else set()
    kept = without(frames, rows_of(partner, frames, pl.Series(sorted(going), dtype=pl.Int64)))
    for table in TABLES[partner]:
        name = f"{partner}_{table.name}"
        if table.identity is not None:
            assert not set(kept[name]["record_id"]) & going
        for parent in table.parents.values():
            above = f"{partner}_{parent}"
            there = set(frames[above][key_of(above)])
            lost = set(kept[name][key_of(above)]) - set(kept[above][key_of(above)])
            assert not lost & there
    if not going:
        assert all(kept[name].equals(frame) for name, frame in frames.items())


def test_the_staging_store_loses_the_same_rows(tmp_path) -> None:
    connection = open_store(tmp_path / "staging.duckdb", KEY)
    create(connection)
    frames = tables("housing", **HOUSING)
    for name, frame in frames.items():
        connection.register("one", frame.to_arrow())
        connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM one")
        connection.unregister("one")
    keys = staged_keys(connection, "housing")
    records = pl.Series([10, 11])
    remove(connection, rows_of("housing", keys, records))
    for name, frame in without(frames, rows_of("housing", frames, records)).items():
        found = connection.execute(f"SELECT {key_of(name)} FROM {name} ORDER BY 1").fetchall()
        assert [one for (one,) in found] == sorted(frame[key_of(name)].to_list())
    connection.close()


def test_every_table_of_the_identity_store_that_names_them_loses_them() -> None:
    connection = duckdb.connect(":memory:")
    store.create(connection)
    identity.create(connection)
    marks = pl.DataFrame([{"record": n} for n in (1, 2, 3)], schema=marks_schema())
    identity.replace_marks(connection, "police", pl.Series([1, 2, 3]), marks)
    connection.execute("CREATE TABLE pair_of_others (record_id_l BIGINT, record_id_r BIGINT)")
    connection.execute("INSERT INTO pair_of_others VALUES (1, 2), (2, 3), (3, 3)")
    connection.execute("INSERT INTO person VALUES ('a', now(), 'r', NULL), ('b', now(), 'r', NULL)")
    connection.execute("INSERT INTO person_record VALUES (1, 'a'), (2, 'a'), (3, 'b')")
    connection.execute(
        "INSERT INTO person_history VALUES (now(), 'r', 'split', 'b', 'a', 1), "
        "(now(), 'r', 'merged', 'c', 'b', 1)"
    )
    persons = identity.persons_of(connection, pl.DataFrame({"record_id": [1]}))
    records = identity.records_of(connection, persons.select("person_id"))["record_id"]
    assert sorted(records) == [1, 2]
    identity.remove(connection, records, ["a"])
    assert identity.read_marks(connection)["record_id"].to_list() == [3]
    assert connection.execute("SELECT * FROM pair_of_others").fetchall() == [(3, 3)]
    assert connection.execute("SELECT person_id FROM person").fetchall() == [("b",)]
    assert connection.execute("SELECT person_before FROM person_history").fetchall() == [("c",)]
    assert set(identity.read_marks(connection).columns) == {"record_id", "partner", *GROUNDS}
    connection.close()
