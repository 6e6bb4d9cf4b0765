"""Appending to the audit record: an entry, its leaf and the head, in the caller's transaction.

Whoever appends writes the one row of the head first. So two writers wait for one another, numbers
have no gaps, and what is rolled back leaves none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from governance.control.entries import AuditEntry
from governance.control.tables import AUDIT_ENTRY, RECORD_HEAD, RECORD_LEAF
from governance.record.leaves import (
    CLOCK_BACK,
    CLOCK_RIGHT,
    CLOCK_TOLERANCE,
    TAKEN_IN,
    commitment,
    content,
    moment,
    new_salt,
)
from governance.record.merkle import Frontier
from schemas.errors import RecordProblem

BATCH = 5_000
HOLDER = "the partnership"
"""For whom what is done inside the partnership is done."""

as_text = json.dumps
"""A detail as the JSON text that is kept and committed to."""


def append(connection: sa.Connection, entries: Sequence[AuditEntry]) -> None:
    """Append entries to the record, in a transaction of the caller's.

    An entry whose time lies before that of an earlier one says so in its detail. What an earlier
    version recorded is taken in first.

    Raises:
        RecordProblem: The record is not whole.
    """
    if not entries:
        return
    frontier = _hold(connection)
    if frontier.size == 0:
        _take_in(connection, frontier, entries[0])
    _append(connection, frontier, entries)
    _put_back(connection, frontier)


def take_in(connection: sa.Connection, entry: AuditEntry) -> None:
    """Take what an earlier version recorded into the log, if that has not been done.

    Args:
        connection: In a transaction of the caller's.
        entry: Who opens the database and when.
    """
    size = connection.execute(sa.select(RECORD_HEAD.c.size)).scalar()
    older = connection.execute(sa.select(AUDIT_ENTRY.c.entry_id).limit(1)).first()
    if size or older is None:
        return
    frontier = _hold(connection)
    if frontier.size == 0:
        _take_in(connection, frontier, entry)
        _put_back(connection, frontier)


def make_head(connection: sa.Connection) -> None:
    """Make the head of an empty log where there is neither a head nor a leaf."""
    if connection.execute(sa.select(RECORD_HEAD.c.only)).first() is None:
        first = sa.select(sa.literal(1), sa.literal(0), sa.literal(b"", sa.LargeBinary)).where(
            ~sa.exists(sa.select(RECORD_HEAD.c.only)), ~sa.exists(sa.select(RECORD_LEAF.c.number))
        )
        connection.execute(sa.insert(RECORD_HEAD).from_select(["only", "size", "peaks"], first))


def latest_moment(connection: sa.Connection) -> datetime | None:
    """The time of the last entry that was not written with a clock set back.

    Raises:
        RecordProblem: It is none: the entry was changed by hand.
    """
    # With the colon it is a name in the detail, and no reason that somebody typed.
    set_back = sa.cast(AUDIT_ENTRY.c.detail, sa.Text).contains(f'"{CLOCK_BACK}": ')
    last = sa.select(AUDIT_ENTRY.c.at).where(~set_back).order_by(AUDIT_ENTRY.c.entry_id.desc())
    try:
        return connection.execute(last.limit(1)).scalar()
    except (ValueError, TypeError):
        raise _not_whole() from None


def _hold(connection: sa.Connection) -> Frontier:
    """The head, which nobody else can take until the transaction ends."""
    connection.execute(sa.update(RECORD_HEAD).values(only=RECORD_HEAD.c.only))
    return read_head(connection)


def read_head(connection: sa.Connection) -> Frontier:
    """The head, which must be of as many leaves as there are.

    Raises:
        RecordProblem: It is not.
    """
    heads = connection.execute(sa.select(RECORD_HEAD.c.size, RECORD_HEAD.c.peaks)).all()
    last = connection.execute(sa.select(sa.func.max(RECORD_LEAF.c.number))).scalar() or 0
    try:
        (head,) = heads
        frontier = Frontier.read(*head)
        if frontier.size == last:
            return frontier
    except (ValueError, TypeError):
        pass
    raise _not_whole()


def _not_whole() -> RecordProblem:
    return RecordProblem(
        "The record of what was done is not whole, so nothing can be added to it.",
        "Run `journeys audit verify`, tell the information-governance officer, and put the control "
        "database back from its backup.",
    )


def _put_back(connection: sa.Connection, frontier: Frontier) -> None:
    said = {"size": frontier.size, "peaks": frontier.packed()}
    # A trigger that swallows what is written would leave a record that is short and sound.
    if connection.execute(sa.update(RECORD_HEAD).values(said)).rowcount != 1:
        raise _not_whole()


def _marked(entry: AuditEntry, latest: datetime | None) -> AuditEntry:
    """The entry, with what it must say of its time."""
    behind = latest - entry.at if latest is not None else -CLOCK_TOLERANCE
    if behind <= CLOCK_TOLERANCE or CLOCK_RIGHT in entry.detail:
        return entry
    return replace(entry, detail={**entry.detail, CLOCK_BACK: int(behind.total_seconds())})


def _append(connection: sa.Connection, frontier: Frontier, entries: Sequence[AuditEntry]) -> None:
    latest = latest_moment(connection)
    rows, contents = [], []
    for number, entry in enumerate(entries, frontier.size + 1):
        marked = _marked(entry, latest)
        latest = latest if CLOCK_BACK in marked.detail else marked.at
        said = asdict(marked)
        rows.append({"entry_id": number, **said})
        contents.append(
            content(**said | {"at": moment(marked.at), "detail": as_text(marked.detail)})
        )
    connection.execute(sa.insert(AUDIT_ENTRY), rows)
    _add_leaves(connection, frontier, contents)


def _take_in(connection: sa.Connection, frontier: Frontier, like: AuditEntry) -> None:
    """Make a leaf of every entry that has none, in their order, and an entry that says so."""
    ids = connection.execute(
        sa.select(AUDIT_ENTRY.c.entry_id).order_by(AUDIT_ENTRY.c.entry_id)
    ).scalars()
    for number, old in enumerate(ids.all(), 1):
        if number != old:
            told = AUDIT_ENTRY.c.entry_id
            connection.execute(sa.update(AUDIT_ENTRY).where(told == old).values(entry_id=number))
    while older := _as_kept(connection, frontier.size):
        _add_leaves(connection, frontier, [content(*row) for row in older])
    if frontier.size:
        detail = {TAKEN_IN: frontier.size}
        said = AuditEntry(like.at, like.actor, "oversight", like.purpose, HOLDER, detail=detail)
        _append(connection, frontier, [said])


def _as_kept(connection: sa.Connection, after: int) -> Sequence[Any]:
    """The next entries after a number, as `content` takes them."""
    return connection.execute(
        sa.select(*said_columns(connection))
        .where(AUDIT_ENTRY.c.entry_id > after)
        .order_by(AUDIT_ENTRY.c.entry_id)
        .limit(BATCH)
    ).all()


def said_columns(connection: sa.Connection) -> tuple[sa.ColumnElement[Any], ...]:
    """What `content` takes of an entry, as the database keeps it."""
    kept = AUDIT_ENTRY.c
    at: sa.ColumnElement[Any] = sa.type_coerce(kept.at, sa.Text)
    detail: sa.ColumnElement[Any] = sa.type_coerce(kept.detail, sa.Text)
    if connection.dialect.name != "sqlite":
        at = sa.func.to_char(kept.at, "YYYY-MM-DD HH24:MI:SS.US")
        detail = sa.cast(kept.detail, sa.Text)
    names = ("actor", "action", "purpose", "recipients", "run_id", "partner")
    return (at, *(kept[name] for name in names), detail)


def _add_leaves(connection: sa.Connection, frontier: Frontier, contents: Iterable[bytes]) -> None:
    """Add a leaf for each entry, committed to with a salt of its own."""
    rows = []
    for said in contents:
        salt = new_salt()
        committed = commitment(salt, said)
        frontier.add(committed)
        rows.append({"number": frontier.size, "commitment": committed, "salt": salt})
    connection.execute(sa.insert(RECORD_LEAF), rows)
