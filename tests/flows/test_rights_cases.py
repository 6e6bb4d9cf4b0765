"""The legal side of requests: how each is routed, when it is due, what is refused and for whom."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from asking import someone, write_rows

from flows.clock import local_day, utc_now
from flows.context import open_control, run_lock
from flows.rights import cases
from flows.rights import requests as rights
from flows.rights import status as rights_status
from governance.agreements import load_agreement
from governance.audit import Recorder
from governance.control import RightsRequest
from governance.rights.law import due_on
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from conftest import Partnership


def asked_for(partnership: Partnership, row: dict[str, str]) -> Path:
    return write_rows(partnership.folder.parent / "request.csv", [row])


def expire(partnership: Partnership, partner: str) -> None:
    """Let a partner's agreement have ended yesterday, signed as it is."""
    path = partnership.folder / "agreements" / f"{partner}.yaml"
    content = yaml.safe_load(path.read_text())
    content["expires"] = local_day(utc_now()) - timedelta(days=1)
    content.pop("review", None)
    content["starts"] = content["expires"] - timedelta(days=300)
    path.write_text(yaml.safe_dump(content))
    digest = load_agreement(path).document_digest
    for signature in content["signatures"]:
        signature["document_digest"] = digest
    path.write_text(yaml.safe_dump(content))


def test_a_request_is_routed_refused_extended_and_answered(ran: Partnership) -> None:
    settings, row = ran.settings, someone(ran).row
    file = asked_for(ran, {"custody_ref": row["custody_ref"]})
    took = ran.journeys("rights", "erase", "--partner", "police", "--file", str(file))
    assert took.exit_code == 0, took.output
    assert "Part 3 of the Data Protection Act 2018: DPA 2018 section 47(1)" in took.output
    assert "UK GDPR and Part 2: UK GDPR Article 17" in took.output
    (case,) = rights_status.status(settings)["requests"]
    begins, today = case["request_id"][:8], local_day(utc_now())
    assert (
        case["due_on"] == due_on(today).isoformat() and f"told by {case['due_on']}" in took.output
    )
    # Not yet done, so nobody can have been told that it was.
    assert ran.journeys("rights", "told", begins).exit_code == 2
    assert ran.journeys("rights", "lift", begins).exit_code == 2
    later = ran.journeys("rights", "extend", begins)
    assert str(due_on(today, extended=True)) in later.output
    assert ran.journeys("rights", "extend", begins).exit_code == 2
    # Grounds are of one part of the law and of some rights; nothing else is a ground.
    for words in (
        ("--ground", "public-task", "--for", "police"),
        ("--ground", "s45-crime"),
        ("--ground", row["surname"]),
    ):
        wrong = ran.journeys("rights", "refuse", begins, *words)
        assert wrong.exit_code == 2 and row["surname"] not in wrong.output
    done = ran.journeys("rights", "refuse", begins, "--ground", "s47-evidence")
    assert done.exit_code == 0, done.output
    assert "Refused for police, probation" in done.output and "complain" in done.output
    with open_control(settings) as control:
        (case,) = control.rights_cases().values()
        assert [case.reaches(one) for one in settings.partners] == [
            one not in ("police", "probation") for one in settings.partners
        ]
        (entry,) = [e for e in control.audit_entries() if e.detail.get("said") == "refused"]
        assert entry.detail["ground"] == "s47-evidence"
        assert entry.detail["due"] == case.due_on.isoformat()
        assert len(control.waiting_requests()) == 1
    for words in ((), ("--for", "police")):
        again = ran.journeys("rights", "refuse", begins, "--ground", "s47-evidence", *words)
        assert again.exit_code == 2 and "refused already" in again.stderr
    whole = ran.journeys("rights", "refuse", begins, "--ground", "public-task")
    assert "Nothing is left of the request" in whole.output
    with open_control(settings) as control:
        assert control.waiting_requests() == [] and control.live_requests() == []
        assert cases.warnings(control, case.due_on - timedelta(days=8)) == []
        (near,) = cases.warnings(control, case.due_on - timedelta(days=7))
        (past,) = cases.warnings(control, case.due_on + timedelta(days=1))
    assert "has to be told by" in near and "should have been told by" in past
    assert "refused for police (s47-evidence)" in ran.journeys("rights", "status").output
    assert ran.journeys("rights", "told", begins).exit_code == 0
    assert ran.journeys("rights", "told", begins).exit_code == 2
    assert rights_status.status(settings, lambda: utc_now() + timedelta(days=200))["due"] == []


def test_nothing_is_asked_while_a_run_is_at_work(ran: Partnership) -> None:
    file = asked_for(ran, {"custody_ref": "CU0000001"})
    out = str(ran.folder.parent / "answer.duckdb")
    with run_lock(ran.settings):
        for words in (
            ("erase",),
            ("rectify", "--what", "values"),
            ("access", "--to", "A", "--out", out),
        ):
            what, *more = words
            busy = ran.journeys("rights", what, "--partner", "police", "--file", str(file), *more)
            assert busy.exit_code == 1 and "Another run is at work" in busy.stderr
        assert ran.journeys("rights", "reaudit").exit_code == 1


def test_a_right_does_not_lapse_with_an_agreement(ran: Partnership) -> None:
    expire(ran, "treatment")
    file = asked_for(ran, {"custody_ref": someone(ran).row["custody_ref"]})
    answered = rights.ask(ran.settings, "objection", "police", file, preview=True)
    assert any("agreement expired" in one and "all the same" in one for one in answered.said)
    assert answered.routes["police"].standing == "none"
    took = rights.ask(
        ran.settings, "objection", "police", file, received=date(2026, 1, 31), preview=True
    )
    assert took.due_on == date(2026, 2, 28)
    (ran.folder / "agreements" / "housing.yaml").write_text("nonsense: [")
    broken = rights.ask(ran.settings, "erasure", "police", file, preview=True)
    assert "housing" not in broken.routes and len(broken.said) == 2
    with pytest.raises(ConfigError, match="still to come"):
        rights.ask(ran.settings, "objection", "police", file, received=date(2999, 1, 1))


def gone_since(partnership: Partnership) -> None:
    """Let a later run have taken somebody out, as far as the control database knows."""
    settings = partnership.settings
    with open_control(settings) as control:
        request = RightsRequest("a" * 32, "erasure", "police", "not-stated", utc_now(), "x", 1, 0)
        entry = Recorder("x", settings.purpose).entry("alteration", utc_now())
        control.add_request(request, entry)
        control.begin_run("later", at=utc_now(), actor="x", purpose=settings.purpose)
        control.commit_run(
            "later", at=utc_now(), report={}, extracts=[], draft_digest=None, applied={"a" * 32: 3}
        )


@pytest.mark.usefixtures("slight")
def test_what_is_public_is_audited_again_when_people_have_gone(ran: Partnership) -> None:
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    nothing = ran.journeys("rights", "reaudit")
    assert nothing.exit_code == 0 and "Nothing that is public" in nothing.output
    gone_since(ran)
    (publication,) = rights_status.status(ran.settings)["reaudit"]["publications"]
    assert "journeys rights reaudit" in ran.journeys("rights", "status").output
    done = ran.journeys("rights", "reaudit")
    assert done.exit_code == 0 and "proved" in done.output, done.output
    assert "its proof holds" in ran.journeys("rights", "status").output
    # A new count of the same days would tell who went.
    again = ran.journeys(
        "publish", "--withdraw", publication, "--reason", "A wrong count", "--count-again"
    )
    assert again.exit_code == 1 and "by the difference" in again.stderr
    # The audit is worth nothing unless it can fail.
    (certificate,) = (ran.folder / "certificates" / publication).glob("*.certificate")
    certificate.chmod(0o600)
    certificate.write_bytes(certificate.read_bytes()[:-1] + b"x")
    spoilt = ran.journeys("rights", "reaudit")
    assert spoilt.exit_code == 1 and "NOT proved" in spoilt.output
    assert "does NOT hold" in rights_status.status(ran.settings)["reaudited"][publication]
