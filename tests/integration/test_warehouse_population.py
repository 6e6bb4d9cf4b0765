"""What a partnership gives beside its settings, and what the release makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import warehouse_rows as rows
from slight import make_slight

from schemas.errors import ConfigError
from warehouse import connect
from warehouse.given import Given

POPULATION = """area,age_band,sex,people,source,as_at
NR3,35-44,F,2000,Census,2021-03-21
NR3,35-44,M,1900,Census,2021-03-21
NR4,35-44,F,1000,Census,2021-03-21
"""
PREVALENCE = """substance,people,low,high,source,as_at
opiate,10,8,16,An estimate,2020-01-01
"""

BURGLARY = {"arrest_date": "2026-01-10", "offence_class": "28E"}
TREATED = {
    "treatment_episode": [{"triaged": "2026-01-03", "drug1": "1011"}],
    "treatment_intervention": [{"modst": "2026-01-05"}],
    "treatment_outcomes_profile": [{"topdate": "2026-01-05", "trstage": "S", "quallife": 12}],
}
PERSONS = {
    "a": {"police_custody": [BURGLARY, {**BURGLARY, "arrest_date": "2025-07-01"}], **TREATED},
    "b": {"police_custody": [{**BURGLARY, "sex": "M", "postcode_district": "NR4"}]},
    "c": {"police_custody": [{**BURGLARY, "sex": "U", "postcode_district": None}]},
    "d": TREATED,
}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp("given")
    population, prevalence = folder / "population.csv", folder / "prevalence.csv"
    population.write_text(POPULATION, "utf-8")
    prevalence.write_text(PREVALENCE, "utf-8")
    return Given(population=population, prevalence=prevalence)


@pytest.fixture(scope="module")
def release(given: Given, tmp_path_factory: pytest.TempPathFactory):
    path, _ = rows.release(tmp_path_factory.mktemp("release"), PERSONS, given=given)
    con = connect.open_release(path, rows.RELEASE_KEY)
    yield con
    con.close()


def test_what_a_partnership_gives_is_in_the_release(release) -> None:
    assert release.execute("SELECT count(*), sum(people) FROM population").fetchone() == (3, 4900)
    assert release.execute("SELECT substance, people, low, high FROM prevalence").fetchall() == [
        ("opiate", 10, 8, 16)
    ]


def test_counts_of_twelve_months_are_told_for_each_thousand_residents(release) -> None:
    rates = release.execute(
        "SELECT split, category, numerator, people, rate_per_1000 FROM rate "
        "WHERE metric = 'neighbourhood_crime' AND period_id = '2026-Q2' ORDER BY ALL"
    ).fetchall()
    # Whoever is of no known sex or area is in the whole area's rate only.
    assert rates == [
        ("age_band", "35-44", 4, 4900, 0.82),
        ("all", "All", 4, 4900, 0.82),
        ("area", "NR3", 2, 3900, 0.51),
        ("area", "NR4", 1, 1000, 1.0),
        ("sex", "F", 2, 3000, 0.67),
        ("sex", "M", 1, 1900, 0.53),
    ]


def test_only_plain_counts_have_a_rate(release) -> None:
    assert release.execute(
        "SELECT count(*) FROM rate INNER JOIN measure USING (metric, measure) "
        "WHERE measure.denominator IS NOT NULL"
    ).fetchone() == (0,)
    # How high people rate their lives is a mean, and nothing of so many residents.
    rated = "SELECT count(*) > 0 FROM {} WHERE metric = 'quality_of_life' AND measure = 'at_start'"
    assert [release.execute(rated.format(mart)).fetchone() for mart in ("rate", "figure")] == [
        (False,),
        (True,),
    ]


def test_unmet_need_is_the_share_of_the_estimate_that_is_not_in_treatment(release) -> None:
    assert release.execute(
        "SELECT in_treatment, estimate, percent_not_in_treatment, percent_low, percent_high "
        "FROM unmet_need WHERE period_id = '2026-Q2'"
    ).fetchall() == [(2, 10, 80.0, 75.0, 87.5)]


def test_without_what_they_are_of_there_are_neither_rates_nor_unmet_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_slight(monkeypatch, ["rate", "unmet_need"])
    path, _ = rows.release(tmp_path, PERSONS)
    con = connect.open_release(path, rows.RELEASE_KEY)
    assert con.execute(
        "SELECT (SELECT count(*) FROM rate), (SELECT count(*) FROM unmet_need)"
    ).fetchone() == (0, 0)
    con.close()


def test_a_fault_in_a_file_stops_the_build_and_leaves_the_last_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_slight(monkeypatch, ["release_info"])
    kept, _ = rows.release(tmp_path, {})
    before = kept.read_bytes()
    faulty = tmp_path / "population.csv"
    faulty.write_text(POPULATION.replace("1900", "many"), "utf-8")
    with pytest.raises(ConfigError, match=r"population\.csv line 3 .*`people` is not"):
        rows.release(tmp_path, {}, given=Given(population=faulty))
    assert kept.read_bytes() == before
    assert not list(kept.parent.glob(".*"))
