"""Invented population figures and estimates: read by the warehouse, and never over real ones."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from synthetic import write_extracts
from synthetic.places import LOCAL_DISTRICTS
from synthetic.surroundings import COUNTY, INDICATORS, INVENTED
from warehouse.population import read_population, read_prevalence
from warehouse.publish.published import read_published

AS_AT = date(2026, 6, 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("surroundings")
    write_extracts(60, 3, out, AS_AT)
    return out


def test_residents_of_every_district_are_far_more_than_the_people_known(folder: Path) -> None:
    given = read_population(folder / "population.csv")
    assert set(given["area"]) == set(LOCAL_DISTRICTS)
    assert given["people"].min() > 0
    assert abs(given["people"].sum() - 60 * 40) < 50
    assert set(given["source"]) == {INVENTED}


def test_estimates_agree_with_one_another(folder: Path) -> None:
    given = read_prevalence(folder / "prevalence.csv")
    people = dict(given.select("substance", "people").iter_rows())
    assert set(people) == {"opiate", "crack", "both", "opiate or crack", "alcohol"}
    assert people["both"] <= min(people["opiate"], people["crack"])
    assert max(people["opiate"], people["crack"]) <= people["opiate or crack"]


def test_published_indicators_are_of_the_lists_and_say_that_they_are_invented(folder: Path) -> None:
    given = read_published(folder / "published_indicators.csv")
    assert given.height == len(INDICATORS) and set(given["source"]) == {INVENTED}
    assert set(given["authority"]) == {COUNTY[0], ""}


def test_invented_figures_are_renewed_and_real_ones_left_alone(tmp_path: Path) -> None:
    header = "substance,people,low,high,source,as_at\n"
    (tmp_path / "population.csv").write_text(f"old\n{INVENTED}\n", "utf-8")
    (tmp_path / "prevalence.csv").write_text(f"{header}opiate,9,8,10,A study,2020-01-01\n", "utf-8")
    write_extracts(50, 3, tmp_path, AS_AT)
    assert read_population(tmp_path / "population.csv").height == 6 * 2 * len(LOCAL_DISTRICTS)
    assert read_prevalence(tmp_path / "prevalence.csv")["people"].to_list() == [9]
