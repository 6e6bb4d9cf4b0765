"""How rights requests stand, and what is still about that counts people who have gone."""

from __future__ import annotations

from typing import Any

from flows.clock import Clock, local_day, utc_now
from flows.context import open_control
from flows.rights.cases import warnings
from flows.settings import Settings
from governance.control import Control, Reaudit, RightsCase, RightsRequest


def status(settings: Settings, clock: Clock = utc_now) -> dict[str, Any]:
    """Every request and how it stands, and what was made public before the last that was applied.

    Returns:
        ``requests``, ``due`` (what is to be said of days to answer), ``reaudit`` (publications and
        waiting drafts that people who have since gone are counted in), ``handed_out`` (who was
        given a role's file that may hold them) and ``tokens_behind`` (suppression tokens by the
        older key epoch that they stand on).
    """
    with open_control(settings) as control:
        requests = {one.request_id: one for one in control.rights_requests()}
        cases = control.rights_cases()
        before = control.runs_before_an_erasure()
        named = dict.fromkeys([*requests, *cases])
        return {
            "requests": [_standing(one, requests.get(one), cases.get(one)) for one in named],
            "due": warnings(control, local_day(clock())),
            "reaudit": {
                "publications": [
                    one.publication_id
                    for one in control.publications()
                    if counted_runs(control, one.run_id) & before
                ],
                "drafts": [
                    one.run_id
                    for one in control.waiting_drafts()
                    if counted_runs(control, one.run_id) & before
                ],
            },
            "reaudited": {one.publication_id: _found(one) for one in control.reaudits()},
            "handed_out": [
                f"{one.recipients}, {one.at:%Y-%m-%d}"
                for one in control.audit_entries("disclosure")
                if "role" in one.detail and one.run_id in before
            ],
            "tokens_behind": {str(epoch): n for epoch, n in control.standing_tokens().items()},
        }


def counted_runs(control: Control, draft_id: str) -> set[str]:
    """The runs whose warehouse a draft counted."""
    return {draft_id, *(one.counted_run for one in control.draft_releases(draft_id))}


def _standing(
    request_id: str, request: RightsRequest | None, case: RightsCase | None
) -> dict[str, Any]:
    """How one request stands, as plain values."""
    told: dict[str, Any] = {"request_id": request_id}
    if request is not None:
        told |= vars(request) | {"received_at": request.received_at.isoformat()}
    if case is not None:
        told |= {
            "right": case.right,
            "partner": case.partner,
            "received_on": case.received_on.isoformat(),
            "due_on": case.due_on.isoformat(),
            "answered": case.answered_at is not None,
            "ended": case.ended_at is not None,
            "refused": dict(case.refused),
        }
    return told | {"waits": request is not None and request.applied_run is None}


def _found(one: Reaudit) -> str:
    """What an audit found, in words."""
    beside = (
        f"; {', '.join(one.beside)} count the same days without them, so look at both together"
        if one.beside
        else "; no other publication counts the same days without them"
    )
    proved = (
        f"its proof holds, of {one.counts:,} counts that may not be told"
        if one.proved
        else "its proof does NOT hold or is not all there: withdraw it"
    )
    return f"{proved}{beside} ({one.at:%Y-%m-%d})"
