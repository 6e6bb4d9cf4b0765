"""Whatever a cohort file says, its SQL agrees with a slow and plain reading of it.

Cohort files and histories are both drawn at random, on few kinds and few days, so that events fall
on the same and on bordering days often.
"""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest
import reference_cohorts as plain
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.cohorts.compile import event_sql, index_sql
from warehouse.cohorts.definition import INDEX, Cohort
from warehouse.cohorts.vocabulary import vocabulary

STEPS = ("arrest", "positive_test", "treatment_start")
SPELLS = ("structured_treatment", "custody")
DETAILS = ("A", "B")
FIRST = date(2025, 12, 20)  # a quarter ends within the days drawn
days = st.integers(0, 20).map(lambda n: FIRST + timedelta(n))
some_days = st.one_of(st.integers(0, 8), st.integers(0, 8), st.sampled_from(["continuity"]))
detail = st.one_of(st.none(), st.none(), st.lists(st.sampled_from(DETAILS), min_size=1, max_size=2))


def kinds(of: tuple[str, ...]):
    return st.lists(st.sampled_from(of), min_size=1, max_size=2, unique=True)


def keyed(**parts):
    """A mapping of the parts that are there."""
    return st.fixed_dictionaries(parts).map(
        lambda drawn: {key.strip("_"): value for key, value in drawn.items() if value is not None}
    )


rules = st.one_of(
    keyed(in_=kinds(SPELLS), detail=detail),
    keyed(not_in=kinds(SPELLS), detail=detail),
    keyed(step=kinds(STEPS), within_days_before=some_days, detail=detail),
    keyed(no_step=kinds(STEPS), within_days_before=some_days, detail=detail),
    keyed(age_from=st.sampled_from([18, 30])),
    keyed(age_below=st.sampled_from([18, 30])),
    keyed(sex=st.just(["F"])),
)
stage_kinds = st.one_of(
    keyed(step=kinds(STEPS), within=some_days),
    keyed(step=kinds(STEPS), within=some_days, detail=detail),
    keyed(no_step=kinds(STEPS), within=some_days, detail=detail),
    keyed(spell=kinds(SPELLS), within=some_days, detail=detail),
    keyed(spell=kinds(SPELLS), lasting=some_days, detail=detail, or_ended_well=st.booleans()),
    keyed(in_=kinds(SPELLS), detail=detail),
)


@st.composite
def cohorts(draw) -> Cohort:
    chain, stages = [INDEX], []
    for number in range(draw(st.integers(1, 4))):
        stage = {**draw(stage_kinds), "stage": f"s{number}", "title": f"Stage {number}"}
        stage["from"] = draw(st.sampled_from(chain))
        if draw(st.booleans()) and number:
            stage |= {"part": True, "of": draw(st.sampled_from(chain))}
        else:
            chain.append(stage["stage"])
        stages.append(stage)
    return Cohort.model_validate(
        {
            "cohort": "drawn", "title": "Drawn", "definition": "Drawn", "partners": ["police"],
            "sources": ["police custody"], "exclusions": "None", "status": "proxy", "owner": "A",
            "index": {"step": draw(kinds(STEPS)), "title": "Index"},
            "entry": draw(st.lists(rules, max_size=2)),
            "stages": stages,
        }
    )  # fmt: skip


def a_spell(kind, start, length, well, detail) -> plain.Spell:
    end = None if length is None else start + timedelta(length)
    return plain.Spell(kind, start, end, well if end else None, detail)


persons = st.builds(
    plain.Person,
    steps=st.lists(
        st.builds(
            plain.Step, st.sampled_from(STEPS), days, st.sampled_from([(), ("A",), ("A", "B")])
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda step: (step.step, step.day),
    ),
    spells=st.lists(
        st.builds(
            a_spell,
            st.sampled_from(SPELLS),
            days,
            st.one_of(st.none(), st.integers(0, 12), st.integers(0, 12)),
            st.booleans(),
            st.sampled_from([None, *DETAILS]),
        ),
        max_size=5,
    ),
    birth_year=st.sampled_from([None, 1985, 1985, 2008]),
    sex=st.sampled_from(["F", "M"]),
    death=st.one_of(st.none(), st.none(), st.none(), days),
)


@pytest.fixture(scope="module")
def con():
    connection = duckdb.connect(":memory:")
    connection.execute(
        "CREATE TABLE int_step (person_id VARCHAR, step VARCHAR, step_date DATE, details VARCHAR[])"
    )
    connection.execute(
        "CREATE TABLE int_spell (person_id VARCHAR, spell_type VARCHAR, start_date DATE, "
        "end_date DATE, ended_well BOOLEAN, detail VARCHAR)"
    )
    connection.execute(
        "CREATE TABLE int_person (person_id VARCHAR, birth_year INTEGER, sex VARCHAR, "
        "ethnicity_group VARCHAR, area VARCHAR, death_date DATE)"
    )
    connection.execute(
        "CREATE TABLE int_cohort_quarter AS "
        "SELECT 'drawn' AS cohort, DATE '2025-10-01' AS start_date, NULL::VARCHAR AS reason"
    )
    yield connection
    connection.close()


def fill(con: duckdb.DuckDBPyConnection, histories: list[plain.Person]) -> None:
    named = [(f"p{number}", person) for number, person in enumerate(histories)]
    tables = {
        "int_person": [
            (name, one.birth_year, one.sex, "White", "NR3", one.death) for name, one in named
        ],
        "int_step": [
            (name, step.step, step.day, list(step.details))
            for name, one in named
            for step in one.steps
        ],
        "int_spell": [
            (name, spell.kind, spell.start, spell.end, spell.ended_well, spell.detail)
            for name, one in named
            for spell in one.spells
        ],
    }
    for table, filled in tables.items():
        con.execute(f"DELETE FROM {table}")
        if filled:
            places = ", ".join(["(" + ", ".join("?" * len(filled[0])) + ")"] * len(filled))
            con.execute(
                f"INSERT INTO {table} VALUES {places}", [value for row in filled for value in row]
            )


@given(cohorts(), st.lists(persons, min_size=1, max_size=12))
@settings(deadline=None)
def test_the_sql_of_a_cohort_agrees_with_a_plain_reading_of_it(con, cohort, histories) -> None:
    fill(con, histories)
    sql = index_sql(cohort, vocabulary())
    columns = [INDEX, *(stage.stage for stage in cohort.stages)]
    found = {
        (person, quarter): dict(zip(columns, reached, strict=True))
        for person, quarter, *reached in con.execute(sql).fetchall()
    }
    expected = {
        (f"p{number}", quarter): reached
        for number, person in enumerate(histories)
        for quarter, reached in plain.memberships(cohort, person).items()
    }
    assert found == expected
    for reached in found.values():
        told = [day for day in reached.values() if day]
        assert min(told) == reached[INDEX]


@given(cohorts(), st.lists(persons, min_size=1, max_size=12))
@settings(deadline=None)
def test_times_to_events_agree_with_a_plain_reading_of_them(con, cohort, histories) -> None:
    fill(con, histories)
    con.execute(f"CREATE OR REPLACE TABLE int_cohort_drawn AS {index_sql(cohort, vocabulary())}")
    found = {
        (person, stage): (start, event, bool(well))
        for _, stage, person, start, event, well in con.execute(
            event_sql(cohort, vocabulary())
        ).fetchall()
    }
    assert found == {
        (f"p{number}", stage): (start, event, bool(well))
        for number, person in enumerate(histories)
        for stage, (start, event, well) in plain.times(cohort, person).items()
    }
