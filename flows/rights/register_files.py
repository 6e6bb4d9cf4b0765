"""The files of the register of erasures: its entries, and the mark by which it is known again.

The register is outside the partnership folder, so it may not be there: its disk is not mounted, it
was emptied, or an older copy was put back. So it has a mark, with an id and how many entries there
are, and the control database knows both.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from flows.files import private_folder, write_private
from flows.settings import Settings
from governance.control import AuditEntry, Control, RegisterMark
from schemas.errors import StoreError

FORMAT = "cohort-journeys-erasure-1"
MARK_FORMAT = "cohort-journeys-register-1"
MARK = "register.json"
KINDS = ("erasure", "apart", "removal")


Made = TypeVar("Made")


class NoRegister(StoreError):
    """The register of erasures is not there, or is not the one that it was."""


@dataclass(frozen=True)
class Entry:
    """One entry of the register.

    Attributes:
        kind: `erasure`, `apart` of a link that was put right, or `removal` of a partner.
        id: The request's id; of a removal the partner and the moment it was begun.
        at: When it was applied or begun.
        ended: Whether it no longer holds: the request was lifted or replaced.
        sealed: The request with its tokens or pairs, encrypted; empty of a removal or where it
            ended.
    """

    kind: str
    id: str
    at: str
    ended: bool = False
    sealed: str = ""

    def text(self) -> str:
        """The entry as JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, sort_keys=True) + "\n"


def folder_of(settings: Settings, control: Control) -> Path | None:
    """Where the register of this partnership is, whose first run every backup of it knows.

    Another partnership that is begun in the folder of an old one has a register of its own.
    """
    first = control.first_run()
    if settings.retention.erasures is None or first is None:
        return None
    return settings.retention.erasures / first


def read_entries(settings: Settings, control: Control) -> dict[str, Entry]:
    """What is in the register, by its id.

    Raises:
        NoRegister: It is not the one that the control database knows, or lacks entries.
        StoreError: An entry cannot be read.
    """
    folder, known = folder_of(settings, control), control.register_mark()
    if folder is None:
        if known is not None:
            raise _not_there("partnership.yaml does not say where it is")
        return {}
    # In this order: whoever writes does it the other way round.
    mark, files = _read_mark(folder), _files(folder)
    if known is not None and (mark is None or mark.register_id != known.register_id):
        raise _not_there("it is not where `retention: erasures` says")
    least = max(one.entries for one in (mark, known, RegisterMark("", 0)) if one is not None)
    if len(files) < least:
        raise _not_there(f"it has {len(files)} of {least} entries")
    return {one.id: one for one in map(_read, files)}


def register_is_there(settings: Settings, control: Control) -> bool:
    """Whether the register is the one that the control database knows, with all its entries."""
    try:
        read_entries(settings, control)
    except NoRegister:
        return False
    return True


def write_entries(settings: Settings, control: Control, new: list[Entry]) -> None:
    """Write entries, and note how many there are now: in the folder first, so that none is missed.

    Raises:
        StoreError: One cannot be written.
    """
    folder, known = folder_of(settings, control), control.register_mark()
    if folder is None:
        return
    private_folder(folder.parent)
    private_folder(folder)
    for one in new:
        write_private(folder / f"{one.kind}-{one.id}.json", one.text().encode())
    there = _read_mark(folder)
    mark = RegisterMark(there.register_id if there else secrets.token_hex(16), len(_files(folder)))
    if mark != there:
        _write_mark(folder, mark)
    if mark != known:
        control.note_register(mark)


def begin_anew(settings: Settings, control: Control, entry: AuditEntry | None = None) -> None:
    """Make what is in the folder now the register, whatever there was before.

    Args:
        settings: The partnership.
        control: Its control database.
        entry: What is to be recorded of it.

    Raises:
        NoRegister: partnership.yaml names no folder for it, or nothing has run.
        StoreError: It cannot be written.
    """
    folder = folder_of(settings, control)
    if folder is None:
        raise _not_there("partnership.yaml does not say where it is, or nothing has run yet")
    private_folder(folder.parent)
    private_folder(folder)
    mark = RegisterMark(secrets.token_hex(16), len(_files(folder)))
    _write_mark(folder, mark)
    control.note_register(mark, entry)


def _files(folder: Path) -> list[Path]:
    return [path for kind in KINDS for path in sorted(folder.glob(f"{kind}-*.json"))]


def _read(path: Path) -> Entry:
    return _made(Entry, path, FORMAT)


def _read_mark(folder: Path) -> RegisterMark | None:
    path = folder / MARK
    return _made(RegisterMark, path, MARK_FORMAT) if path.is_file() else None


def _write_mark(folder: Path, mark: RegisterMark) -> None:
    said = {"format": MARK_FORMAT, **asdict(mark)}
    write_private(folder / MARK, (json.dumps(said, indent=2, sort_keys=True) + "\n").encode())


def _made(kind: type[Made], path: Path, of_format: str) -> Made:
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if said.pop("format") == of_format:
            return kind(**said)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise StoreError(
        "An entry of the register of erasures cannot be read.",
        "Put the folder that `retention: erasures` names back from its own backup.",
    ) from None


def _not_there(why: str) -> NoRegister:
    return NoRegister(
        f"The register of erasures is missing or older than it was: {why}. Without it, people who "
        "were erased could come back with a backup unseen.",
        "Mount its disk, or put its newest copy back; only if it is lost for good, begin another "
        'with `journeys retention new-register --reason "…"`.',
    )
