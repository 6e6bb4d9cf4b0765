"""Population figures and prevalence estimates: read whole, or refused by line and column."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from schemas.errors import ConfigError
from warehouse.cohorts import load_cohorts
from warehouse.given import load_given
from warehouse.population import (
    POPULATION_COLUMNS,
    PREVALENCE_COLUMNS,
    read_population,
    read_prevalence,
)
from warehouse.publish.published import read_published

POPULATION = "area,age_band,sex,people,source,as_at\n"
PREVALENCE = "substance,people,low,high,source,as_at\n"


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "figures.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_population_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, POPULATION + "NR3,18-24,F,1200,Census 2021,2021-03-21\n")
    assert read_population(path).rows() == [
        ("NR3", "18-24", "F", 1200, "Census 2021", date(2021, 3, 21))
    ]


def test_estimates_are_read_from_a_file_that_a_spreadsheet_saved(tmp_path: Path) -> None:
    path = written(
        tmp_path, "\ufeff" + PREVALENCE + "opiate,900,700,1100,An estimate,2020-01-01\r\n\r\n"
    )
    assert read_prevalence(path).rows() == [
        ("opiate", 900, 700, 1100, "An estimate", date(2020, 1, 1))
    ]


def test_without_a_file_there_are_the_columns_and_no_rows() -> None:
    assert dict(read_population(None).schema) == POPULATION_COLUMNS
    assert dict(read_prevalence(None).schema) == PREVALENCE_COLUMNS
    assert read_population(None).is_empty() and read_prevalence(None).is_empty()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("NR3,18-24,F,x91,Census,2021-03-21\n", "line 2.*`people` is not a whole number"),
        ("NR3,18-24,F,-1,Census,2021-03-21\n", "line 2.*`people` is smaller than is allowed"),
        ("NR3,18-24,F,1.5,Census,2021-03-21\n", "line 2.*`people` is not a whole number"),
        ("NR3,18-24,F,1_000,Census,2021-03-21\n", "line 2.*`people` is not a whole number"),
        ("NR3,18-24,F,010,Census,2021-03-21\n", "line 2.*`people` is not a whole number"),
        ("NR3,18-24,F,1,Census,1616284800\n", "line 2.*`as_at` is not a date"),
        ("NR3 1AA,18-24,F,1,Census,2021-03-21\n", "line 2.*`area` is not in the expected form"),
        ("NR3,18-25,F,1,Census,2021-03-21\n", "line 2.*`age_band` is not one of the values"),
        ("NR3,18-24,X,1,Census,2021-03-21\n", "line 2.*`sex` is not one of the values"),
        ("NR3,18-24,F,1,,2021-03-21\n", "line 2.*`source` is empty"),
        ("NR3,18-24,F,1,Census,21/03/2021\n", "line 2.*`as_at` is not a date"),
        ("NR3,18-24,F,1,Census\n", "more or fewer values than columns in line 2"),
        ("NR3,18-24,F,1,Census,2021-03-21,9\n", "more or fewer values than columns in line 2"),
        ('NR3,18-24,F,1,"Cen"sus,2021-03-21\n', "is not a CSV file after line 1"),
        (
            "NR3,18-24,F,1,Census,2021-03-21\nNR3,18-24,F,2,Census,2021-03-21\n",
            "line 3 gives the same area, age_band, sex as a line before it",
        ),
        ("", "has no rows"),
    ],
)
def test_a_fault_in_a_population_is_named_by_line_and_never_by_value(
    tmp_path: Path, rows: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        read_population(written(tmp_path, POPULATION + rows))
    for value in ("x91", "NR3 1AA", "18-25", "21/03/2021", "Cen"):
        assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("opiate,900,950,1100,Estimate,2020-01-01\n", "does not lie between its low and its high"),
        ("opiate,900,700,800,Estimate,2020-01-01\n", "does not lie between its low and its high"),
        ("opiate,0,0,0,Estimate,2020-01-01\n", "`people` is smaller than is allowed"),
        ("cannabis,9,7,11,Estimate,2020-01-01\n", "`substance` is not one of the values"),
        (
            "crack,9,7,11,Estimate,2020-01-01\ncrack,9,7,11,Estimate,2020-01-01\n",
            "line 3 gives the same substance as a line before it",
        ),
    ],
)
def test_a_fault_in_an_estimate_is_named(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_prevalence(written(tmp_path, PREVALENCE + rows))


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "area,people\nNR3,1\n")
    with pytest.raises(ConfigError, match="does not have exactly the columns area, age_band"):
        read_population(path)


def test_what_is_no_text_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read_population(written(tmp_path, POPULATION + "é", "latin-1"))
    with pytest.raises(ConfigError, match="is no file"):
        read_population(tmp_path)


@pytest.mark.parametrize(
    "name", ["cohorts", "population.csv", "prevalence.csv", "published_indicators.csv"]
)
@pytest.mark.parametrize("what", ["of the other kind", "a link to nothing", "a pipe"])
def test_what_lies_in_the_place_of_a_file_is_not_passed_over(
    tmp_path: Path, name: str, what: str
) -> None:
    place = tmp_path / name
    if what == "a link to nothing":
        place.symlink_to(tmp_path / "nowhere")
    elif what == "a pipe":
        os.mkfifo(place)
    elif name == "cohorts":
        place.write_text("", "utf-8")
    else:
        place.mkdir()
    given = load_given(tmp_path)
    with pytest.raises(ConfigError, match=name):
        load_cohorts(given.cohorts)
        read_population(given.population)
        read_prevalence(given.prevalence)
        read_published(given.published)
