"""The quarterly draft: on the first working morning after a quarter's day, what is due is drafted.

A nightly run drafts what has become due as well. This one is made at the beginning of a working
day, so that the approvers hear of the draft, or of there being none, when they can do something.
"""

from __future__ import annotations

from prefect import flow

from flows.clock import local_day, utc_now
from flows.context import open_control
from flows.orchestration.nightly import refreshed
from flows.orchestration.notify import Alert, send
from flows.orchestration.unattended import QUIET
from flows.orchestration.watched import draft_waits
from flows.publication.public import is_fresh
from flows.settings import Settings, load_settings, locate


@flow(name="quarterly-draft", **QUIET)
def draft_flow() -> None:
    """Run the journey, and tell the approvers which draft waits or why there is none."""
    report = refreshed()
    settings = load_settings(locate(None))
    send(settings, of_draft(settings, report["draft"]["said"]))


def of_draft(settings: Settings, said: str) -> Alert:
    """What the approvers are told.

    Args:
        settings: The partnership.
        said: What the run said of its draft.
    """
    with open_control(settings) as control:
        waiting = [
            one.run_id
            for one in control.waiting_drafts()
            if is_fresh(settings, control, one.run_id)
        ]
    if waiting:
        return draft_waits(waiting[0])
    return Alert("no-draft", local_day(utc_now()).isoformat(), (said,))
