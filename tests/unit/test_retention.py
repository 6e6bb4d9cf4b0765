"""How long things are kept, and what is due on a day."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from governance.retention import (
    CLASSES,
    GO_TOGETHER,
    OWN,
    Held,
    Term,
    own_terms,
    packaged_policy,
    partner_terms,
    plan,
)

DAY = date(2026, 11, 22)
DAYS = st.integers(min_value=1, max_value=4000)


def test_every_class_of_the_hubs_own_has_a_dated_term_and_a_reason() -> None:
    policy = packaged_policy()
    assert policy.classes.keys() == OWN.keys() and not OWN.keys() & CLASSES.keys()
    assert policy.as_of <= date.today()
    over = own_terms({"drafts": 7, "logs": None})
    assert over[("drafts", "")] == Term(7, "partnership.yaml")
    assert over[("logs", "")].days is None
    assert over[("backups", "")].under == f"policy of {policy.as_of}"


def test_a_class_that_an_agreement_does_not_name_has_its_retention_days() -> None:
    terms = partner_terms("police", 3, 1095, {"quarantine": 30, "encodings": 400})
    days = {kind: term.days for (kind, _), term in terms.items()}
    assert days == dict.fromkeys(CLASSES, 1095) | {"quarantine": 30, "staging": 400} | {
        "encodings": 400
    }
    assert {term.under for term in terms.values()} == {"police agreement, version 3"}


@given(DAYS, st.integers(min_value=-4000, max_value=4000))
def test_a_thing_is_kept_through_its_last_day_and_due_on_the_next(days: int, later: int) -> None:
    held = Held("quarantine", "a run", DAY, ("police",))
    (line,) = plan([held], partner_terms("police", 1, days, {}), DAY + timedelta(days=later))
    assert line.until == DAY + timedelta(days=days)
    assert line.due == (later > days)


@given(DAYS, DAYS, DAYS)
def test_of_what_holds_data_of_several_the_shortest_term_counts(
    one: int, other: int, own: int
) -> None:
    terms = partner_terms("police", 1, one, {}) | partner_terms("housing", 2, other, {})
    held = Held("releases", "a run", DAY, ("police", "housing", "treatment"))
    (line,) = plan([held], terms, DAY)
    assert line.until == DAY + timedelta(days=min(one, other))
    together = partner_terms("police", 1, one, {"staging": other, "encodings": own})
    assert len({together[(kind, "police")] for kind in GO_TOGETHER}) == 1


def test_what_nobody_gave_a_term_is_kept_and_what_is_gone_is_due_at_once() -> None:
    held = [
        Held("staging", "a run", DAY, ("police",)),
        Held("suppression", "12 tokens", DAY),
        Held("staging", "another", DAY, ("police",), gone="police was taken out"),
        Held("role_files", "a file", DAY - timedelta(days=1000)),
    ]
    never, residue, gone, away = plan(held, own_terms({}), DAY)
    assert (never.until, never.due, never.under) == (None, False, "no agreement at hand")
    assert (residue.until, residue.due) == (None, False)
    assert gone.due and gone.under == "police was taken out"
    assert away.due and away.told and not away.as_json()["ours_to_delete"]
