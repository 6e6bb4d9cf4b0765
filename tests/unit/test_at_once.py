"""Pieces of work on one database: each after what it needs, two at a time, none after a failure."""

from __future__ import annotations

from functools import partial
from graphlib import CycleError
from threading import Barrier

import duckdb
import pytest

from schemas.errors import StoreError
from warehouse.at_once import AT_A_TIME, at_once


def make(con: duckdb.DuckDBPyConnection, name: str, sql: str) -> int:
    con.execute(f"CREATE TABLE {name} AS {sql}")
    return con.execute(f"SELECT sum(n)::BIGINT FROM {name}").fetchall()[0][0]


def test_each_comes_after_what_it_needs_and_its_answer_is_returned() -> None:
    con = duckdb.connect()
    works = {f"t{n}": partial(make, name=f"t{n}", sql=f"SELECT n + 1 AS n FROM t{n - 1}")
             for n in range(9, 0, -1)}  # fmt: skip
    works["t0"] = partial(make, name="t0", sql="SELECT 0 AS n")
    needs = {f"t{n}": {f"t{n - 1}", "what is no work"} for n in range(1, 10)}
    assert at_once(con, works, needs) == {f"t{n}": n for n in range(10)}


def test_two_are_done_at_a_time() -> None:
    both = Barrier(AT_A_TIME, timeout=20)
    works = {str(n): lambda con: both.wait() for n in range(2 * AT_A_TIME)}
    assert sorted(at_once(duckdb.connect(), works).values()) == [0, 0, 1, 1]


def test_names_mean_what_they_mean_on_the_connection_given() -> None:
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS other; CREATE TABLE other.main.t AS SELECT 7 AS n")
    con.execute("SET search_path = 'memory.main,other.main'")
    assert at_once(con, {"u": partial(make, name="memory.main.u", sql="FROM t")}) == {"u": 7}


def test_nothing_is_begun_after_a_failure() -> None:
    con = duckdb.connect()

    def fail(own: duckdb.DuckDBPyConnection) -> int:
        raise StoreError("It failed.", "Mend it.")

    later = partial(make, name="later", sql="SELECT 1 AS n")
    with pytest.raises(StoreError, match="It failed"):
        at_once(con, {"first": fail, "later": later}, {"later": {"first"}})
    assert con.execute("SHOW TABLES").fetchall() == []


def test_a_circle_is_refused() -> None:
    works = {name: partial(make, name=name, sql="SELECT 1 AS n") for name in ("a", "b")}
    with pytest.raises(CycleError):
        at_once(duckdb.connect(), works, {"a": {"b"}, "b": {"a"}})
