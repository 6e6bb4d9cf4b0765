"""Runs of the journey and the ledger of extracts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from governance.control.database import Database
from governance.control.entries import (
    AuditEntry,
    DraftRelease,
    DraftRow,
    Extract,
    PastExtract,
    ReleaseFile,
    Run,
    RunState,
)
from governance.control.log import HOLDER, append
from governance.control.publications import insert_draft
from governance.control.pulls import take_periods
from governance.control.tables import (
    EXTRACT,
    EXTRACT_PROFILE,
    RELEASE_FILE,
    REMOVAL,
    RIGHTS_REQUEST,
    RUN,
    SUPPRESSION,
)
from schemas.errors import StoreError


class Runs(Database):
    """Which runs there were, which of them counts, and what extracts it took in."""

    def begin_run(self, run_id: str, *, at: datetime, actor: str, purpose: str) -> None:
        """Record that a run has started."""
        with self._transaction() as connection:
            last = connection.execute(sa.select(sa.func.max(RUN.c.number))).scalar()
            connection.execute(
                sa.insert(RUN).values(
                    run_id=run_id,
                    number=(last or 0) + 1,
                    state="running",
                    purpose=purpose,
                    actor=actor,
                    started_at=at,
                )
            )

    def fail_run(
        self,
        run_id: str,
        *,
        at: datetime,
        problem: str,
        report: Mapping[str, Any] | None = None,
        undo: Callable[[], object] = lambda: None,
    ) -> None:
        """Record that a run ended without changing anything, and why; with an audit entry.

        `undo` removes what the run wrote. It is called while the run's row is held: a commit whose
        answer a dropped connection took away has by then been carried out or never will be.

        Raises:
            StoreError: The run is not at work, or was committed; nothing is then undone.
        """
        with self._transaction() as connection:
            _hold_running(connection, run_id)
            undo()
            _set_state(connection, run_id, "failed", at, {"problem": problem, "report": report})
            query = sa.select(RUN.c.actor, RUN.c.purpose).where(RUN.c.run_id == run_id)
            actor, purpose = connection.execute(query).one()
            ended = {"run": "failed"}
            append(
                connection,
                [AuditEntry(at, actor, "oversight", purpose, HOLDER, run_id, detail=ended)],
            )

    def commit_run(
        self,
        run_id: str,
        *,
        at: datetime,
        report: Mapping[str, Any],
        extracts: Sequence[Extract],
        draft_digest: str | None,
        draft_releases: Sequence[DraftRelease] = (),
        release_files: Sequence[ReleaseFile] = (),
        key_epoch: int = 1,
        audit: Sequence[AuditEntry] = (),
        profiles: Mapping[str, Mapping[str, Any]] | None = None,
        applied: Mapping[str, int] | None = None,
        standing: Mapping[int, int] | None = None,
        periods: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Make a run the current one, with its ledger, draft and audit entries, all or nothing.

        A run that has nothing new to publish leaves no draft. `release_files` says what each file
        of its release is known by. `key_epoch` is the epoch of the
        identifier key that the run's stores are in, and `profiles` says of the partners in the
        ledger what their extracts looked like. `applied` names the rights requests that the run
        carried out, each with how many records went, and `standing` says how many suppression
        tokens are in no newer key epoch than each. `periods` are those that each new extract was
        put together from.
        """
        with self._transaction() as connection:
            for extract in extracts:
                connection.execute(sa.insert(EXTRACT).values(**asdict(extract)))
            for partner, profile in (profiles or {}).items():
                connection.execute(
                    sa.insert(EXTRACT_PROFILE).values(
                        run_id=run_id, partner=partner, profile=dict(profile)
                    )
                )
            # What a run did counts from its commit.
            append(connection, [replace(entry, at=at) for entry in audit])
            if draft_digest is not None:
                insert_draft(connection, DraftRow(run_id, draft_digest, at), draft_releases)
            for request_id, records in (applied or {}).items():
                _close_request(connection, request_id, run_id, records)
            for epoch, count in (standing or {}).items():
                connection.execute(
                    sa.insert(SUPPRESSION).values(run_id=run_id, epoch=epoch, tokens=count)
                )
            for file in release_files:
                connection.execute(sa.insert(RELEASE_FILE).values(run_id=run_id, **asdict(file)))
            for partner, theirs in (periods or {}).items():
                take_periods(connection, partner, theirs)
            said = {"report": report, "key_epoch": key_epoch}
            _set_state(connection, run_id, "committed", at, said)

    def add_warnings(self, run_id: str, said: Sequence[str]) -> None:
        """Add what came to be told of a run after its commit to its report.

        It is among the report's `warnings` then, and by itself under `after_commit`.
        """
        with self._transaction() as connection:
            committed = sa.and_(RUN.c.run_id == run_id, RUN.c.state == "committed")
            report = connection.execute(sa.select(RUN.c.report).where(committed)).scalar()
            if said and report is not None:
                told = {
                    name: [*report.get(name, ()), *said] for name in ("warnings", "after_commit")
                }
                values = {"report": {**report, **told}}
                connection.execute(sa.update(RUN).where(committed).values(**values))

    def run(self, run_id: str) -> Run | None:
        """The run of that id."""
        return next(iter(self._runs(RUN.c.run_id == run_id)), None)

    def current_run(self) -> Run | None:
        """The last committed run: the one whose stores and release count."""
        return next(iter(self._runs(RUN.c.state == "committed")), None)

    def last_run(self) -> Run | None:
        """The last run, however it ended."""
        return next(iter(self._runs(sa.true())), None)

    def committed_runs(self) -> list[str]:
        """Ids of committed runs, newest first."""
        return [run.run_id for run in self._runs(RUN.c.state == "committed")]

    def failed_runs(self) -> list[str]:
        """Ids of failed runs, newest first."""
        return [run.run_id for run in self._runs(RUN.c.state == "failed")]

    def run_ids(self) -> set[str]:
        """Ids of all runs there ever were."""
        return {run.run_id for run in self._runs(sa.true())}

    def unfinished_runs(self) -> list[str]:
        """Ids of runs that started and were never ended, newest first."""
        return [run.run_id for run in self._runs(RUN.c.state == "running")]

    # Extracts

    def staged_extracts(self) -> dict[str, Extract]:
        """The extract now staged of each partner: the last that a committed run recorded.

        A partner whose data were taken out since has none.
        """
        taken_out = sa.select(sa.func.max(RUN.c.number)).join(REMOVAL)
        newest_first = (
            sa.select(EXTRACT)
            .join(RUN)
            .where(
                RUN.c.state == "committed",
                RUN.c.number
                > sa.func.coalesce(
                    taken_out.where(REMOVAL.c.partner == EXTRACT.c.partner).scalar_subquery(), 0
                ),
            )
            .order_by(RUN.c.number.desc())
        )
        staged: dict[str, Extract] = {}
        for row in self._rows(newest_first):
            staged.setdefault(row["partner"], Extract(**row))
        return staged

    def past_extracts(self, partner: str) -> list[PastExtract]:
        """The extracts of a partner that committed runs took in, newest first."""
        query = (
            sa.select(EXTRACT, RUN.c.started_at, EXTRACT_PROFILE.c.profile)
            .join(RUN, RUN.c.run_id == EXTRACT.c.run_id)
            .outerjoin(
                EXTRACT_PROFILE,
                sa.and_(
                    EXTRACT_PROFILE.c.run_id == EXTRACT.c.run_id,
                    EXTRACT_PROFILE.c.partner == EXTRACT.c.partner,
                ),
            )
            .where(RUN.c.state == "committed", EXTRACT.c.partner == partner)
            .order_by(RUN.c.started_at.desc(), RUN.c.run_id.desc())
        )
        return [
            PastExtract(
                received_at=row.pop("started_at"),
                profile=row.pop("profile") or {},
                extract=Extract(**row),
            )
            for row in self._rows(query)
        ]

    # Plumbing

    def _runs(self, condition: sa.ColumnElement[bool]) -> list[Run]:
        query = sa.select(RUN).where(condition).order_by(RUN.c.number.desc())
        return [Run(**row) for row in self._rows(query)]


def _set_state(
    connection: sa.Connection, run_id: str, state: RunState, at: datetime, rest: dict[str, Any]
) -> None:
    changed = connection.execute(
        sa.update(RUN)
        .where(RUN.c.run_id == run_id, RUN.c.state == "running")
        .values(state=state, ended_at=at, **rest)
    )
    if changed.rowcount != 1:
        raise _not_running()


def _hold_running(connection: sa.Connection, run_id: str) -> None:
    """Keep everybody else from ending a run that is at work; SQLite has one writer anyway."""
    query = sa.select(RUN.c.state).where(RUN.c.run_id == run_id).with_for_update()
    if connection.execute(query).scalar() != "running":
        raise _not_running()


def _not_running() -> StoreError:
    return StoreError(
        "The run to be ended is not one that the control database holds as running.",
        "Restore the control database from its backup, then run again.",
    )


def _close_request(connection: sa.Connection, request_id: str, run_id: str, records: int) -> None:
    changed = connection.execute(
        sa.update(RIGHTS_REQUEST)
        .where(RIGHTS_REQUEST.c.request_id == request_id, RIGHTS_REQUEST.c.applied_run.is_(None))
        .values(applied_run=run_id, records=records)
    )
    if changed.rowcount != 1:
        raise StoreError(
            "A rights request to be closed is not one that the control database holds as open.",
            "Restore the control database from its backup, then run again.",
        )
