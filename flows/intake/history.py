"""How what a partner sent, or did not send, compares with its earlier deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.agreements.terms import policy_of
from flows.clock import LOCAL_TIME
from flows.context import RunContext
from governance.agreements import Agreement
from governance.control import Extract
from schemas.errors import ExtractRejected

if TYPE_CHECKING:
    from schemas.drift import Delivery, Drift, Profile


def drift_of(
    run: RunContext, ledger: Extract, profile: Profile, agreement: Agreement
) -> tuple[str, ...]:
    """How an extract differs from the partner's earlier ones, in sentences.

    Raises:
        ExtractRejected: If it differs so much that the policy stops it.
    """
    from schemas.drift import Delivery, drifts

    before = _deliveries(run, ledger.partner)
    if before and before[0].digest == ledger.digest:
        return ()
    policy = policy_of(run)
    found = drifts(
        ledger.partner,
        Delivery(ledger.digest, run.today, ledger.data_as_at, profile),
        before,
        policy.drift_of(ledger.partner),
        expected=agreement.taken_columns,
    )
    stops = [one.said for one in found if one.response == "stop"]
    if stops and ledger.digest not in policy.drift.accepted:
        raise ExtractRejected(
            f"The extract is too unlike the earlier ones. {' '.join(stops)}",
            f"Ask {ledger.partner} whether it is right. If it is, put {ledger.digest} under "
            "`drift: accepted` in policy.yaml and run again.",
        )
    return tuple(one.said for one in found)


def lateness_of(run: RunContext, staged: Extract) -> Drift | None:
    """Whether a partner that sent nothing new is further behind than it usually is."""
    from schemas.drift import late

    return late(
        staged.partner,
        staged.data_as_at,
        run.today,
        _deliveries(run, staged.partner),
        policy_of(run).drift_of(staged.partner),
    )


def _deliveries(run: RunContext, partner: str) -> list[Delivery]:
    """What a partner sent before, newest first; one staged again on new terms counts once."""
    from schemas.drift import Delivery

    found: list[Delivery] = []
    for past in run.control.past_extracts(partner):
        if found and found[-1].digest == past.extract.digest:
            found.pop()
        found.append(
            Delivery(
                digest=past.extract.digest,
                received_on=past.received_at.astimezone(LOCAL_TIME).date(),
                data_as_at=past.extract.data_as_at,
                profile=past.profile,
            )
        )
    return found
