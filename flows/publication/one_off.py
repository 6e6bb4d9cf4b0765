"""One table of an analyst's, drafted by hand: the same gate, certificate and approvals."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from flows.clock import Clock, utc_now
from flows.context import actor, new_run_id, open_control, run_lock
from flows.files import remove_folder
from flows.publication.drafting import keep, releases_of, terms_of
from flows.publication.public import PREFIX, what_is_public
from flows.publication.publish import Waiting, waiting
from flows.readers.reasons import reason_for_asking
from flows.releases.kept import open_current
from flows.safe_errors import guarded
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import Control, DraftRow
from schemas.errors import JourneysError

if TYPE_CHECKING:
    from warehouse.publish.one_off import Declared


def draft_table(
    settings: Settings, path: Path, reason: str | None = None, clock: Clock = utc_now
) -> Waiting:
    """Put an analyst's table through the gate and leave it as a draft of its own.

    Args:
        settings: The partnership.
        path: The YAML file that declares the table.
        reason: Why, for the record; by default `sql_reason` of partnership.yaml.
        clock: The clock.

    Returns:
        The draft, which two different people must approve.

    Raises:
        DisclosureError: The table cannot be published, or cannot be proved safe.
        RefusedQuery: Its query is not one SELECT that analysts may ask.
        ConfigError: There is no reason that may be recorded.
        StoreError: There is no release, or the draft cannot be written.
        Busy: If a run is at work.
    """
    from warehouse.publish.one_off import read_declared

    why = reason_for_asking(settings, reason)
    declared = read_declared(path)
    draft_id = PREFIX + new_run_id(clock())
    with run_lock(settings), open_control(settings) as control:
        try:
            guarded("table", _draft, settings, control, draft_id, declared, why, clock)
        except JourneysError:
            for zone in (settings.drafts, settings.certificates):
                remove_folder(zone / draft_id)
            raise
    return waiting(settings, draft_id)


def _draft(
    settings: Settings,
    control: Control,
    draft_id: str,
    declared: Declared,
    why: str,
    clock: Clock,
) -> None:
    from warehouse.publish.one_off import one_off

    public = what_is_public(settings, control)
    run_id, connection = open_current(settings, control, clock=clock)
    recorder = Recorder(actor(), settings.purpose, run_id)
    query = hashlib.sha256(declared.query.encode()).hexdigest()
    detail = {"query": query, "reason": why, "draft": draft_id}
    try:
        # Before it is run, as with every question of an analyst's.
        control.add_audit(
            recorder.entry(
                "consultation", clock(), recipients="an analyst of the partnership", detail=detail
            )
        )
        made = one_off(connection, draft_id, declared, terms_of(settings), public, clock())
    finally:
        connection.close()
    digest = keep(settings, settings.drafts / draft_id, made, public)
    row = DraftRow(draft_id, digest, clock())
    entry = recorder.entry(
        "combination", row.created_at, detail={"draft": draft_id, "digest": digest}
    )
    control.add_draft(row, releases_of(draft_id, run_id, made.certified), entry)
