"""The partnership folder: whose it is, what the disk under it honours, and what was left behind."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from flows.backup.contents import HALF_MADE, control_file
from flows.context import Busy, run_lock
from flows.doctor.finding import Finding, Patient, fail, ok, warn
from flows.files import flush_folder
from flows.housekeeping import BUILDING, DRAFT_ID, runs_in
from flows.settings import FILE_NAME, Settings
from governance.keys.permissions import WINDOWS

PRIVATE_ZONES = ("stores", "releases", "drafts", "certificates", "quarantine", "keys")
OBEYED_ZONES = ("agreements", "codes", "mappings", "models")
TRIED = 4096
SHARES = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs"})
MOUNTS = Path("/proc/self/mounts")


def permissions(patient: Patient) -> Iterator[Finding]:
    """Whether others may read or change what is kept, and whether it is all ours."""
    if WINDOWS:
        yield ok("permissions", "On Windows the access-control list of each key is judged instead.")
        return
    folder, me = patient.settings.folder, os.geteuid()
    private = _private(patient.settings)
    open_zones = [_within(one, folder) for one in private if one.stat().st_mode & stat.S_IRWXO]
    if open_zones:
        yield fail(
            "permissions",
            f"Everybody on this machine may look into: {', '.join(open_zones)}.",
            "Run `chmod -R o-rwx` on each, and consider who has looked.",
        )
    changed = [one for one in _obeyed(patient.settings) if one.stat().st_mode & stat.S_IWOTH]
    if changed:
        yield fail(
            "permissions",
            "Everybody on this machine may change what a run obeys: "
            f"{', '.join(_within(one, folder) for one in changed[:5])}.",
            "Run `chmod o-w` on each, and check what lies in it.",
        )
    strange = [path.name for path in (folder, *folder.iterdir()) if path.lstat().st_uid != me]
    if strange and me != 0:
        yield fail(
            "permissions",
            f"{len(strange)} files or folders belong to another user: {', '.join(strange[:5])}.",
            "Run the journey as one account always, and give it what is there: `chown -R`.",
        )
    mask = os.umask(0o077)
    os.umask(mask)
    if mask & 0o022 != 0o022:
        yield warn(
            "permissions",
            "New files of this account may be changed by its group or by everybody (umask).",
            "Set `umask 077` for the account that runs the journey (UMask=0077 in a unit).",
        )
    if not (open_zones or changed or strange):
        yield ok("permissions", "What is kept is this account's alone.")


def _private(settings: Settings) -> list[Path]:
    """What nobody else may read: zones, inboxes, the control database and the register."""
    there = [settings.folder / name for name in PRIVATE_ZONES]
    there += [part.inbox for part in settings.partners.values()]
    there += [one for one in (control_file(settings), settings.retention.erasures) if one]
    return [one for one in dict.fromkeys(there) if one.exists()]


def _obeyed(settings: Settings) -> list[Path]:
    """What says what a run does: whoever may change it may have it do something else."""
    folder = settings.folder
    zones = [folder / name for name in OBEYED_ZONES if (folder / name).is_dir()]
    files = [path for zone in zones for path in zone.iterdir() if path.is_file()]
    there = [folder, *zones, folder / FILE_NAME, *files]
    there += [part.agreement for part in settings.partners.values()]
    return [one for one in dict.fromkeys(there) if one.exists()]


def _within(zone: Path, folder: Path) -> str:
    if zone == folder:
        return "the partnership folder"
    return zone.relative_to(folder).as_posix() if zone.is_relative_to(folder) else zone.name


def file_system(patient: Patient) -> Iterator[Finding]:
    """Whether the disk honours what crash safety stands on: by trying it."""
    broken = []
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=patient.settings.folder) as made:
        folder = Path(made)
        tried = {
            "renaming over a file": _renames,
            "flushing to the disk": _flushes,
            "locks": _locks,
            "private files": _keeps_private,
        }
        for what, trial in tried.items():
            try:
                sound = trial(folder)
            except OSError:
                sound = False
            if not sound:
                broken.append(what)
    kind = _kind_of(patient.settings.folder)
    if broken:
        yield fail(
            "file-system",
            f"The disk under the partnership folder does not honour: {', '.join(broken)}.",
            "Move the folder to a local disk; what a crash leaves here cannot be relied on.",
        )
    elif kind in SHARES:
        yield warn(
            "file-system",
            f"The partnership folder is on a network share ({kind}), whose locks and flushes "
            "depend on its server.",
            "Move it to a local disk, and let only backups be on a share.",
        )
    else:
        yield ok("file-system", "Renames, flushes, locks and private files are honoured.")


def _renames(folder: Path) -> bool:
    one, other = folder / "one", folder / "other"
    one.write_bytes(b"new")
    other.write_bytes(b"old")
    one.replace(other)
    return other.read_bytes() == b"new" and not one.exists()


def _flushes(folder: Path) -> bool:
    with (folder / "flushed").open("wb") as file:
        file.write(bytes(TRIED))
        file.flush()
        os.fsync(file.fileno())
    flush_folder(folder)
    return True


def _locks(folder: Path) -> bool:
    """Whether a lock that is held is refused to another."""
    from filelock import FileLock, Timeout

    path = folder / "lock"
    with FileLock(path):
        try:
            with FileLock(path, timeout=0):
                return False
        except Timeout:
            return True


def _keeps_private(folder: Path) -> bool:
    path = folder / "private"
    path.write_bytes(b"")
    path.chmod(0o600)
    return WINDOWS or path.stat().st_mode & 0o777 == 0o600


def _kind_of(folder: Path) -> str:
    """The kind of file system that a folder is on; empty where that cannot be told."""
    if not MOUNTS.is_file():
        return ""
    found = ("", "")
    for line in MOUNTS.read_text("utf-8", errors="replace").splitlines():
        parts = line.split()
        at = parts[1].encode().decode("unicode_escape") if len(parts) > 2 else ""
        if at and (folder == Path(at) or Path(at) in folder.parents) and len(at) >= len(found[0]):
            found = (at, parts[2])
    return found[1]


def leftovers(patient: Patient) -> Iterator[Finding]:
    """What commands that were killed left, and what belongs to no run that is known."""
    settings, control = patient.settings, patient.control
    if _at_work(settings):
        yield ok("leftovers", "A run is at work; what lies about may be its own.")
        return
    left = [path for path in _beside(settings) if path.name.startswith(".")]
    strangers = _strangers(settings, control.run_ids()) if control is not None else 0
    if strangers:
        yield fail(
            "leftovers",
            f"The folder holds {strangers} runs that the control database does not know.",
            "Put back the control database of this folder, or the whole folder, from one backup.",
        )
    strays = list(_strays(settings))
    if strays:
        # Not by their names: what a person has put there may be called after somebody.
        yield warn(
            "leftovers",
            f"{len(strays)} files or folders in {', '.join(sorted(set(strays)))} belong to no run.",
            "Move what somebody needs out of the partnership folder, and remove the rest; no "
            "command reads it, and backups would carry it along.",
        )
    if control is not None and control.unfinished_runs():
        yield warn(
            "leftovers",
            f"{len(control.unfinished_runs())} runs were cut short.",
            "Run `journeys run`: it removes what they left, and starts from the last good one.",
        )
    if left:
        yield warn(
            "leftovers",
            f"{len(left)} files or folders were left half made.",
            "Run `journeys run`, which removes its own; what is left then may be removed by hand.",
        )
    if not (left or strangers or strays) and not (
        control is not None and control.unfinished_runs()
    ):
        yield ok("leftovers", "Nothing was left half made.")


def _at_work(settings: Settings) -> bool:
    try:
        with run_lock(settings):
            return False
    except Busy:
        return True


def _beside(settings: Settings) -> Iterator[Path]:
    """What has the name of something half made, in the folder and in its zones."""
    places = [settings.folder, *(path for path in settings.folder.iterdir() if path.is_dir())]
    places += [run for zone in (settings.stores, settings.releases) for run in zone.glob("*/")]
    places.append(settings.folder.parent)
    for place in places:
        for path in place.iterdir():
            ours = place != settings.folder.parent or path.name.startswith(
                f".{settings.folder.name}."
            )
            if ours and (path.suffix in HALF_MADE or BUILDING.fullmatch(path.name)):
                yield path


def _strays(settings: Settings) -> Iterator[str]:
    """For each thing in a zone that holds a folder for each run or draft, and is none: the zone."""
    zones = (
        settings.stores,
        settings.releases,
        settings.drafts,
        settings.certificates,
        settings.quarantine,
        settings.over_sharing,
    )
    for zone in (one for one in zones if one.is_dir()):
        for path in zone.iterdir():
            told_otherwise = path.suffix in HALF_MADE or BUILDING.fullmatch(path.name)
            a_run = DRAFT_ID.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
            if not (a_run or told_otherwise):
                yield zone.name


def _strangers(settings: Settings, known: set[str]) -> int:
    zones = (settings.stores, settings.releases, settings.drafts, settings.publications)
    return len({run for zone in zones for run in runs_in(zone)} - known)
