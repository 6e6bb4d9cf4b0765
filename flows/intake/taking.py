"""What is told of an extract that is taken in, and its line in the ledger."""

from __future__ import annotations

from flows.agreements.terms import staged_under
from flows.context import RunContext
from flows.intake.encoding import Encoded
from flows.intake.handed_on import Agreed, Taken
from flows.intake.history import drift_of
from flows.keys.epochs import purpose_keys
from flows.keys.rings import key_check
from flows.rights.suppressed import Withheld
from flows.sources.inbox import Arrived
from governance.control import Extract


def taken_in(
    run: RunContext, agreed: Agreed, arrived: Arrived, encoded: Encoded, withheld: Withheld
) -> Taken:
    """The ledger of an extract, and how it differs from the partner's earlier ones.

    Raises:
        ExtractRejected: It differs so much that the policy stops it.
    """
    agreement, facts = agreed.agreements[arrived.partner], encoded.facts
    ledger = _ledger(run, agreed, arrived, encoded)
    lacking = ", ".join(facts.missing)
    missing = (f"The {arrived.partner} extract lacks {lacking}.",) if lacking else ()
    drift = drift_of(run, ledger, facts.profile, agreement)
    return Taken(ledger, facts, (*missing, *drift), withheld)


def _ledger(run: RunContext, agreed: Agreed, arrived: Arrived, encoded: Encoded) -> Extract:
    facts, manifest, newest = encoded.facts, arrived.manifest, max(encoded.parts)
    if manifest is None:
        check = key_check(purpose_keys(run, agreed.epochs)[newest])
    else:
        check = manifest.epochs[newest]
    return Extract(
        run_id=run.run_id,
        partner=arrived.partner,
        digest=arrived.digest,
        staged_under=staged_under(run, agreed.agreements[arrived.partner]),
        key_epoch=newest,
        key_check=check,
        received=facts.total("received"),
        kept=facts.total("kept"),
        quarantined=facts.total("quarantined"),
        withheld=facts.total("withheld"),
        over_shared=facts.over_shared,
        data_as_at=facts.data_as_at,
        delivery=manifest.delivery if manifest else None,
        made_at=manifest.made_at if manifest else None,
    )
