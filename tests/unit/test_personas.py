"""People with a story: what partners say of them and what the release must (personas*.yaml)."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import warehouse_rows as rows
import yaml

from warehouse import analyst, connect
from warehouse.deaths import DEATHS
from warehouse.given import Given
from warehouse.publish import tables

HERE = Path(__file__).parent
PERSONAS: dict[str, dict[str, Any]] = {
    name: persona
    for path in sorted(HERE.glob("personas*.yaml"))
    for name, persona in yaml.safe_load(path.read_text("utf-8")).items()
}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory):
    """One release that holds every persona."""
    persons = {
        name: {table: given for table, given in persona.items() if table != "expect"}
        for name, persona in PERSONAS.items()
    }
    told_by_the_day = Given(exact_dates=True, restricted_metrics=DEATHS)
    path, _ = rows.release(tmp_path_factory.mktemp("personas"), persons, given=told_by_the_day)
    con = connect.open_release(path, rows.RELEASE_KEY)
    yield con
    con.close()


@pytest.mark.parametrize(
    ("name", "table"),
    [(name, table) for name, persona in PERSONAS.items() for table in persona["expect"]],
)
def test_release_tells_the_persona_s_story(release, name: str, table: str) -> None:
    found = analyst.select(release, f"SELECT * FROM {table} WHERE person_id = '{name}'")
    expected = PERSONAS[name]["expect"][table]
    told = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    assert len(told) == len(expected)
    for row, wanted in zip(told, expected, strict=True):
        assert {column: row[column] for column in wanted} == wanted


PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "journeys.md"


@pytest.mark.parametrize("sql", re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
def test_the_page_about_journeys_asks_what_a_release_can_answer(release, sql: str) -> None:
    assert analyst.select(release, sql).columns


def test_four_quarters_of_transitions_are_published_and_each_row_adds_up(release) -> None:
    sql = (Path(tables.__file__).parent / "sql" / "transitions.sql").read_text("utf-8")
    published = release.execute(sql).pl()
    told = analyst.select(
        release,
        "SELECT step.label, count(*) FROM transition INNER JOIN code AS step "
        "ON step.list = 'step' AND step.code = transition.step "
        "WHERE period_id BETWEEN '2025-Q2' AND '2026-Q1' GROUP BY step.label",
    ).rows
    assert set(published["period_start"]) == {date(2025, 4, 1)}
    assert set(published["period_end"]) == {date(2026, 3, 31)}
    summed = published.group_by("from_step").agg(
        pl.col("people").sum(), pl.col("denominator").max()
    )
    published_people = {row[0]: row[1] for row in summed.rows()}
    # Steps of tables that a partner may leave out have no row of their own.
    assert set(dict(told)) - set(published_people) == {
        "Intensive programme starts",
        "Seen sleeping rough",
        "Temporary accommodation begins",
        "Treatment in a secure setting starts",
    }
    assert all(dict(told).get(step, 0) == people for step, people in published_people.items())
    assert (summed["people"] == summed["denominator"]).all()
    # Nobody counts for more than one person behind a count, and all behind it or in the rest.
    assert (published["people_behind"] <= published["people"]).all()
    behind = published["people_behind"] + published["rest_people"]
    assert (behind >= published["denominator_behind"]).all()
