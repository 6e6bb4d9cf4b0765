"""Making a backup: under the run lock, sealed as it is written, whole or not there."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from flows.backup.contents import Item, contents_of
from flows.backup.digesting import Digesting
from flows.backup.manifest import Manifest, write_ending
from flows.backup.named import leftovers, new_path
from flows.backup.recipient import read_recipient, recipient_path
from flows.clock import Clock, utc_now
from flows.context import actor, new_run_id, open_control, run_lock
from flows.files import flush_folder, make_folder, writing_private
from flows.housekeeping import recover
from flows.record.signing import can_sign, sign_text
from flows.rights.register import enter
from flows.rights.register_files import read_entries
from flows.settings import Settings
from governance.audit import Recorder
from schemas.errors import ConfigError, JourneysError, StoreError

if TYPE_CHECKING:
    from governance.control import AuditEntry, Control

FOLDER = "folder/"
SQLITE, ROWS = "control.sqlite", "control.jsonl"
LIST = "files.json"
BESIDE = ".control-copy.part"
NOT_SIGNED = "The backup is not signed: partnership.yaml names no record key."


@dataclass(frozen=True)
class Made:
    """A backup that was made, and what is to be known of it."""

    path: Path
    manifest: Manifest
    notes: tuple[str, ...]


@dataclass
class Tally:
    """What has gone into a backup so far: by zone in counts, and file by file with its digest."""

    files: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    digests: dict[str, str] = field(default_factory=dict)

    def add(self, zone: str, name: str, size: int, digest: str) -> None:
        """Count a file."""
        self.files[zone] += 1
        self.sizes[zone] += size
        self.digests[name] = digest


def make_backup(
    settings: Settings, out: Path | None, recipient: Path | None = None, clock: Clock = utc_now
) -> Made:
    """Write the whole partnership into one sealed file.

    Args:
        settings: The partnership.
        out: The folder it goes into; by default the one that `retention: backups` names.
        recipient: The public half of the backup key; by default the one beside partnership.yaml.
        clock: The clock.

    Returns:
        Where it is, what it says of itself, and what is to be known.

    Raises:
        Busy: A run is at work.
        ConfigError: No folder is named, or one in the partnership folder.
        KeyProblem: There is no key to seal to, or the record key cannot be used.
        StoreError: Something cannot be read, or the backup cannot be written.
    """
    public, folder = read_recipient(recipient or recipient_path(settings)), _folder(settings, out)
    with run_lock(settings), open_control(settings) as control:
        recover(settings, control, clock)
        enter(settings, control)  # a restore asks for the register that the backup knows
        made_at = clock()
        id_ = new_run_id(made_at)
        for left in leftovers(folder, control):
            left.unlink(missing_ok=True)
        path = new_path(folder, control, id_)
        contents = contents_of(settings)
        with _told(), writing_private(path) as file:
            manifest = _write(settings, control, file, contents.items, public, id_, made_at)
            signed = can_sign(settings)
            signature = sign_text(settings, manifest.text(), meant="backup") if signed else ""
            write_ending(file, manifest, signature)
            file.flush()
            os.fsync(file.fileno())
            # Told before it counts: there is no backup that the record does not know.
            control.add_audit(_entry(settings, manifest, made_at))
        flush_folder(folder)
    notes = [] if signed else [NOT_SIGNED]
    if contents.links:
        notes.append(f"{contents.links} links are not in it: keep what they point to in a backup.")
    if contents.outside:
        notes.append(
            f"{contents.outside} files that partnership.yaml names lie outside its folder and are "
            "not in it: keep them in a backup of their own."
        )
    if manifest.registered is None:
        notes.append(
            "partnership.yaml names no register of erasures, so whoever is erased from now on "
            "would come back with this backup: give `erasures` under `retention`."
        )
    return Made(path, manifest, tuple(notes))


def _folder(settings: Settings, out: Path | None) -> Path:
    folder = out or settings.retention.backups
    if folder is None:
        raise ConfigError(
            "It is not said where backups go.",
            "Give --out FOLDER, or name one as `backups` under `retention` in partnership.yaml.",
        )
    if folder.resolve().is_relative_to(settings.folder):
        raise ConfigError(
            "A backup in the partnership folder would be lost with it.",
            "Name a folder outside it, best on another machine.",
        )
    make_folder(folder)
    return folder


def _write(
    settings: Settings,
    control: Control,
    file: BinaryIO,
    items: Iterable[Item],
    public: bytes,
    id_: str,
    made_at: datetime,
) -> Manifest:
    """Write the sealed stream; the control database comes last, so it knows all that is in it."""
    from governance.sealed_stream import SealingStream

    tally, sealing = Tally(), SealingStream(file, [public])
    with tarfile.open(fileobj=sealing, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for one in items:
            _add_item(archive, one, tally)
        current, head = control.current_run(), control.head()
        registered = len(read_entries(settings, control)) if settings.retention.erasures else None
        with _control_copy(settings, control) as (name, copy):
            _add_file(archive, copy, name, "control", tally)
        said = json.dumps(tally.digests, indent=0, sort_keys=True).encode()
        _add(archive, LIST, len(said), io.BytesIO(said))
    sealing.finish()
    return Manifest(
        id=id_,
        made_at=made_at.astimezone(UTC).isoformat(),
        program=version("cohort-journeys"),
        run_id=current.run_id if current else "",
        entries=head.size if head else 0,
        root=head.root.hex() if head else "",
        registered=registered,
        files=dict(tally.files),
        sizes=dict(tally.sizes),
        control="sqlite" if control.is_sqlite else "rows",
        digest=sealing.digest,
        size=sealing.size,
    )


@contextmanager
def _control_copy(settings: Settings, control: Control) -> Iterator[tuple[str, Path]]:
    """A copy of the control database as it is at one moment, gone again afterwards."""
    path = settings.folder / BESIDE
    path.unlink(missing_ok=True)
    try:
        if control.is_sqlite:
            control.copy_file(path)
            yield SQLITE, path
        else:
            with writing_private(path) as file:
                file.writelines(line.encode() for line in control.rows())
            yield ROWS, path
    finally:
        path.unlink(missing_ok=True)


def _add_item(archive: tarfile.TarFile, item: Item, tally: Tally) -> None:
    if item.path.is_dir():
        found = item.path.stat()
        archive.addfile(_header(FOLDER + item.name, 0, found, tarfile.DIRTYPE))
    else:
        _add_file(archive, item.path, FOLDER + item.name, item.zone, tally)


def _add_file(archive: tarfile.TarFile, path: Path, name: str, zone: str, tally: Tally) -> None:
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        reading = Digesting(file)
        archive.addfile(_header(name, found.st_size, found), reading)
    tally.add(zone, name, found.st_size, reading.digest.hexdigest())


def _add(archive: tarfile.TarFile, name: str, size: int, content: BinaryIO) -> None:
    header = tarfile.TarInfo(name)
    header.size, header.mode = size, 0o600
    archive.addfile(header, content)


def _header(
    name: str, size: int, found: os.stat_result, kind: bytes = tarfile.REGTYPE
) -> tarfile.TarInfo:
    """A header that says nothing of whose the file is; who restores it owns it."""
    header = tarfile.TarInfo(name)
    header.size, header.type = size, kind
    header.mode, header.mtime = found.st_mode & 0o700, int(found.st_mtime)
    return header


def _entry(settings: Settings, manifest: Manifest, at: datetime) -> AuditEntry:
    detail: dict[str, int | str] = {
        "backup": manifest.id,
        "digest": manifest.digest,
        "files": sum(manifest.files.values()),
        "bytes": manifest.bytes_inside,
    }
    return Recorder(actor(), settings.purpose).entry("oversight", at, detail=detail)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the operating system refuses into a sentence."""
    failed = False
    try:
        yield
    except JourneysError:
        raise
    except (OSError, tarfile.TarError):
        failed = True
    if failed:
        raise StoreError(
            "The backup cannot be written, or a file of the partnership cannot be read.",
            "Check the permissions and the space left on both disks, then try again; nothing was "
            "changed.",
        )
