"""The audit record read as a log, searched, and parts of it erased."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

import sqlalchemy as sa

from governance.control.database import Database
from governance.control.entries import AuditEntry
from governance.control.log import append, latest_moment, read_head, said_columns, take_in
from governance.control.tables import AUDIT_ENTRY, RECORD_HEAD, RECORD_LEAF
from governance.record.leaves import (
    ERASED,
    LASTING,
    RESTORED,
    RESTORED_AT,
    as_moment,
    as_ranges,
)
from governance.record.merkle import Frontier
from governance.record.verify import NOT_OURS, Row, log_id
from schemas.errors import RecordProblem

READ_AT_ONCE = 5_000

TRIGGERS = {
    "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal",
}
"""Counts what may change or swallow an entry as it is written, and leave the record sound."""


OURS = (AUDIT_ENTRY, RECORD_LEAF, RECORD_HEAD)

RULES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE upper(sql) LIKE '%ON CONFLICT%' "
    "OR upper(sql) LIKE '%COLLATE%' OR upper(sql) LIKE '%CHECK%'",
    "postgresql": "SELECT tablename FROM pg_rules WHERE schemaname = current_schema()",
}
"""Tables with rules on what is written to them; those of the record have none."""


@dataclass(frozen=True)
class Snapshot:
    """The record at one moment.

    Args:
        size: How many leaves its head says there are.
        peaks: The roots that its head holds.
        outside: How many entries there are that have no leaf.
        triggers: How many triggers the database holds; the program makes none.
        altered: Which of its tables are not as the program makes them: a view in the place of one,
            a column more or less or computed, an index, a rule on what is written.
        rows: Gives the leaves with their entries, in their order, read as they are asked for.
    """

    size: int
    peaks: bytes
    outside: int
    triggers: int
    altered: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]


@dataclass(frozen=True)
class Head:
    """Which record it is, how many entries it has, and the root over them."""

    log: str
    size: int
    root: bytes


@dataclass(frozen=True)
class Restore:
    """That the record was put back from a backup.

    Args:
        number: The number of the entry that says so.
        at: When.
        backup: The backup's id.
        entries: How many entries it had; what was recorded after them is lost.
    """

    number: int
    at: datetime
    backup: str
    entries: int


class Record(Database):
    """What was done, and what proves it."""

    def restores(self) -> list[Restore]:
        """Every time that the record was put back from a backup, as it says itself."""
        kept = sa.cast(AUDIT_ENTRY.c.detail, sa.Text)
        with self._transaction() as connection:
            at, *_, detail = said_columns(connection)
            query = (
                sa.select(AUDIT_ENTRY.c.entry_id, at, detail)
                .where(AUDIT_ENTRY.c.action == "oversight", kept.contains(f'"{RESTORED}"'))
                .order_by(AUDIT_ENTRY.c.entry_id)
            )
            found = [_restore(*row) for row in _as_they_stand(connection, query)]
        return [one for one in found if one is not None]

    def take_in(self, entry: AuditEntry) -> None:
        """Take what an earlier version recorded into the log; nothing where that has been done.

        Args:
            entry: Who opens the database, when and for which purpose.
        """
        with self._transaction() as connection:
            take_in(connection, entry)

    def latest_moment(self) -> datetime | None:
        """The time of the last entry that was not written with a clock set back."""
        with self._transaction() as connection:
            return latest_moment(connection)

    def root_at(self, size: int) -> bytes:
        """The root over the first leaves as they are kept, entries not looked at."""
        first = (
            sa.select(sa.type_coerce(RECORD_LEAF.c.commitment, sa.types.NullType))
            .where(RECORD_LEAF.c.number <= size)
            .order_by(RECORD_LEAF.c.number)
            .execution_options(yield_per=READ_AT_ONCE)
        )
        frontier = Frontier()
        with self._transaction() as connection:
            for (committed,) in connection.execute(first):
                frontier.add(committed if isinstance(committed, bytes) else b"")
        return frontier.root()

    def record_key_made(self) -> int | None:
        """The number of the entry that says the record key was made; None where there is none."""
        said = sa.cast(AUDIT_ENTRY.c.detail, sa.Text)
        query = sa.select(sa.func.min(AUDIT_ENTRY.c.entry_id)).where(
            AUDIT_ENTRY.c.action == "oversight",
            said.contains('"key": "record"'),
            said.contains('"state": "made"'),
        )
        with self._transaction() as connection:
            return connection.execute(query).scalar()

    def head(self) -> Head | None:
        """What the record is now, from its head alone; None where it has no entry.

        Raises:
            RecordProblem: The head is not whole.
        """
        with self._transaction(at_one_moment=True) as connection:
            frontier = read_head(connection)
            first = sa.select(RECORD_LEAF.c.commitment).where(RECORD_LEAF.c.number == 1)
            begins = connection.execute(first).scalar()
        if begins is None:
            return None
        return Head(log_id(begins), frontier.size, frontier.root())

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The record as it is now; nothing that others append meanwhile is in it."""
        with self._transaction(at_one_moment=True) as connection:
            head = connection.execute(sa.select(RECORD_HEAD.c.size, RECORD_HEAD.c.peaks)).all()
            size, peaks = head[0] if len(head) == 1 else (0, b"")
            outside = sa.select(sa.func.count()).where(
                AUDIT_ENTRY.c.entry_id.not_in(sa.select(RECORD_LEAF.c.number))
            )
            triggers = TRIGGERS.get(connection.dialect.name)
            yield Snapshot(
                size,
                peaks,
                connection.execute(outside).scalar_one(),
                connection.execute(sa.text(triggers)).scalar_one() if triggers else 0,
                tuple(_altered(connection)),
                partial(_leaves, connection),
            )

    def erasable_entries(self, before: datetime) -> list[int]:
        """Numbers of the entries made before a moment, but for those that explain others."""
        said = sa.cast(AUDIT_ENTRY.c.detail, sa.Text)
        lasting = sa.or_(*(said.contains(f'"{name}": ') for name in LASTING))
        query = (
            sa.select(AUDIT_ENTRY.c.entry_id)
            .where(AUDIT_ENTRY.c.at < before, ~lasting)
            .order_by(AUDIT_ENTRY.c.entry_id)
        )
        return [row["entry_id"] for row in self._rows(query)]

    def erase_entries(self, numbers: Iterable[int], entry: AuditEntry) -> int:
        """Erase what entries say, with their salts, and append an entry that names their numbers.

        Their commitments stay, so every checkpoint and proof still holds. What is erased already is
        passed over.

        Args:
            numbers: Which entries.
            entry: Who erases them, when and why; how many and which is added to its detail.

        Returns:
            How many were erased now.

        Raises:
            RecordProblem: One of them explains others: what it says has to stay.
        """
        wanted = set(numbers)
        with self._transaction() as connection:
            kept, lasting = _held(connection, wanted)
            if lasting:
                raise RecordProblem(
                    f"{len(lasting)} of the entries say what became of others and have to stay.",
                    "Leave out entries on erasures of the record, on its taking in and on clocks.",
                )
            for part in _parts(kept):
                connection.execute(sa.delete(AUDIT_ENTRY).where(AUDIT_ENTRY.c.entry_id.in_(part)))
                connection.execute(
                    sa.update(RECORD_LEAF).where(RECORD_LEAF.c.number.in_(part)).values(salt=None)
                )
            if kept:
                told = {**entry.detail, "entries": len(kept), ERASED: as_ranges(kept)}
                append(connection, [replace(entry, action="erasure", detail=told)])
        return len(kept)


def _parts(numbers: Iterable[int]) -> Iterator[list[int]]:
    ordered = iter(sorted(numbers))
    while part := list(islice(ordered, READ_AT_ONCE)):
        yield part


def _held(connection: sa.Connection, numbers: set[int]) -> tuple[set[int], set[int]]:
    """Which of the numbers are of entries that are there, and which of these have to stay."""
    kept: set[int] = set()
    lasting: set[int] = set()
    for part in _parts(numbers):
        query = sa.select(AUDIT_ENTRY.c.entry_id, AUDIT_ENTRY.c.detail).where(
            AUDIT_ENTRY.c.entry_id.in_(part)
        )
        for number, detail in connection.execute(query):
            kept.add(number)
            if any(name in detail for name in LASTING):
                lasting.add(number)
    return kept, lasting


def _altered(connection: sa.Connection) -> Iterator[str]:
    """The tables of the record that are not as the program makes them."""
    look = sa.inspect(connection)
    there, rules = look.get_table_names(), RULES.get(connection.dialect.name)
    ruled = set(connection.execute(sa.text(rules)).scalars()) if rules else set()
    for table in OURS:
        columns = look.get_columns(table.name)
        same = {one["name"] for one in columns} == set(table.columns.keys())
        computed = any("computed" in one for one in columns)
        indexed = look.get_indexes(table.name) or look.get_unique_constraints(table.name)
        if table.name not in there or not same or computed or indexed or table.name in ruled:
            yield table.name


def _leaves(connection: sa.Connection) -> Iterator[Row]:
    query = (
        sa.select(
            RECORD_LEAF.c.number,
            sa.type_coerce(RECORD_LEAF.c.commitment, sa.types.NullType),
            sa.type_coerce(RECORD_LEAF.c.salt, sa.types.NullType),
            AUDIT_ENTRY.c.entry_id.is_not(None),
            *said_columns(connection),
        )
        .outerjoin_from(RECORD_LEAF, AUDIT_ENTRY, AUDIT_ENTRY.c.entry_id == RECORD_LEAF.c.number)
        .order_by(RECORD_LEAF.c.number)
        .execution_options(yield_per=READ_AT_ONCE)
    )
    yield from _as_they_stand(connection, query)


def _as_they_stand(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Sequence[Any]]:
    """The rows of a query, those with a text that is none too: it was put in by hand."""
    read = 0
    try:
        for row in connection.execute(query):
            yield row
            read += 1
        return
    except sa.exc.OperationalError:
        if connection.dialect.name != "sqlite":
            raise
    # To have every text decoded here takes a million entries half as long again.
    driver: Any = connection.connection.dbapi_connection
    driver.text_factory = _decoded
    try:
        yield from connection.execute(query.offset(read))
    finally:
        driver.text_factory = str


def _decoded(text: bytes) -> str:
    return text.decode(errors="replace")


def _restore(number: int, at: str, detail: str) -> Restore | None:
    """What an entry says of a restore; None where it was changed, which its leaf tells."""
    try:
        said = json.loads(detail)
        return Restore(number, as_moment(at), str(said[RESTORED]), int(said.get(RESTORED_AT, 0)))
    except (*NOT_OURS, KeyError):
        return None
