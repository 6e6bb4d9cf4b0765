"""Partners whose data were taken out, and what of the hub's own account of runs is forgotten."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from governance.control.entries import AuditEntry, RegisterMark, Removal, RightsCase, RightsRequest
from governance.control.log import append
from governance.control.rights import Rights
from governance.control.tables import (
    AUDIT_ENTRY,
    ERASURE_REGISTER,
    EXTRACT_PROFILE,
    REMOVAL,
    RIGHTS_CASE,
    RIGHTS_REFUSAL,
    RIGHTS_REQUEST,
    RUN,
)


class Contributions(Rights):
    """What is no longer kept, and since when."""

    def begin_removal(self, removal: Removal, entry: AuditEntry) -> None:
        """Record that a partner's data are taken out: from now on none of it counts as staged."""
        row = {name: value for name, value in asdict(removal).items() if name != "number"}
        with self._transaction() as connection:
            connection.execute(sa.insert(REMOVAL).values(**row))
            append(connection, [entry])

    def end_removal(self, number: int, at: datetime) -> None:
        """Record that nothing of a partner is in the stores any more."""
        with self._transaction() as connection:
            connection.execute(
                sa.update(REMOVAL).where(REMOVAL.c.number == number).values(ended_at=at)
            )

    def put_back_request(
        self, request: RightsRequest, case: RightsCase | None, entry: AuditEntry
    ) -> None:
        """Record a request once more that a run applied before the database was put back.

        Where the database knows it, as one that waits, only the partners come that it was refused
        for meanwhile.
        """
        known = request.request_id in {one.request_id for one in self.rights_requests()}
        cases = self.rights_cases()
        refused = cases[request.request_id].refused if request.request_id in cases else {}
        with self._transaction() as connection:
            if not known:
                connection.execute(sa.insert(RIGHTS_REQUEST).values(**asdict(request)))
            if case is not None and request.request_id not in cases:
                row = {name: one for name, one in asdict(case).items() if name != "refused"}
                connection.execute(sa.insert(RIGHTS_CASE).values(**row))
            for partner, ground in (case.refused if case is not None else {}).items():
                if partner not in refused:
                    connection.execute(
                        sa.insert(RIGHTS_REFUSAL).values(
                            request_id=request.request_id,
                            partner=partner,
                            ground=ground,
                            at=entry.at,
                            actor=entry.actor,
                        )
                    )
            append(connection, [entry])

    def register_mark(self) -> RegisterMark | None:
        """By what the register of erasures is known again; None where there has been none yet."""
        columns = (ERASURE_REGISTER.c.register_id, ERASURE_REGISTER.c.entries)
        return next((RegisterMark(**row) for row in self._rows(sa.select(*columns))), None)

    def note_register(self, mark: RegisterMark, entry: AuditEntry | None = None) -> None:
        """Note which register of erasures there is now, and how many entries it has."""
        with self._transaction() as connection:
            connection.execute(sa.delete(ERASURE_REGISTER))
            connection.execute(sa.insert(ERASURE_REGISTER).values(only=1, **asdict(mark)))
            append(connection, [] if entry is None else [entry])

    def removals(self) -> list[Removal]:
        """Every partner that was taken out, oldest first."""
        return [Removal(**row) for row in self._rows(sa.select(REMOVAL).order_by("number"))]

    def runs_before_a_removal(self) -> set[str]:
        """The committed runs up to the last from whose stores a partner was taken out."""
        last = sa.select(sa.func.max(RUN.c.number)).join(REMOVAL).scalar_subquery()
        query = sa.select(RUN.c.run_id).where(RUN.c.state == "committed", RUN.c.number <= last)
        return {str(row["run_id"]) for row in self._rows(query)}

    def runs_of_the_past(self) -> set[str]:
        """The committed runs whose releases nobody may read: people or a partner went since."""
        return self.runs_before_an_erasure() | self.runs_before_a_removal()

    def first_run(self) -> str | None:
        """The id of the first run there ever was: what every backup of a partnership knows."""
        query = sa.select(RUN.c.run_id).order_by(RUN.c.number).limit(1)
        return next((str(row["run_id"]) for row in self._rows(query)), None)

    def moment_of(self, number: int) -> datetime:
        """When an entry of the audit record was made, which is there."""
        found = self._rows(sa.select(AUDIT_ENTRY.c.at).where(AUDIT_ENTRY.c.entry_id == number))
        moment: datetime = found[0]["at"]
        return moment

    def oldest_report(self, needed: Collection[str] = ()) -> datetime | None:
        """When the oldest run was started whose report is kept and may be forgotten.

        Args:
            needed: Runs whose reports are needed, as `forget_reports` has it.
        """
        query = sa.select(sa.func.min(RUN.c.started_at).label("at")).where(
            RUN.c.report.is_not(None), self._not_needed(needed)
        )
        return self._rows(query)[0]["at"]

    def forget_reports(self, before: datetime, needed: Collection[str] = ()) -> int:
        """Forget the reports of runs that were started before a moment, but for the current run's.

        That there was such a run, when, and what it took in, in counts, stays.

        Args:
            before: The moment.
            needed: Runs whose reports stay: a release is read on the terms that its report says.

        Returns:
            How many reports went.
        """
        old = sa.and_(RUN.c.started_at < before, RUN.c.state != "running", self._not_needed(needed))
        gone = sa.select(RUN.c.run_id).where(old)
        with self._transaction() as connection:
            connection.execute(sa.delete(EXTRACT_PROFILE).where(EXTRACT_PROFILE.c.run_id.in_(gone)))
            told = sa.and_(old, RUN.c.report.is_not(None))
            # `null()` is no report; None would be the JSON value null.
            done = connection.execute(
                sa.update(RUN).where(told).values(report=sa.null(), problem=None)
            )
        return int(done.rowcount)

    def _not_needed(self, needed: Collection[str]) -> sa.ColumnElement[bool]:
        current = self.current_run()
        return RUN.c.run_id.not_in([*needed, *([current.run_id] if current else [])])
