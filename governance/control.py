"""The control database: what ran, what it used, who did what, and what was approved.

It holds counts, digests and names of officers, never anything out of an extract. A run counts
from the moment its row says `committed`; everything a run writes is recorded in one transaction,
last. SQLite serves one machine and PostgreSQL several; both hold the same tables. All times are
UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from governance.disclosure.officers import officer_key
from schemas.errors import StoreError

RunState = Literal["running", "committed", "failed"]

ACTIONS = (
    "collection",
    "alteration",
    "consultation",
    "disclosure",
    "combination",
    "erasure",
)
"""What must be logged, in the words of the Data Protection Act 2018, section 62."""


class UtcDateTime(sa.TypeDecorator[datetime]):
    """A moment stored as UTC and given back as UTC, on every database."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment without a time zone was given to the control database")
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


METADATA = sa.MetaData()

RUN = sa.Table(
    "run",
    METADATA,
    sa.Column("run_id", sa.String(40), primary_key=True),
    # The order of runs. Clocks go backwards; this does not.
    sa.Column("number", sa.Integer, nullable=False, unique=True),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("purpose", sa.String(60), nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("problem", sa.Text),
    sa.Column("report", sa.JSON),
    # The epoch of the identifier key that the run's stores are in; a committed run has one.
    sa.Column("key_epoch", sa.Integer),
    sa.CheckConstraint("state IN ('running', 'committed', 'failed')", name="run_state"),
)

EXTRACT = sa.Table(
    "extract",
    METADATA,
    sa.Column("run_id", sa.ForeignKey("run.run_id"), primary_key=True),
    sa.Column("partner", sa.String(40), primary_key=True),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("staged_under", sa.String(80), nullable=False),
    sa.Column("key_epoch", sa.Integer, nullable=False),
    sa.Column("key_check", sa.String(20), nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("kept", sa.BigInteger, nullable=False),
    sa.Column("quarantined", sa.BigInteger, nullable=False),
    sa.Column("withheld", sa.BigInteger, nullable=False),
    sa.Column("over_shared", sa.BigInteger, nullable=False),
    sa.Column("data_as_at", sa.Date, nullable=False),
    # Of a file that the partner sealed: its id, and when it was made.
    sa.Column("delivery", sa.String(40)),
    sa.Column("made_at", UtcDateTime),
)

# What an extract looked like: counts of rows, of empty values and of listed codes, no values.
EXTRACT_PROFILE = sa.Table(
    "extract_profile",
    METADATA,
    sa.Column("run_id", sa.String(40), primary_key=True),
    sa.Column("partner", sa.String(40), primary_key=True),
    sa.Column("profile", sa.JSON, nullable=False),
    sa.ForeignKeyConstraint(["run_id", "partner"], ["extract.run_id", "extract.partner"]),
)

AUDIT_ENTRY = sa.Table(
    "audit_entry",
    METADATA,
    sa.Column("entry_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("purpose", sa.String(60), nullable=False),
    sa.Column("recipients", sa.String(200), nullable=False),
    sa.Column("run_id", sa.String(40)),
    sa.Column("partner", sa.String(40)),
    sa.Column("detail", sa.JSON, nullable=False),
)

DRAFT = sa.Table(
    "draft",
    METADATA,
    sa.Column("run_id", sa.ForeignKey("run.run_id"), primary_key=True),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

APPROVAL = sa.Table(
    "approval",
    METADATA,
    sa.Column("run_id", sa.ForeignKey("draft.run_id"), primary_key=True),
    sa.Column("officer", sa.String(120), primary_key=True),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)

PUBLICATION = sa.Table(
    "publication",
    METADATA,
    sa.Column("publication_id", sa.String(40), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("draft.run_id"), nullable=False, unique=True),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("published_at", UtcDateTime, nullable=False),
)


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


class Control:
    """The control database at a SQLAlchemy URL; its tables are made where they are missing.

    Raises:
        StoreError: From every method, if the database cannot be reached or is not sound. The
            message never holds the URL, which may hold a password.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        with self._transaction() as connection:
            METADATA.create_all(connection)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Runs

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
        self, run_id: str, *, at: datetime, problem: str, report: Mapping[str, Any] | None = None
    ) -> None:
        """Record that a run ended without changing anything, and why."""
        self._end_run(run_id, "failed", at, {"problem": problem, "report": report})

    def commit_run(
        self,
        run_id: str,
        *,
        at: datetime,
        report: Mapping[str, Any],
        extracts: Sequence[Extract],
        draft_digest: str,
        key_epoch: int = 1,
        audit: Sequence[AuditEntry] = (),
        profiles: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Make a run the current one, with its ledger, draft and audit entries, all or nothing.

        `key_epoch` is the epoch of the identifier key that the run's stores are in, and
        `profiles` says of the partners in the ledger what their extracts looked like.
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
            for entry in audit:
                connection.execute(sa.insert(AUDIT_ENTRY).values(**asdict(entry)))
            connection.execute(
                sa.insert(DRAFT).values(run_id=run_id, digest=draft_digest, created_at=at)
            )
            said = {"report": report, "key_epoch": key_epoch}
            _set_state(connection, run_id, "committed", at, said)

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
        """The extract now staged of each partner: the last that a committed run recorded."""
        newest_first = (
            sa.select(EXTRACT)
            .join(RUN)
            .where(RUN.c.state == "committed")
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

    # Audit

    def add_audit(self, entry: AuditEntry) -> None:
        """Append one audit entry."""
        with self._transaction() as connection:
            connection.execute(sa.insert(AUDIT_ENTRY).values(**asdict(entry)))

    def audit_entries(self, action: str | None = None) -> list[AuditEntry]:
        """Audit entries in the order they were made."""
        query = sa.select(AUDIT_ENTRY).order_by(AUDIT_ENTRY.c.entry_id)
        if action is not None:
            query = query.where(AUDIT_ENTRY.c.action == action)
        without_id = (
            {k: v for k, v in row.items() if k != "entry_id"} for row in self._rows(query)
        )
        return [AuditEntry(**row) for row in without_id]

    # Drafts, approvals, publications

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

    # Plumbing

    def _end_run(self, run_id: str, state: RunState, at: datetime, rest: dict[str, Any]) -> None:
        with self._transaction() as connection:
            _set_state(connection, run_id, state, at, rest)

    def _runs(self, condition: sa.ColumnElement[bool]) -> list[Run]:
        query = sa.select(RUN).where(condition).order_by(RUN.c.number.desc())
        return [Run(**row) for row in self._rows(query)]

    def _rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        with self._transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise StoreError(
                "The control database refused an entry that contradicts one it holds.",
                "Run `journeys status` to see what it holds, then try again.",
            ) from None
        except SQLAlchemyError:
            raise _unusable() from None


def _engine(url: str) -> sa.Engine:
    try:
        # Parameters stay out of every message SQLAlchemy writes.
        engine = sa.create_engine(url, hide_parameters=True)
    except (SQLAlchemyError, ImportError, ValueError):
        raise StoreError(
            "`control_database` in partnership.yaml is not a database this installation can open.",
            "Give a SQLAlchemy URL such as sqlite:///control.db, and install its driver.",
        ) from None
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _enforce_foreign_keys)
    return engine


def _enforce_foreign_keys(connection: Any, _: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def _set_state(
    connection: sa.Connection, run_id: str, state: RunState, at: datetime, rest: dict[str, Any]
) -> None:
    changed = connection.execute(
        sa.update(RUN)
        .where(RUN.c.run_id == run_id, RUN.c.state == "running")
        .values(state=state, ended_at=at, **rest)
    )
    if changed.rowcount != 1:
        raise StoreError(
            "The run to be ended is not one that the control database holds as running.",
            "Restore the control database from its backup, then run again.",
        )


def _unusable() -> StoreError:
    return StoreError(
        "The control database cannot be read or written.",
        "Check that it is there, sound and writable; restore it from its backup if it is not.",
    )
