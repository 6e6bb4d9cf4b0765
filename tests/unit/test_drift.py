"""Drift against a partner's own history: what is told, what stops, and that no value is kept."""

from __future__ import annotations

import json
from datetime import date, timedelta

import polars as pl
import pytest
from policies import policy_with

from schemas.codes import load_codes
from schemas.drift import UNLISTED, Delivery, drifts, late, table_profile
from schemas.policy import DriftLimits, packaged_policy
from schemas.tables import find_table

LIMITS = packaged_policy().drift_of("police")
DAY = date(2026, 6, 30)
EXPECTED = {"custody": ["pnc_id", "sex", "outcome"]}
CANARY = "Quillfeather"


def profile(rows: int = 1000, empty: dict | None = None, codes: dict | None = None) -> dict:
    return {
        "custody": {
            "rows": rows,
            "empty": {"pnc_id": rows // 10, "sex": 0, "outcome": 0} | (empty or {}),
            "codes": {"sex": {"M": 800, "F": 200}} | (codes or {}),
        }
    }


def delivery(number: int, looks: dict | None = None, *, reach: date | None = None) -> Delivery:
    """The delivery of that many months ago; 0 is the one now."""
    day = DAY - timedelta(days=30 * number)
    return Delivery(
        f"sha256:{number}",
        day,
        reach or day - timedelta(days=5),
        profile() if looks is None else looks,
    )


PAST = [delivery(number) for number in range(1, 5)]


def said(
    looks: dict | None = None,
    past: list[Delivery] = PAST,
    limits: DriftLimits = LIMITS,
    expected: dict = EXPECTED,
) -> set[tuple[str, str]]:
    found = drifts("police", delivery(0, looks), past, limits, expected=expected)
    return {(one.response, one.said) for one in found}


def responses(*args, **kwargs) -> list[str]:  # type: ignore[no-untyped-def]
    return [response for response, _ in said(*args, **kwargs)]


def test_an_extract_like_the_earlier_ones_is_not_remarked_on():
    assert said() == set()


def test_a_first_delivery_is_not_judged_and_how_many_are_first_is_policy():
    odd = profile(rows=5)
    assert said(odd, past=[]) == set()
    assert responses(odd, past=PAST[:1]) == ["stop"]
    patient = policy_with(drift={"everyone": {"first_deliveries": 3}}).drift_of("police")
    assert said(odd, past=PAST[:2], limits=patient) == set()
    assert responses(odd, past=PAST[:3], limits=patient) == ["stop"]


@pytest.mark.parametrize(
    ("rows", "response"),
    [(1000, []), (1190, []), (810, []), (1210, ["warn"]), (790, ["warn"]), (390, ["stop"]),
     (1610, ["stop"])],
)  # fmt: skip
def test_rows_against_the_usual_number(rows, response):
    looks = profile(rows)
    looks["custody"]["codes"] = {}
    assert responses(looks) == response
    if response:
        assert "the usual 1000" in next(iter(said(looks)))[1]


def test_the_usual_is_the_median_of_the_last_deliveries():
    odd_ones_out = [delivery(1, profile(10)), *PAST[1:]]
    assert said(past=odd_ones_out) == set()
    long_ago = [delivery(n, profile(10)) for n in range(7, 20)]
    six = [delivery(n) for n in range(1, 7)]
    assert said(past=[*six, *long_ago]) == set()


@pytest.mark.parametrize(
    ("empty", "response"), [(100, []), (240, []), (260, ["warn"]), (0, []), (710, ["stop"])]
)
def test_the_share_of_empty_values(empty, response):
    assert responses(profile(empty={"pnc_id": empty})) == response


def test_the_shares_of_codes():
    assert said(profile(codes={"sex": {"M": 700, "F": 300}})) == set()
    ((response, words),) = said(profile(codes={"sex": {"M": 600, "F": 400}}))
    assert response == "warn" and "column sex" in words and "20% of records" in words
    ((_, new),) = said(profile(codes={"sex": {"M": 600, "F": 200, "N": 200}}))
    assert "20% of records" in new
    strict = policy_with(drift={"everyone": {"code_share": {"warn": 0.05, "stop": 0.1}}}).drift_of(
        "police"
    )
    assert responses(profile(codes={"sex": {"M": 600, "F": 400}}), limits=strict) == ["stop"]


@pytest.mark.parametrize("gone", ["empty", "absent"])
def test_a_column_that_vanished(gone):
    looks = profile(empty={"pnc_id": 1000})
    if gone == "absent":
        del looks["custody"]["empty"]["pnc_id"]
    ((response, words),) = said(looks)
    assert response == "stop" and "pnc_id nothing is sent any more" in words
    assert said(looks, expected={"custody": ["sex", "outcome"]}) == set(), "no longer shared"
    always = [delivery(n, looks) for n in range(1, 4)]
    assert said(looks, past=always) == set(), "it never was filled"


def test_a_table_that_used_to_be_sent():
    ((response, words),) = said({})
    assert response == "warn" and "custody table used to be sent" in words


def test_small_tables_are_not_judged_by_shares():
    small = [delivery(n, profile(50, {"pnc_id": 5})) for n in range(1, 4)]
    assert said(profile(50, {"pnc_id": 45}, {"sex": {"F": 50}}), past=small) == set()


def test_periods():
    def words(reach: date, digest: str = "sha256:0") -> set[tuple[str, str]]:
        now = Delivery(digest, DAY, reach, profile())
        found = drifts("police", now, PAST, LIMITS, expected=EXPECTED)
        return {(one.response, one.said) for one in found}

    last = PAST[0].data_as_at
    assert words(last + timedelta(days=1)) == set()
    ((response, repeated),) = words(last)
    assert response == "warn" and "no further than the last" in repeated
    ((response, back),) = words(last - timedelta(days=3))
    assert response == "warn" and "ends 3 days before" in back
    ((response, again),) = words(DAY, "sha256:3")
    assert response == "stop" and "earlier delivery again" in again


@pytest.mark.parametrize(("days", "response"), [(5, None), (40, None), (41, "warn")])
def test_data_are_late_against_what_is_usual(days, response):
    found = late("police", DAY - timedelta(days=days), DAY, PAST, LIMITS)
    assert (found.response if found else None) == response
    assert late("police", DAY - timedelta(days=400), DAY, [], LIMITS) is None


def test_what_does_not_matter_by_policy_is_not_told():
    limits = policy_with(
        drift={"everyone": {"rows": {"warn": None, "stop": None}, "vanished_column": "ignore"}}
    ).drift_of("police")
    looks = profile(10)
    looks["custody"]["codes"] = {}
    assert said(looks, limits=limits) == set()
    assert said(profile(empty={"pnc_id": 1000}), limits=limits) == set()


def test_a_profile_holds_counts_and_listed_codes_only():
    table = find_table("police", "custody")
    frame = pl.DataFrame(
        {
            "custody_ref": [CANARY] * 3,
            "surname": [CANARY, None, CANARY],
            "sex": ["M", CANARY, None],
            "outcome": ["1", "1", None],
        }
    )
    sent = [*frame.columns, CANARY]
    tidied = frame.with_columns(
        pl.lit(None, pl.String).alias(name) for name in table.columns if name not in frame.columns
    )
    looks = table_profile(table, tidied, sent)
    assert looks["rows"] == 3
    assert looks["empty"] == {"custody_ref": 0, "surname": 1, "sex": 1, "outcome": 1}
    assert looks["codes"] == {"sex": {UNLISTED: 1, "M": 1}, "outcome": {"1": 2}}
    assert CANARY not in json.dumps(looks)
    assert "M" in load_codes("sex")
