"""Drafts, who approved them, and what the board was given."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from governance.control.database import Database
from governance.control.entries import Approval, AuditEntry, DraftRow, Publication
from governance.control.tables import APPROVAL, AUDIT_ENTRY, DRAFT, PUBLICATION
from governance.disclosure.officers import officer_key


class Publications(Database):
    """What awaits approval and what is public."""

    def draft(self, run_id: str) -> DraftRow | None:
        """The draft a run left."""
        rows = self._rows(sa.select(DRAFT).where(DRAFT.c.run_id == run_id))
        return next((DraftRow(**row) for row in rows), None)

    def waiting_drafts(self) -> list[DraftRow]:
        """Drafts that were not published, newest first."""
        published = sa.select(PUBLICATION.c.run_id)
        query = (
            sa.select(DRAFT)
            .where(DRAFT.c.run_id.not_in(published))
            .order_by(DRAFT.c.created_at.desc(), DRAFT.c.run_id.desc())
        )
        return [DraftRow(**row) for row in self._rows(query)]

    def approve(self, approval: Approval) -> bool:
        """Record an officer's approval; False if that officer had approved the draft already."""
        with self._transaction() as connection:
            given = connection.execute(
                sa.select(APPROVAL.c.officer).where(APPROVAL.c.run_id == approval.run_id)
            ).scalars()
            if officer_key(approval.officer) in {officer_key(name) for name in given}:
                return False
            connection.execute(sa.insert(APPROVAL).values(**asdict(approval)))
        return True

    def approvals(self, run_id: str) -> list[Approval]:
        """Approvals of a draft, oldest first."""
        query = sa.select(APPROVAL).where(APPROVAL.c.run_id == run_id).order_by(APPROVAL.c.at)
        return [Approval(**row) for row in self._rows(query)]

    def record_publication(self, publication: Publication, entry: AuditEntry) -> None:
        """Record that a draft was published, with its audit entry."""
        with self._transaction() as connection:
            connection.execute(sa.insert(PUBLICATION).values(**asdict(publication)))
            connection.execute(sa.insert(AUDIT_ENTRY).values(**asdict(entry)))

    def publications(self) -> list[Publication]:
        """Publications, newest first."""
        query = sa.select(PUBLICATION).order_by(PUBLICATION.c.published_at.desc())
        return [Publication(**row) for row in self._rows(query)]
