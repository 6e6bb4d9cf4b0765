"""Looking at backups: which there are, whether they are whole and ours, and what is in them."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from flows.backup.digesting import Digesting
from flows.backup.making import FOLDER, LIST, ROWS, SQLITE
from flows.backup.manifest import AGAIN, Ending, read_ending
from flows.backup.named import PATTERN
from flows.record.signing import check_signature, read_key_file
from schemas.errors import JourneysError, RecordProblem, StoreError

if TYPE_CHECKING:
    from governance.keys.ring import KeyRing
    from governance.record.signing import PublicKey

READ = 1 << 20
PUBLIC_HALVES = f"{FOLDER}checkpoints/record-key-"
LONGEST_LIST = 1 << 28


@dataclass(frozen=True)
class Listed:
    """A backup in a folder: what it says of itself, or what is wrong with it."""

    path: Path
    ending: Ending | None
    problem: str = ""


@dataclass(frozen=True)
class Checked:
    """What checking a backup found.

    Args:
        ending: What it says of itself.
        files: How many files were opened and are as they were; None where no key was given.
        signed_by: What tells the record key that signed it from another; empty if it is unsigned
            or no public half was at hand.
        pinned: Whether that key is one that was given, not one that the backup itself brought.
    """

    ending: Ending
    files: int | None
    signed_by: str
    pinned: bool


Member = Callable[[tarfile.TarInfo, IO[bytes] | None], None]


def backups_in(folder: Path) -> list[Listed]:
    """The backups in a folder, oldest first; what cannot be read says so.

    Raises:
        StoreError: There is no such folder.
    """
    if not folder.is_dir():
        raise StoreError("There is no such folder of backups.", "Name the folder they are in.")
    found = []
    for path in sorted(folder.glob(PATTERN), key=lambda one: one.name.rsplit("-", 3)[-3:]):
        try:
            found.append(Listed(path, read_ending(path)))
        except JourneysError as error:
            found.append(Listed(path, None, str(error)))
    return found


def verify_backup(path: Path, key: Path | None = None, public_key: Path | None = None) -> Checked:
    """Check that a backup is whole and ours; with the backup key, every file in it.

    Args:
        path: The backup.
        key: The backup key's file.
        public_key: The public half of the record key, as somebody kept it.

    Raises:
        StoreError: It is cut short, was changed, or does not hold what it says.
        RecordProblem: It is not signed by the record key.
        KeyProblem: The backup key cannot be used or is another.
    """
    from flows.backup.recipient import backup_ring

    ending, pinned = read_ending(path), read_key_file(public_key) if public_key else None
    if key is None:
        _check_digest(path, ending)
        signed = check_signed(ending, pinned, []) if pinned else ""
        return Checked(ending, None, signed, pinned is not None)
    halves: list[PublicKey] = []
    files = read_through(path, ending, backup_ring(key), keeping(halves))
    return Checked(ending, files, check_signed(ending, pinned, halves), pinned is not None)


def keeping(halves: list[PublicKey]) -> Member:
    """Takes the public halves of the record key out of what is read, into a list."""
    from governance.record.signing import read_public_key

    def take(header: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        if content is None:
            return
        if header.name.startswith(PUBLIC_HALVES):
            text = content.read(LONGEST_LIST).decode("utf-8", errors="replace")
            halves.append(read_public_key(text, PurePosixPath(header.name).name))
        while content.read(READ):
            pass

    return take


def check_signed(ending: Ending, pinned: PublicKey | None, halves: list[PublicKey]) -> str:
    """What tells the record key that signed a backup from another.

    Args:
        ending: The end of the backup.
        pinned: The public half that was given; then no other will do.
        halves: Those that the backup itself holds.

    Raises:
        RecordProblem: It is signed by none of them, or is unsigned though there is a key.
    """
    keys = [pinned] if pinned is not None else halves
    for one in keys:
        if check_signature(one, ending.text, ending.signature, meant="backup"):
            return one.mark
    if not keys and not ending.signature:
        return ""
    raise RecordProblem(
        "The backup is not signed by this partnership's record key.",
        "Do not use it: somebody else may have made it. Take another one.",
    )


def read_through(path: Path, ending: Ending, ring: KeyRing, member: Member) -> int:
    """Open a backup from end to end, and hold every file against the list of digests in it.

    Args:
        path: The backup.
        ending: Its end.
        ring: The backup key.
        member: Takes each file or folder in turn; of a file it has to read all.

    Returns:
        How many files there are.

    Raises:
        StoreError: It is not whole, not as it was sealed, or holds what no backup of ours does.
        KeyProblem: It is sealed to another key.
    """
    from governance.sealed_stream import OpenedStream

    digests: dict[str, str] = {}
    said: dict[str, str] | None = None
    with _told(path), path.open("rb") as file:
        hashed = Digesting(file)
        stream = OpenedStream(hashed, ending.manifest.size, ring)
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for header in archive:
                _check_header(header)
                if said is not None:
                    raise _not_ours(path)
                content = archive.extractfile(header)
                if header.name == LIST:
                    said = _listed(content, path)
                elif content is None:
                    member(header, None)
                else:
                    each = Digesting(content)
                    member(header, each)  # type: ignore[arg-type]
                    digests[header.name] = each.digest.hexdigest()
        while stream.read(READ):
            pass
    if said != digests or hashed.digest.hexdigest() != ending.manifest.digest:
        raise _not_ours(path)
    return len(digests)


def _check_digest(path: Path, ending: Ending) -> None:
    """Check, without any key, that the sealed stream is the one that the manifest tells of."""
    left, digest = ending.manifest.size, hashlib.sha256()
    with _told(path), path.open("rb") as file:
        while left and (part := file.read(min(READ, left))):
            digest.update(part)
            left -= len(part)
    if left or digest.hexdigest() != ending.manifest.digest:
        raise _not_ours(path)


def _check_header(header: tarfile.TarInfo) -> None:
    """Refuse what could be written elsewhere than into the folder that is restored."""
    parts = PurePosixPath(header.name).parts
    known = header.name in {SQLITE, ROWS, LIST} or header.name.startswith(FOLDER)
    plain = header.isreg() or (header.isdir() and header.name.startswith(FOLDER))
    if not known or not plain or ".." in parts:
        raise StoreError("The backup holds what no backup of a partnership does.", AGAIN)


def _listed(content: IO[bytes] | None, path: Path) -> dict[str, str]:
    try:
        said = json.loads(content.read(LONGEST_LIST)) if content is not None else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise _not_ours(path)
    return said


def _not_ours(path: Path) -> StoreError:
    return StoreError(f"{path.name} does not hold what its manifest says.", AGAIN)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the operating system or a broken archive says into a sentence."""
    failed = False
    try:
        yield
    except JourneysError:
        raise
    except (OSError, tarfile.TarError, EOFError, ValueError):
        failed = True
    if failed:
        raise StoreError(f"{path.name} cannot be read to its end.", AGAIN)
