"""An analyst's question to the current release, and the record that it was asked."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flows.clock import Clock, utc_now
from flows.context import actor, open_control
from flows.keys import release_key
from flows.settings import Settings
from governance.audit import Recorder
from schemas.errors import StoreError

if TYPE_CHECKING:
    from warehouse.analyst import Selected


def query_release(settings: Settings, sql: str, clock: Clock = utc_now) -> Selected:
    """Run one SELECT on the current release.

    The audit record says who asked and when, before the query runs, and how many rows came back;
    of the query it keeps a digest only, since a query may name a person id.

    Raises:
        StoreError: If there is no release yet or it cannot be opened.
        KeyProblem: If the release key is missing or loose.
        RefusedQuery: If it is not one SELECT that the lock-down allows.
    """
    from warehouse.analyst import select
    from warehouse.connect import open_release

    with open_control(settings) as control:
        current = control.current_run()
        if current is None:
            raise StoreError("There is no release yet.", "Run `journeys run` to make one.")
        path = settings.releases / current.run_id / "warehouse.duckdb"
        recorder = Recorder(actor(), settings.purpose, current.run_id)

        def record(**said: int | str) -> None:
            detail = {"query": hashlib.sha256(sql.encode(errors="replace")).hexdigest(), **said}
            recipients = "an analyst of the partnership"
            control.add_audit(
                recorder.entry("consultation", clock(), recipients=recipients, detail=detail)
            )

        # Before it is run: an error can be an answer too.
        record(said="asked")
        connection = open_release(path, release_key(settings, current.run_id))
        try:
            result = select(connection, sql)
        finally:
            connection.close()
        record(said="answered", rows=len(result.rows))
    return result
