"""States that the measures of a metric rule out are no states of a unit; all others are."""

from __future__ import annotations

import itertools

import duckdb
import pytest

from warehouse.metrics.read import load_metrics
from warehouse.publish.standing import (
    COUNTED,
    NOT_ASKED,
    NOT_COUNTED,
    Asked,
    possible,
    standings,
)

DAYS = {"short": 28, "long": 90}


def test_what_one_measure_counts_is_what_another_is_of() -> None:
    offered = Asked("offered", "structured AND offered IS NOT NULL")
    accepted = Asked("accepted", "structured AND offered")
    for is_whole in (True, False):
        assert set(possible([offered, accepted], {}, is_whole=is_whole)) == {
            (NOT_COUNTED, NOT_ASKED),
            (COUNTED, COUNTED),
            (COUNTED, NOT_COUNTED),
        }


def test_both_is_what_is_in_either_and_in_the_other() -> None:
    asked = [Asked(one, None) for one in ("a", "b", "a AND b", "a OR b")]
    assert set(possible(asked, {}, is_whole=True)) == {
        (COUNTED, NOT_ASKED, NOT_ASKED, COUNTED),
        (NOT_ASKED, COUNTED, NOT_ASKED, COUNTED),
        (COUNTED,) * 4,
    }


def test_what_is_within_28_days_is_within_90() -> None:
    asked = [Asked(f"days <= policy('{one}')", "TRUE") for one in ("short", "long")]
    assert set(possible(asked, DAYS, is_whole=False)) == {
        (COUNTED, COUNTED),
        (NOT_COUNTED, COUNTED),
        (NOT_COUNTED, NOT_COUNTED),
    }


def test_of_several_units_only_what_their_numbers_cannot_bring_about_is_ruled_out() -> None:
    """Somebody with one exit of either kind has them counted as the same, first one."""
    asked = [Asked("TRUE", "stage = 'Start'"), Asked("TRUE", "stage = 'Exit'")]
    assert (COUNTED, COUNTED) not in possible(asked, {}, is_whole=True)
    assert (COUNTED, COUNTED) in possible(asked, {}, is_whole=False)


def test_a_measure_that_counts_nobody_rules_nothing_out() -> None:
    asked = [Asked("a AND NOT a", "TRUE"), Asked("a", "TRUE")]
    assert possible(asked, {}, is_whole=True) == standings(["TRUE", "TRUE"])


SAMPLES = [
    [("b AND NOT c", "c IS NOT NULL"), ("b OR c", None), ("TRUE", "b")],
    [("n <= 28", "n IS NOT NULL"), ("n < policy('long')", "b"), ("n > 28 AND n <> 91", None)],
    [("t = 'x'", "TRUE"), ("t <> 'y'", "b OR t IS NULL"), ("t > 'w'", None)],
    [("n = 0", "TRUE"), ("n >= 1.5", "TRUE"), ("n + 1 > 28", "TRUE"), ("n IN (28, 90)", "TRUE")],
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_row_stands_as_is_ruled_out(sample: list[tuple[str, str | None]]) -> None:
    rows = itertools.product(
        (True, False, None),
        (True, False, None),
        (None, -1, 0, 1, 2, 27, 28, 29, 89, 90, 91),
        "vxyz",
    )
    con = duckdb.connect()
    con.execute("CREATE MACRO policy(wanted) AS CASE wanted WHEN 'short' THEN 28 ELSE 90 END")
    con.execute("CREATE TABLE frame (b BOOLEAN, c BOOLEAN, n INTEGER, t VARCHAR)")
    con.executemany("INSERT INTO frame VALUES (?, ?, ?, nullif(?, 'v'))", list(rows))
    parts = [
        f"CASE WHEN NOT coalesce(({of or counts}), FALSE) THEN '{NOT_ASKED}' "
        f"WHEN ({counts}) THEN '{COUNTED}' ELSE '{NOT_COUNTED}' END AS m{place}"
        for place, (counts, of) in enumerate(sample)
    ]
    seen = set(con.execute(f"SELECT DISTINCT {', '.join(parts)} FROM frame").fetchall())
    asked = [Asked(*one) for one in sample]
    for is_whole in (True, False):
        assert seen - {(NOT_ASKED,) * len(sample)} <= set(possible(asked, DAYS, is_whole=is_whole))


def test_the_metrics_that_come_with_it_have_fewer_states_than_their_denominators_allow() -> None:
    fewer = set()
    for metric in load_metrics():
        asked = [
            Asked(one.numerator.where, one.denominator.where if one.denominator else None)
            for one in metric.measures
            if one.value is None
        ]
        kept = possible(asked, {}, is_whole=metric.unit == "people")
        if len(kept) < len(standings([one.of for one in asked])):
            fewer.add(metric.metric)
    assert {"dependence_in_treatment", "hepatitis_b", "hepatitis_c", "justice_contact"} <= fewer
