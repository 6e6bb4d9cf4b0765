"""Where extracts come from: one folder a partner, whose files its system's mapping tells apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import ExtractRejected
from schemas.tables import find_table

if TYPE_CHECKING:
    from flows.sources.naming import Naming
    from governance.sealing import Manifest
    from schemas.mapping import SystemMapping

CHUNK_BYTES = 1 << 20

Stamp = tuple[int, int, int]
"""What tells that a file was not touched: its inode, size and time of change."""


@dataclass(frozen=True)
class Arrived:
    """An extract found in a partner's inbox.

    Attributes:
        partner: Whose it is.
        files: The file of each table.
        digest: SHA-256 over the digests of the tables, in the order of their names.
        stamps: The files as they were when the digest was taken.
        others: Files in the inbox that are no table of this partner.
        manifest: What the partner says of it, where it encoded the extract itself; then `files`
            are sealed files, the first of which is the extract.
        earlier: The files of each table's earlier periods, the earliest first, where the partner
            sends increments; then `files` are those of the last.
        periods: The periods of an extract of increments.
        said: What there is to be told of how it was found.
    """

    partner: str
    files: Mapping[str, Path]
    digest: str
    stamps: Mapping[str, Stamp]
    others: int
    manifest: Manifest | None = None
    said: tuple[str, ...] = ()
    earlier: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    periods: tuple[str, ...] = ()

    def parts(self, table: str) -> tuple[Path, ...]:
        """The files of a table, that of the earliest period first."""
        return (*self.earlier.get(table, ()), self.files[table])

    @property
    def every_file(self) -> dict[str, Path]:
        """Every file, by what messages call it."""
        earlier = {
            f"{table}, {place} earlier": path
            for table, paths in self.earlier.items()
            for place, path in enumerate(reversed(paths), 1)
        }
        return {**self.files, **earlier}


def find_extract(
    partner: str,
    inbox: Path,
    tables: Sequence[str],
    mapping: SystemMapping | None = None,
    increments: Naming | None = None,
) -> Arrived | None:
    """Look for a partner's extract in its inbox.

    Args:
        partner: Whose inbox it is.
        inbox: A folder. Hidden files in it are passed over.
        tables: The tables an extract of this partner may be made of. Those that are optional need
            not be there.
        mapping: How the partner's system names its files; if None, each is the table's name with
            `.csv`. One file may hold several tables.
        increments: How the files of each period are named, where the partner sends increments: then
            all of them together are the extract.

    Returns:
        The extract, or None where the inbox is empty.

    Raises:
        ExtractRejected: If the inbox is not there or holds other things only, only some tables
            are there, one is there twice, or a file cannot be read.
    """
    present, folders = contents_of(partner, inbox)
    number = sum(len(paths) for paths in present.values())
    dated = _by_period(partner, tables, present, increments)
    found = {
        table: list(dated[table].values()) if dated else _files_of(table, present, mapping)
        for table in tables
    }
    files = {table: paths[-1] for table, paths in found.items() if paths}
    if not files and (number or folders):
        raise _by_other_names(partner, tables, number, folders)
    if not files:
        return None
    _require_whole(partner, found, mapping, one_each=not dated)
    arrived = Arrived(
        partner=partner,
        files=files,
        digest="",
        stamps={},
        others=0,
        earlier={table: tuple(paths[:-1]) for table, paths in found.items() if paths[:-1]},
        periods=tuple(sorted({period for by_period in dated.values() for period in by_period})),
    )
    stamps = stamps_of(partner, arrived.every_file)
    digests = {name: _file_digest(partner, name, path) for name, path in arrived.every_file.items()}
    return replace(
        arrived,
        digest=_combined(digests),
        stamps=stamps,
        others=number - len(set(arrived.every_file.values())),
    )


def _by_period(
    partner: str,
    tables: Sequence[str],
    present: Mapping[str, Sequence[Path]],
    increments: Naming | None,
) -> dict[str, dict[str, Path]]:
    """Each table's file of each period, the earliest first; nothing where there are no increments.

    Raises:
        ExtractRejected: A period has two files of one table.
    """
    if increments is None:
        return {}
    found: dict[str, dict[str, Path]] = {table: {} for table in tables}
    for path in (path for paths in present.values() for path in paths):
        named = increments.of(path.name)
        for table in named.tables if named else ():
            if named is not None and found[table].setdefault(named.period, path) != path:
                raise ExtractRejected(
                    f"The {partner} inbox has two files that are its {table} table of "
                    f"{named.period}.",
                    "Leave one of them there, then run again.",
                )
    return {table: dict(sorted(by_period.items())) for table, by_period in found.items()}


def _files_of(
    table: str, present: Mapping[str, Sequence[Path]], mapping: SystemMapping | None
) -> list[Path]:
    """The files that could be a table, by their names in lower case."""
    return [
        path
        for name, paths in present.items()
        if (name == f"{table}.csv" if mapping is None else mapping.is_file_of(table, name))
        for path in paths
    ]


def _require_whole(
    partner: str,
    found: Mapping[str, Sequence[Path]],
    mapping: SystemMapping | None,
    *,
    one_each: bool,
) -> None:
    """Refuse an extract that lacks a table, or has two files for one. A name is never told."""
    missing = [
        table for table, paths in found.items()
        if not paths and not find_table(partner, table).optional
    ]  # fmt: skip
    if missing:
        names = [f"{name}.csv" if mapping is None else f"its {name} file" for name in missing]
        raise ExtractRejected(
            f"The {partner} extract is not whole: {', '.join(names)} is not in its inbox.",
            "Ask the partner for all its tables together, then run again.",
        )
    for table, paths in found.items():
        if one_each and len(paths) > 1:
            raise ExtractRejected(
                f"The {partner} inbox has {len(paths)} files that could be its {table} table.",
                "Leave one of them there, or make the mapping's `file` pattern tell them apart.",
            )


def check_untouched(arrived: Arrived) -> None:
    """Check that no file changed since its digest was taken: what was read is what it is of.

    Raises:
        ExtractRejected: If one did.
    """
    for table, path in arrived.every_file.items():
        if _stamp(arrived.partner, table, path) != arrived.stamps[table]:
            raise ExtractRejected(
                f"The {arrived.partner} extract changed while it was being read.",
                "Wait until the delivery is complete, then run again.",
            )


def remove(arrived: Arrived) -> int:
    """Remove an extract from its inbox, but for files that others took the place of meanwhile.

    Returns:
        The number of files removed.

    Raises:
        ExtractRejected: If a file cannot be removed.
    """
    taken = {path: arrived.stamps[name] for name, path in arrived.every_file.items()}
    gone, failed = 0, False
    for path, stamp in taken.items():
        try:
            found = path.stat()
            # What came under its name meanwhile was read by nobody.
            if (found.st_ino, found.st_size, found.st_mtime_ns) == stamp:
                path.unlink()
                gone += 1
        except FileNotFoundError:
            pass
        except OSError:
            failed = True
    if failed:
        raise ExtractRejected(
            f"The {arrived.partner} extract cannot be removed from its inbox.",
            "Allow the hub to write to the inbox, and remove the files by hand.",
        )
    return gone


def contents_of(partner: str, inbox: Path) -> tuple[dict[str, list[Path]], int]:
    """Files of an inbox by their name in lower case, and how many folders are in it.

    Raises:
        ExtractRejected: If it is not there or cannot be read.
    """
    files: dict[str, list[Path]] = {}
    folders = 0
    reason = ""
    try:
        for path in sorted(inbox.iterdir()):
            if path.name.startswith("."):
                continue
            if path.is_file():
                files.setdefault(path.name.lower(), []).append(path)
            else:
                folders += 1
    except FileNotFoundError:
        reason = "is not there"
    except NotADirectoryError:
        reason = "is not a folder"
    except OSError:
        reason = "cannot be read"
    if reason:
        raise ExtractRejected(
            f"The {partner} inbox {inbox} {reason}.",
            "Make the folder, mount the share it is on or correct its permissions, then run again.",
        )
    return files, folders


def _by_other_names(
    partner: str, tables: Sequence[str], files: int, folders: int
) -> ExtractRejected:
    """What is there is counted and not named: a name may be of a person."""
    counts = [
        f"{number} {kind}{'' if number == 1 else 's'}"
        for number, kind in ((files, "file"), (folders, "folder"))
        if number
    ]
    names = [f"{table}.csv" for table in tables if not find_table(partner, table).optional]
    return ExtractRejected(
        f"The {partner} inbox holds {' and '.join(counts)} but no {' or '.join(names)}.",
        f"Name the extract's files {', '.join(names)} or take out what is not one, then run again.",
    )


def stamps_of(partner: str, files: Mapping[str, Path]) -> dict[str, Stamp]:
    """What tells that files were not touched.

    Raises:
        ExtractRejected: One is not there.
    """
    return {table: _stamp(partner, table, path) for table, path in files.items()}


def _stamp(partner: str, table: str, path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        raise _unreadable(partner, table) from None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _file_digest(partner: str, table: str, path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError:
        raise _unreadable(partner, table) from None
    return digest.hexdigest()


def _combined(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{table} {digests[table]}\n" for table in sorted(digests))
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def _unreadable(partner: str, table: str) -> ExtractRejected:
    return ExtractRejected(
        f"The {partner} {table} file cannot be read.",
        "Check its permissions, or ask the partner to send it again.",
    )
