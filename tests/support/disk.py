"""What a disk holds after a power cut: what was flushed to it, and of the rest what it will.

A recording of `plug.c` is played back on a folder as it was before. A write counts from the moment
its file is flushed, and a name (made, renamed, removed) from the moment its folder is: that is all
that POSIX promises. Of what was not flushed a disk may have taken nothing, the names but not the
bytes, or any part in its order. What was flushed in a folder whose own name was not is gone too.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Loss = Literal["nothing", "all", "bytes", "some"]
"""What of what was not flushed is lost: nothing (as at `kill -9`), all of it, the bytes of files
but no names, or what chance has it."""

LOSSES: tuple[Loss, ...] = ("all", "bytes", "some")


@dataclass
class File:
    """A file: its bytes, those on the disk, and what was done to it since."""

    mode: int
    now: bytearray = field(default_factory=bytearray)
    flushed: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def change(self, offset: int, content: bytes | None) -> None:
        """Write bytes at an offset, or cut the file off (or lengthen it) there."""
        _apply(self.now, offset, content)
        self.since.append((offset, content))

    def flush(self) -> None:
        """Have the disk take it."""
        self.flushed, self.since = bytes(self.now), []

    def with_first(self, count: int) -> bytes:
        """The bytes on the disk and the first so many of the changes since."""
        held = bytearray(self.flushed)
        for offset, content in self.since[:count]:
            _apply(held, offset, content)
        return bytes(held)


@dataclass
class Folder:
    """A folder: its names, those on the disk, and which changed since."""

    mode: int
    now: dict[str, File | Folder] = field(default_factory=dict)
    flushed: dict[str, File | Folder] = field(default_factory=dict)
    since: list[tuple[str, File | Folder | None]] = field(default_factory=list)

    def put(self, name: str, what: File | Folder | None) -> None:
        """Have a name mean something else, or nothing."""
        _name(self.now, name, what)
        self.since.append((name, what))

    def flush(self) -> None:
        """Have the disk take its names."""
        self.flushed, self.since = dict(self.now), []

    def with_first(self, count: int) -> dict[str, File | Folder]:
        """The names on the disk and the first so many of the changes since."""
        held = dict(self.flushed)
        for name, what in self.since[:count]:
            _name(held, name, what)
        return held


@dataclass(frozen=True)
class Change:
    """One change of a recording."""

    kind: str
    offset: int
    bits: int
    path: str
    second: str
    content: bytes

    @property
    def said(self) -> str:
        """What it is of, for a table."""
        return f"{KINDS[self.kind]} {_kind_of(self.path)}"


KINDS = {
    "c": "make",
    "d": "make folder",
    "w": "write",
    "t": "cut off",
    "s": "flush",
    "r": "rename",
    "l": "link",
    "u": "remove",
    "m": "chmod",
}


def _kind_of(path: str) -> str:
    """A path without what is random in it."""
    parts = Path(path).parts
    if parts[:1] == ("p",):
        zone = parts[1] if len(parts) > 2 else ""
        return f"{zone}/{parts[-1] if parts[-1][:1].isalpha() else '…'}".lstrip("/")
    return parts[0] if parts else "."


def read_record(path: Path) -> list[Change]:
    """The changes of a recording, in their order."""
    return list(_changes(path.read_bytes()))


def _changes(content: bytes) -> Iterator[Change]:
    at = 0
    while at < len(content):
        end = content.index(b"\n", at)
        kind, offset, length, bits, path, second = content[at:end].decode().split("\t")
        at = end + 1 + (int(length) if kind == "w" else 0)
        yield Change(kind, int(offset), int(bits), path, second, content[end + 1 : at])


class Disk:
    """A folder as it is and as the disk has it, while a recording is played back."""

    def __init__(self, folder: Path) -> None:
        """All that is in the folder was flushed before."""
        self.root = _read(folder)

    def play(self, change: Change) -> None:
        """Let one change happen."""
        folder, name = self._place(change.path)
        match change.kind:
            case "c":
                folder.put(name, File(change.bits))
            case "d":
                folder.put(name, Folder(change.bits))
            case "w":
                self._file(change.path).change(change.offset, change.content)
            case "t":
                self._file(change.path).change(change.offset, None)
            case "s":
                self._at(change.path).flush()
            case "m":
                self._at(change.path).mode = change.bits
            case "u":
                folder.put(name, None)
            case "r" | "l":
                what = folder.now[name]
                to, second = self._place(change.second)
                to.put(second, what)
                if change.kind == "r":
                    folder.put(name, None)

    def write(self, folder: Path, loss: Loss, chance: random.Random) -> None:
        """Write what the disk has after a power cut into a folder that is not there."""
        _write(self.root, folder, loss, chance)

    def unflushed(self) -> list[str]:
        """Files and folders of which the disk has not taken everything."""
        return list(_unflushed(self.root, Path()))

    def _at(self, path: str) -> File | Folder:
        found: File | Folder = self.root
        for part in Path(path).parts:
            assert isinstance(found, Folder)
            found = found.now[part]
        return found

    def _file(self, path: str) -> File:
        found = self._at(path)
        assert isinstance(found, File)
        return found

    def _place(self, path: str) -> tuple[Folder, str]:
        found = self._at(str(Path(path).parent))
        assert isinstance(found, Folder)
        return found, Path(path).name


def _apply(held: bytearray, offset: int, content: bytes | None) -> None:
    end = offset if content is None else offset + len(content)
    if content is None:
        del held[offset:]
    if len(held) < end:
        held.extend(bytes(end - len(held)))
    if content is not None:
        held[offset:end] = content


def _name(held: dict[str, File | Folder], name: str, what: File | Folder | None) -> None:
    if what is None:
        held.pop(name, None)
    else:
        held[name] = what


def _read(path: Path) -> File | Folder:
    mode = path.stat().st_mode & 0o7777
    if path.is_dir():
        names: dict[str, File | Folder] = {one.name: _read(one) for one in path.iterdir()}
        return Folder(mode, names, dict(names))
    content = path.read_bytes()
    return File(mode, bytearray(content), content)


def _survives(what: File | Folder, loss: Loss, chance: random.Random) -> Callable[[int], int]:
    """How many of the changes since the last flush the disk has taken after all."""
    if loss == "nothing" or (loss == "bytes" and isinstance(what, Folder)):
        return lambda count: count
    if loss == "some":
        return lambda count: chance.randint(0, count)
    return lambda count: 0


def _write(what: File | Folder, path: Path, loss: Loss, chance: random.Random) -> None:
    survives = _survives(what, loss, chance)
    if isinstance(what, File):
        path.write_bytes(what.with_first(survives(len(what.since))))
    else:
        path.mkdir()
        for name, inside in what.with_first(survives(len(what.since))).items():
            _write(inside, path / name, loss, chance)
    path.chmod(what.mode)


def _unflushed(what: File | Folder, path: Path) -> Iterator[str]:
    if what.since:
        yield str(path)
    for name, inside in () if isinstance(what, File) else what.now.items():
        yield from _unflushed(inside, path / name)


def copied(home: Path, to: Path) -> Path:
    """A copy of a home, in the place of what is there."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(home, to)
    return to
