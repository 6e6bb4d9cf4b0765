"""The figures of a release over the range of link thresholds, on the real engine."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import warehouse_rows as rows
from pack import table

from warehouse import connect
from warehouse.cohorts import load_cohorts
from warehouse.described import AGE_BANDS, NO_AGE, OLDEST, described
from warehouse.generated import every_model
from warehouse.metrics import load_metrics
from warehouse.publish.about import about_tables
from warehouse.publish.pack import COLUMNS, check_shown
from warehouse.publish.published import read_published
from warehouse.release import build_release
from warehouse.sensitivity import hanging_on_persons, read_by_figures

TREATED = {
    "treatment_episode": [{"triaged": "2026-01-10", "drug1": "1011"}],
    "treatment_intervention": [{"modst": "2026-01-12", "modal": "94"}],
}
PERSONS = {
    "arrested and treated": {"police_custody": [{"arrest_date": "2026-01-20"}], **TREATED},
    "arrested": {"police_custody": [{"arrest_date": "2026-02-01"}]},
    "treated": TREATED,
}


def built(folder: Path, **offsets: pl.Expr) -> Path:
    """A release, with the persons of its records where they are linked otherwise."""
    path, owners = rows.stage(folder, PERSONS)
    linked = {float(at.removeprefix("at_").replace("m", "-")): owners.with_columns(person_id=who)
              for at, who in offsets.items()}  # fmt: skip
    target = folder / "warehouse.duckdb"
    build_release(
        path, rows.STAGING_KEY, owners, target, rows.RELEASE_KEY, run_id="r",
        built_at=datetime(2026, 7, 1), linked_otherwise=linked,
    )  # fmt: skip
    return target


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory):
    target = built(
        tmp_path_factory.mktemp("sensitivity"),
        at_m3=pl.lit("everybody"),
        at_3=pl.col("record_id").cast(pl.String),
    )
    con = connect.open_release(target, rows.RELEASE_KEY)
    yield con
    con.close()


def figure(con, name: str, measure: str | None = None, category: str | None = None):
    found = con.execute(
        """SELECT threshold_offset, numerator, denominator FROM linkage_sensitivity
        WHERE name = ? AND measure IS NOT DISTINCT FROM ? AND category IS NOT DISTINCT FROM ?
        ORDER BY threshold_offset""",
        [name, measure, category],
    ).fetchall()
    return {offset: (numerator, denominator) for offset, numerator, denominator in found}


def test_people_are_counted_at_every_threshold(release) -> None:
    records = release.execute("SELECT records FROM release_info").fetchone()[0]
    assert figure(release, "people") == {-3: (1, None), 0: (3, None), 3: (records, None)}
    assert figure(release, "people known to both", "police–treatment") == {
        -3: (1, None),
        0: (1, None),
    }


def test_a_metric_is_worked_out_at_every_threshold(release) -> None:
    group = "In contact with mainstream treatment in the 12 months"
    arrested = figure(release, "contact_groups", "people_arrested", group)
    assert arrested == {-3: (1, None), 0: (1, None)}


def test_at_the_threshold_in_force_the_figures_are_those_of_the_release(release) -> None:
    own = release.execute(
        """SELECT metric, measure, category, figure.numerator, figure.denominator
        FROM figure INNER JOIN metric USING (metric) INNER JOIN measure USING (metric, measure)
        WHERE period_kind = 'twelve months'
            AND (is_published AND split IN ('all', category_kind)
                OR target IS NOT NULL AND split = 'all')
        QUALIFY period_id = max(period_id) OVER (PARTITION BY metric, measure) ORDER BY ALL"""
    ).fetchall()
    told = release.execute(
        """SELECT name, measure, category, numerator, denominator FROM linkage_sensitivity
        WHERE kind = 'metric' AND threshold_offset = 0 ORDER BY ALL"""
    ).fetchall()
    assert own and told == own
    assert {name for name, *_ in told} >= {"contact_groups", "waiting_time", "new_presentations"}


def test_a_figure_with_a_target_is_worked_out_at_every_threshold(release) -> None:
    started = figure(release, "new_presentations", "started_journey", "All")
    assert started == {-3: (1, None), 0: (2, None), 3: (2, None)}


def test_what_a_publication_says_of_its_figures_is_made_from_a_release(release) -> None:
    year = ("July 2025 to June 2026", date(2025, 7, 1), date(2026, 6, 30))
    named = ("numbers_in_effective_treatment", "opiate_or_crack", "Title", *year)
    shown = table("outcomes", [(*named, "All", "All", "405", "[z]", "[z]", "people")])
    step = "Tested positive on arrest, not already in structured treatment"
    whole = ("positive_test", "From a test", *year, "All", "All", 1, step, False)
    funnel = table("funnel", [(*whole, "120", "120", "100")])
    made = about_tables(release, shown, funnel, read_published(None))
    for name, frame in made.items():
        assert tuple(frame.columns) == COLUMNS[name]
        check_shown(name, frame, 5)
    told = made["linkage_sensitivity"].rows()
    assert (
        told
        == [  # of too few people to say
            (*named[:2], year[0], "405", "people", "[u]", "[u]"),
            ("positive_test", f"1. {step}", year[0], "120", "people", "[u]", "[u]"),
        ]
    )
    rows = {(row["list"], row["place"]): row for row in made["framework"].to_dicts()}
    assert len(rows) == release.execute("SELECT count(*) FROM indicator").fetchone()[0]
    effective = rows["Criminal-justice and treatment indicators", 10]
    assert (effective["value"], effective["target"], effective["unit"]) == ("405", "400", "people")
    assert effective["target_status"] == "" and effective["source"] == "Linked records: treatment"
    assert set(made["framework"]["status"]) == {"exact", "proxy", "restricted", "not available"}


def test_nothing_of_the_other_linkings_but_counts_is_in_the_release(release) -> None:
    assert release.execute("SELECT count(DISTINCT person_id) FROM person").fetchone() == (3,)
    tables = {
        name for (name,) in release.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    }
    assert not tables & {"record_person", "sensitivity_given", "figures"}


def test_without_other_linkings_there_is_no_range(tmp_path: Path) -> None:
    marts = {"linkage_sensitivity", *read_by_figures()}
    target, _ = rows.release(tmp_path, PERSONS, marts=marts, measures=("within_3_weeks",))
    con = connect.open_release(target, rows.RELEASE_KEY)
    assert con.execute("SELECT count(*) FROM linkage_sensitivity").fetchone() == (0,)
    con.close()


def test_only_what_hangs_on_who_is_whom_is_built_again() -> None:
    models = every_model(load_metrics(), load_cohorts(), only_ranged=True)
    names = [model.name for model in hanging_on_persons(models)]
    assert {"stg_person_record", "figure", "funnel", "outcome_contact_groups"} <= set(names)
    assert "outcome_waiting_time" in names
    assert not set(names) & {"int_as_at", "metric", "policy", "release_info", "outcome_arrests"}
    assert len(names) == len(set(names))


def test_records_are_described_as_people_are(tmp_path: Path) -> None:
    """Ages at every border of the bands, and codes: as the mart `person` tells them."""
    years = (None, 1960, 1971, 1972, 1981, 1982, 1991, 1992, 2001, 2002, 2008, 2009)
    persons = {
        f"born {year}": {
            "police_custody": [
                {
                    "birth_year": year,
                    "sex": sex,
                    "ethnicity": ethnicity,
                    "arrest_date": "2026-01-01",
                }
            ]
        }
        for year, sex, ethnicity in zip(
            years, ["M", "F", None] * 4, ["W1", "B2", "NS", None] * 3, strict=True
        )
    }
    path, owners = rows.stage(tmp_path, persons)
    target, _ = rows.release(tmp_path, persons, marts=("person",))
    con = connect.open_release(target, rows.RELEASE_KEY)
    told = con.execute("SELECT person_id, sex, age_band, ethnicity_group FROM person").pl()
    con.close()
    con = connect.open_store(path, rows.STAGING_KEY, read_only=True)
    found = described(con)
    con.close()
    of_people = owners.join(found, on="record_id").select(told.columns)
    assert of_people.sort("person_id").equals(told.sort("person_id"))
    assert set(found["age_band"]) == {*AGE_BANDS.values(), OLDEST, NO_AGE}
