"""Requests that are of records and links: refused for some, put right, put apart, opted out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asking import dump, record_ids, rows_of, someone, write_rows

from flows.context import open_control
from flows.refresh import run_refresh
from flows.rights import cases
from flows.rights import requests as rights
from flows.rights.opt_out import opt_out
from flows.rights.rectify import put_apart
from flows.rights.suppressed import reaching, tokens_in_force
from governance.agreements import Agreement
from schemas.errors import AgreementError, ConfigError, ExtractRejected
from schemas.marks import GROUNDS

if TYPE_CHECKING:
    from conftest import Partnership


def asked_for(partnership: Partnership, *rows: Mapping[str, str]) -> Path:
    return write_rows(partnership.folder.parent / "request.csv", rows)


def records(partnership: Partnership) -> dict[int, str]:
    """Record id → person id."""
    return {int(str(one)): str(person) for one, person in partnership.record_person()}


def marks(partnership: Partnership) -> dict[int, dict[str, object]]:
    """Record id → its partner and marks."""
    return {
        row[0]: dict(zip(("partner", *GROUNDS), row[1:], strict=True))
        for row in dump(partnership, "identity")["mark"]
    }


def numbers(partnership: Partnership) -> list[str]:
    """The NHS numbers without a mistake that the treatment extract holds, each once."""
    rows = rows_of(partnership.inbox("treatment", "episode"))
    return list(dict.fromkeys(row["NHSNO"] for row in rows if sound(row["NHSNO"])))


def sound(number: str) -> bool:
    """Whether the last digit of an NHS number is its check digit."""
    digits = [int(digit) for digit in number if digit.isdigit()]
    weighted = sum(w * d for w, d in zip(range(10, 1, -1), digits, strict=False))
    return len(digits) == 10 and (weighted + digits[-1]) % 11 == 0


@pytest.mark.usefixtures("slight")
def test_what_a_request_does_not_reach_stays_and_what_it_does_goes(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, one = ran.settings, someone(ran)
    before, marked = records(ran), marks(ran)
    # A wrong link: the police say that two records of somebody are of two people.
    refs = sorted(one.refs)[:2]
    lines = asked_for(ran, *({"custody_ref": ref} for ref in refs))
    officer = "B. Officer"
    with pytest.raises(ExtractRejected, match="not linked with one another"):
        put_apart(settings, "police", asked_for(ran, {"custody_ref": refs[0]}), officer)
    with pytest.raises(ExtractRejected, match="No record of this partner is known by line 2"):
        file = asked_for(ran, {"custody_ref": refs[0]}, {"custody_ref": "CU9999999"})
        put_apart(settings, "police", file, officer)
    lines = asked_for(ran, *({"custody_ref": ref} for ref in refs))
    apart = put_apart(settings, "police", lines, officer)
    assert apart.found.tables == {"police": {"links": 1}}
    with pytest.raises(ConfigError, match="not brought together"):
        rights.withdraw(settings, apart.request_id)
    # An erasure that the police and probation refuse.
    custody = [row["custody_ref"] for row in rows_of(ran.inbox("police", "custody"))]
    ids = record_ids(ran, custody)
    partners: dict[str, set[object]] = {}
    for record, person in before.items():
        partners.setdefault(person, set()).add(marked[record]["partner"])
    ref, refused = next(
        (ref, before[ids[ref]])
        for ref in custody
        if ids[ref] in before
        and before[ids[ref]] != one.person
        and {"police", "treatment"} <= partners[before[ids[ref]]]
    )
    erased = rights.ask(settings, "erasure", "police", asked_for(ran, {"custody_ref": ref}))
    cases.refuse(settings, erased.request_id[:8], "s47-lawful")
    # Values of one custody record are wrong.
    ref = next(
        r for r in custody if ids[r] in before and before[ids[r]] not in (refused, one.person)
    )
    wrong = rights.ask(settings, "rectification", "police", asked_for(ran, {"custody_ref": ref}))
    assert wrong.found.tables.keys() == {"police"}
    # Two people have opted out; one number is of nobody here.
    listed = numbers(ran)[:2]
    patients = asked_for(ran, *({"nhsno": number} for number in [*listed, "9434765919"]))
    with pytest.raises(AgreementError, match="no opt-out applies"):
        opt_out(settings, "treatment", patients)
    monkeypatch.setattr(Agreement, "opt_outs_apply", True)
    with pytest.raises(ExtractRejected, match="no request"):
        opt_out(settings, "treatment", asked_for(ran, {"custody_ref": ref}))
    patients = asked_for(ran, *({"nhsno": number} for number in [*listed, "9434765919"]))
    out = opt_out(settings, "treatment", patients)
    assert (out.found.known, out.found.unknown) == (2, (3,))

    with pytest.raises(ConfigError, match="replaced, not withdrawn"):
        rights.withdraw(settings, out.request_id)

    report = run_refresh(settings)
    assert len(report["rights"]["requests"]) == 4
    after, left = records(ran), marks(ran)
    assert set(left) == set(after)
    # Put apart, and nothing of them is gone.
    assert {marked[r]["partner"] for r in one.records} == {left[r]["partner"] for r in one.records}
    assert len({after[r] for r in one.records}) >= 2
    # Of who was erased the police and probation keep what they had, and no other does.
    stayed = {r for r in before if before[r] == refused and r in after}
    assert stayed and {left[r]["partner"] for r in stayed} <= {"police", "probation"}
    went = {r for r in before if before[r] == refused} - stayed
    assert went and {marked[r]["partner"] for r in went} <= {"treatment", "housing"}
    assert len({after[r] for r in stayed}) >= 1
    with open_control(settings) as control:
        tokens = tokens_in_force(settings, control)
        held = {
            name: set(reaching(control, tokens, name)["request_id"]) for name in settings.partners
        }
    assert erased.request_id in held["treatment"] and erased.request_id not in held["police"]
    assert wrong.request_id in held["police"] and wrong.request_id not in held["treatment"]
    assert out.request_id in held["treatment"] and out.request_id not in held["police"]
    # One custody record went, and only its own key is kept of it.
    kept = dump(ran, "suppression")["suppression_token"]
    assert {row[3] for row in kept if row[0] == wrong.request_id} == {"record"}
    assert {row[3] for row in kept if row[0] == out.request_id} == {"nhs_number"}
    (only,) = {row[5] for row in kept if row[0] == wrong.request_id}
    assert only not in {one["record"] for one in left.values()}
    opted = {row[5] for row in kept if row[0] == out.request_id}
    assert len(opted) == 3
    assert not {r for r in left if left[r]["nhs_number"] in opted}
    # Put right, and opted in again: their tokens hold no longer, and so they come back when sent.
    assert ran.journeys("rights", "lift", wrong.request_id[:8]).exit_code == 0
    patients = asked_for(ran, *({"nhsno": number} for number in numbers(ran)[2:]))
    cleaned = opt_out(settings, "treatment", patients, cleaned=True)
    assert cleaned.found.people == 0
    with open_control(settings) as control:
        assert set(tokens_in_force(settings, control)["request_id"]) == {erased.request_id}
