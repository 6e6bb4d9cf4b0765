"""Time to event: who has not yet had the event is censored, not counted on the first day."""

from __future__ import annotations

import pytest
import warehouse_rows as rows

from warehouse import connect

TESTED = {
    "police_custody": [{"arrest_date": "2025-08-01", "birth_year": 1985}],
    "police_drug_test": [{"test_date": "2025-08-01", "result": "POS_COCAINE"}],
}
PERSONS = {
    "starts on day 10": {
        **TESTED,
        "treatment_episode": [{"triaged": "2025-08-05"}],
        "treatment_intervention": [{"modst": "2025-08-11"}],
    },
    "never starts": TESTED,
}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory):
    folder, marts = tmp_path_factory.mktemp("release"), ("time_to_event", "survival")
    path, _ = rows.release(folder, PERSONS, marts=marts)
    with connect.open_release(path, rows.RELEASE_KEY) as con:
        yield con


def test_who_never_starts_is_seen_until_the_end_of_the_data(release) -> None:
    found = release.execute(
        "SELECT person_id, is_event, days, censored_by FROM time_to_event "
        "WHERE cohort = 'positive_test' AND stage = 'started' ORDER BY person_id"
    ).fetchall()
    assert found == [
        ("never starts", False, 48 * 7, "end of the data"),
        ("starts on day 10", True, 10, None),
    ]


def test_half_of_them_have_not_started_by_the_day_that_the_other_does(release) -> None:
    found = release.execute(
        "SELECT day, at_risk, events, probability FROM survival "
        "WHERE cohort = 'positive_test' AND stage = 'started'"
    ).fetchall()
    assert found == [(10, 2, 1, 0.5)]
