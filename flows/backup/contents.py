"""What of a partnership folder goes into a backup: everything but keys, inboxes and what passes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.files import KEPT
from flows.settings import FILE_NAME, Settings
from flows.sources.places import HIDDEN, Places

KEY_SUFFIXES = frozenset({".key", ".half", ".bundle", ".passphrase"})
KEY_MARKS = (b"cohort-journeys-key ", b"cohort-journeys-half-", b"cohort-journeys-wrapped ")
HALF_MADE = frozenset({".part", ".old", ".spill", ".restoring", ".pulling", ".landing", ".gone"})
"""How the hidden files and folders end that a killed command leaves."""

NAMED = frozenset(f".{one}" for one in HIDDEN)
"""How hidden folders beside an inbox end, of a partner that left too: extracts lie in them."""
OTHER = "other"
CONFIG = "partnership"


@dataclass(frozen=True)
class Item:
    """A file or a folder of the partnership, by its path within the partnership folder."""

    path: Path
    name: str

    @property
    def zone(self) -> str:
        """The zone it is counted under; names that are not ours are not told."""
        first = self.name.split("/", 1)[0]
        return first if first in KEPT else CONFIG if first == FILE_NAME else OTHER


@dataclass(frozen=True)
class Contents:
    """What goes into a backup, and what is left out that somebody may look for in it."""

    items: tuple[Item, ...]
    links: int
    outside: int


def contents_of(settings: Settings) -> Contents:
    """What of a partnership folder goes into a backup.

    Left out are keys wherever they lie; the inboxes, whose extracts are the partners' own and may
    hold names in the clear; Prefect's own record; the lock; and what a killed command left half
    made. The control database is copied apart, since others write to it meanwhile.

    Args:
        settings: The partnership. The run lock has to be held.
    """
    apart = {settings.prefect_home, settings.lock, *_control_files(settings)}
    apart |= {path for kind in settings.keys.named for path in _key_files(settings, kind)}
    inboxes = {part.inbox.resolve() for part in settings.partners.values()}
    beside = {one for path in inboxes for one in Places(path).hidden}
    items, links = [], 0
    for path in _walk(settings.folder, apart | inboxes | beside):
        if path in beside or _is_half_made(path):
            continue
        if path.is_symlink():
            links += 1
        elif path.is_dir() or (path not in apart and not _is_key(path)):
            items.append(Item(path, path.relative_to(settings.folder).as_posix()))
    named = [part.agreement for part in settings.partners.values()]
    named += [settings.model] if settings.model else []
    outside = sum(not one.resolve().is_relative_to(settings.folder) for one in named)
    return Contents(tuple(items), links, outside)


def control_file(settings: Settings) -> Path | None:
    """The file of the control database where it is SQLite's, else None."""
    url = settings.control_database.get_secret_value()
    scheme, _, rest = url.partition(":///")
    return Path(rest.partition("?")[0]) if scheme.startswith("sqlite") else None


def _control_files(settings: Settings) -> set[Path]:
    path = control_file(settings)
    endings = ("", "-wal", "-shm", "-journal")
    return set() if path is None else {path.with_name(path.name + end) for end in endings}


def _key_files(settings: Settings, kind: str) -> tuple[Path, ...]:
    source = settings.keys.source(kind)  # type: ignore[arg-type]
    return () if source is None else source.files


def _walk(folder: Path, closed: set[Path]) -> Iterator[Path]:
    """Every path below a folder, in order; of a closed folder only itself."""
    for path in sorted(folder.iterdir()):
        yield path
        closes = path in closed or _is_half_made(path)
        if path.is_dir() and not path.is_symlink() and not closes:
            yield from _walk(path, closed)


def _is_half_made(path: Path) -> bool:
    """Whether a path is what a command that was killed left, or what a pull set aside."""
    return path.name.startswith(".") and path.suffix in HALF_MADE | NAMED


def _is_key(path: Path) -> bool:
    """Whether a file is a key, whatever it is called."""
    if path.suffix in KEY_SUFFIXES:
        return True
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, 32).lstrip().startswith(KEY_MARKS)
    finally:
        os.close(handle)
