"""What a partnership gives beside its settings, and what the release makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import warehouse_rows as rows

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


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp("given")
    population, prevalence = folder / "population.csv", folder / "prevalence.csv"
    population.write_text(POPULATION, "utf-8")
    prevalence.write_text(PREVALENCE, "utf-8")
    return Given(population=population, prevalence=prevalence)


@pytest.fixture(scope="module")
def release(given: Given, tmp_path_factory: pytest.TempPathFactory):
    path, _ = rows.release(tmp_path_factory.mktemp("release"), {}, given=given)
    con = connect.open_release(path, rows.RELEASE_KEY)
    yield con
    con.close()


def test_what_a_partnership_gives_is_in_the_release(release) -> None:
    assert release.execute("SELECT count(*), sum(people) FROM population").fetchone() == (3, 4900)
    assert release.execute("SELECT substance, people, low, high FROM prevalence").fetchall() == [
        ("opiate", 10, 8, 16)
    ]


def test_a_fault_in_a_file_stops_the_build_and_leaves_the_last_release(
    tmp_path: Path, given: Given
) -> None:
    kept, _ = rows.release(tmp_path, {})
    before = kept.read_bytes()
    faulty = tmp_path / "population.csv"
    faulty.write_text(POPULATION.replace("1900", "many"), "utf-8")
    with pytest.raises(ConfigError, match=r"population\.csv line 3 .*`people` is not"):
        rows.release(tmp_path, {}, given=Given(population=faulty))
    assert kept.read_bytes() == before
    assert not list(kept.parent.glob(".*"))
