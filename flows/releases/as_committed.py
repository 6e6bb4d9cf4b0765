"""Whether the files of a release are still those that its run committed.

A file that was cut short or written over may still open: DuckDB reads a block only when it is asked
for. So the control database keeps the size, the time and the digest of each, and this compares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from governance.control import ReleaseFile, Run

FINGERPRINTS: Final = "fingerprints.json"
"""Beside a release: by what the next one knows which of its marts still stand."""
KNOWN: Final = ("*.duckdb", FINGERPRINTS)
"""The files that stay as they are. The data keys do not: rotating a key wraps them anew."""

ALWAYS_WITHIN: Final = 256 << 20
"""Bytes of all releases up to which digests are compared unasked: reading 590 MB took a second on
two cores (SHA-256, 22 November 2026), so this is under half a second."""


def known_files(folder: Path) -> tuple[ReleaseFile, ...]:
    """What each file of a release is known by, once it is written to the end.

    Args:
        folder: The release's folder.

    Raises:
        OSError: One cannot be read.
    """
    paths = sorted(path for pattern in KNOWN for path in folder.glob(pattern))
    return tuple(
        ReleaseFile(path.name, found.st_size, int(found.st_mtime), digest_of(path))
        for path in paths
        for found in (path.stat(),)
    )


def changed(folder: Path, known: Sequence[ReleaseFile], *, whole: bool) -> Iterator[str]:
    """What is not as it was committed, in words that name files only.

    A file of the same size and time is taken for the same unless digests are asked for. One of
    another time is always read: a restore or a copy may have changed that and nothing else.

    Args:
        folder: The release's folder.
        known: What is known of its files.
        whole: Whether every file is read.
    """
    for one in known:
        path = folder / one.name
        try:
            found = path.stat()
            if found.st_size != one.bytes:
                yield f"{one.name} is of another size"
            elif (whole or int(found.st_mtime) != one.modified) and digest_of(path) != one.digest:
                yield f"{one.name} was altered"
        except FileNotFoundError:
            yield f"{one.name} is missing"
        except OSError:
            yield f"{one.name} cannot be read"


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def built_by(run: Run) -> str:
    """The run that built a run's release, which may be an earlier one that it carried over."""
    told: str = (run.report or {}).get("release", {}).get("built_by", run.run_id)
    return told
