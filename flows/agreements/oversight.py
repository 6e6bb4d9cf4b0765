"""What a run found agreed, for the record: new terms, and partners that stop or start again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import AgreementError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flows.context import RunContext
    from flows.intake.handed_on import Agreed
    from governance.control import AuditEntry

TERMS, STOPPED, STARTED = "agreement", "stopped", "started"


def of_terms(run: RunContext, agreed: Agreed) -> list[AuditEntry]:
    """Entries on what is not as it was recorded last: agreements, and whether a partner is stopped.

    An agreement is known by the digest of its document, which is what its signatures are of; a stop
    by the rule that the agreement breaks. A partner that stays stopped by one rule has one entry.
    """
    recorded = run.control.audit_entries("oversight")
    terms = {one.partner: one.detail[TERMS] for one in recorded if TERMS in one.detail}
    state = {
        one.partner: one.detail.get(STOPPED)
        for one in recorded
        if {STOPPED, STARTED} & {*one.detail}
    }
    said = [
        (partner, {TERMS: agreement.document_digest})
        for partner, agreement in agreed.agreements.items()
        if terms.get(partner) != agreement.document_digest
    ]
    stopped = {
        partner: error.rule
        for partner, error in agreed.stopped.items()
        if isinstance(error, AgreementError)
    }
    said += [(one, {STOPPED: rule}) for one, rule in stopped.items() if state.get(one) != rule]
    said += [
        (partner, {STARTED: "agreement in force"})
        for partner in agreed.agreements
        if state.get(partner) is not None
    ]
    return [_entry(run, partner, detail) for partner, detail in said]


def _entry(run: RunContext, partner: str, detail: Mapping[str, str]) -> AuditEntry:
    return run.recorder.entry("oversight", run.clock(), partner=partner, detail=detail)
