"""Breaking the glass: a recorded, short, read-only look into the identity or staging store.

Nobody opens these stores to read them. Where somebody may be harmed by a wrong link, two officers
may have a look taken. Every opening is an entry in the audit record and nothing else: there is no
list of openings that could be kept apart from it. Each question is entered before it is run.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from flows.clock import Clock, local_day, utc_now
from flows.context import actor, open_control
from flows.keys.rings import STORES, keyed_digest, store_keys
from flows.readers.reasons import checked_reason
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import AuditEntry, Control
from governance.disclosure.officers import officer_key
from schemas.errors import ConfigError, JourneysError, RefusedQuery, StoreError

if TYPE_CHECKING:
    import duckdb

    from warehouse.analyst import Selected

LONGEST_MINUTES = 240
MOST_ROWS = 100
MOST_QUESTIONS = 20
ALERT_DAYS = 30
"""What one look may take, and how long `journeys status` tells of it: policy of 2026-11-22."""

SLACK = timedelta(minutes=1)
"""By how much the clocks of two machines that write one record may differ."""

LONGEST_NAME = 100
MARK = "break_glass"
EVERYTHING = "every column"

Opened = Literal["identity", "staging"]


class GlassRefused(JourneysError):
    """A look into a store that may not be taken."""


@dataclass(frozen=True)
class Glass:
    """One opening of a store: by whom, why, for how long, and what was asked meanwhile."""

    glass_id: str
    store: str
    officers: tuple[str, str]
    reason: str
    actor: str
    opened_at: datetime
    until: datetime
    closed_at: datetime | None = None
    questions: int = 0
    rows: int = 0

    def is_open(self, now: datetime) -> bool:
        """Whether a question may still be asked."""
        return self.closed_at is None and now < self.until

    def said(self) -> str:
        """The opening as a sentence."""
        return (
            f"The {self.store} store was looked into on {local_day(self.opened_at):%-d %B %Y} by "
            f"breaking the glass ({self.glass_id}), as {' and '.join(self.officers)} decided: "
            f"{self.questions} question(s), {self.rows:,} row(s) shown."
        )


def open_glass(
    settings: Settings,
    store: str,
    reason: str,
    officers: Sequence[str],
    minutes: int = 60,
    clock: Clock = utc_now,
) -> Glass:
    """Open a store to questions for a while, and enter that into the record.

    Args:
        settings: The partnership.
        store: `identity` or `staging`.
        reason: Why, without saying of whom.
        officers: The names of the two officers who decided it.
        minutes: For how long.
        clock: The clock.

    Raises:
        ConfigError: A name, the reason, the store or the time is not one that is taken.
        GlassRefused: The clock is before what was recorded last.
        KeyProblem: The store key is not at hand.
        StoreError: There is no store yet, or it cannot be opened.
    """
    if store not in STORES:
        raise ConfigError(
            "Only the identity and the staging store are opened by breaking the glass.",
            "Give --store identity or --store staging; releases are read with `journeys sql`.",
        )
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise ConfigError(
            f"A store is opened for 1 to {LONGEST_MINUTES} minutes.", "Give --minutes again."
        )
    why, named = checked_reason(reason), _two(officers)
    with open_control(settings) as control:
        now = _checked_clock(settings, control, clock)
        _open_store(settings, control, store).close()
        made = Glass(
            secrets.token_hex(4), store, named, why, actor(), now, now + timedelta(minutes=minutes)
        )
        said = {
            "reason": why,
            "officer 1": named[0],
            "officer 2": named[1],
            "until": made.until.isoformat(),
        }
        _record(settings, control, made, clock, said="opened", **said)
    return made


def ask(settings: Settings, glass_id: str, sql: str, clock: Clock = utc_now) -> Selected:
    """Run one SELECT on a store that was opened.

    Before it runs, the record gets a keyed digest of the query and which tables and columns it
    reads. The text is not kept: it may hold a record id, and the record outlives an erasure.

    Raises:
        GlassRefused: There is no such opening, it is over, or its questions are used up.
        RefusedQuery: It is not one SELECT that the lock-down allows, or returns too much.
        KeyProblem: The store key is not at hand.
        StoreError: The store cannot be opened.
    """
    from warehouse.analyst import select

    with open_control(settings) as control:
        now = _checked_clock(settings, control, clock)
        glass = _of_id(control.audit_entries(), glass_id)
        _check_open(glass, now)
        connection = _open_store(settings, control, glass.store)
        try:
            read = _read_by(connection, sql)
            _record(
                settings, control, glass, clock, said="asked", query=_digest(settings, sql), **read
            )
            found = select(connection, sql, most_rows=MOST_ROWS)
        finally:
            connection.close()
        _record(settings, control, glass, clock, said="answered", rows=len(found.rows))
    return found


def close_glass(settings: Settings, glass_id: str, clock: Clock = utc_now) -> Glass:
    """End an opening before its time; one that is over stays as it is.

    Raises:
        GlassRefused: There is no such opening.
    """
    with open_control(settings) as control:
        glass = _of_id(control.audit_entries(), glass_id)
        if not glass.is_open(clock()):
            return glass
        _record(settings, control, glass, clock, said="closed")
        return _of_id(control.audit_entries(), glass_id)


def glasses(entries: Iterable[AuditEntry]) -> list[Glass]:
    """Every opening that the record knows, oldest first.

    Raises:
        StoreError: An entry of one is not as this program writes it.
    """
    found: dict[str, Glass] = {}
    for entry in entries:
        if MARK in entry.detail:
            try:
                _take(found, entry)
            except (KeyError, TypeError, ValueError):
                raise _not_ours() from None
    return list(found.values())


def used(settings: Settings, sql: str) -> list[datetime]:
    """When the very query was asked, on whichever opening.

    Raises:
        KeyProblem: The store key is not at hand, without which no digest can be compared.
    """
    digest = _digest(settings, sql)
    with open_control(settings) as control:
        entries = control.audit_entries("consultation")
    return [one.at for one in entries if MARK in one.detail and one.detail.get("query") == digest]


def alerts(control: Control, since: datetime) -> list[str]:
    """What is to be told of openings that began, or were used, after a moment."""
    last: dict[str, datetime] = {}
    entries = control.audit_entries()
    for entry in entries:
        if MARK in entry.detail:
            last[str(entry.detail[MARK])] = entry.at
    return [one.said() for one in glasses(entries) if last[one.glass_id] > since]


def what_is_read(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[str, str]:
    """The tables and columns of a store that a query names; nothing else that stands in it.

    Only names that the store has are told, so no value can get into the record as an alias.

    Raises:
        RefusedQuery: It is not one SELECT.
    """
    from warehouse.analyst import nodes, refuse_what_is_no_text, syntax_tree

    refuse_what_is_no_text(sql)
    listed = "SELECT lower(table_name), lower(column_name) FROM duckdb_columns() WHERE NOT internal"
    there = connection.execute(listed).fetchall()
    tree = list(nodes(syntax_tree(sql)))
    named = {str(one.get("table_name", "")).lower() for one in tree}
    mentioned = {
        str(name).lower()
        for one in tree
        for field in ("column_names", "using_columns")
        for name in one.get(field) or ()
    }
    tables = sorted({table for table, _ in there} & named)
    columns = sorted({column for table, column in there if table in tables} & mentioned)
    whole = any(one.get("class") == "STAR" or one.get("type") == "SHOW_REF" for one in tree)
    return ", ".join(tables), EVERYTHING if whole else ", ".join(columns)


def _read_by(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, str]:
    """What a query reads, for the record; one that will be refused reads nothing, and was asked."""
    try:
        tables, columns = what_is_read(connection, sql)
    except RefusedQuery:
        tables, columns = "", ""
    return {"tables": tables, "columns": columns}


def _two(officers: Sequence[str]) -> tuple[str, str]:
    names = [" ".join(name.split()) for name in officers]
    usable = [name for name in names if name and len(name) <= LONGEST_NAME and name.isprintable()]
    if len(usable) != 2 or len(names) != 2 or len({officer_key(name) for name in usable}) != 2:
        raise ConfigError(
            "Two different officers have to decide that the glass is broken.",
            'Give both by name: --officer "A. Name" --officer "B. Name".',
        )
    return usable[0], usable[1]


def _checked_clock(settings: Settings, control: Control, clock: Clock) -> datetime:
    """The moment, which cannot be before the last entry: else a time that is over would return.

    The refusal is recorded: somebody may have set the clock back on purpose.
    """
    now, latest = clock(), control.latest_moment()
    if latest is not None and now + SLACK < latest:
        entry = Recorder(actor(), settings.purpose).entry(
            "oversight", now, detail={"refused": "breaking the glass, on an early clock"}
        )
        control.add_audit(entry)
        raise GlassRefused(
            "The clock is before what the record says was done last, so no time can be measured.",
            "Set the machine's clock right, then try again.",
        )
    return now


def _check_open(glass: Glass, now: datetime) -> None:
    if not glass.is_open(now):
        raise GlassRefused(
            "That opening is over.",
            "If there is still need, have two officers decide anew: `journeys break-glass open`.",
        )
    if glass.questions >= MOST_QUESTIONS:
        raise GlassRefused(
            f"The {MOST_QUESTIONS} questions of that opening are used up.",
            "If there is still need, have two officers decide anew: `journeys break-glass open`.",
        )


def _open_store(settings: Settings, control: Control, name: str) -> duckdb.DuckDBPyConnection:
    """A store of the current run, locked as a release is for an analyst."""
    from warehouse.connect import open_release

    current = control.current_run()
    if current is None:
        raise StoreError(
            "There are no stores yet, so there is nothing to look into.",
            "Run `journeys run` first.",
        )
    path = settings.stores / current.run_id / f"{name}.duckdb"
    return open_release(path, store_keys(settings, current.run_id)[name])


def _digest(settings: Settings, sql: str) -> str:
    """A digest that only who holds the store key can try guesses on.

    A question such as for one year of birth in one district has few possible texts.
    """
    return keyed_digest(settings, hashlib.sha256(sql.encode(errors="replace")).hexdigest())


def _record(
    settings: Settings, control: Control, glass: Glass, clock: Clock, **said: int | str
) -> None:
    recorder = Recorder(actor(), settings.purpose)
    detail = {MARK: glass.glass_id, "store": glass.store, **said}
    recipients = "two officers, by breaking the glass"
    action = "consultation" if said["said"] in ("asked", "answered") else "oversight"
    control.add_audit(recorder.entry(action, clock(), recipients=recipients, detail=detail))


def _of_id(entries: Iterable[AuditEntry], glass_id: str) -> Glass:
    found = {one.glass_id: one for one in glasses(entries)}
    if glass_id not in found:
        raise GlassRefused(
            "There is no such opening.", "`journeys break-glass list` says which there were."
        )
    return found[glass_id]


def _take(found: dict[str, Glass], entry: AuditEntry) -> None:
    """Bring one entry into the openings."""
    detail: dict[str, Any] = entry.detail
    glass_id, said = str(detail[MARK]), detail["said"]
    if said == "opened":
        found[glass_id] = Glass(
            glass_id,
            str(detail["store"]),
            (str(detail["officer 1"]), str(detail["officer 2"])),
            str(detail["reason"]),
            entry.actor,
            entry.at,
            datetime.fromisoformat(detail["until"]),
        )
        return
    if glass_id not in found:
        # What opened it was kept long enough and erased; the record says so.
        return
    glass = found[glass_id]
    if said == "asked":
        found[glass_id] = replace(glass, questions=glass.questions + 1)
    elif said == "answered":
        found[glass_id] = replace(glass, rows=glass.rows + int(detail["rows"]))
    else:
        found[glass_id] = replace(glass, closed_at=entry.at)


def _not_ours() -> StoreError:
    return StoreError(
        "What the record says of breaking the glass is not as this program writes it.",
        "Restore the control database from its backup and find out who changed it.",
    )
