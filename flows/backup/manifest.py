"""What a backup says of itself in the clear: counts and digests, signed by the record key.

    sealed stream ‖ manifest ‖ signature ‖ length of manifest, of signature (4 bytes each) ‖ magic

The manifest comes last, since it holds the digest of what is before it. The list of files with
their digests is in the sealed part: their names are nobody else's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from schemas.errors import StoreError

FORMAT = "cohort-journeys-backup-1"
MAGIC = b"\ncohort-journeys-backup-end-1\n"
LENGTH_BYTES = 4
LONGEST = 1 << 20

AGAIN = "Take another backup, or another copy of this one; nothing was changed."


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself before it is opened.

    Args:
        id: Its id, which begins with the moment it was made.
        made_at: When, in UTC.
        program: The version of the program that made it.
        run_id: The run that was current; empty where there was none.
        entries: How many entries the audit record had.
        root: The root over them, as hexadecimal text; empty where there was none.
        registered: How many entries the register of erasures had; None without a register.
        files: Zone → how many files of it there are.
        sizes: Zone → how many bytes they have.
        control: How the control database is in it: `sqlite`, or `rows` of another kind.
        digest: SHA-256 of the sealed stream.
        size: Bytes of it.
    """

    id: str
    made_at: str
    program: str
    run_id: str
    entries: int
    root: str
    registered: int | None
    files: Mapping[str, int]
    sizes: Mapping[str, int]
    control: str
    digest: str
    size: int

    def text(self) -> str:
        """As it is written and signed."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    @property
    def bytes_inside(self) -> int:
        """Bytes of everything in it."""
        return sum(self.sizes.values())


@dataclass(frozen=True)
class Ending:
    """The end of a backup: its manifest, as it was written, and the signature over it."""

    manifest: Manifest
    text: str
    signature: str


def write_ending(file: BinaryIO, manifest: Manifest, signature: str) -> None:
    """Write the manifest and its signature after the sealed stream."""
    said, signed = manifest.text().encode(), signature.encode()
    lengths = b"".join(len(one).to_bytes(LENGTH_BYTES, "big") for one in (said, signed))
    file.write(said + signed + lengths + MAGIC)


def read_ending(path: Path) -> Ending:
    """The end of a backup.

    Raises:
        StoreError: It is none, or is cut short.
    """
    tail = LENGTH_BYTES * 2 + len(MAGIC)
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - tail))
            end = file.read(tail)
            said, signed = (
                int.from_bytes(end[at : at + LENGTH_BYTES], "big") for at in (0, LENGTH_BYTES)
            )
            if not end.endswith(MAGIC) or max(said, signed) > LONGEST:
                raise _no_backup(path)
            file.seek(max(0, size - tail - said - signed))
            text, signature = file.read(said).decode(), file.read(signed).decode()
    except (OSError, UnicodeDecodeError):
        raise _no_backup(path) from None
    manifest = _manifest(text)
    if manifest is None or manifest.size != size - tail - said - signed:
        raise _no_backup(path)
    return Ending(manifest, text, signature)


def _manifest(text: str) -> Manifest | None:
    """The manifest, if it reads as one and in the one way in which it is written."""
    try:
        said: dict[str, Any] = json.loads(text)
        found = Manifest(**{name: one for name, one in said.items() if name != "format"})
        counts = [*found.files.values(), *found.sizes.values(), found.size, found.entries]
        sound = all(isinstance(one, int) and one >= 0 for one in counts)
        return found if sound and found.text() == text else None
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _no_backup(path: Path) -> StoreError:
    return StoreError(f"{path.name} is not a whole backup of a partnership.", AGAIN)
