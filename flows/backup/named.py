"""What backups are called: by whose they are and when they were made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from flows.clock import local_day
from governance.control import Control

PATTERN = "backup-*.journeys"
NAMED = re.compile(r"backup-(?P<mark>[0-9a-f]{8})-(?P<at>[0-9]{8}-[0-9]{6})-[0-9a-f]{4}\.journeys")


def new_path(folder: Path, control: Control, id_: str) -> Path:
    """Where a backup of that id goes."""
    return folder / f"backup-{_mark(control)}-{id_}.journeys"


def leftovers(folder: Path, control: Control) -> list[Path]:
    """What a killed command left of a backup of this partnership."""
    return list(folder.glob(f".backup-{_mark(control)}-*.part"))


def own_backups(folder: Path, control: Control) -> Iterator[tuple[Path, date]]:
    """The backups of this partnership in a folder, oldest first, and the day each was made."""
    mark = _mark(control)
    for path in sorted(folder.glob(PATTERN)):
        found = NAMED.fullmatch(path.name)
        if found is not None and found["mark"] == mark and path.is_file():
            at = datetime.strptime(found["at"], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
            yield path, local_day(at)


def _mark(control: Control) -> str:
    """What tells one partnership from another: of its first run, which every backup knows."""
    return hashlib.sha256((control.first_run() or "").encode()).hexdigest()[:8]
