"""One file pulled whole: written within bounds, on the disk, and of the digest that was said.

It is written unbuffered into the hidden folder, so that what fails, fails where it can be told.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from flows.sources.problems import (
    SourceUnsound,
    cut_short,
    disk_full,
    too_long,
    took_too_much,
)
from flows.sources.remote import Item, Remote

LONGEST_SUMS = 1 << 20
SUM_LINE = re.compile(r"([0-9a-fA-F]{64})(?:[ \t]+\*?(.+))?")


def written(remote: Remote, item: Item, path: Path, left: int, most: int) -> tuple[int, str]:
    """Write a file into the hidden folder and have the disk take it: its size and its digest.

    No more is written than the source said there is, nor than is left of what a pull may be of.

    Raises:
        CutShort: There was less.
        SourceUnsound: There was more.
        BrokenOff: There was more than one pull may be of.
        DiskFull: It could not be written.
    """
    digest, size = hashlib.sha256(), 0
    with _file(path) as file:
        for chunk in remote.read(item):
            size += len(chunk)
            if item.size is not None and size > item.size:
                raise too_long()
            if size > left:
                raise took_too_much(most)
            digest.update(chunk)
            _write(file, chunk)
        _flush(file)
    if item.size is not None and size < item.size:
        raise cut_short()
    return size, digest.hexdigest()


class _File:
    """A file that is being written, unbuffered: what fails, fails where it can be told."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.handle)


def _file(path: Path) -> _File:
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        return _File(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        pass
    raise disk_full()


def _write(file: _File, chunk: bytes) -> None:
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[os.write(file.handle, rest) :]
    except OSError:
        pass
    else:
        return
    raise disk_full()


def _flush(file: _File) -> None:
    try:
        os.fsync(file.handle)
    except OSError:
        pass
    else:
        return
    raise disk_full()


class Sums:
    """The digests that were agreed to lie beside the files."""

    def __init__(self, remote: Remote, pattern: str | None) -> None:
        self._remote, self._pattern = remote, pattern
        self._lists: dict[str, dict[str, str]] = {}

    def of(self, name: str) -> str | None:
        """The digest that was said of a file; None where none was agreed.

        Raises:
            SourceUnsound: One was agreed and is not there.
        """
        if self._pattern is None:
            return None
        where = self._pattern.replace("{name}", name)
        if where not in self._lists:
            self._lists[where] = dict(self._lines(where))
        found = self._lists[where].get(name)
        if found is None and "{name}" in self._pattern:
            found = self._lists[where].get("")
        if found is None:
            raise SourceUnsound(
                "The digest that was agreed on for a file is not beside it.",
                "Ask the partner to send the digests with the files, or take `digests` out.",
            )
        return found

    def _lines(self, where: str) -> Iterator[tuple[str, str]]:
        """Name → digest, as `sha256sum` writes them; a digest alone is of no name."""
        content = b""
        for chunk in self._remote.read(self._remote.item(where)):
            content += chunk
            if len(content) > LONGEST_SUMS:
                return
        for line in content.decode("utf-8", "replace").splitlines():
            if found := SUM_LINE.fullmatch(line.strip()):
                yield (found[2] or "").strip().rpartition("/")[2], found[1].lower()


def another_digest() -> SourceUnsound:
    """What is told of a file that is not the one whose digest the partner gave."""
    return SourceUnsound(
        "A file has another digest than the partner says of it.",
        "Nothing of it was taken. Ask the partner to send it again, and to make the digest last.",
    )
