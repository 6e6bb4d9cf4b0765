"""An analyst's question to the current release, and the record that it was asked."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flows.clock import Clock, utc_now
from flows.context import actor, open_control
from flows.readers.reasons import reason_for_asking
from flows.releases.kept import open_current
from flows.settings import Settings
from governance.audit import Recorder

if TYPE_CHECKING:
    from warehouse.analyst import Selected


def query_release(
    settings: Settings,
    sql: str,
    reason: str | None = None,
    use: str | None = None,
    clock: Clock = utc_now,
) -> Selected:
    """Run one SELECT on the release that people read, or on its part for one use.

    The audit record says who asked, when and why, before the query runs, and how many rows came
    back; of the query it keeps a digest only, since a query may name a person id.

    Raises:
        ConfigError: If no reason is given here or in partnership.yaml.
        StoreError: If there is no release yet or it cannot be opened, or has no such part.
        KeyProblem: If the release key is missing or loose.
        RefusedQuery: If it is not one SELECT that the lock-down allows.
    """
    from warehouse.analyst import select

    why = reason_for_asking(settings, reason)
    with open_control(settings) as control:
        run_id, connection = open_current(settings, control, use, clock)
        recorder = Recorder(actor(), settings.purpose, run_id)

        def record(**said: int | str) -> None:
            digest = hashlib.sha256(sql.encode(errors="replace")).hexdigest()
            detail = {"query": digest, "reason": why, **({"use": use} if use else {}), **said}
            recipients = "an analyst of the partnership"
            control.add_audit(
                recorder.entry("consultation", clock(), recipients=recipients, detail=detail)
            )

        try:
            # Before it is run: an error can be an answer too.
            record(said="asked")
            result = select(connection, sql)
        finally:
            connection.close()
        record(said="answered", rows=len(result.rows))
    return result
