"""Weeks on a person's own clock: seven lives make one release, so none can be told from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import personas
import polars as pl
import pytest
import warehouse_rows as rows
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import deaths
from warehouse.clock import own_clocks
from warehouse.connect import open_release
from warehouse.given import Given

KEY = b"k" * 32
DOUBLE = ", later"
OF_PEOPLE = "SELECT table_name FROM duckdb_columns() WHERE column_name = 'person_id' ORDER BY 1"
NUMBERED = {"case_number"}  # among all the cases of a release
Tables = Mapping[str, Sequence[Mapping[str, Any]]]


def squeezed(day: date) -> date:
    """A day of the same quarter, in the same order, a week or more from both its ends."""
    first = date(day.year, 1 + 3 * ((day.month - 1) // 3), 1)
    return first + timedelta(days=10 + (day - first).days * 3 // 4)


def later(tables: Tables, days: int) -> Tables:
    """A life that lies so many days later, and within the same quarters."""

    def at(value: Any) -> Any:
        if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
            value = date.fromisoformat(value)
        return squeezed(value) + timedelta(days=days) if isinstance(value, date) else value

    return {
        table: [{name: at(value) for name, value in row.items()} for row in given]
        for table, given in tables.items()
    }


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A release of every persona and a double of each, whose life and clock are some days later."""
    people: dict[str, Tables] = {}
    days_off: dict[str, int] = {}
    for path in personas.files():
        for number, (name, tables) in enumerate(personas.persons_of(personas.read(path)).items()):
            one, double = f"{path.stem}: {name}", f"{path.stem}: {name}{DOUBLE}"
            days_off |= {one: 0, double: 1 + number % 6}
            people |= {one: later(tables, 0), double: later(tables, days_off[double])}
    told = Given(restricted_metrics=deaths.DEATHS)
    path, _ = rows.release(tmp_path_factory.mktemp("clock"), people, given=told, days_off=days_off)
    with open_release(path, rows.RELEASE_KEY) as opened:
        yield opened


def test_a_life_some_days_later_is_told_in_the_same_words(con: duckdb.DuckDBPyConnection) -> None:
    """So whoever has the rows of a person cannot tell on which of seven days anything happened."""
    tables = [name for (name,) in con.execute(OF_PEOPLE).fetchall()]
    assert len(tables) > 15
    for table in tables:
        ours = con.execute(
            f"SELECT * REPLACE (replace(person_id, '{DOUBLE}', '') AS person_id), "
            f"person_id LIKE '%{DOUBLE}' AS is_double FROM {table}"
        ).pl()
        told = ours.drop("is_double", *NUMBERED & set(ours.columns))
        one, double = (
            Counter(map(repr, told.filter(ours["is_double"] == which).iter_rows()))
            for which in (False, True)
        )
        assert one == double, f"{table}: {(one - double).total()} rows"
        assert one, table


def test_the_day_of_no_open_thing_comes_back(con: duckdb.DuckDBPyConnection) -> None:
    """The data's date less the days so far was once the day of the start, exactly."""
    open_days = con.execute(
        "SELECT DISTINCT days % 7 FROM spell WHERE end_week IS NULL UNION ALL "
        "SELECT DISTINCT days % 7 FROM time_to_event WHERE censored_by = 'end of the data'"
    ).fetchall()
    assert open_days == [(0,), (0,)]
    lengths = con.execute("SELECT DISTINCT days % 7 FROM spell WHERE end_week IS NOT NULL")
    assert len(lengths.fetchall()) == 7  # what has ended is told to the day, which gives no date


# --- whose clock is moved by how much -------------------------------------------------------------


def clocks(*households: Iterable[str], alone: int = 9, key: bytes = KEY) -> dict[str, int]:
    """The clocks of some households, each of one case, and of people on their own."""
    cases = [list(people) for people in households]
    everybody = sorted({person for people in cases for person in people})
    everybody += [f"alone {number}" for number in range(alone)]
    owners = pl.DataFrame({"record_id": range(len(everybody)), "person_id": everybody})
    named = [
        (everybody.index(person), case) for case, people in enumerate(cases) for person in people
    ]
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS store")
    con.register("owners", owners.to_arrow())
    con.execute("CREATE TABLE record_person AS FROM owners")
    con.execute("CREATE TABLE store.housing_person (record_id BIGINT, case_key BIGINT)")
    for row in named:
        con.execute("INSERT INTO store.housing_person VALUES (?, ?)", row)
    found = dict(own_clocks(con, key).iter_rows())
    con.close()
    assert found.keys() == set(everybody)
    return found


def test_clocks_are_moved_by_a_secret_and_evenly() -> None:
    one, again, other = clocks(alone=700), clocks(alone=700), clocks(alone=700, key=b"another")
    assert one == again
    assert 50 < sum(one[person] == other[person] for person in one) < 150  # a seventh by chance
    assert set(Counter(one.values())) == set(range(7))
    assert min(Counter(one.values()).values()) > 60


PEOPLE = st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=3)


@settings(max_examples=15, deadline=None)
@given(st.lists(PEOPLE, max_size=5))
def test_a_household_has_one_clock(households: list[set[str]]) -> None:
    """They share days, and between two clocks a shared day would be narrowed down."""
    found = clocks(*households)
    for people in households:
        assert len({found[person] for person in people}) == 1
    assert found.items() >= clocks().items()
