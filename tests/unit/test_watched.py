"""What people are told of a run, and how long one waits for other work in the folder."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from flows.context import Busy
from flows.orchestration.artifacts import accounting, disclosed, linked, verdicts
from flows.orchestration.watched import of_failure, of_report, patiently
from flows.safe_errors import Rejected, StepFailed
from schemas.errors import AgreementError, ExtractRejected

RUN = "20261122-023001-91c4"
SECRET = "Zyxforena"
COUNTS = {"received": 9, "kept": 6, "quarantined": 2, "withheld": 1}
RULE = {"table": "custody", "column": "outcome", "rule": "code_unknown", "count": 2}
REPORT: dict[str, Any] = {
    "run_id": RUN,
    "partners": {"police": {**COUNTS, "top_rules": [RULE], "noted": []}},
    "rows": {
        "police": {
            "custody": {"received": 9, "quarantined": 2, "withheld": 0, "staged": 7},
            "drug_test": {"received": None, "quarantined": 0, "withheld": 0, "staged": 3},
        }
    },
    "linkage": {"people": 4, "linked": 2, "model": {"name": "m"}},
    "stopped": {"housing": SECRET},
    "release": {"tables": {"person": 4}},
    "draft": {"digest": "ab", "tables": {"everyone": 3}},
}


def busy(times: int) -> Any:
    """Something that finds others at work so many times."""
    tries: list[int] = []

    def call() -> int:
        tries.append(1)
        if len(tries) <= times:
            raise Busy("Another run is at work.", "Wait.")
        return len(tries)

    return call


def test_a_scheduled_run_waits_for_other_work_and_no_longer_than_it_may() -> None:
    waited: list[float] = []
    assert patiently(1, busy(3), waited.append) == 4 and waited == [20, 20, 20]
    with pytest.raises(Busy):
        patiently(1, busy(4), waited.append)
    with pytest.raises(Busy):
        patiently(0, busy(1), waited.append)
    assert len(waited) == 6


def test_a_failure_is_told_by_step_kind_and_count_and_never_in_its_own_words() -> None:
    problems = {
        "police": [ExtractRejected(SECRET, SECRET), ExtractRejected(SECRET, SECRET)],
        "housing": [AgreementError(SECRET, SECRET)],
    }
    alert = of_failure(RUN, "encode", Rejected(problems))
    assert alert.counts == {"police, ExtractRejected": 2, "housing, AgreementError": 1}
    assert alert.body.splitlines()[0] == "It failed at `encode` (Rejected)."
    fault = of_failure(RUN, "link", StepFailed("link", "ValueError", "flows/link.py:1"))
    assert "`link`: incident " in fault.body
    odd = of_failure(RUN, "", OSError(SECRET))
    assert odd.body.startswith("It failed before its first step (OSError).")
    assert all(SECRET not in one.body + one.subject for one in (alert, fault, odd))


def test_of_a_run_that_was_committed_a_stopped_partner_is_told_once_a_week_and_a_draft_once() -> (
    None
):
    stopped, draft = of_report(REPORT, date(2026, 11, 22))
    assert (stopped.kind, stopped.key) == ("partner-left-out", "housing, week 47 of 2026")
    assert (draft.kind, draft.key) == ("draft-waits", RUN)
    assert SECRET not in stopped.body
    sunday, monday = (next(of_report(REPORT, date(2026, 11, day))) for day in (22, 23))
    assert sunday.key != monday.key
    assert not [*of_report({**REPORT, "stopped": {}, "draft": {"digest": None}}, date.today())]


def test_what_is_shown_is_names_and_counts() -> None:
    assert verdicts(REPORT) == [("police", "custody", "outcome", "code_unknown", 2)]
    assert accounting(REPORT) == [
        ("police", "received", 9), ("police", "quarantined", 2), ("police", "staged", 10),
        ("", "release: person", 4),
    ]  # fmt: skip
    assert [row[1] for row in linked(REPORT)] == ["people", "linked"]


def test_where_nothing_was_drafted_only_the_rules_of_disclosure_are_shown() -> None:
    class Settings:
        class disclosure:
            threshold, rounding_base = 5, 10

    none = {**REPORT, "draft": {"digest": None}}
    assert disclosed(Settings(), none) == [  # type: ignore[arg-type]
        ("counts are masked below", 5), ("others are rounded to", 10), ("tables drafted", 0)
    ]  # fmt: skip
