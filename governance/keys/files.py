"""Key files: read by their owner alone, written whole, and struck out where they stand.

A new epoch is written beside the file and renamed into its place. A destroyed one is written over
in the file itself, so no copy of it is made, a link is followed to the medium it points to, and
at every moment the file reads as a whole key.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from governance.keys.permissions import WINDOWS, exposure, keep_from_others
from governance.keys.ring import MARK, is_struck_out, struck
from schemas.errors import KeyProblem

LONGEST = 1 << 16
LEFTOVERS = ("part", "old")
"""What a key command that was killed may leave beside a key file, as `.NAME.part`."""


def read_private(path: Path, kind: str, longest: int) -> bytes:
    """The content of a file that nobody else may read.

    Args:
        path: The file.
        kind: What to call it: `key`, `bundle`.
        longest: How many bytes of it are read at most.

    Raises:
        KeyProblem: Missing, not a plain file, or open to others.
    """
    try:
        with path.open("rb") as file:
            # The open file is what is judged, so it cannot be exchanged after the check.
            found = exposure(path, file.fileno())
            content = b"" if found else file.read(longest)
    except FileNotFoundError:
        raise KeyProblem(
            f"The {kind} file {path.name} is missing.",
            "Put it back from its custodian or from safe custody; only a partnership that has "
            "never run makes one, with `journeys keys new`.",
        ) from None
    except OSError:
        raise KeyProblem(
            f"The {kind} file {path.name} cannot be read.", "Check its owner and permissions."
        ) from None
    if found is not None:
        raise KeyProblem(f"The {kind} file {path.name} {found.what}.", found.remedy)
    return content


def read_key(path: Path) -> str:
    """The text of a key file.

    Raises:
        KeyProblem: As for `read_private`.
    """
    return read_private(path, "key", LONGEST).decode("ascii", errors="replace")


def create(path: Path, text: str) -> None:
    """Write a key file where none is yet; it is there whole or not at all.

    Raises:
        KeyProblem: One is there, or it cannot be written.
    """
    clear_leftovers(path)
    try:
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_new(_beside(path, "part"), text)
            if os.path.lexists(path):
                raise FileExistsError
            _beside(path, "part").replace(path)
            _flush_folder(path)
    finally:
        clear_leftovers(path)


def replace_together(texts: Mapping[Path, str]) -> None:
    """Put texts in the place of key files; every one is on its disk before the first is placed.

    Raises:
        KeyProblem: One cannot be written; then none was, unless a disk failed between the two.
    """
    # A link is followed: what it points to is written, on the medium that it is on.
    real = {path.resolve(): text for path, text in texts.items()}
    for path in real:
        clear_leftovers(path)
    try:
        with ExitStack() as stack:
            old = {}
            for path, text in real.items():
                with _told(path):
                    old[path] = stack.enter_context(path.open("r+b"))
                    _write_new(_beside(path, "part"), text)
            for path, file in old.items():
                with _told(path):
                    _beside(path, "part").replace(path)
                    _flush_folder(path)
                    _blank(file)
    finally:
        for path in real:
            clear_leftovers(path)


def check_writable(paths: Iterable[Path]) -> None:
    """Check that key files are there and can be written.

    Raises:
        KeyProblem: One is missing or cannot be.
    """
    for path in paths:
        with _told(path), path.open("r+b"):
            pass


def strike_out(paths: Iterable[Path], epochs: Collection[int] | None) -> None:
    """Write over the lines of epochs where they stand, in every file; it may be done twice.

    Args:
        paths: The files of a key. All have to be at hand before the first is written.
        epochs: The epochs; None for all there are.

    Raises:
        KeyProblem: A file is missing or cannot be written.
    """
    with ExitStack() as stack:
        files = []
        for path in paths:
            with _told(path):
                files.append((path, stack.enter_context(path.open("r+b"))))
        for path, file in files:
            with _told(path):
                text = struck(file.read(LONGEST).decode("latin-1"), epochs)
                file.seek(0)
                file.write(text.encode("latin-1"))
                file.flush()
                os.fsync(file.fileno())


def clear_leftovers(path: Path) -> None:
    """Take away what a killed command left beside a key file, written over with zeros.

    Only what begins as a key file does is touched.

    Raises:
        KeyProblem: A leftover cannot be taken away.
    """
    for home in {path, path.resolve()}:
        for ending in LEFTOVERS:
            with _told(path):
                _clear(_beside(home, ending))


def remove_struck_out(path: Path) -> None:
    """Remove a key file in which every line is struck out, and the link that led to it.

    Raises:
        KeyProblem: It cannot be removed.
    """
    with _told(path), suppress(FileNotFoundError):
        real = path.resolve()
        if is_struck_out(real.read_bytes().decode("latin-1")):
            if path.is_symlink():
                path.unlink()
            real.unlink()


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a sentence, without its past."""
    failed = False
    try:
        yield
    except OSError:
        failed = True
    if failed:
        raise KeyProblem(
            f"The key file {path.name} could not be written.",
            "Check that its medium is there, that its folder exists and is writable, and where a "
            "new key is made that no file of that name is there.",
        )


def _clear(leftover: Path) -> None:
    if leftover.is_symlink() or not leftover.is_file():
        return
    with leftover.open("r+b") as file:
        begins = file.read(len(MARK))
        if not MARK.encode().startswith(begins) and begins.strip(b"\0"):
            return
        # What has a second name is the key itself.
        if os.fstat(file.fileno()).st_nlink == 1:
            _blank(file)
    leftover.unlink()


def _blank(file: IO[bytes]) -> None:
    file.seek(0)
    file.write(bytes(os.fstat(file.fileno()).st_size))
    file.flush()
    os.fsync(file.fileno())


def _write_new(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        keep_from_others(path)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f".{path.name}.{ending}")


def _flush_folder(path: Path) -> None:
    if not WINDOWS:
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
