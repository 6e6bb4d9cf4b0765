"""Drafts, who approved them, what the board was given and what was withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from governance.control.database import Database
from governance.control.entries import (
    Approval,
    AuditEntry,
    DraftRelease,
    DraftRow,
    Publication,
    Withdrawal,
)
from governance.control.log import append
from governance.control.tables import (
    APPROVAL,
    DRAFT,
    DRAFT_RELEASE,
    PUBLICATION,
    WITHDRAWAL,
)
from governance.disclosure.officers import officer_key


class Publications(Database):
    """What awaits approval and what is public."""

    def add_draft(
        self, draft: DraftRow, releases: Sequence[DraftRelease], entry: AuditEntry
    ) -> None:
        """Record a draft that no run made, with its certified releases and its audit entry."""
        with self._transaction() as connection:
            insert_draft(connection, draft, releases)
            append(connection, [entry])

    def draft(self, draft_id: str) -> DraftRow | None:
        """A draft by its id, which is that of the run that left it or one of its own."""
        rows = self._rows(sa.select(DRAFT).where(DRAFT.c.run_id == draft_id))
        return next((DraftRow(**row) for row in rows), None)

    def draft_ids(self) -> set[str]:
        """Ids of all drafts there ever were."""
        return {str(row["run_id"]) for row in self._rows(sa.select(DRAFT.c.run_id))}

    def draft_releases(self, draft_id: str) -> list[DraftRelease]:
        """The certified releases that a draft adds to what is public, in their order."""
        query = (
            sa.select(DRAFT_RELEASE)
            .where(DRAFT_RELEASE.c.draft_id == draft_id)
            .order_by(DRAFT_RELEASE.c.number)
        )
        return [DraftRelease(**row) for row in self._rows(query)]

    def waiting_drafts(self) -> list[DraftRow]:
        """Drafts that were not published, newest first."""
        published = sa.select(PUBLICATION.c.run_id)
        query = (
            sa.select(DRAFT)
            .where(DRAFT.c.run_id.not_in(published))
            .order_by(DRAFT.c.created_at.desc(), DRAFT.c.run_id.desc())
        )
        return [DraftRow(**row) for row in self._rows(query)]

    def approve(self, approval: Approval, entry: AuditEntry) -> bool:
        """Record an officer's approval with its audit entry.

        Returns:
            False, and nothing is recorded, if that officer had approved the draft already.
        """
        with self._transaction() as connection:
            given = connection.execute(
                sa.select(APPROVAL.c.officer).where(APPROVAL.c.run_id == approval.run_id)
            ).scalars()
            if officer_key(approval.officer) in {officer_key(name) for name in given}:
                return False
            connection.execute(sa.insert(APPROVAL).values(**asdict(approval)))
            append(connection, [entry])
        return True

    def approvals(self, draft_id: str) -> list[Approval]:
        """Approvals of a draft, oldest first."""
        query = sa.select(APPROVAL).where(APPROVAL.c.run_id == draft_id).order_by(APPROVAL.c.at)
        return [Approval(**row) for row in self._rows(query)]

    def record_publication(self, publication: Publication, entry: AuditEntry) -> None:
        """Record that a draft was published, with its audit entry."""
        with self._transaction() as connection:
            connection.execute(sa.insert(PUBLICATION).values(**asdict(publication)))
            append(connection, [entry])

    def withdraw(self, withdrawal: Withdrawal, entry: AuditEntry) -> None:
        """Record that a publication is public no longer, with its audit entry."""
        with self._transaction() as connection:
            connection.execute(sa.insert(WITHDRAWAL).values(**asdict(withdrawal)))
            append(connection, [entry])

    def withdrawals(self) -> list[Withdrawal]:
        """What was withdrawn, oldest first."""
        query = sa.select(WITHDRAWAL).order_by(WITHDRAWAL.c.at, WITHDRAWAL.c.publication_id)
        return [Withdrawal(**row) for row in self._rows(query)]

    def publications(self) -> list[Publication]:
        """Publications that are still public, newest first."""
        withdrawn = {one.publication_id for one in self.withdrawals()}
        query = sa.select(PUBLICATION).order_by(
            PUBLICATION.c.published_at.desc(), PUBLICATION.c.publication_id.desc()
        )
        found = [Publication(**row) for row in self._rows(query)]
        return [one for one in found if one.publication_id not in withdrawn]

    def withdrawn_releases(self) -> list[tuple[str, DraftRelease]]:
        """The certified releases of what was withdrawn, each with its publication, oldest first."""
        query = sa.select(PUBLICATION.c.publication_id, PUBLICATION.c.run_id)
        drafts = {row["publication_id"]: row["run_id"] for row in self._rows(query)}
        return [
            (one.publication_id, release)
            for one in self.withdrawals()
            for release in self.draft_releases(drafts[one.publication_id])
        ]

    def public_releases(self) -> list[tuple[Publication, DraftRelease]]:
        """The certified releases that are still public, in the order of their publication."""
        return [
            (publication, release)
            for publication in reversed(self.publications())
            for release in self.draft_releases(publication.run_id)
        ]


def insert_draft(
    connection: sa.Connection, draft: DraftRow, releases: Sequence[DraftRelease]
) -> None:
    """Insert a draft and its certified releases in a transaction of the caller's."""
    connection.execute(sa.insert(DRAFT).values(**asdict(draft)))
    for release in releases:
        connection.execute(sa.insert(DRAFT_RELEASE).values(**asdict(release)))
