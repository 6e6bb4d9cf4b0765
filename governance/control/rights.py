"""Requests of people to object or to be erased: how many, never who."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from governance.control.entries import AuditEntry, RightsRequest
from governance.control.runs import Runs
from governance.control.tables import AUDIT_ENTRY, RIGHTS_REQUEST, RUN, SUPPRESSION


class Rights(Runs):
    """What was asked and whether it has been done."""

    def add_request(self, request: RightsRequest, entry: AuditEntry) -> None:
        """Record a request that is to be applied by the next run, with its audit entry."""
        with self._transaction() as connection:
            connection.execute(sa.insert(RIGHTS_REQUEST).values(**asdict(request)))
            connection.execute(sa.insert(AUDIT_ENTRY).values(**asdict(entry)))

    def withdraw_request(self, request_id: str, entry: AuditEntry) -> None:
        """Forget a request that no run has applied; its audit entries stay.

        Its tokens count for nothing from then on, and the next command or run removes them.
        """
        waiting = sa.and_(
            RIGHTS_REQUEST.c.request_id == request_id, RIGHTS_REQUEST.c.applied_run.is_(None)
        )
        with self._transaction() as connection:
            if connection.execute(sa.delete(RIGHTS_REQUEST).where(waiting)).rowcount:
                connection.execute(sa.insert(AUDIT_ENTRY).values(**asdict(entry)))

    def rights_requests(self) -> list[RightsRequest]:
        """Every request, oldest first."""
        query = sa.select(RIGHTS_REQUEST).order_by(
            RIGHTS_REQUEST.c.received_at, RIGHTS_REQUEST.c.request_id
        )
        return [RightsRequest(**row) for row in self._rows(query)]

    def runs_before_an_erasure(self) -> set[str]:
        """The committed runs whose people have not all stayed: a later one took some out."""
        committed = self.committed_runs()
        applied = {one.applied_run for one in self.rights_requests() if one.records}
        last = next((at for at, run_id in enumerate(committed) if run_id in applied), None)
        return set() if last is None else set(committed[last + 1 :])

    def standing_tokens(self) -> dict[int, int]:
        """Suppression tokens of the current run that are in no newer key epoch than this."""
        current = (
            sa.select(RUN.c.run_id)
            .where(RUN.c.state == "committed")
            .order_by(RUN.c.number.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = sa.select(SUPPRESSION).where(SUPPRESSION.c.run_id == current)
        return {row["epoch"]: row["tokens"] for row in self._rows(query)}
