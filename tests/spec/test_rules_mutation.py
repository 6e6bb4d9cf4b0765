"""Take each rule out of the contracts, and move each edge by one: a case has to notice."""

from __future__ import annotations

import sys

import pytest
from rule_mutants import (
    EQUIVALENT,
    KILLED,
    SURVIVED,
    changes,
    imported_with,
    moved,
    removals,
)
from rule_spec import AS_AT, Case, event_days, every_case, faults, write_lists

SAMPLE = (
    ("police", "custody", "dob", "born_after_arrest"),
    ("police", "drug_test", "custody_ref", "parent_missing"),
    ("probation", "release", "release_date", "release_before_sentence"),
    ("treatment", "episode", "consent", "data_without_consent"),
    ("housing", "duty", "duty_ref", "duplicate_key"),
    ("housing", "tenancy", "uprn", "uprn_invalid"),
)


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    return write_lists(tmp_path_factory.mktemp("lists"))


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return every_case(event_days())


def test_a_rule_that_is_taken_out_is_missed_and_then_there_again(cases, lists):
    own = [case for case in cases if case.rule in SAMPLE]
    became = [one.became for one in removals(own, lists, SAMPLE)]
    assert set(became) == {KILLED}
    for partner in {rule[0] for rule in SAMPLE}:
        assert not list(faults(partner, own, lists))


def test_a_removal_that_removes_nothing_survives(cases, lists, monkeypatch):
    monkeypatch.setattr("rule_mutants._take_out", lambda *_: None)
    assert [one.became for one in removals(cases, lists, SAMPLE[:1])] == [SURVIVED]


def test_a_changed_module_is_imported_afresh_and_put_back():
    before = sys.modules["schemas.models"]
    change = next(one for one in changes(["models"]) if one.said.endswith("ADULT_AGE: 18 to 19"))
    with imported_with(change):
        from schemas import models

        assert models.ADULT_AGE == 19
    from schemas import models

    assert models is before and models.ADULT_AGE == 18
    assert AS_AT.year == 2026


def test_what_changes_no_verdict_is_a_change_that_there_is():
    assert set(EQUIVALENT) <= {one.said for one in changes()}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_rule_can_be_taken_out_unnoticed(cases, lists):
    survived = [one.mutant for one in removals(cases, lists) if one.became == SURVIVED]
    assert not survived


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_edge_can_be_moved_unnoticed(cases, lists):
    became = moved(cases, lists, changes())
    survived = {one.mutant for one in became if one.became == SURVIVED} - set(EQUIVALENT)
    assert not survived
