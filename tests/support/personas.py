"""Personas: people written down as what partners say of them, and what the release must count.

A file of them reads::

    as_at: {police: 2026-06-30, treatment: 2026-06-30}    # a partner not named has sent nothing
    data_from: {treatment: 2025-01-01}                    # optional
    restricted_metrics: [deaths_in_treatment]             # optional
    personas:
      - persona: waited exactly three weeks
        says: Referred on 5 January, started on the 26th, the 21st day after.
        records:                  # a child row belongs to the nearest parent above it
          - treatment_episode: {triaged: 2026-01-03, drug1: 1011}
          - treatment_intervention: {modal: 94, refmoddt: 2026-01-05, modst: 2026-01-26}
        expect:
          waiting_time/within_3_weeks/2026-Q1: 1 of 1

An expectation names a metric, a measure and a period, and may name a category after them. What it
says is ``N of M`` or, of a plain count, ``N``; either may go on with `` at V`` for a value;
``not counted`` when the person is in neither; or why there is no figure at all: ``unfinished``,
``before the data``, ``partner not sent``, ``table not sent``, ``restricted``.

Of a cohort it reads ``cohort positive_test/started/2025-Q3: reached after 24`` (days from the index
day), ``not reached`` or ``not in the cohort``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import warehouse_rows as rows
import yaml
from slight import make_slight

from warehouse import connect, staging
from warehouse.given import Given
from warehouse.metrics import load_metrics

MARTS = ("metric_period", "outcome", "cohort_period", "cohort_stage", "stage")
"""All that an expectation is read from."""

FOLDER = Path(__file__).parents[1] / "spec" / "personas"
_PARENTS = {
    child: next(
        table
        for table in staging.TABLES
        if table not in rows.PARENT_KEYS and staging.key_of(table) == key
    )
    if key != "person_key"
    else "housing_person"
    for child, key in rows.PARENT_KEYS.items()
}


@dataclass(frozen=True)
class Expectation:
    """One line of a persona's ``expect``."""

    file: str
    persona: str
    key: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.file}: {self.persona}: {self.key}"


def files() -> list[Path]:
    """Every file of personas."""
    return sorted(FOLDER.glob("*.yaml"))


def read(path: Path) -> dict[str, Any]:
    """One file of personas."""
    return yaml.safe_load(path.read_text("utf-8"))


def expectations() -> Iterator[Expectation]:
    """Every expectation of every file."""
    for path in files():
        for persona in read(path)["personas"]:
            for key, wanted in persona["expect"].items():
                yield Expectation(path.stem, persona["persona"], key, str(wanted))


def persons_of(document: Mapping[str, Any]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The rows of every persona, as `warehouse_rows.build` takes them."""
    persons: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for persona in document["personas"]:
        tables: dict[str, list[dict[str, Any]]] = defaultdict(list)
        seen: Counter[str] = Counter()
        for record in persona["records"]:
            ((table, given),) = record.items()
            seen[table] += 1
            parent = _PARENTS.get(table)
            of = {"of": seen[parent]} if parent else {}
            tables[table].append({**of, **_as_staged(table, given or {})})
        persons[persona["persona"]] = dict(tables)
    return persons


def build(folder: Path, path: Path) -> duckdb.DuckDBPyConnection:
    """Build the release of one file of personas, and open it.

    It has what is asked of it: the metrics of which something is expected or that are restricted,
    and the cohorts.
    """
    document = read(path)
    expected = [key for one in document["personas"] for key in one["expect"]]
    measures = {key.split("/")[1] for key in expected if not key.startswith("cohort ")}
    restricted = frozenset(document.get("restricted_metrics", ()))
    measures |= {
        one.measure
        for metric in load_metrics()
        if metric.metric in restricted
        for one in metric.measures
    }
    given = Given(
        restricted_metrics=restricted,
        data_from=document.get("data_from", {}),
    )
    with pytest.MonkeyPatch.context() as patch:
        make_slight(patch, MARTS, measures or None)
        release, _ = rows.release(folder, persons_of(document), document["as_at"], given)
    return connect.open_release(release, rows.RELEASE_KEY)


def told(release: duckdb.DuckDBPyConnection, persona: str, key: str) -> str:
    """What a release says of a persona, in the words of an expectation."""
    if key.startswith("cohort "):
        return told_of_cohort(release, persona, *key.removeprefix("cohort ").split("/"))
    metric, measure, period, *category = key.split("/")
    reported = release.execute(
        "SELECT is_reported, reason FROM metric_period "
        "WHERE metric = ? AND measure = ? AND period_id = ? ORDER BY period_kind LIMIT 1",
        [metric, measure, period],
    ).fetchall()
    if not reported:
        return f"there is no {metric}/{measure} or no period {period}"
    if not reported[0][0]:
        return str(reported[0][1])
    ((numerator, denominator, value, counted),) = release.execute(
        "WITH mine AS (SELECT * FROM outcome WHERE metric = ? AND measure = ? AND period_id = ? "
        "AND person_id = ? AND (category = ? OR ? IS NULL)) "
        "SELECT sum(numerator), sum(denominator), avg(value), count(*) FROM mine "
        "WHERE ? IS NOT NULL OR category_kind = (SELECT min(category_kind) FROM mine)",
        [metric, measure, period, persona, *[category[0] if category else None] * 3],
    ).fetchall()
    if not counted:
        return "not counted"
    said = str(numerator) if denominator is None else f"{numerator} of {denominator}"
    return said if value is None else f"{said} at {value:g}"


def told_of_cohort(
    release: duckdb.DuckDBPyConnection, persona: str, cohort: str, stage: str, period: str
) -> str:
    """What a release says of a persona and a stage, in the words of an expectation."""
    known = release.execute(
        "SELECT coalesce(reason, '') FROM cohort_period INNER JOIN stage USING (cohort) "
        "WHERE cohort = ? AND stage = ? AND period_id = ?",
        [cohort, stage, period],
    ).fetchall()
    if not known:
        return f"there is no {cohort}/{stage} or no period {period}"
    found = release.execute(
        "SELECT is_reached, days_from_index FROM cohort_stage "
        "WHERE cohort = ? AND stage = ? AND period_id = ? AND person_id = ?",
        [cohort, stage, period, persona],
    ).fetchall()
    if not found:
        return known[0][0] or "not in the cohort"
    return f"reached after {found[0][1]}" if found[0][0] else "not reached"


def _as_staged(table: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A persona's row with codes as the text that staging holds."""
    columns = staging.TABLES[table]
    unknown = set(given) - set(columns) - {"key", "of"}
    if unknown:
        raise ValueError(f"{table} has no column {', '.join(sorted(unknown))}")
    return {
        name: str(value)
        if columns.get(name, "").startswith("VARCHAR") and value is not None
        else value
        for name, value in given.items()
    }
