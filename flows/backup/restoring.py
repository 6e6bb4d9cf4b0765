"""Restoring a backup: verified first, unpacked beside, put in place whole, and told.

A restore takes the record back to what it was, and the record says so itself. Nothing is erased
here: what the register of erasures knows and the backup does not is erased by the next run, and
until then nobody reads a release.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from pydantic import SecretStr

from flows.backup.contents import control_file
from flows.backup.making import FOLDER, ROWS, SQLITE
from flows.backup.manifest import Ending, Manifest, read_ending
from flows.backup.opening import READ, check_signed, keeping, read_through
from flows.clock import Clock, utc_now
from flows.context import actor
from flows.files import PRIVATE, flush, flush_folder, remove_folder, writing_private
from flows.readers.reasons import checked_reason
from flows.record.checkpoints import verify_record
from flows.record.signing import read_key_file
from flows.rights.register import unknown
from flows.rights.register_files import NoRegister, begin_anew, folder_of, register_is_there
from flows.settings import FILE_NAME, Settings, load_settings
from governance.audit import Recorder
from governance.control import AuditEntry, Control
from governance.control.forward import forward
from governance.record.leaves import RESTORED, RESTORED_AT
from schemas.errors import JourneysError, StoreError

if TYPE_CHECKING:
    from governance.keys.ring import KeyRing
    from governance.record.signing import PublicKey

NOT_THERE = "The register of erasures is not there"
STAGED = ".{name}.restoring"


@dataclass(frozen=True)
class Restored:
    """What was restored.

    Args:
        manifest: What the backup says of itself.
        folder: Where it is now.
        signed_by: What tells the record key that signed it from another; empty if it is unsigned.
        pinned: Whether that key is one that was given.
        waiting: How many erasures and removals the next run carries out again.
        register: Whether the register of erasures was at hand.
        keys: The keys that partnership.yaml names and that are still to be put back, as it says.
    """

    manifest: Manifest
    folder: Path
    signed_by: str
    pinned: bool
    waiting: int
    register: bool
    keys: tuple[str, ...]


def restore_backup(
    path: Path,
    into: Path,
    key: Path,
    *,
    public_key: Path | None = None,
    without_register: str | None = None,
    clock: Clock = utc_now,
) -> Restored:
    """Put a partnership back from a backup, where there is none.

    Args:
        path: The backup.
        into: The partnership folder; it must not be there, or must be empty.
        key: The backup key's file.
        public_key: The public half of the record key, as somebody kept it.
        without_register: Why it is restored though the register of erasures is not at hand: who was
            erased since then comes back. Without it, such a restore is refused.
        clock: The clock.

    Raises:
        StoreError: Something is there already, there is no room, or the backup is not whole.
        RecordProblem: It is not signed by the record key, or its record is not sound.
        KeyProblem: The backup key cannot be used or is another.
        NoRegister: The register of erasures is not at hand.
    """
    from flows.backup.recipient import backup_ring

    why = None if without_register is None else checked_reason(without_register)
    pinned = read_key_file(public_key) if public_key is not None else None
    ending, ring, into = read_ending(path), backup_ring(key), into.absolute()
    _check_empty(into)
    staged = into.with_name(STAGED.format(name=into.name))
    try:
        remove_folder(staged)
        _check_room(into.parent, ending.manifest)
        halves: list[PublicKey] = []
        _unpack(path, ending, ring, staged, halves)
        signed_by = check_signed(ending, pinned, halves)
        restored = _made_whole(staged, into, ending, why, clock)
    except OSError:
        restored = None
    finally:
        remove_folder(staged)
    if restored is None:
        raise StoreError(
            "The partnership folder cannot be written.",
            "Check the permissions and the space left on its disk; what is in the backup stays.",
        )
    waiting, register, missing = restored
    return Restored(
        ending.manifest, into, signed_by, pinned is not None, waiting, register, missing
    )


def _check_empty(into: Path) -> None:
    if into.is_symlink() or (into.exists() and (not into.is_dir() or any(into.iterdir()))):
        raise StoreError(
            f"{into.name} is there already and is not an empty folder.",
            "Restore into a folder that is not there yet, and move what is there out of the way "
            "yourself; nothing was changed.",
        )
    if not into.parent.is_dir():
        raise StoreError(
            f"There is no folder {into.parent} to restore into.", "Make it, then try again."
        )


def _check_room(parent: Path, manifest: Manifest) -> None:
    if shutil.disk_usage(parent).free < manifest.bytes_inside:
        raise StoreError(
            f"There is no room for the {manifest.bytes_inside:,} bytes that the backup holds.",
            "Restore onto a larger disk.",
        )


def _unpack(
    path: Path,
    ending: Ending,
    ring: KeyRing,
    staged: Path,
    halves: list[PublicKey],
) -> None:
    """Unpack a backup into a folder of its own; what cannot be read to its end leaves none."""
    staged.mkdir(mode=PRIVATE)
    look = keeping(halves)

    def take(header: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        target = _target(staged, header.name)
        if content is None:
            target.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
            return
        target.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            while part := content.read(READ):
                file.write(part)
        os.utime(target, (header.mtime, header.mtime))
        if "/checkpoints/" in header.name:
            with target.open("rb") as again:
                look(header, again)

    read_through(path, ending, ring, take)


def _target(staged: Path, name: str) -> Path:
    """Where a file of a backup goes; the control database waits beside the folder's files.

    Raises:
        StoreError: It would lie elsewhere.
    """
    target = staged / name.removeprefix(FOLDER) if name.startswith(FOLDER) else staged / f".{name}"
    if staged not in target.resolve().parents:
        raise StoreError(
            "The backup holds a file that belongs elsewhere.", "Do not use it; take another one."
        )
    return target


def _made_whole(
    staged: Path, into: Path, ending: Ending, why: str | None, clock: Clock
) -> tuple[int, bool, tuple[str, ...]]:
    """Let the record tell, put the control database in its place, and the folder into its own."""
    settings = load_settings(staged / FILE_NAME)
    copy = _as_sqlite(staged)
    aside = settings.model_copy(update={"control_database": SecretStr(f"sqlite:///{copy}")})
    faults = verify_record(aside).faults
    with Control(f"sqlite:///{copy}") as control:
        _check_record(control, faults, ending.manifest)
        register = settings.retention.erasures is not None and register_is_there(settings, control)
        if not register:
            _refuse_unless(why, settings)
        waiting = len(unknown(settings, control)) if register else 0
        control.add_audit(_entry(settings, ending.manifest, register, why, clock))
        if not register and folder_of(settings, control) is not None:
            begin_anew(settings, control)
    outside = _place_control(settings, staged, into, copy, ending.manifest)
    try:
        flush(path for path in staged.rglob("*") if path.is_file())
        for folder in (path for path in staged.rglob("*") if path.is_dir()):
            flush_folder(folder)  # inboxes have no file yet by which they would be
        if into.exists():
            into.rmdir()
        staged.rename(into)
    except OSError:
        if outside is not None:
            outside.unlink(missing_ok=True)
        raise
    flush_folder(into.parent)
    return waiting, register, tuple(_keys_missing(load_settings(into / FILE_NAME)))


def _as_sqlite(staged: Path) -> Path:
    """The control database of a backup as a file of SQLite's, made of its rows if need be."""
    copy, rows = staged / f".{SQLITE}", staged / f".{ROWS}"
    if rows.exists():
        with Control(f"sqlite:///{copy}") as control, rows.open(encoding="utf-8") as lines:
            control.fill(lines)
        copy.chmod(0o600)
        rows.unlink()
    forward(f"sqlite:///{copy}", None)
    return copy


def _place_control(
    settings: Settings, staged: Path, into: Path, copy: Path, manifest: Manifest
) -> Path | None:
    """Put the control database where partnership.yaml says.

    Returns:
        Its file, where that is one outside the folder.

    Raises:
        StoreError: There is one already that this backup was not restored into.
    """
    place = control_file(settings)
    if place is None:
        url = settings.control_database.get_secret_value()
        with Control(url) as control, Control(f"sqlite:///{copy}") as source:
            if not _was_put_there(control, manifest):
                control.fill(source.rows())
        copy.unlink()
        return None
    if place.is_relative_to(into):  # it is named by its whole path
        place = staged / place.relative_to(into)
    if place.exists() and not _is_left_there(place, staged, manifest):
        raise StoreError(
            "There is a control database where partnership.yaml says, outside the folder.",
            "Move it out of the way yourself, then restore again; nothing was changed.",
        )
    place.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    if place.is_relative_to(staged):
        copy.rename(place)
        return None
    with copy.open("rb") as whole, writing_private(place) as file:
        shutil.copyfileobj(whole, file)
    copy.unlink()
    return place


def _was_put_there(control: Control, manifest: Manifest) -> bool:
    """Whether a restore of this backup put a control database there, and nothing was done since.

    Such a restore was cut short before the folder was in its place: in one that was, a command
    would have made an entry.
    """
    head, last = control.head(), control.restores()[-1:]
    return any(
        one.backup == manifest.id and head is not None and one.number == head.size for one in last
    )


def _is_left_there(place: Path, staged: Path, manifest: Manifest) -> bool:
    """As `_was_put_there`, of a file outside the folder; it is looked at in a copy."""
    looked_at = staged / ".there.db"
    try:
        shutil.copyfile(place, looked_at)
        with Control(f"sqlite:///{looked_at}") as control:
            return _was_put_there(control, manifest)
    except JourneysError:
        return False
    finally:
        looked_at.unlink(missing_ok=True)


def _check_record(control: Control, faults: Iterable[str], manifest: Manifest) -> None:
    """Check that the record is sound and the one that the backup was made of.

    Raises:
        StoreError: It is not.
    """
    head = control.head()
    found = (head.size, head.root.hex()) if head is not None else (0, "")
    if list(faults) or found != (manifest.entries, manifest.root):
        raise StoreError(
            "The record of what was done in this backup is not sound, or not the one it names.",
            "Take an earlier backup, and tell the information-governance officer.",
        )


def _refuse_unless(why: str | None, settings: Settings) -> None:
    if why is not None:
        return
    if settings.retention.erasures is None:
        raise NoRegister(
            "This partnership has no register of erasures, so whoever was erased since the backup "
            "was made comes back.",
            'Give --without-register "WHY" to restore it all the same; who was erased since has '
            "to be erased again by hand.",
        )
    raise NoRegister(
        f"{NOT_THERE}, so nobody knows who was erased since the backup was made.",
        f"Put {settings.retention.erasures} back from its own backup or mount its disk; if it is "
        'lost, give --without-register "WHY", and who was erased since comes back.',
    )


def _entry(
    settings: Settings, manifest: Manifest, register: bool, why: str | None, clock: Clock
) -> AuditEntry:
    detail: dict[str, int | str] = {
        RESTORED: manifest.id,
        RESTORED_AT: manifest.entries,
        "register": "at hand" if register else "not at hand",
        **({"why": why} if why is not None else {}),
    }
    return Recorder(actor(), settings.purpose).entry("oversight", clock(), detail=detail)


def _keys_missing(settings: Settings) -> Iterable[str]:
    from governance.keys.custody import is_there

    for kind in settings.keys.named:
        source = settings.keys.source(kind)
        if source is not None and not is_there(source):
            yield f"{kind}: {source}"
