"""A release that takes over what still stands is the release that is built anew."""

from __future__ import annotations

import copy
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import warehouse_rows as rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slight import make_slight

from warehouse.connect import open_release, open_store
from warehouse.release import ReleaseSummary, build_release
from warehouse.sensitivity import read_by_figures
from warehouse.staging import PARTNERS, create, replace_partner, tables_of
from warehouse.takeover import Earlier

SOME = (
    *("person", "event", "spell", "journey_step", "treatment_journey", "time_to_event"),
    *("survival", "data_issue", "release_info", "linkage_sensitivity", *read_by_figures()),
)
"""Marts of every kind: read off staging, worked out by Python, and of each person or of counts."""
MEASURES = ("within_3_weeks", "people_arrested")
PEOPLE: dict[str, dict[str, list[dict[str, Any]]]] = {
    f"person-{n}": {
        "police_custody": [{"arrest_date": f"2026-0{1 + n % 5}-1{n % 9}"}],
        "police_drug_test": [{"test_date": "2026-02-01", "result": "POS_OPIATE"}],
        "probation_sentence": [{"sentence_date": "2025-11-03", "sentence_end_date": "2026-05-03"}],
        "treatment_episode": [{"triaged": f"2026-03-0{1 + n % 9}", "drug1": "1011"}],
        "treatment_intervention": [{"modst": f"2026-03-{10 + n}"}],
    }
    for n in range(8)
}


def staged(folder: Path, people: rows.Persons) -> tuple[Path, pl.DataFrame]:
    """A staging store, with the persons of its records."""
    folder.mkdir(exist_ok=True)
    frames, owners = rows.build(people)
    path = folder / "staging.duckdb"
    path.unlink(missing_ok=True)
    con = open_store(path, rows.STAGING_KEY)
    create(con)
    for partner in PARTNERS:
        events = {name: frames[name] for name in tables_of(partner)}
        replace_partner(con, partner, events, run_id="r", data_as_at=rows.AS_AT, rows=9)
    con.close()
    return path, owners


def build(
    path: Path,
    people: rows.Persons,
    merged: dict[str, str],
    earlier: Earlier | None,
    otherwise: int = 9,
    whole: bool = False,
) -> tuple[Earlier, ReleaseSummary]:
    """Build a release of some people, of whom some are found to be others.

    Linked otherwise, it is of so many records. It is of `SOME` marts, or whole.
    """
    staging, owners = staged(path.parent, people)
    owners = owners.with_columns(pl.col("person_id").replace(merged))
    with pytest.MonkeyPatch.context() as patch:
        if not whole:
            make_slight(patch, SOME, MEASURES)
        summary = build_release(
            staging, rows.STAGING_KEY, owners, path, rows.RELEASE_KEY,
            run_id="20260701-000000-test", built_at=datetime(2026, 7, 1),
            linked_otherwise={1.0: owners.head(otherwise)}, earlier=earlier,
        )  # fmt: skip
    return Earlier(path, rows.RELEASE_KEY, summary.fingerprints), summary


def contents(release: Earlier) -> dict[str, list[str]]:
    """Every row of every table of a release, and every explanation."""
    con = open_release(release.path, release.key)
    asked = {name: f"FROM {name}" for (name,) in con.execute("SHOW TABLES").fetchall()}
    asked["comments"] = "SELECT table_name, column_name, comment FROM duckdb_columns()"
    told = {name: sorted(map(repr, con.execute(sql).fetchall())) for name, sql in asked.items()}
    con.close()
    return told


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    return build(tmp_path_factory.mktemp("takeover") / "first.duckdb", PEOPLE, {}, None)[0]


@pytest.fixture(scope="module")
def whole_first(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    path = tmp_path_factory.mktemp("whole") / "first.duckdb"
    return build(path, PEOPLE, {}, None, whole=True)[0]


def both_ways(
    first: Earlier, people: rows.Persons, merged: dict[str, str], *, whole: bool = False
) -> tuple[ReleaseSummary, ReleaseSummary]:
    """Build anew and by taking over, and hold the one against the other."""
    anew, built = build(first.path.with_name("anew.duckdb"), people, merged, None, whole=whole)
    over, partly = build(first.path.with_name("over.duckdb"), people, merged, first, whole=whole)
    assert contents(over) == contents(anew)
    assert partly.tables == built.tables
    assert partly.fingerprints == built.fingerprints
    return built, partly


def test_nothing_is_built_that_still_stands(first: Earlier) -> None:
    over, partly = build(first.path.with_name("over.duckdb"), PEOPLE, {}, first)
    assert contents(over) == contents(first)
    assert partly.fingerprints == first.fingerprints
    # The run is the same one, so not even what tells of it is left, and every check has held.
    assert partly.taken == len(partly.tables)
    assert partly.checks == 0


def test_what_changed_is_built_with_all_that_hangs_on_it(first: Earlier) -> None:
    people = copy.deepcopy(PEOPLE)
    people["person-3"]["treatment_episode"][0]["disd"] = "2026-05-20"
    people["person-3"]["treatment_episode"][0]["disrsn"] = "80"
    whole, partly = both_ways(first, people, {"person-1": "person-2"})
    assert whole.taken == 0
    assert 0 < partly.taken < len(partly.tables)


def test_what_is_linked_otherwise_is_worked_out_though_all_else_still_stands(
    first: Earlier,
) -> None:
    over, partly = build(first.path.with_name("over.duckdb"), PEOPLE, {}, first, otherwise=3)
    told, before = contents(over), contents(first)
    assert told.pop("linkage_sensitivity") != before.pop("linkage_sensitivity")
    assert told == before
    assert partly.taken == len(partly.tables) - 1


@pytest.mark.slow  # of every mart; the tests above are of a few of each kind
@settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_any_change_gives_the_release_that_is_built_anew(
    whole_first: Earlier, data: st.DataObject
) -> None:
    """Rows that come, go and change, and people who are merged."""
    people = copy.deepcopy(PEOPLE)
    names = st.sampled_from(sorted(PEOPLE))
    for name in data.draw(st.sets(names, max_size=2)):
        del people[name]
    for name in data.draw(st.sets(names, max_size=2)) & people.keys():
        table = data.draw(st.sampled_from(["police_custody", "treatment_episode"]))
        day = data.draw(st.dates(rows.AS_AT.replace(year=2025), rows.AS_AT))
        column = {"police_custody": "arrest_date", "treatment_episode": "triaged"}[table]
        people[name][table].append({column: day})
    merged = data.draw(st.dictionaries(names, names, max_size=2))
    both_ways(whole_first, people, merged, whole=True)
