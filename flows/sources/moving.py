"""Moving a file so that it is whole where it lands, on another file system too."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

ARRIVING = ".arriving"
"""What a file is called in its new folder while it is copied there; hidden files are not read."""


def moved(source: Path, target: Path) -> None:
    """Move a file into the place of another, whole or not at all.

    Where the two are on different file systems, or an inbox is a mount point of its own, it is
    copied beside its new place, flushed, and takes that in one step. Moved again after a stop, it
    is copied anew.

    Raises:
        OSError: It cannot be moved; the source is as it was.
    """
    try:
        os.replace(source, target)  # noqa: PTH105
        return
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    beside = target.with_name(ARRIVING)
    beside.unlink(missing_ok=True)
    try:
        _copied(source, beside)
        os.replace(beside, target)  # noqa: PTH105
    except OSError:
        # Half a file would take up what room there is, and holds names.
        beside.unlink(missing_ok=True)
        raise
    source.unlink()


def _copied(source: Path, target: Path) -> None:
    """Copy a file and its times, and have the disk take it."""
    found = source.stat()
    # Nobody else may have put a link there for us to write through.
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out, source.open("rb") as content:
        shutil.copyfileobj(content, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
