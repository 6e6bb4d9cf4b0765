"""The treatment metrics agree with a count by hand, on random histories."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import histories_treatment as histories
import reference_treatment as by_hand
import warehouse_rows as rows
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from warehouse import connect
from warehouse.given import Given

AS_AT = date(2026, 6, 30)
FOUR_YEARS = timedelta(1461)  # always as many days, so that quarters fall on quarters
ASKED = Given(restricted_metrics=frozenset({"deaths_in_treatment"}))
people = st.lists(histories.history(AS_AT), min_size=30, max_size=40)
# An example builds a whole release: one is what a test may cost, and to make it smaller a hundred
# times over would take an hour.
one = settings(
    max_examples=1,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def counted(persons: dict[str, Any], as_at: date) -> by_hand.Counted:
    """What a release of some persons counts of the metrics that are counted by hand."""
    with TemporaryDirectory() as folder:
        path, _ = rows.release(Path(folder), persons, as_at, ASKED, marts=("outcome",))
        con = connect.open_release(path, rows.RELEASE_KEY)
        found = con.execute(
            "SELECT metric, measure, period_id, category_kind, category, person_id, "
            f"{by_hand.COUNT} * numerator + coalesce(denominator, 0) FROM outcome"
        ).fetchall()
        con.close()
    return Counter({tuple(row[:6]): row[6] for row in found if row[0] in by_hand.METRICS})


def differing(left: by_hand.Counted, right: by_hand.Counted) -> dict[Any, tuple[int, int]]:
    """Where two counts differ."""
    keys = sorted(left.keys() | right.keys())
    return {key: (left[key], right[key]) for key in keys if left[key] != right[key]}


@one
@given(people)
def test_the_warehouse_counts_as_one_does_by_hand(drawn: list[Any]) -> None:
    persons = {f"person {n}": tables for n, tables in enumerate(drawn)}
    found = counted(persons, AS_AT)
    assert differing(found, by_hand.reference(persons, AS_AT)) == {}
    shares = [divmod(share, by_hand.COUNT) for share in found.values()]
    assert all(units <= of or of == 0 for units, of in shares)


@one
@given(people)
def test_everything_four_years_later_is_counted_four_years_later(drawn: list[Any]) -> None:
    persons = {f"person {n}": tables for n, tables in enumerate(drawn)}
    moved = {p: histories.later(t, FOUR_YEARS.days, 4) for p, t in persons.items()}
    back: by_hand.Counted = Counter()
    for (metric, measure, period, *rest), share in counted(moved, AS_AT + FOUR_YEARS).items():
        kind, category, person = rest
        then = f"{int(period[:4]) - 4}{period[4:]}"
        back[metric, measure, then, kind, category, person] = share
    assert differing(back, by_hand.reference(persons, AS_AT)) == {}
