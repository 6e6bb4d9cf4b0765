"""The police, probation and housing metrics agree with a count by hand, whatever happened."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

import histories_justice
import pytest
import reference_justice
import warehouse_rows as rows
from hypothesis import HealthCheck, given, settings

from warehouse import connect
from warehouse.given import Given

AS_AT = {
    "police": date(2026, 6, 30),
    "probation": date(2026, 5, 31),
    "treatment": date(2026, 6, 15),
    "housing": date(2026, 7, 14),
}
ASKED = Given(restricted_metrics=frozenset({"suspected_drug_deaths"}))
Counted = dict[str, dict[tuple[str, ...], tuple[int, int | None]]]


@pytest.fixture(scope="module")
def persons() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Some hundreds of random histories: a release is too slow to be built for each."""
    gathered: list[dict[str, list[dict[str, Any]]]] = []

    @settings(
        max_examples=max(150, 3 * settings.default.max_examples),  # or some are in no metric
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories_justice.history())
    def gather(history: dict[str, list[dict[str, Any]]]) -> None:
        gathered.append(history)

    gather()
    return {f"person {number}": history for number, history in enumerate(gathered)}


@pytest.fixture(scope="module")
def counted(persons, tmp_path_factory: pytest.TempPathFactory) -> Counted:
    """What a release counts, by metric."""
    folder = tmp_path_factory.mktemp("histories")
    path, _ = rows.release(folder, persons, AS_AT, ASKED, marts=("outcome",))
    con = connect.open_release(path, rows.RELEASE_KEY)
    told = con.execute(
        "SELECT metric, measure, period_id, person_id, sum(numerator), sum(denominator) "
        "FROM outcome WHERE category_kind = (SELECT min(category_kind) FROM outcome AS other "
        "WHERE other.metric = outcome.metric) GROUP BY ALL"
    ).fetchall()
    con.close()
    found: Counted = defaultdict(dict)
    for metric, *key, numerator, denominator in told:
        found[metric][tuple(key)] = numerator, denominator
    return found


@pytest.fixture(scope="module")
def by_hand(persons) -> Counted:
    """What the reference counts, by metric."""
    found: Counted = defaultdict(dict)
    for (metric, *key), told in reference_justice.counts(persons, AS_AT).items():
        found[metric][tuple(key)] = told
    return found


@pytest.mark.parametrize("metric", sorted(reference_justice.METRICS))
def test_a_metric_agrees_with_a_count_by_hand(counted, by_hand, metric: str) -> None:
    assert by_hand[metric]
    assert counted[metric] == by_hand[metric]
