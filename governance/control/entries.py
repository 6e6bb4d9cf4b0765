"""What the control database holds, one class for a row of each table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

RunState = Literal["running", "committed", "failed"]

ACTIONS = (
    "collection",
    "alteration",
    "consultation",
    "disclosure",
    "combination",
    "erasure",
    "oversight",
)
"""What is logged: the six of the Data Protection Act 2018, section 62, in its words; and
`oversight`, what was decided or refused about the processing and is not done with data itself."""


@dataclass(frozen=True)
class Run:
    """One run of the journey and how it ended."""

    run_id: str
    number: int
    state: RunState
    purpose: str
    actor: str
    started_at: datetime
    ended_at: datetime | None = None
    problem: str | None = None
    report: dict[str, Any] | None = None
    key_epoch: int | None = None


@dataclass(frozen=True)
class Extract:
    """One line of the extracts ledger: what a partner sent and what became of it.

    `digest` is over the files; `staged_under` over the terms they were staged under, so that a
    change of either makes the extract be staged again. `key_epoch` is the newest epoch it was
    encoded in, and `key_check` tells the identifier key from another of the same epoch. What the
    partner encoded itself has a `delivery` id and the moment it was sealed.
    """

    run_id: str
    partner: str
    digest: str
    staged_under: str
    key_epoch: int
    key_check: str
    received: int
    kept: int
    quarantined: int
    withheld: int
    over_shared: int
    data_as_at: date
    delivery: str | None = None
    made_at: datetime | None = None


@dataclass(frozen=True)
class PastExtract:
    """An extract that was taken in, when that was, and what it looked like."""

    extract: Extract
    received_at: datetime
    profile: dict[str, Any]


@dataclass(frozen=True)
class AuditEntry:
    """Something done with the data: by whom, when, why, for whom and on how much of it."""

    at: datetime
    actor: str
    action: str
    purpose: str
    recipients: str
    run_id: str | None = None
    partner: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DraftRow:
    """Gated tables awaiting approval, known by the digest of their files."""

    run_id: str
    digest: str
    created_at: datetime


@dataclass(frozen=True)
class DraftRelease:
    """A certified release that a draft adds to what is public.

    `first` and `last` are the days of its window, `counted_run` the run whose warehouse was
    counted, and `name` its own id, such as `2026-07-01-to-2026-09-30`.
    """

    draft_id: str
    number: int
    digest: str
    name: str
    first: date
    last: date
    counted_run: str


@dataclass(frozen=True)
class Approval:
    """One officer's approval of one digest."""

    run_id: str
    officer: str
    digest: str
    actor: str
    at: datetime


@dataclass(frozen=True)
class Publication:
    """A draft that two officers approved and the board was given."""

    publication_id: str
    run_id: str
    digest: str
    published_at: datetime


@dataclass(frozen=True)
class Withdrawal:
    """A publication that is public no longer, and whether its windows may be counted again."""

    publication_id: str
    at: datetime
    actor: str
    reason: str
    count_again: bool


@dataclass(frozen=True)
class RightsRequest:
    """A request of one or more people, given by a partner's officer.

    `people` counts its lines and `unknown` those nobody is known by yet. Until a run has applied
    it, it has no `applied_run`; `records` counts what went then.
    """

    request_id: str
    right: str
    partner: str
    reason: str
    received_at: datetime
    actor: str
    people: int
    unknown: int
    applied_run: str | None = None
    records: int | None = None


@dataclass(frozen=True)
class RightsCase:
    """The legal side of a request: when it came, by when the person has to be told, and its reach.

    `reach` names the partners whose records it is about; None is every one. `refused` says of
    which partners' records it was refused, each with the ground's code. `answered_at` is when the
    person was told; from `ended_at` on nothing is withheld for it any more.
    """

    request_id: str
    right: str
    partner: str
    received_on: date
    due_on: date
    reach: tuple[str, ...] | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    refused: Mapping[str, str] = field(default_factory=dict)

    def reaches(self, partner: str) -> bool:
        """Whether the records of a partner are to go for it."""
        return (self.reach is None or partner in self.reach) and partner not in self.refused


@dataclass(frozen=True)
class Reaudit:
    """What an audit of a publication found that counts people who went by the run `erased_run`.

    `proved` says that its certificates still show it to be safe, of so many `counts`; `beside`
    names publications that share days with it and were counted without the people.
    """

    publication_id: str
    erased_run: str
    at: datetime
    proved: bool
    counts: int
    beside: tuple[str, ...]


@dataclass(frozen=True)
class RegisterMark:
    """By what the register of erasures is known again, and how many entries it has at least."""

    register_id: str
    entries: int


@dataclass(frozen=True)
class Reading:
    """A decision on which release people read: that of a run, or the newest where it names none."""

    run_id: str | None
    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True)
class ReleaseFile:
    """A file of a release as it was when its run was committed.

    Attributes:
        name: Its name in the release's folder.
        bytes: How large it is.
        modified: When it was last written, in whole seconds since 1970.
        digest: Its SHA-256 in hexadecimal.
    """

    name: str
    bytes: int
    modified: int
    digest: str


@dataclass(frozen=True)
class Removal:
    """A partner's data were taken out of the stores of the run that was current, or are to be.

    From the moment that it is begun nothing of the partner counts as staged; until it has ended
    the stores may still hold some.
    """

    partner: str
    run_id: str
    begun_at: datetime
    actor: str
    reason: str
    ended_at: datetime | None = None
    number: int | None = None


PullState = Literal["landed", "known", "late", "replaced", "refused"]


@dataclass(frozen=True)
class Pull:
    """A delivery that was pulled from a partner's source, and what became of it.

    `digest` is over its content, `stands_for` is what it is known by while it lies at the source
    unchanged; both are keyed. It `landed` in the inbox, was `known` under another name, was of a
    period before the newest snapshot (`late`), was `replaced` by a later one of its period, or was
    `refused`: it contradicted one that had landed, or landed and failed its checks.
    """

    partner: str
    period: str
    digest: str
    stands_for: str
    files: int
    bytes: int
    modified_at: datetime | None
    state: PullState
    at: datetime


@dataclass(frozen=True)
class FailedCheck:
    """A delivery, by its digest, that failed its checks under the terms that `under` is of."""

    partner: str
    period: str
    digest: str
    under: str
    at: datetime


@dataclass(frozen=True)
class SourceLook:
    """How the last look at a partner's source ended, in a word and a sentence without values."""

    partner: str
    at: datetime
    state: str
    said: str
