"""Deaths: which are believed, what they end, and that nobody is told of who did not ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import warehouse_rows as rows

from warehouse import connect
from warehouse.deaths import DEATHS
from warehouse.given import Given
from warehouse.metrics import load_metrics

TREATED = {"triaged": "2025-01-10", "disd": "2025-03-01", "disrsn": "89"}
STARTED = {"modst": "2025-01-10", "modend": "2025-03-01"}
TENANCY = {"start_date": "2024-01-01", "tenancy_type": "secure"}
HOUSED: dict[str, Any] = {
    "housing_application": [{"application_date": "2023-12-01"}],
    "housing_person": [{"role": "main"}],
    "housing_tenancy": [TENANCY],
}
PERSONS: dict[str, dict[str, list[dict[str, Any]]]] = {
    "died": {"treatment_episode": [TREATED], "treatment_intervention": [STARTED], **HOUSED},
    "was met again": {
        "treatment_episode": [TREATED],
        "treatment_intervention": [STARTED],
        "police_custody": [{"arrest_date": "2025-03-02", "outcome_date": "2025-03-05"}],
        **HOUSED,
    },
    "died later": {
        "treatment_episode": [TREATED],
        "police_custody": [{"arrest_date": "2025-03-02"}],
        "police_suspected_drug_death": [{"death_date": "2025-06-01", "death_status": "suspected"}],
        **HOUSED,
    },
    "was arrested": {
        "police_custody": [{"arrest_date": "2025-03-01", "outcome_date": "2025-04-01"}],
        "police_suspected_drug_death": [{"death_date": "2025-03-01", "death_status": "suspected"}],
    },
    "was only reported": {"police_suspected_drug_death": [{"death_date": "2025-05-01"}]},
    "left": {
        "treatment_episode": [TREATED | {"disrsn": "86"}],
        "treatment_intervention": [STARTED],
    },
    "tenant died": {
        **HOUSED,
        "housing_tenancy": [TENANCY | {"end_date": "2025-02-01", "end_reason": "died"}],
    },
}


TOLD = (
    *("data_issue", "event", "journey_step", "outcome", "spell", "tenancy"),
    "treatment_journey",
)
"""Of what is told of deaths these are looked at; of where they are not told, every mart."""


def built(
    folder: Path, *asked: str, marts: tuple[str, ...] | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    given = Given(restricted_metrics=frozenset(asked), exact_dates=True)
    path, _ = rows.release(folder, PERSONS, given=given, marts=marts)
    con = connect.open_release(path, rows.RELEASE_KEY)
    yield con
    con.close()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    yield from built(tmp_path_factory.mktemp("told"), "deaths_in_treatment", marts=TOLD)


@pytest.fixture(scope="module")
def untold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    yield from built(tmp_path_factory.mktemp("untold"))


def ends(con: duckdb.DuckDBPyConnection) -> dict[str, date | None]:
    found = con.execute("SELECT person_id, end_date FROM tenancy").fetchall()
    return dict(found)


def issues(con: duckdb.DuckDBPyConnection, issue: str) -> list[tuple[Any, ...]]:
    return con.execute(
        "SELECT partner, place, rows, people FROM data_issue WHERE issue = ? ORDER BY ALL", [issue]
    ).fetchall()


def test_a_death_ends_what_was_open_unless_somebody_met_the_person_after_it(told) -> None:
    assert ends(told) == {
        "died": date(2025, 3, 1),
        "was met again": None,
        "died later": date(2025, 6, 1),
        "tenant died": date(2025, 2, 1),
    }


def test_what_is_dated_after_a_death_is_kept_and_named(told) -> None:
    assert issues(told, "death_contradicted") == [("treatment", "discharge from treatment", 1, 1)]
    assert issues(told, "event_after_death") == [
        ("police", "arrest", 1, 1),
        ("police", "police_outcome", 2, 2),
    ]
    doubtful = told.execute("SELECT person_id, event_type FROM event WHERE is_doubtful").fetchall()
    assert sorted(doubtful) == [
        ("was arrested", "police_outcome"),
        ("was met again", "arrest"),
        ("was met again", "police_outcome"),
    ]
    arrests = told.execute("SELECT sum(numerator) FROM outcome WHERE metric = 'arrests'").fetchall()
    steps = told.execute("SELECT count(*) FROM journey_step WHERE step = 'arrest'").fetchall()
    assert (arrests, steps) == ([(3,)], [(3,)])


def test_a_metric_of_deaths_counts_them_as_reported(told) -> None:
    found = told.execute(
        "SELECT person_id FROM outcome WHERE metric = 'deaths_in_treatment' AND numerator > 0 "
        "AND period_id = '2025-Q2'"
    ).fetchall()
    assert sorted(found) == [("died",), ("was met again",)]


SAID = {
    "the discharge": "SELECT end_reason FROM treatment_journey WHERE person_id = 'died'",
    "its event": "SELECT detail FROM event WHERE person_id = 'died' AND event_type = 'discharge'",
    "its spell": "SELECT DISTINCT detail FROM spell WHERE person_id = 'died' "
    "AND spell_type = 'treatment_journey'",
    "the tenancy": "SELECT end_reason FROM tenancy WHERE person_id = 'tenant died'",
    "its event, of the tenancy": "SELECT detail FROM event WHERE person_id = 'tenant died' "
    "AND event_type = 'tenancy_end'",
    "the step": "SELECT max(step) FROM journey_step WHERE person_id = 'died' "
    "AND step_date = DATE '2025-03-01'",
}
ANSWERS = {
    "the discharge": ("89", "withdrawn_or_died"),
    "its event": ("89", "withdrawn_or_died"),
    "its spell": ("89", "withdrawn_or_died"),
    "the tenancy": ("died", "surrendered_or_died"),
    "its event, of the tenancy": ("died", "surrendered_or_died"),
    "the step": ("death_in_treatment", "treatment_ended"),
}


@pytest.mark.parametrize("what", SAID)
def test_without_being_asked_for_a_death_is_told_as_an_end(told, untold, what: str) -> None:
    found = tuple(con.execute(SAID[what]).fetchall() for con in (told, untold))
    assert found == tuple([(answer,)] for answer in ANSWERS[what])


def test_a_reason_that_might_be_a_death_is_also_that_of_the_living(untold) -> None:
    found = untold.execute("SELECT DISTINCT end_reason FROM treatment_journey").fetchall()
    assert found == [("withdrawn_or_died",)]
    label = "SELECT label FROM code WHERE list = 'discharge' AND code = 'withdrawn_or_died'"
    assert untold.execute(label).fetchall() == [("Withdrawn by provider, or died",)]


def test_nothing_in_a_release_follows_from_a_death_that_was_not_asked_for(untold) -> None:
    """Whoever has died is as somebody of whom no more is heard."""
    assert ends(untold) == {
        "died": None,
        "was met again": None,
        "died later": None,
        "tenant died": date(2025, 2, 1),
    }
    people = {person for (person,) in untold.execute("SELECT person_id FROM person").fetchall()}
    assert people == PERSONS.keys() - {"was only reported"}
    for mart, condition in (
        ("event", "event_type = 'suspected_drug_death' OR is_doubtful"),
        ("transition", "has_died"),
        ("time_to_event", "censored_by = 'death'"),
        ("data_issue", "issue SIMILAR TO '.*death.*' AND rows > 0"),
        ("journey_path", "path LIKE '%ied%'"),
        ("outcome", "metric IN ('deaths_in_treatment', 'suspected_drug_deaths')"),
    ):
        assert untold.execute(f"FROM {mart} WHERE {condition}").fetchall() == []


def test_no_code_of_a_death_is_in_a_release_that_was_not_asked_for_them(untold) -> None:
    columns = untold.execute(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE data_type = 'VARCHAR' AND NOT internal AND column_name <> 'person_id' "
        "AND table_name IN (SELECT table_name FROM duckdb_columns() "
        "WHERE column_name = 'person_id')"
    ).fetchall()
    for table, column in columns:
        found = untold.execute(
            f"SELECT count(*) FROM {table} WHERE \"{column}\" IN ('89', 'died', 'Died', "
            "'Died in treatment', 'death_in_treatment', 'Tenant died')"
        ).fetchall()
        assert found == [(0,)], (table, column)


def test_the_metrics_of_deaths_are_those_that_are_told_of() -> None:
    assert {one.metric for one in load_metrics() if "death" in one.metric} == DEATHS
