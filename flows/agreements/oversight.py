"""What a run found agreed, for the record: terms that are new, and partners it stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import AgreementError

if TYPE_CHECKING:
    from flows.context import RunContext
    from flows.intake.handed_on import Agreed
    from governance.control import AuditEntry

TERMS, STOPPED = "agreement", "stopped"


def of_terms(run: RunContext, agreed: Agreed) -> list[AuditEntry]:
    """Entries on agreements that are not the ones recorded last, and on partners that were stopped.

    An agreement is known by the digest of its document, which is what its signatures are of.
    """
    before = {
        entry.partner: entry.detail[TERMS]
        for entry in run.control.audit_entries("oversight")
        if TERMS in entry.detail
    }
    said = {
        partner: {TERMS: agreement.document_digest}
        for partner, agreement in agreed.agreements.items()
        if before.get(partner) != agreement.document_digest
    }
    stopped = {
        partner: {STOPPED: "no agreement in force"}
        for partner, error in agreed.stopped.items()
        if isinstance(error, AgreementError)
    }
    return [
        run.recorder.entry("oversight", run.clock(), partner=partner, detail=detail)
        for partner, detail in (said | stopped).items()
    ]
