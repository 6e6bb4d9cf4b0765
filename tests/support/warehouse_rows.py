"""Rows of the staging store for tests, from the few columns a test cares about.

``build`` takes ``{person: {table: [row, …]}}``. In a row, ``key`` is a small number unique within
the person and table, and ``of`` the key of its parent row (1 unless given); dates may be text. The
result is the frames of the staging store, and whose each record is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl
import pytest
from slight import make_slight

from warehouse import connect, staging
from warehouse.given import Given
from warehouse.release import NOTHING_GIVEN, ReleaseSummary, build_release

STAGING_KEY = "5a" * 32
RELEASE_KEY = "c3" * 32
AS_AT = date(2026, 6, 30)
KINDS = {
    "BIGINT": pl.Int64,
    "VARCHAR": pl.String,
    "INTEGER": pl.Int32,
    "DATE": pl.Date,
    "BOOLEAN": pl.Boolean,
}
PARENT_KEYS = {
    "police_drug_test": "custody_key",
    "probation_requirement": "sentence_key",
    "probation_release": "sentence_key",
    "treatment_intervention": "episode_key",
    "housing_person": "case_key",
    "housing_duty": "case_key",
    "housing_tenancy": "person_key",
    "housing_temporary_accommodation": "case_key",
    "probation_enforcement": "sentence_key",
    "probation_accommodation": "sentence_key",
    "treatment_outcomes_profile": "episode_key",
    "treatment_transfer": "secure_treatment_key",
    "treatment_cj_caseload": "cj_assessment_key",
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "police_custody": {"offence_class": "92D", "outcome": "1"},
    "police_intensive_programme": {"programme": "adder"},
    "probation_sentence": {"sentence_type": "SC"},
    "probation_release": {"treatment_need": "Y", "discharge_accommodation": "DNF"},
    "treatment_episode": {"consent": "Y", "drug1": "1011"},
    "treatment_intervention": {"modal": "94"},
}
PERSON = {
    "sex": "F",
    "ethnicity": "W1",
    "birth_year": 1985,
    "postcode_district": "NR3",
    "no_fixed_abode": False,
}
Persons = Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]


def build(persons: Persons) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """Return the staging frames of some persons, and the table record_person."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in staging.TABLES}
    owners: list[dict[str, Any]] = []
    for number, (person, tables) in enumerate(persons.items(), start=1):
        for table, given in tables.items():
            for place, row in enumerate(given, start=1):
                full = _row(table, number, place, row)
                rows[table].append(full)
                if "record_id" in full:
                    owners.append({"record_id": full["record_id"], "person_id": person})
    frames = {
        name: pl.DataFrame(
            rows[name],
            schema={c: KINDS[kind.split()[0]] for c, kind in staging.TABLES[name].items()},
        )
        for name in staging.TABLES
    }
    return frames, pl.DataFrame(owners, schema={"record_id": pl.Int64, "person_id": pl.String})


def stage(
    folder: Path, persons: Persons, as_at: date | Mapping[str, date] = AS_AT
) -> tuple[Path, pl.DataFrame]:
    """Write a staging store; return where it is, and the table record_person.

    ``as_at`` may be a date for each partner; one that is not named has sent nothing.
    """
    days = as_at if isinstance(as_at, Mapping) else dict.fromkeys(staging.PARTNERS, as_at)
    frames, owners = build(persons)
    folder.mkdir(exist_ok=True)
    path = folder / "staging.duckdb"
    con = connect.open_store(path, STAGING_KEY)
    staging.create(con)
    for partner, day in days.items():
        tables = {name: frames[name] for name in staging.tables_of(partner)}
        sent = sum(frame.height for frame in tables.values())
        staging.replace_partner(
            con, partner, tables, run_id="20260701-000000-test", data_as_at=day, rows=sent
        )
    con.close()
    return path, owners


def release(
    folder: Path,
    persons: Persons,
    as_at: date | Mapping[str, date] = AS_AT,
    given: Given = NOTHING_GIVEN,
    days_off: Mapping[str, int] = MappingProxyType({}),
    marts: Iterable[str] | None = None,
    measures: Iterable[str] | None = None,
) -> tuple[Path, ReleaseSummary]:
    """Build a release of some persons; return where it is, and its summary.

    Weeks are those of the calendar, so that they can be written down, but for people in
    ``days_off``, whose days are moved back by so many before. It takes seconds to build it whole:
    where ``marts`` are named, it holds these and what they read, and counts ``measures`` alone.
    """
    path, owners = stage(folder, persons, as_at)
    target = folder / "releases" / "warehouse.duckdb"
    with moved_by(lambda person: days_off.get(person, 0)), pytest.MonkeyPatch.context() as patch:
        if marts is not None:
            make_slight(patch, marts, measures)
        summary = build_release(
            path,
            STAGING_KEY,
            owners,
            target,
            RELEASE_KEY,
            run_id="20260701-000000-test",
            built_at=datetime(2026, 7, 1, 3, 0),
            given=given,
        )
    return target, summary


@contextmanager
def moved_by(days_off: Callable[[str], int]) -> Iterator[None]:
    """Move each person's days back by so many before their week is told, not by the secret."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("warehouse.clock._days_off", lambda person, _: days_off(person))
        yield


def _row(table: str, person: int, place: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return one whole staging row."""
    columns = staging.TABLES[table]
    key = staging.key_of(table)
    row: dict[str, Any] = dict.fromkeys(columns)
    if "record_id" in columns:
        row |= PERSON
    row |= DEFAULTS.get(table, {})
    row[key] = _surrogate(person, given.get("key", place))
    if table in PARENT_KEYS:
        row[PARENT_KEYS[table]] = _surrogate(person, given.get("of", 1))
    if "record_id" in columns:
        row["record_id"] = row[key] * 100 + list(staging.TABLES).index(table)
    for column, value in given.items():
        if column not in ("key", "of"):
            is_date = columns[column] == "DATE" and isinstance(value, str)
            row[column] = date.fromisoformat(value) if is_date else value
    return row


def _surrogate(person: int, number: int) -> int:
    """Return a key that is different for every person and number."""
    return person * 1_000_000_000 + number
