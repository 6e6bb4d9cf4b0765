"""From the hidden folder into the inbox: a delivery lands whole, or is finished by who comes next.

What is pulled is written into `.NAME.pulling` beside the inbox NAME. Renaming that to
`.NAME.landing`, with a plan in it of what becomes of each file and what is to be recorded of it, is
the moment from which the delivery counts as arrived: whoever finds such a folder carries the plan
out, as often as it takes, and enters it in the ledger once.

What makes room is set aside in `.NAME.aside` (`flows.sources.aside`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flows.files import flush_folder, make_folder, private_folder, remove_folder, write_json
from flows.sources.aside import JOURNAL, Journal, journal_of
from flows.sources.moving import ARRIVING, moved
from flows.sources.places import Places
from flows.sources.problems import disk_full
from governance.control import AuditEntry, Control, Pull, SourceLook
from schemas.errors import StoreError

if TYPE_CHECKING:
    from flows.sources.choosing import Delivery
    from flows.sources.fetching import Pulled
    from flows.sources.naming import Naming

PLAN = "landing.json"


@dataclass(frozen=True)
class Entry:
    """What is recorded of a delivery that lands, all or nothing."""

    look: SourceLook
    pulls: Sequence[Pull]
    audit: AuditEntry

    def enter(self, control: Control) -> None:
        """Record it, unless that was done before."""
        control.record_look(self.look, self.pulls, [self.audit])


def clear(places: Places, control: Control) -> None:
    """Finish what landed and remove what a pull that was killed left.

    Raises:
        DiskFull: A file cannot be moved.
        StoreError: The ledger cannot be written.
    """
    finish(places, control)
    remove_folder(places.pulling)


def makes_room(
    places: Places, deliveries: Sequence[Pulled], naming: Naming, delivery: Delivery
) -> list[str]:
    """Files of the inbox that hold what now lands, under other names.

    Args:
        places: The folders.
        deliveries: What was pulled.
        naming: How the partner's files are named.
        delivery: For a whole new snapshot, files of its tables that lie in the inbox make room;
            for an increment those of its tables and period.
    """
    landing = {file.lands_as for one in deliveries for file in one.files}
    parts = {
        (one.period, table) for one in deliveries for file in one.files for table in file.tables
    }
    tables = {table for _, table in parts}

    def is_replaced(name: str) -> bool:
        if delivery == "increment":
            named = naming.of(name)
            return named is not None and any((named.period, one) in parts for one in named.tables)
        return any(naming.mapping.is_file_of(table, name) for table in tables)

    if naming.sealed or not places.inbox.is_dir():
        return []
    names = [path.name for path in places.inbox.iterdir() if path.is_file()]
    return sorted(
        name
        for name in names
        if not name.startswith(".") and name not in landing and is_replaced(name)
    )


def land(
    places: Places,
    control: Control,
    deliveries: Sequence[Pulled],
    gone: Sequence[str],
    entry: Entry,
) -> None:
    """Move deliveries from the hidden folder into the inbox, together, and record them.

    Args:
        places: The folders.
        control: The ledger.
        deliveries: What was pulled.
        gone: The files of the inbox that make room.
        entry: What is to be recorded.

    Raises:
        DiskFull: They cannot be moved. What counts as arrived is moved by the next who tries.
        StoreError: They cannot be recorded; the next who tries does it.
    """
    moves = {file.at: file.lands_as for one in deliveries for file in one.files}
    failed = False
    try:
        make_folder(places.inbox)
        private_folder(places.pulling)
        for path in places.pulling.iterdir():
            if path.name not in moves:
                path.unlink()
        journal = journal_of(places, control, moves, gone, entry.pulls)
        plan = {"moves": moves, "gone": list(gone), "journal": journal, "entry": entry}
        write_json(places.pulling / PLAN, _plain(plan))
        places.pulling.rename(places.landing)
        flush_folder(places.inbox.parent)
    except (OSError, StoreError):
        failed = True
    if failed:
        raise disk_full()
    finish(places, control)


def finish(places: Places, control: Control) -> None:
    """Carry out the plan of a delivery that counts as arrived, if there is one, and record it.

    Raises:
        DiskFull: A file cannot be moved.
        StoreError: It cannot be recorded.
    """
    if not places.landing.is_dir():
        return
    failed = False
    try:
        # Without its plan the folder was emptied, and was being removed.
        entry = _carried_out(places) if (places.landing / PLAN).exists() else None
    except (OSError, ValueError, KeyError, TypeError):
        failed = True
    if failed:
        raise disk_full()
    if entry is not None:
        entry.enter(control)
    remove_folder(places.landing)


def _carried_out(places: Places) -> Entry | None:
    """Carry out the plan; what there is to be recorded of it."""
    plan = json.loads((places.landing / PLAN).read_text("utf-8"))
    if journal := plan.get("journal"):
        private_folder(places.aside)
        write_json(places.aside / JOURNAL, journal)
        kept = Journal(**journal).kept
    else:
        kept = {}
    for at, name in plan["moves"].items():
        # What is no longer there was moved by an earlier attempt.
        if (places.landing / at).exists():
            _set_aside(places, name, kept)
            moved(places.landing / at, places.inbox / name)
    for name in plan["gone"]:
        _set_aside(places, name, kept)
        (places.inbox / name).unlink(missing_ok=True)
    (places.inbox / ARRIVING).unlink(missing_ok=True)
    if journal:
        flush_folder(places.aside)  # first: what is gone from the inbox has to be there
    flush_folder(places.inbox)
    return _entry(plan["entry"]) if plan.get("entry") else None


def _set_aside(places: Places, name: str, kept: dict[str, str]) -> None:
    """Set a file of the inbox aside, unless what stood under its name was set aside before."""
    if name in kept and not (places.aside / kept[name]).exists():
        with suppress(FileNotFoundError):
            moved(places.inbox / name, places.aside / kept[name])


def _plain(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan as JSON has it."""
    entry, journal = plan["entry"], plan["journal"]
    said = {
        "look": asdict(entry.look),
        "pulls": [asdict(one) for one in entry.pulls],
        "audit": asdict(entry.audit),
    }
    told: dict[str, Any] = json.loads(json.dumps(said, default=datetime.isoformat))
    return {**plan, "journal": asdict(journal), "entry": told}


def _entry(said: dict[str, Any]) -> Entry:
    return Entry(
        look=SourceLook(**_dated(said["look"])),
        pulls=[Pull(**_dated(one)) for one in said["pulls"]],
        audit=AuditEntry(**_dated(said["audit"])),
    )


def _dated(said: dict[str, Any]) -> dict[str, Any]:
    """The same, with its moments as such."""
    moments = {name: said.get(name) for name in ("at", "modified_at")}
    return said | {name: datetime.fromisoformat(one) for name, one in moments.items() if one}
