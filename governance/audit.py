"""The record of what was done: one entry for each act that the law or policy wants logged.

The acts are those of the Data Protection Act 2018, section 62. An entry says who, what, when,
for what purpose and for whom, and on how much; it never says on what, so an entry about an
erasure cannot repeat what was erased.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from governance.control import ACTIONS, AuditEntry


@dataclass(frozen=True)
class Recorder:
    """Whoever acts, in which run and for which purpose: what every entry of a run shares."""

    actor: str
    purpose: str
    run_id: str | None = None

    def entry(
        self,
        action: str,
        at: datetime,
        *,
        recipients: str = "the partnership",
        partner: str | None = None,
        detail: Mapping[str, int | str] | None = None,
    ) -> AuditEntry:
        """Make an audit entry.

        Args:
            action: One of `governance.control.ACTIONS`.
            at: When it was done, with its time zone.
            recipients: Who the data were for.
            partner: Whose data they were, where they were one partner's.
            detail: How much was touched: counts, digests and ids of runs, never values.

        Raises:
            ValueError: If the action is not one that is logged.
        """
        if action not in ACTIONS:
            raise ValueError("not an action the audit record knows")
        return AuditEntry(
            at=at,
            actor=self.actor,
            action=action,
            purpose=self.purpose,
            recipients=recipients,
            run_id=self.run_id,
            partner=partner,
            detail=dict(detail or {}),
        )
