"""The tables of the control database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


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

# One row: of which version the tables are (`governance.control.versions`).
SCHEMA_VERSION = sa.Table(
    "schema_version",
    METADATA,
    sa.Column("only", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
)

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
    sa.Column("entry_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("action", sa.String(20), nullable=False),
    sa.Column("purpose", sa.String(60), nullable=False),
    sa.Column("recipients", sa.String(200), nullable=False),
    sa.Column("run_id", sa.String(40)),
    sa.Column("partner", sa.String(40)),
    sa.Column("detail", sa.JSON, nullable=False),
)

# The audit record as a Merkle log: a leaf for each entry, which outlives it. `number` goes from 1
# without gaps and is the entry's id; without its salt nothing can be told of an erased entry.
RECORD_LEAF = sa.Table(
    "record_leaf",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("commitment", sa.LargeBinary, nullable=False),
    sa.Column("salt", sa.LargeBinary),
)

# One row, which whoever appends holds: how many leaves there are and the roots that append needs.
RECORD_HEAD = sa.Table(
    "record_head",
    METADATA,
    sa.Column("only", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("peaks", sa.LargeBinary, nullable=False),
)

# A draft bears the id of the run that made it; one of a single table has an id of its own.
DRAFT = sa.Table(
    "draft",
    METADATA,
    sa.Column("run_id", sa.String(40), primary_key=True),
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

# The certified releases that a draft adds to what is public, one a window of days.
DRAFT_RELEASE = sa.Table(
    "draft_release",
    METADATA,
    sa.Column("draft_id", sa.ForeignKey("draft.run_id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("digest", sa.String(80), nullable=False),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("first", sa.Date, nullable=False),
    sa.Column("last", sa.Date, nullable=False),
    # The run whose release was counted.
    sa.Column("counted_run", sa.ForeignKey("run.run_id"), nullable=False),
)

WITHDRAWAL = sa.Table(
    "withdrawal",
    METADATA,
    sa.Column("publication_id", sa.ForeignKey("publication.publication_id"), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
    # Whether its windows may be counted and published again.
    sa.Column("count_again", sa.Boolean, nullable=False),
)

# A request to object or to be erased. Of whom it is, only keyed tokens are kept, and elsewhere.
RIGHTS_REQUEST = sa.Table(
    "rights_request",
    METADATA,
    sa.Column("request_id", sa.String(40), primary_key=True),
    sa.Column("right", sa.String(20), nullable=False),
    sa.Column("partner", sa.String(40), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("people", sa.Integer, nullable=False),
    sa.Column("unknown", sa.Integer, nullable=False),
    # The run that carried it out, and how many records went with it.
    sa.Column("applied_run", sa.ForeignKey("run.run_id")),
    sa.Column("records", sa.Integer),
)

# The legal side of a request: by when the person has to be told, and whose records it reaches.
RIGHTS_CASE = sa.Table(
    "rights_case",
    METADATA,
    sa.Column("request_id", sa.String(40), primary_key=True),
    sa.Column("right", sa.String(20), nullable=False),
    sa.Column("partner", sa.String(40), nullable=False),
    sa.Column("received_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    # Names of partners; without, it reaches every partner's records.
    sa.Column("reach", sa.JSON),
    sa.Column("answered_at", UtcDateTime),
    # When a restriction was lifted, or a list was replaced: its tokens hold no longer.
    sa.Column("ended_at", UtcDateTime),
)

# Whose records a request does not reach, on which statutory ground.
RIGHTS_REFUSAL = sa.Table(
    "rights_refusal",
    METADATA,
    sa.Column("request_id", sa.ForeignKey("rights_case.request_id"), primary_key=True),
    sa.Column("partner", sa.String(40), primary_key=True),
    sa.Column("ground", sa.String(40), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
)

# What an audit of a publication found that counts people who went by a run.
RIGHTS_REAUDIT = sa.Table(
    "rights_reaudit",
    METADATA,
    sa.Column("publication_id", sa.String(40), primary_key=True),
    sa.Column("erased_run", sa.ForeignKey("run.run_id"), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("proved", sa.Boolean, nullable=False),
    # How many counts that may not be told the certificates were found to show safe.
    sa.Column("counts", sa.Integer, nullable=False),
    # Publications of the same days that count without the people.
    sa.Column("beside", sa.JSON, nullable=False),
)

# By key epoch, the suppression tokens of a run that are in no newer one.
SUPPRESSION = sa.Table(
    "suppression",
    METADATA,
    sa.Column("run_id", sa.ForeignKey("run.run_id"), primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("tokens", sa.Integer, nullable=False),
)

# Each file of a release as it was when its run was committed: what `journeys doctor` holds it to.
RELEASE_FILE = sa.Table(
    "release_file",
    METADATA,
    sa.Column("run_id", sa.ForeignKey("run.run_id"), primary_key=True),
    sa.Column("name", sa.String(120), primary_key=True),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    # Whole seconds since 1970 in UTC: a backup keeps no finer moment of a file.
    sa.Column("modified", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(80), nullable=False),
)

# Which release people read, whenever somebody decided it; without a run they read the newest.
READING = sa.Table(
    "reading",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.ForeignKey("run.run_id")),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
)

# One row: by what the register of erasures is known again, and how many entries it had at least.
ERASURE_REGISTER = sa.Table(
    "erasure_register",
    METADATA,
    sa.Column("only", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("register_id", sa.String(40), nullable=False),
    sa.Column("entries", sa.Integer, nullable=False),
)

# Partners whose data were taken out of the stores of the run that was current.
REMOVAL = sa.Table(
    "removal",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("partner", sa.String(40), nullable=False),
    sa.Column("run_id", sa.ForeignKey("run.run_id"), nullable=False),
    sa.Column("begun_at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(120), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
    # Until then the stores may still hold them; no run goes on from such stores.
    sa.Column("ended_at", UtcDateTime),
)

# What was pulled from a partner's source: a row for each delivery, by the digest of its content.
PULL = sa.Table(
    "pull",
    METADATA,
    sa.Column("pull_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("partner", sa.String(40), nullable=False),
    # As its files' names say it, such as 2026-10; empty where they bear none.
    sa.Column("period", sa.String(10), nullable=False),
    sa.Column("digest", sa.String(80), nullable=False),
    # What it is known by while it lies at the source unchanged.
    sa.Column("stands_for", sa.String(80), nullable=False),
    sa.Column("files", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("modified_at", UtcDateTime),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.CheckConstraint(
        "state IN ('landed', 'known', 'late', 'replaced', 'refused')", name="pull_state"
    ),
)

# A delivery that landed and then failed its checks, and under which terms it did.
FAILED_CHECK = sa.Table(
    "failed_check",
    METADATA,
    sa.Column("partner", sa.String(40), primary_key=True),
    sa.Column("period", sa.String(10), primary_key=True),
    sa.Column("digest", sa.String(80), primary_key=True),
    sa.Column("under", sa.String(80), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
)

# The periods that a staged extract of increments was put together from.
TAKEN_PERIOD = sa.Table(
    "taken_period",
    METADATA,
    sa.Column("partner", sa.String(40), primary_key=True),
    sa.Column("period", sa.String(10), primary_key=True),
)

# How the last look at a partner's source ended.
SOURCE_LOOK = sa.Table(
    "source_look",
    METADATA,
    sa.Column("partner", sa.String(40), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("said", sa.Text, nullable=False),
)
