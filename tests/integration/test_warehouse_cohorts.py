"""Cohorts in a release: a partnership's own file, funnels, time to event, survival, mistakes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import warehouse_rows as rows

from schemas.errors import ConfigError
from warehouse import connect
from warehouse.cohorts.survival import estimate
from warehouse.deaths import DEATHS
from warehouse.given import Given

OWN = """cohort: rearrested
title: Arrested again
definition: Of people arrested who were not arrested in the 90 days before, how many were again.
partners: [police]
sources: [police custody]
exclusions: None.
status: proxy
owner: Analyst
index: {step: arrest, title: Arrested}
entry:
  - {no_step: arrest, within_days_before: 90}
stages:
  - {stage: again, title: "Arrested again within {within} days", step: arrest, within: 60}
  - {stage: third, title: "And again within {within} days", step: arrest, within: 90}
"""


def arrests(*days: str, **more: Any) -> dict[str, Any]:
    return {"police_custody": [{"arrest_date": day} for day in days], **more}


PERSONS = {
    "once": arrests("2025-07-01"),
    "again on day 60": arrests("2025-07-01", "2025-08-30"),
    "again on day 61": arrests("2025-07-01", "2025-08-31"),
    "three times": arrests("2025-07-01", "2025-07-02", "2025-07-20"),
    "twice in the cohort": arrests("2025-07-05", "2025-07-15", "2025-12-01"),
    "died on day 10": arrests(
        "2025-07-01", police_suspected_drug_death=[{"death_date": "2025-07-11"}]
    ),
    "arrested of late": arrests("2026-06-20"),
}


def own_cohorts(folder: Path, text: str = OWN) -> Path:
    folder = folder / "cohorts"
    folder.mkdir(exist_ok=True)
    (folder / "rearrested.yaml").write_text(text, "utf-8")
    mistyped = text.replace("rearrested", "mistyped").replace(
        "step: arrest,", "step: arrest, detail: 92d,"
    )
    (folder / "mistyped.yaml").write_text(mistyped, "utf-8")
    return folder


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("cohorts")
    given = Given(cohorts=own_cohorts(folder), restricted_metrics=DEATHS)
    as_at = {"police": date(2026, 6, 30), "probation": date(2026, 6, 30)}
    marts = ("cohort_membership", "cohort_period", "data_issue", "funnel", "survival")
    path, _ = rows.release(folder, PERSONS, as_at, given, marts=(*marts, "time_to_event"))
    release = connect.open_release(path, rows.RELEASE_KEY)
    yield release
    release.close()


def test_a_cohort_is_added_without_python(con) -> None:
    told = con.execute(
        "SELECT stage, reached, reached_people, lost, in_cohort, days_median FROM funnel "
        "WHERE cohort = 'rearrested' AND period_id = '2025-Q3' AND period_kind = 'quarter'"
    ).fetchall()
    assert told == [
        ("index", 6, 6, 0, 6, None),
        ("again", 3, 3, 3, 6, 10.0),
        ("third", 1, 1, 2, 6, 18.0),  # of a like kind, so later than the one before
    ]


def test_twelve_months_are_the_sum_of_four_quarters(con) -> None:
    told = con.execute(
        "SELECT period_id, reached, reached_people FROM funnel WHERE cohort = 'rearrested' "
        "AND period_kind = 'twelve months' AND stage = 'index' ORDER BY start_date DESC LIMIT 1"
    ).fetchall()
    assert told == [("2026-Q1", 7, 6)]  # one person is in two of the quarters
    uneven = con.execute(
        """SELECT count(*) FROM funnel AS year WHERE period_kind = 'twelve months' AND reached <> (
            SELECT sum(reached) FROM funnel AS quarter
            WHERE quarter.period_kind = 'quarter' AND quarter.cohort = year.cohort
                AND quarter.stage = year.stage
                AND quarter.start_date BETWEEN year.start_date AND year.end_date)"""
    ).fetchone()
    assert uneven == (0,)


def test_what_is_not_finished_is_not_reported_and_says_why(con) -> None:
    why = dict(
        con.execute(
            "SELECT cohort || ' ' || period_id, reason FROM cohort_period "
            "WHERE period_id IN ('2026-Q1', '2026-Q2')"
        ).fetchall()
    )
    assert why["rearrested 2026-Q1"] is None
    assert why["rearrested 2026-Q2"] == "unfinished"
    assert why["positive_test 2026-Q1"] == "partner not sent"
    late = con.execute(
        "SELECT count(*) FROM cohort_membership WHERE person_id = 'arrested of late'"
    )
    assert late.fetchone() == (0,)


def test_unfinished_follow_up_is_censored_at_the_earliest_of_death_and_the_data(con) -> None:
    told = {
        person: found
        for person, *found in con.execute(
            "SELECT person_id, days, is_event, censored_by FROM time_to_event "
            "WHERE cohort = 'rearrested' AND stage = 'again'"
        ).fetchall()
    }
    assert told == {
        "once": [364, False, "end of the data"],
        "again on day 60": [60, True, None],
        "again on day 61": [61, True, None],
        "three times": [1, True, None],
        "twice in the cohort": [10, True, None],
        "died on day 10": [10, False, "death"],
        "arrested of late": [14, False, "end of the data"],
    }


def test_survival_is_estimated_from_all_of_them(con) -> None:
    told = con.execute(
        "SELECT day, at_risk, events, round(probability, 4) FROM survival "
        "WHERE cohort = 'rearrested' AND stage = 'again'"
    ).fetchall()
    assert told == [(1, 7, 1, 0.8571), (10, 6, 1, 0.7143), (60, 3, 1, 0.4762), (61, 2, 1, 0.2381)]


def test_a_cohort_of_nobody_is_named_among_what_is_odd(con) -> None:
    told = con.execute(
        "SELECT place, rows, people FROM data_issue WHERE issue = 'cohort_of_nobody'"
    )
    assert told.fetchall() == [("mistyped", 1, 0)]  # most others need partners that sent nothing


def test_survival_agrees_with_the_textbook() -> None:
    """Remission in 21 patients on 6-MP: Freireich and others 1963, as in Kalbfleisch."""
    events = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    found = estimate(
        pl.Series(events + censored), pl.Series([True] * len(events) + [False] * len(censored))
    )
    assert found["day"].to_list() == [6, 7, 10, 13, 16, 22, 23]
    assert found["at_risk"].to_list() == [21, 17, 15, 12, 11, 7, 6]
    assert found["events"].to_list() == [3, 1, 1, 1, 1, 1, 1]
    told = [round(p, 3) for p in found["probability"]]
    assert told == [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448]
    assert all(low < p < high for low, p, high in found.select("low", "probability", "high").rows())


def test_without_an_event_there_is_no_curve() -> None:
    assert estimate(pl.Series([3, 4]), pl.Series([False, False])).is_empty()


def test_a_mistake_stops_the_build_before_it_begins(tmp_path: Path) -> None:
    last = tmp_path / "releases" / "warehouse.duckdb"
    last.parent.mkdir()
    last.write_bytes(b"the last release")
    broken = own_cohorts(tmp_path, OWN.replace("step: arrest", "step: arest", 1))
    with pytest.raises(ConfigError, match=r"mistyped\.yaml cannot be used: `index\.step` is not"):
        rows.release(tmp_path, PERSONS, given=Given(cohorts=broken))
    assert last.read_bytes() == b"the last release"
    assert [path.name for path in last.parent.iterdir()] == [last.name]
