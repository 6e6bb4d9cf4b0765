"""The marts about people: every row accounted for, what is odd named, nothing lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import warehouse_rows as rows

from schemas.errors import StoreError
from warehouse import connect, release, staging
from warehouse.checks import run_checks
from warehouse.deaths import DEATHS
from warehouse.given import Given
from warehouse.models import Model

RUN = "20260701-000000-test"

# Somebody known to everybody, with a row in every staging table that has one.
KNOWN_TO_ALL: dict[str, list[dict[str, Any]]] = {
    "police_custody": [{"arrest_date": "2025-01-01"}, {"arrest_date": "2025-02-01"}],
    "police_drug_test": [{"test_date": "2025-01-01", "result": "POS_OPIATE"}],
    "police_intensive_programme": [{"start_date": "2025-03-01", "programme": "adder"}],
    "probation_sentence": [
        {"sentence_date": "2025-03-01", "sentence_end_date": "2026-03-01"},
        {"sentence_date": "2026-04-01", "sentence_end_date": "2027-04-01", "sentence_type": "COEW"},
    ],
    "probation_requirement": [
        {"of": 2, "category": "DRR", "start_date": "2026-04-01", "end_date": "2026-06-01",
         "outcome": "completed"},
        {"of": 2, "category": "RAR", "start_date": "2026-04-01"},
    ],
    "probation_release": [
        {"release_date": "2025-06-01", "recall_date": "2025-07-01"},
        {"release_date": "2025-08-01", "licence_expiry_date": "2026-03-01"},
    ],
    "probation_enforcement": [
        {"of": 2, "enforcement_type": "BRE01", "enforcement_date": "2026-05-01"},
        {"of": 1, "enforcement_type": "REC01", "enforcement_date": "2025-06-28"},
    ],
    "probation_accommodation": [{"accommodation_type": "A01C", "start_date": "2025-06-01"}],
    "treatment_episode": [{"refld": "2025-08-01", "triaged": "2025-08-05", "disd": "2026-02-05",
                           "disrsn": "80"}],
    "treatment_intervention": [
        {"modst": "2025-08-10", "modend": "2025-12-01"},
        {"modst": "2025-11-01", "modend": "2026-02-01", "modal": "95"},
    ],
    "treatment_outcomes_profile": [{"topdate": "2025-08-10", "trstage": "S", "quallife": 8}],
    "treatment_secure_treatment": [{"start_date": "2025-03-05", "end_date": "2025-05-31"}],
    "treatment_transfer": [{"release_date": "2025-06-01", "referral_date": "2025-05-20"}],
    "treatment_cj_assessment": [{"initial_assessment_date": "2025-01-02",
                                 "assessed_date": "2025-01-10"}],
    "treatment_cj_caseload": [{"taken_on_date": "2025-01-12", "closed_date": "2025-03-01"}],
    "treatment_prison_referral": [{"referral_date": "2025-05-01"}],
    "housing_application": [{"application_date": "2025-06-02", "assessment": "relief",
                             "need_drug": "Y", "need_offending": "Y"}],
    "housing_person": [{"role": "main"}],
    "housing_duty": [
        {"duty": "relief", "start_date": "2025-06-03", "end_date": "2025-07-30",
         "end_reason": "56_days_elapsed"},
        {"duty": "main", "start_date": "2025-07-31"},
    ],
    "housing_tenancy": [{"start_date": "2026-01-05", "tenancy_type": "secure"}],
    "housing_temporary_accommodation": [
        {"accommodation_type": "hostel", "start_date": "2025-06-03", "end_date": "2025-06-13"},
        {"accommodation_type": "hostel", "start_date": "2025-06-10", "end_date": "2025-06-23"},
    ],
    "housing_rough_sleeping": [{"sighting_date": "2025-06-01"}],
}  # fmt: skip
ODD: dict[str, dict[str, list[dict[str, Any]]]] = {
    "dead": {
        "police_suspected_drug_death": [{"death_date": "2026-01-10"}],
        "police_custody": [{"arrest_date": "2026-01-10", "outcome_date": "2026-01-11"}],
        "probation_sentence": [
            {"sentence_date": "2025-12-01", "sentence_end_date": "2026-12-01",
             "sentence_type": "COEW"}
        ],
    },
    "not born": {
        "police_custody": [
            {"arrest_date": "1989-12-31", "birth_year": 1990},
            {"arrest_date": "1990-01-01", "birth_year": 1992},
        ]
    },
    "endless": {
        "housing_application": [{"application_date": "2020-01-01", "assessment": "relief"}],
        "housing_person": [{"role": "main"}, {"role": "other_adult"}],
        "housing_duty": [
            # 1097 and 1096 days before the extract, and before the application.
            {"duty": "relief", "start_date": "2023-06-29"},
            {"duty": "main", "start_date": "2023-06-30"},
            {"duty": "prevention", "start_date": "2019-12-31", "end_date": "2020-02-01"},
        ],
    },
    "backwards": {
        "treatment_episode": [{"triaged": "2025-05-01", "disd": "2025-04-01", "disrsn": "85"}],
        "treatment_intervention": [{"modst": "2025-04-30", "modend": "2025-04-29"}],
    },
    "never released": {
        "probation_sentence": [{"sentence_date": "2025-01-01", "sentence_end_date": "2025-07-01"}]
    },
    "released again": {
        "probation_sentence": [
            {"sentence_date": "2025-01-01", "sentence_end_date": "2026-01-01"},
            {"sentence_date": "2025-01-01", "sentence_type": "SSO"},
        ],
        "probation_release": [
            {"release_date": "2025-03-01"},
            {"release_date": "2025-05-01"},
            {"release_date": "2025-05-01", "of": 2},
        ],
    },
    "unplaced": {
        "police_drug_test": [{"of": 9, "test_date": "2025-01-01", "result": "NEG"}],
        "housing_duty": [{"of": 9, "duty": "relief", "start_date": "2025-01-01"}],
        "housing_application": [{"key": 8, "application_date": "2025-01-01"}],
    },
    "undated": {
        "police_custody": [{}],
        "housing_person": [{"of": 7}],
    },
    "ahead": {"housing_tenancy": [{"start_date": "2026-07-01"}], "housing_person": [{}]},
}  # fmt: skip
PERSONS = {"known to all": KNOWN_TO_ALL, **ODD}
HISTORY = pl.DataFrame(
    [
        (datetime(2026, 7, 1), RUN, "merged", "gone", "known to all", 3),
        (datetime(2026, 6, 1), "an earlier run", "split", "parted", "dead", 1),
    ],
    schema=release.PERSON_HISTORY,
    orient="row",
)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    return rows.stage(tmp_path_factory.mktemp("marts"), PERSONS)


@pytest.fixture(scope="module")
def con(staged: tuple[Path, pl.DataFrame]) -> Iterator[duckdb.DuckDBPyConnection]:
    with rows.moved_by(lambda _: 0):
        path = build(staged)
    opened = connect.open_release(path, rows.RELEASE_KEY)
    yield opened
    opened.close()


def build(staged: tuple[Path, pl.DataFrame]) -> Path:
    path, owners = staged
    target = path.with_name("release.duckdb")
    release.build_release(
        path,
        rows.STAGING_KEY,
        owners,
        target,
        rows.RELEASE_KEY,
        run_id=RUN,
        built_at=datetime(2026, 7, 1),
        person_history=HISTORY,
        given=Given(restricted_metrics=DEATHS),
    )
    return target


def told(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple]:
    return con.execute(sql).fetchall()


# --- every row is accounted for ----------------------------------------------------------------


def test_every_staging_table_is_accounted_for(con: duckdb.DuckDBPyConnection) -> None:
    found = told(con, "SELECT partner || '_' || table_name FROM data_quality")
    assert {name for (name,) in found} == set(staging.TABLES)
    unused = told(
        con,
        "SELECT table_name, rows_staged, rows_used, rows_unplaced, rows_undated, rows_ahead "
        "FROM data_quality WHERE rows_used < rows_staged ORDER BY ALL",
    )
    assert unused == [
        ("application", 3, 2, 1, 0, 0),
        ("custody", 6, 5, 0, 1, 0),
        ("drug_test", 2, 1, 1, 0, 0),
        ("duty", 6, 5, 1, 0, 0),
        ("person", 5, 3, 0, 2, 0),
        ("tenancy", 2, 1, 0, 0, 1),
    ]


ISSUES = [
    ("birth_years_differ", None, "person", 1, 1),
    ("cohort_of_nobody", None, "treatment_requirement", 1, 0),
    ("death_contradicted", None, None, 0, 0),
    ("discharge_before_triage", "treatment", "episode", 1, 1),
    ("duty_before_application", "housing", "duty", 1, 1),
    ("end_before_start", "treatment", "structured_treatment", 1, 1),
    ("endless_spell", "housing", "homelessness_duty", 1, 1),
    ("event_after_death", "police", "police_outcome", 1, 1),
    ("event_before_birth", "police", "arrest", 1, 1),
    ("extract_overdue", None, None, 0, 0),
    ("intervention_before_triage", "treatment", "intervention", 1, 1),
    ("open_at_death", "probation", "supervision", 1, 1),
    ("overlapping_spell", "housing", "homelessness_duty", 1, 1),
    ("overlapping_spell", "housing", "temporary_accommodation", 1, 1),
    ("overlapping_spell", "probation", "licence", 1, 1),
    ("overlapping_spell", "treatment", "structured_treatment", 1, 1),
    ("person_merged", None, "person_history", 3, 1),
    ("person_retired", None, None, 0, 0),
    ("person_split", None, None, 0, 0),
    ("release_without_custody", "probation", "release", 1, 1),
    ("release_without_recall", "probation", "release", 1, 1),
    ("sentence_outlived", "probation", "custody", 1, 1),
    ("twice_in_household", "housing", "person", 1, 1),
]


def test_what_is_odd_is_named_and_counted(con: duckdb.DuckDBPyConnection) -> None:
    found = told(con, "SELECT issue, partner, place, rows, people FROM data_issue ORDER BY ALL")
    assert found == ISSUES
    assert not told(con, "SELECT * FROM data_issue WHERE length(what_was_done) < 5")


def test_what_lies_outside_a_life_is_kept_and_marked(con: duckdb.DuckDBPyConnection) -> None:
    found = "SELECT person_id, event_type, event_week FROM event WHERE is_doubtful ORDER BY ALL"
    assert told(con, found) == [
        ("dead", "police_outcome", date(2026, 1, 5)),
        ("not born", "arrest", date(1989, 12, 25)),
    ]


def test_a_spell_open_at_a_death_ends_with_it(con: duckdb.DuckDBPyConnection) -> None:
    found = "SELECT end_week, end_basis, days FROM spell WHERE person_id = 'dead'"
    assert told(con, found) == [(date(2026, 1, 5), "settled", 40)]


# --- the marts -----------------------------------------------------------------------------------


def test_time_in_prison_is_told_with_recalls(con: duckdb.DuckDBPyConnection) -> None:
    found = (
        "SELECT custody_number, begins_with, ends_with, days, days_to_next FROM custody_period "
        "WHERE person_id = '{}' ORDER BY custody_number"
    )
    assert told(con, found.format("known to all")) == [
        (1, "sentence", "release", 92, 30),
        (2, "recall", "release", 31, None),
    ]
    assert told(con, found.format("never released")) == [
        (1, "sentence", "sentence end", 181, None),
    ]
    assert told(con, found.format("released again")) == [(1, "sentence", "release", 59, None)]


def test_a_sentence_is_told_with_its_requirements_and_enforcement(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = told(
        con,
        "SELECT sentence_number, sentence_category, has_drr, has_atr, requirements, drr_outcome, "
        "breaches, recalls, releases, supervised_days, end_week FROM supervision "
        "WHERE person_id = 'known to all' ORDER BY sentence_number",
    )
    # On licence in June and from August to the next March; then 13 weeks of a community order.
    assert found == [
        (1, "custody", False, False, 0, None, 0, 1, 2, 30 + 212, date(2026, 2, 23)),
        (2, "community", True, False, 2, "completed", 1, 0, 0, 91, None),
    ]


def test_a_homelessness_case_is_told_with_its_duties(con: duckdb.DuckDBPyConnection) -> None:
    found = told(
        con,
        "SELECT role, people, application_week, has_drug_need, needs, was_owed_relief, "
        "was_owed_main, days_to_duty, duty_days, is_open, outcome, temporary_accommodation_days "
        "FROM homelessness_case WHERE person_id = 'known to all'",
    )
    assert found == [
        ("main", 1, date(2025, 6, 2), True, 2, True, True, 1, 392, True, None, 20),
    ]


def test_a_person_found_twice_in_a_household_is_told_of_once(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = told(
        con, "SELECT role, people, duty_days FROM homelessness_case WHERE person_id = 'endless'"
    )
    assert found == [("main", 1, (date(2026, 6, 30) - date(2019, 12, 31)).days)]
    spells = "SELECT count(*) FROM spell WHERE person_id = 'endless'"
    assert told(con, spells) == [(3,)]


def test_tenancies_and_journeys_are_told_by_the_week(con: duckdb.DuckDBPyConnection) -> None:
    assert told(con, "SELECT * EXCLUDE (person_id) FROM tenancy") == [
        (1, "secure", date(2026, 1, 5), None, None, None, 25 * 7),
    ]
    journey = told(
        con,
        "SELECT start_week, end_week, days_to_structured, structured_days FROM treatment_journey "
        "WHERE person_id = 'known to all'",
    )
    assert journey == [(date(2025, 8, 4), date(2026, 2, 2), 5, 175)]


# --- a planted loss or doubling is seen -----------------------------------------------------------


def test_a_planted_loss_or_doubling_is_seen(
    staged: tuple[Path, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every model about people, in turn, a row is taken out and one is put in twice."""
    unseen: list[str] = []
    empty: list[str] = []

    models: list[Model] = []

    def planting(con: duckdb.DuckDBPyConnection, *_: Any) -> None:
        for model in models:
            if model.name.startswith("stg_") or model.name in MINE:
                # A check that sees it is the model's own, or speaks of the model.
                near = [
                    other
                    for other in models
                    if other is model or any(model.name in check for check in other.checks)
                ]
                where = f"{'release' if model.layer == 'marts' else 'memory'}.main.{model.name}"
                con.execute(f"CREATE TEMP TABLE whole AS FROM {where}")
                if not con.execute("SELECT count(*) FROM whole").fetchone()[0]:
                    empty.append(model.name)
                for kind, planted in PLANTED.items():
                    con.execute(f"DELETE FROM {where}; INSERT INTO {where} {planted}")
                    if not is_refused(con, near):
                        unseen.append(f"{kind} in {model.name}")
                con.execute(f"DELETE FROM {where}; INSERT INTO {where} FROM whole")
                con.execute("DROP TABLE whole")
        run_checks(con, models)

    # Once all is built, and nothing has been let go of.
    monkeypatch.setattr("warehouse.release._check", lambda _, model: models.append(model))
    monkeypatch.setattr("warehouse.release._drop", lambda *_, **__: None)
    monkeypatch.setattr("warehouse.release._comment", planting)
    build(staged)
    assert {model.name for model in models} >= MINE
    assert not empty
    assert not unseen


MINE = frozenset({
    "int_birth", "int_custody_period", "int_death", "int_recorded_spell", "int_spell",
    "custody_period", "data_quality", "event", "homelessness_case", "person", "spell",
    "supervision", "tenancy", "treatment_journey",
})  # fmt: skip
PLANTED = {
    "a loss": "SELECT * FROM whole OFFSET 1",
    "a doubling": "FROM whole UNION ALL (FROM whole LIMIT 1)",
}


def is_refused(con: duckdb.DuckDBPyConnection, models: list[Model]) -> bool:
    try:
        run_checks(con, models)
    except StoreError:
        return True
    return False
