"""The backup key: its custodian has it, and the hub the public half that backups are sealed to.

cohort-journeys-backup-recipient-1
made: 2026-11-22
key: <64 hexadecimal characters>
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from flows.files import write_text
from flows.settings import Settings
from schemas.errors import KeyProblem

if TYPE_CHECKING:
    from governance.keys.ring import KeyRing

NAME = "backup.pub"
FORMAT = "cohort-journeys-backup-recipient-1"
KEY = re.compile(rf"{FORMAT}\nmade: (\d{{4}}-\d\d-\d\d)\nkey: ([0-9a-f]{{64}})\n")


def recipient_path(settings: Settings) -> Path:
    """Where the public half is kept that backups are sealed to."""
    return settings.folder / NAME


def make_backup_key(
    settings: Settings, out: Path, today: date, *, replace: bool = False
) -> tuple[Path, str]:
    """Make a backup key for its custodian, and keep its public half.

    Args:
        settings: The partnership.
        out: Where the key goes, such as the custodian's medium; nothing may be there.
        today: The day.
        replace: Whether backups are sealed to it from now on though there is one. What was sealed
            to the one before still needs that.

    Returns:
        Where the public half is, and what tells it from another.

    Raises:
        KeyProblem: There is one already, or the key cannot be written there.
        StoreError: The public half cannot be written.
    """
    from governance.keys.custody import new_ring
    from governance.keys.sources import FileSource
    from governance.sealed_stream import public_half
    from governance.sealing import recipient_of

    path = recipient_path(settings)
    if path.exists() and not replace:
        raise KeyProblem(
            "There is a backup key already.",
            "Give --replace to have backups sealed to a new one; keep the old for old backups.",
        )
    new_ring(FileSource(out), "backup", today)
    public = public_half(backup_ring(out))
    write_text(path, f"{FORMAT}\nmade: {today.isoformat()}\nkey: {public.hex()}\n")
    return path, recipient_of(public)


def read_recipient(path: Path) -> bytes:
    """The public key in a file that `make_backup_key` wrote.

    Raises:
        KeyProblem: It is missing or is none.
    """
    try:
        text = path.read_text("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        text = ""
    found = KEY.fullmatch(text)
    if found is None:
        raise KeyProblem(
            f"There is no backup key to seal to: {path.name} is missing or is not the public half "
            "of one.",
            "Make it with `journeys backup key --out FILE` on the custodian's medium, or give "
            "--recipient FILE.",
        )
    return bytes.fromhex(found[2])


def backup_ring(path: Path) -> KeyRing:
    """The backup key in its file.

    Raises:
        KeyProblem: It is missing, may be read by others, or is none.
    """
    from governance.keys.custody import load_ring
    from governance.keys.sources import FileSource

    return load_ring(FileSource(path), "backup")
