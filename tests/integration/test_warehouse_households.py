"""Households of several people: each is counted once, by its applicant."""

from __future__ import annotations

import pytest
import warehouse_rows as rows

from warehouse import connect

CASE = 77
DUTY = {"duty": "relief", "start_date": "2025-02-01", "case_key": CASE}
# One household of three people, one without a main applicant, and one of nobody.
PERSONS = {
    "main": {
        "housing_application": [{"case_key": CASE, "need_drug": "Y"}],
        "housing_person": [{"case_key": CASE, "role": "main"}],
        "housing_duty": [DUTY],
    },
    "partner": {"housing_person": [{"case_key": CASE, "role": "partner"}]},
    "child": {"housing_person": [{"case_key": CASE, "role": "child"}]},
    "other adult": {
        "housing_application": [{"case_key": CASE + 1}],
        "housing_person": [{"case_key": CASE + 1, "role": "other_adult"}],
        "housing_duty": [{**DUTY, "case_key": CASE + 1}],
    },
    "second child": {"housing_person": [{"case_key": CASE + 1, "role": "child"}]},
    "nobody": {
        "housing_application": [{"case_key": CASE + 2}],
        "housing_duty": [{**DUTY, "case_key": CASE + 2}],
    },
}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory):
    counted = {"marts": ("outcome",), "measures": ("substance_need",)}
    path, _ = rows.release(tmp_path_factory.mktemp("households"), PERSONS, **counted)
    con = connect.open_release(path, rows.RELEASE_KEY)
    yield con
    con.close()


def test_a_household_is_counted_once_by_its_applicant(release) -> None:
    counted = release.execute(
        "SELECT person_id, sum(numerator), sum(denominator) FROM outcome "
        "WHERE metric = 'homelessness_duty' AND measure = 'substance_need' "
        "GROUP BY person_id ORDER BY person_id"
    ).fetchall()
    assert counted == [("main", 1, 1), ("other adult", 0, 1)]
