"""Requests of people about their data: how many, by when to answer and how; never who."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date, datetime

import sqlalchemy as sa

from governance.control.entries import AuditEntry, Reaudit, RightsCase, RightsRequest
from governance.control.log import append
from governance.control.runs import Runs
from governance.control.tables import (
    RIGHTS_CASE,
    RIGHTS_REAUDIT,
    RIGHTS_REFUSAL,
    RIGHTS_REQUEST,
    RUN,
    SUPPRESSION,
)


class Rights(Runs):
    """What was asked, whether it has been done, and whether the person was told."""

    def add_request(
        self,
        request: RightsRequest | None,
        entry: AuditEntry,
        case: RightsCase | None = None,
        replaced: Collection[str] = (),
    ) -> None:
        """Record a request with its audit entry, all or nothing.

        Args:
            request: What the next run is to apply; None where no run has to.
            entry: What is to be recorded of it.
            case: Its legal side.
            replaced: Ids of requests that it takes the place of, which end.
        """
        with self._transaction() as connection:
            if request is not None:
                connection.execute(sa.insert(RIGHTS_REQUEST).values(**asdict(request)))
            if case is not None:
                row = {name: one for name, one in asdict(case).items() if name != "refused"}
                connection.execute(sa.insert(RIGHTS_CASE).values(**row))
            for one in replaced:
                _end(connection, one, entry.at)
            append(connection, [entry])

    def withdraw_request(self, request_id: str, entry: AuditEntry) -> None:
        """Forget a request that no run has applied; its audit entries stay.

        Its tokens count for nothing from then on, and the next command or run removes them.
        """
        with self._transaction() as connection:
            if _forget(connection, request_id):
                append(connection, [entry])

    def refuse_request(
        self,
        request_id: str,
        refused: Mapping[str, str],
        entry: AuditEntry,
        *,
        as_a_whole: bool,
    ) -> None:
        """Record that a request is refused for records of some partners.

        Args:
            request_id: Its id.
            refused: Partner → the ground's code.
            entry: What is to be recorded of it.
            as_a_whole: Whether nothing is left of it that a run would have to apply.
        """
        with self._transaction() as connection:
            for partner, ground in refused.items():
                connection.execute(
                    sa.insert(RIGHTS_REFUSAL).values(
                        request_id=request_id,
                        partner=partner,
                        ground=ground,
                        at=entry.at,
                        actor=entry.actor,
                    )
                )
            if as_a_whole:
                _delete_waiting(connection, request_id)
                _end(connection, request_id, entry.at)
            append(connection, [entry])

    def change_case(
        self,
        request_id: str,
        entry: AuditEntry,
        *,
        due_on: date | None = None,
        answered_at: datetime | None = None,
        ended_at: datetime | None = None,
    ) -> None:
        """Record that a request has more time, was answered, or ended, with its audit entry."""
        given = {"due_on": due_on, "answered_at": answered_at, "ended_at": ended_at}
        changes = {name: one for name, one in given.items() if one is not None}
        with self._transaction() as connection:
            connection.execute(
                sa.update(RIGHTS_CASE)
                .where(RIGHTS_CASE.c.request_id == request_id)
                .values(**changes)
            )
            append(connection, [entry])

    def rights_requests(self) -> list[RightsRequest]:
        """Every request that a run had or has to apply, oldest first."""
        query = sa.select(RIGHTS_REQUEST).order_by(
            RIGHTS_REQUEST.c.received_at, RIGHTS_REQUEST.c.request_id
        )
        return [RightsRequest(**row) for row in self._rows(query)]

    def rights_cases(self) -> dict[str, RightsCase]:
        """The legal side of every request by its id, what is due first to come first."""
        refused: dict[str, dict[str, str]] = {}
        for row in self._rows(sa.select(RIGHTS_REFUSAL).order_by(RIGHTS_REFUSAL.c.partner)):
            refused.setdefault(row["request_id"], {})[row["partner"]] = row["ground"]
        query = sa.select(RIGHTS_CASE).order_by(RIGHTS_CASE.c.due_on, RIGHTS_CASE.c.request_id)
        return {
            row["request_id"]: RightsCase(
                **row | {"reach": None if row["reach"] is None else tuple(row["reach"])},
                refused=refused.get(row["request_id"], {}),
            )
            for row in self._rows(query)
        }

    def live_requests(self) -> list[RightsRequest]:
        """The requests whose people are, or are to be, kept out: all but those that ended."""
        ended = {one for one, case in self.rights_cases().items() if case.ended_at is not None}
        return [one for one in self.rights_requests() if one.request_id not in ended]

    def waiting_requests(self) -> list[RightsRequest]:
        """The requests that the next run has to apply, oldest first."""
        return [one for one in self.rights_requests() if one.applied_run is None]

    def last_erasure(self) -> str | None:
        """The last committed run that took somebody out."""
        applied = {one.applied_run for one in self.rights_requests() if one.records}
        return next((one for one in self.committed_runs() if one in applied), None)

    def add_reaudit(self, found: Reaudit, entry: AuditEntry) -> None:
        """Record what an audit of a publication found, in the place of one after the same run."""
        same = sa.and_(
            RIGHTS_REAUDIT.c.publication_id == found.publication_id,
            RIGHTS_REAUDIT.c.erased_run == found.erased_run,
        )
        with self._transaction() as connection:
            connection.execute(sa.delete(RIGHTS_REAUDIT).where(same))
            connection.execute(sa.insert(RIGHTS_REAUDIT).values(**asdict(found)))
            append(connection, [entry])

    def reaudits(self) -> list[Reaudit]:
        """What audits found after the last run that took somebody out."""
        query = sa.select(RIGHTS_REAUDIT).where(RIGHTS_REAUDIT.c.erased_run == self.last_erasure())
        rows = self._rows(query.order_by(RIGHTS_REAUDIT.c.publication_id))
        return [Reaudit(**row | {"beside": tuple(row["beside"])}) for row in rows]

    def runs_before_an_erasure(self) -> set[str]:
        """The committed runs whose people have not all stayed: a later one took some out."""
        committed, last = self.committed_runs(), self.last_erasure()
        return set() if last is None else set(committed[committed.index(last) + 1 :])

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


def _forget(connection: sa.Connection, request_id: str) -> bool:
    """Take a waiting request away, and its legal side; whether there was one."""
    if not _delete_waiting(connection, request_id):
        return False
    for table in (RIGHTS_REFUSAL, RIGHTS_CASE):
        connection.execute(sa.delete(table).where(table.c.request_id == request_id))
    return True


def _delete_waiting(connection: sa.Connection, request_id: str) -> bool:
    waiting = sa.and_(
        RIGHTS_REQUEST.c.request_id == request_id, RIGHTS_REQUEST.c.applied_run.is_(None)
    )
    return bool(connection.execute(sa.delete(RIGHTS_REQUEST).where(waiting)).rowcount)


def _end(connection: sa.Connection, request_id: str, at: datetime) -> None:
    connection.execute(
        sa.update(RIGHTS_CASE).where(RIGHTS_CASE.c.request_id == request_id).values(ended_at=at)
    )
