"""People with a story: what partners say of them and what the release must (personas*.yaml)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import warehouse_rows as rows
import yaml

from warehouse import analyst, connect
from warehouse.deaths import DEATHS
from warehouse.given import Given

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
