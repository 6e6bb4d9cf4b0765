"""The vocabulary of steps and events: whole, in order, and with a label for what partners send."""

from __future__ import annotations

import pytest

from schemas.codes import load_codes
from warehouse.models import load_seed

ROWS = load_seed("code")
CATEGORIES = {"journey", "derived", "restricted"}


def codes(name: str) -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in ROWS if row["list"] == name}


def test_every_step_of_journeys_has_a_kind_that_is_published() -> None:
    journey = {code for code, row in codes("step").items() if row["category"] == "journey"}
    assert set(codes("next_step")) == journey | {"still_open", "none"}


def test_a_step_is_of_a_journey_or_derived_or_restricted() -> None:
    steps = codes("step")
    assert {row["category"] for row in steps.values()} == CATEGORIES
    # Derived steps say what another one was, so that journeys tell nothing twice.
    assert steps["drr_sentence"]["category"] == steps["release_with_need"]["category"] == "derived"
    assert steps["suspected_drug_death"]["category"] == "restricted"


def test_published_kinds_keep_one_place_each() -> None:
    places = {(row["label"], row["rank"]) for row in codes("next_step").values()}
    assert len({label for label, _ in places}) == len({rank for _, rank in places}) == len(places)


@pytest.mark.parametrize(
    ("known", "accepted"),
    [
        ("accommodation", "accommodation_type"),
        ("caseload_close_reason", "caseload_close_reason"),
        ("death_status", "death_status"),
        ("enforcement", "breach_recall"),
        ("main_duty_decision", "main_duty_decision"),
        ("police_outcome", "police_outcome"),
        ("prison_referral_outcome", "prison_referral_outcome"),
        ("programme", "programme"),
        ("programme_end_reason", "programme_end_reason"),
        ("temporary_accommodation_type", "temporary_accommodation_type"),
        ("top_stage", "top_stage"),
    ],
)
def test_every_code_of_an_event_has_a_label(known: str, accepted: str) -> None:
    assert load_codes(accepted) <= set(codes(known))
