"""The control database: what ran, what it used, who did what, and what was approved.

It holds counts, digests and names of officers, never anything out of an extract. A run counts
from the moment its row says `committed`; everything a run writes is recorded in one transaction,
last. SQLite serves one machine and PostgreSQL several; both hold the same tables. All times are
UTC.
"""

from __future__ import annotations

from governance.control.copies import Copies
from governance.control.entries import (
    ACTIONS,
    Approval,
    AuditEntry,
    DraftRelease,
    DraftRow,
    Extract,
    FailedCheck,
    PastExtract,
    Publication,
    Pull,
    PullState,
    Reading,
    Reaudit,
    RegisterMark,
    ReleaseFile,
    Removal,
    RightsCase,
    RightsRequest,
    Run,
    RunState,
    SourceLook,
    Withdrawal,
)
from governance.control.publications import Publications
from governance.control.pulls import Pulls
from governance.control.record import Head, Record, Restore, Snapshot
from governance.control.releases import Releases

__all__ = [
    "ACTIONS",
    "Approval",
    "AuditEntry",
    "Control",
    "DraftRelease",
    "DraftRow",
    "Extract",
    "FailedCheck",
    "Head",
    "PastExtract",
    "Publication",
    "Pull",
    "PullState",
    "Reading",
    "Reaudit",
    "RegisterMark",
    "ReleaseFile",
    "Removal",
    "Restore",
    "RightsCase",
    "RightsRequest",
    "Run",
    "RunState",
    "Snapshot",
    "SourceLook",
    "Withdrawal",
]


class Control(Releases, Publications, Pulls, Record, Copies):
    """The control database at a SQLAlchemy URL; its tables are made where they are missing.

    Raises:
        StoreError: From every method, if the database cannot be reached or is not sound. The
            message never holds the URL, which may hold a password.
    """
