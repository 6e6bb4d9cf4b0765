"""Days of people's lives: told by the week unless the purpose lists exact dates; deaths."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
import warehouse_rows as rows

from schemas.errors import StoreError
from warehouse import connect, deaths
from warehouse.clock import macros
from warehouse.cohorts import cohort_models, load_cohorts
from warehouse.given import Given
from warehouse.models import Model, load_models, parse_model, with_generated
from warehouse.release import build_release

MART = """-- One row per arrest.
-- column arrest_week: Monday of its week.
-- exact arrest_date: The day.
-- check: not_null arrest_week
SELECT own_week(arrest_date, days_off) AS arrest_week, arrest_date
FROM stg_custody INNER JOIN clock_given USING (person_id) ORDER BY arrest_week
"""
DEATHS = """-- One row per death.
-- column person: Whose.
-- column died: The day.
-- column source: Who said so.
-- check: not_null died
SELECT person_id AS person, death_date AS died, source FROM int_death ORDER BY person
"""
SUNDAY_AND_MONDAY = {
    "one": {
        "police_custody": [
            {"arrest_date": day} for day in ("2026-01-04", "2026-01-05", "2025-12-29")
        ]
    }
}


def answer(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    persons: rows.Persons,
    mart: str,
    *,
    exact_dates: bool = False,
    moved: int = 0,
) -> tuple[list[str], list[tuple]]:
    """The columns and rows of one mart in a release of some persons."""
    wanted = parse_model("told", "marts", mart)
    models = with_generated(load_models(), cohort_models(load_cohorts()))
    layers = [model for model in models if model.layer != "marts"]
    monkeypatch.setattr("warehouse.release.every_model", lambda *_: (*layers, wanted))
    path, owners = rows.stage(folder, persons)
    target = folder / "release.duckdb"
    with rows.moved_by(lambda _: moved):
        build_release(
            path,
            rows.STAGING_KEY,
            owners,
            target,
            rows.RELEASE_KEY,
            run_id="r",
            built_at=datetime(2026, 7, 1),
            given=Given(exact_dates=exact_dates, restricted_metrics=deaths.DEATHS),
        )
    con = connect.open_release(target, rows.RELEASE_KEY)
    found = con.execute("SELECT * FROM told")
    answered = ([column[0] for column in found.description], found.fetchall())
    con.close()
    return answered


def test_an_exact_day_is_left_out_and_its_week_begins_on_monday(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, told = answer(tmp_path, monkeypatch, SUNDAY_AND_MONDAY, MART)
    assert columns == ["arrest_week"]
    assert told == [(date(2025, 12, 29),), (date(2025, 12, 29),), (date(2026, 1, 5),)]


def test_an_exact_day_is_there_where_the_purpose_lists_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns, told = answer(tmp_path, monkeypatch, SUNDAY_AND_MONDAY, MART, exact_dates=True)
    assert columns == ["arrest_week", "arrest_date"]
    assert told[-1] == (date(2026, 1, 5), date(2026, 1, 5))


def test_a_check_may_not_rely_on_an_exact_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relying = MART.replace("-- check: not_null arrest_week", "-- check: not_null arrest_date")
    with pytest.raises(StoreError, match="cannot be run"):
        answer(tmp_path, monkeypatch, SUNDAY_AND_MONDAY, relying)


PEOPLE = """-- One row per arrest.
-- column person_id: Whose.
-- column arrest_week: Its week.
-- check: not_null person_id
SELECT person_id, {} AS arrest_week FROM stg_custody INNER JOIN clock_given USING (person_id)
"""


@pytest.mark.parametrize(
    "mart",
    [
        PEOPLE.format("arrest_date"),
        PEOPLE.format("arrest_date::TIMESTAMP"),
        PEOPLE.format("own_week(arrest_date, days_off)").replace("arrest_week", "arrested"),
        PEOPLE.format("date_trunc('week', arrest_date)::DATE").replace(
            " INNER JOIN clock_given USING (person_id)", ""
        ),
    ],
)
def test_a_day_that_nobody_declared_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mart: str
) -> None:
    with pytest.raises(StoreError, match="exact days") as caught:
        answer(tmp_path, monkeypatch, SUNDAY_AND_MONDAY, mart)
    assert "2026" not in str(caught.value)
    assert not (tmp_path / "release.duckdb").exists()


def test_a_week_of_a_person_is_let_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, told = answer(
        tmp_path, monkeypatch, SUNDAY_AND_MONDAY, PEOPLE.format("own_week(arrest_date, days_off)")
    )
    assert len(told) == 3


def test_a_model_reads_no_exact_day_of_a_mart() -> None:
    models = {model.name: model for model in load_models()}
    for model in models.values():
        own = {day for name in model.reads & set(models) for day in models[name].exact}
        assert not [day for day in own if day in model.sql], model.name


def test_a_death_is_the_earliest_sound_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = {"triaged": "2026-01-01", "disd": "2026-03-02", "disrsn": "89"}
    reported = {"death_date": "2026-03-01", "death_status": "not_drug_related"}
    persons = {
        "both": {"treatment_episode": [died], "police_suspected_drug_death": [reported]},
        "discharged": {"treatment_episode": [died]},
        "left alive": {"treatment_episode": [died | {"disrsn": "80"}]},
        "not born": {"treatment_episode": [died | {"birth_year": 2027}]},
        "ahead": {"police_suspected_drug_death": [{"death_date": "2026-07-01"}]},
        "no year": {"treatment_episode": [died | {"birth_year": None}]},
    }
    _, told = answer(tmp_path, monkeypatch, persons, DEATHS)
    assert told == [
        ("both", date(2026, 3, 1), "suspected drug death"),
        ("discharged", date(2026, 3, 2), "discharge from treatment"),
        ("no year", date(2026, 3, 2), "discharge from treatment"),
    ]


def test_a_model_says_which_columns_it_selects() -> None:
    model: Model = parse_model("told", "marts", MART.replace("FROM stg_custody", "FROM given"))
    con = duckdb.connect()
    for macro in macros(exact_dates=False):
        con.execute(macro)
    con.execute("CREATE TABLE clock_given AS SELECT 'one' AS person_id, 0 AS days_off")
    con.execute("CREATE TABLE given AS SELECT 'one' AS person_id, DATE '2026-01-04' AS arrest_date")
    for exact_dates in (False, True):
        found = con.execute(model.selected(exact_dates=exact_dates))
        assert [column[0] for column in found.description] == list(
            model.explained(exact_dates=exact_dates)
        )
    con.close()
