"""Which release people read: the newest, or an earlier one that somebody went back to."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from governance.control.contributions import Contributions
from governance.control.entries import AuditEntry, Reading, ReleaseFile, Run
from governance.control.log import append
from governance.control.tables import READING, RELEASE_FILE


class Releases(Contributions):
    """What was decided of it. The next run goes on from the newest stores whatever people read."""

    def decide_reading(self, reading: Reading, entry: AuditEntry) -> None:
        """Record which release people read from now on, with its audit entry."""
        with self._transaction() as connection:
            connection.execute(sa.insert(READING).values(**asdict(reading)))
            append(connection, [entry])

    def held(self) -> Reading | None:
        """The rollback in force: None without one, and where people or a partner went since."""
        query = sa.select(READING).order_by(READING.c.number.desc()).limit(1)
        for row in self._rows(query):
            row.pop("number")
            last = Reading(**row)
            if last.run_id is not None and last.run_id not in self.runs_of_the_past():
                return last
        return None

    def release_run(self) -> Run | None:
        """The run whose release people read; None before the first run."""
        held = self.held()
        return self.current_run() if held is None or held.run_id is None else self.run(held.run_id)

    def release_files(self, run_id: str) -> list[ReleaseFile]:
        """Each file of a run's release as it was when the run was committed, by name.

        None are known of a run that an earlier version of this program committed.
        """
        query = sa.select(
            RELEASE_FILE.c.name,
            RELEASE_FILE.c.bytes,
            RELEASE_FILE.c.modified,
            RELEASE_FILE.c.digest,
        )
        of = query.where(RELEASE_FILE.c.run_id == run_id).order_by(RELEASE_FILE.c.name)
        return [ReleaseFile(**row) for row in self._rows(of)]
