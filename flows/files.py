"""Files that are whole or not there: written beside, flushed to the disk, then renamed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from governance.keys.permissions import WINDOWS, keep_from_others
from schemas.errors import ConfigError, StoreError

PRIVATE = 0o700

REPORTS = (
    *("--json report", "--html page", "--csv report", "page", "pairs file"),
    *("checkpoint", "export of the record"),
)
"""What the reports are called that a person may ask for."""

HOME_MARKS = ("partnership.yaml", "control.db", "ledger-key.json")
"""Files by any of which a partnership's folder is known: --config may give the first any name."""
KEPT = frozenset(
    {"agreements", "certificates", "checkpoints", "codes", "drafts", "inbox", "keys", "mappings"}
    | {"logs", "models", "over-sharing"}
    | {"publications", "quarantine", "receipts", "releases", "stores", "withdrawn", ".prefect"}
)
"""The folders beside partnership.yaml that no report may be written into."""

COMPILED = "__pycache__"
"""Where Python puts what it compiled."""

KEPT_SUFFIXES = frozenset({".key", ".half", ".lock", ".db"})
OURS = frozenset({"format", "encoding_version"})
"""What JSON files say that are no reports."""

LONGEST_REPORT = 1 << 26


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter, and give it back.

    Raises:
        StoreError: If it cannot be made, or a file is in its place.
    """
    make_folder(path)
    failed = False
    try:
        path.chmod(PRIVATE)
    except OSError:
        failed = True
    if failed:
        raise _no_folder(path)
    return path


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there, and have the disk take them.

    Raises:
        StoreError: If it cannot be made, or a file is in its place.
    """
    problem: StoreError | None = None
    try:
        # What is flushed in a folder whose own name is not on the disk is lost with it.
        missing = [one for one in (path, *path.parents) if not one.is_dir()]
        path.mkdir(parents=True, exist_ok=True)
        for one in missing:
            flush_folder(one.parent)
    except (FileExistsError, NotADirectoryError):
        problem = StoreError(
            f"{path} is not a folder.", "Move the file that is in its place, then try again."
        )
    except OSError:
        problem = _no_folder(path)
    if problem is not None:
        raise problem


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all, in a folder of ours that is made if need be.

    Raises:
        StoreError: If it cannot be written.
    """
    make_folder(path.parent)
    _write(path, text)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a text file whole or not at all, a line at a time.

    Raises:
        StoreError: If it cannot be written.
    """
    _write(path, (line.encode() for line in lines))


def write_private(path: Path, content: bytes) -> None:
    """Write a file whole or not at all that only its owner may read.

    Raises:
        StoreError: If it cannot be written.
    """
    make_folder(path.parent)
    _write(path, content, private=True)


@contextmanager
def writing_private(path: Path) -> Iterator[BinaryIO]:
    """A file to write a large content to, that only its owner may read: whole or not there.

    What the body raises is passed on, and nothing is left of the file.

    Raises:
        StoreError: It cannot be put in its place.
    """
    with _writing(path, private=True) as file:
        yield file


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all, in a folder that must be there.

    Raises:
        StoreError: If it cannot be written.
    """
    _write(path, json.dumps(content, indent=2, sort_keys=True, default=str) + "\n")


def check_report_target(path: Path, what: str = "--json report") -> None:
    """Check, before any work is done, that a report can be written where a person asked for it.

    Args:
        path: Where.
        what: What to call it in a message.

    Raises:
        ConfigError: If it cannot.
    """
    failed, replaceable = False, True
    try:
        if not path.parent.is_dir():
            raise ConfigError(
                f"There is no folder {path.parent} for the {what}.",
                "Make the folder, or name another file.",
            )
        if path.exists() and not path.is_file():
            raise ConfigError(
                f"The {what} cannot replace {path}, which is not a plain file.",
                "Name another file.",
            )
        beside = _beside(path)
        _new_file(beside).close()
        beside.unlink()
        replaceable = not path.exists() or _is_report(path, what)
    except OSError:
        failed = True
    if failed:
        raise ConfigError(
            f"The {what} {path} cannot be written.",
            "Check the permissions of its folder and the space left, or name another file.",
        )
    if not replaceable or (what in REPORTS and is_kept(path)):
        raise ConfigError(
            f"The {what} would replace or lie among files that the partnership keeps, such as "
            "keys, stores and extracts.",
            "Name another file; a report replaces nothing but an earlier one of its kind.",
        )


def is_kept(path: Path) -> bool:
    """Whether a file is, or would be, in one of the folders that a partnership keeps."""
    real = path.resolve()
    return any(
        real.relative_to(home).parts[0] in KEPT
        and any((home / mark).is_file() for mark in HOME_MARKS)
        for home in real.parents
    )


def _is_report(path: Path, what: str) -> bool:
    """Whether a file is one that a report of a kind may replace."""
    with path.open("rb") as file:
        content = file.read(LONGEST_REPORT)
    if not content.strip():
        return path.suffix not in KEPT_SUFFIXES
    return REPLACEABLE.get(what, _is_json)(content)


def _is_json(content: bytes) -> bool:
    """Whether it is JSON, and no bundle, data key, receipt or model."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, list) or (isinstance(said, dict) and not OURS & said.keys())


REPLACEABLE: dict[str, Callable[[bytes], bool]] = {
    "--html page": lambda content: content.lower().startswith(b"<!doctype html"),
    "model page": lambda content: content.lower().startswith(b"<!doctype html"),
    "page": lambda content: content.lower().startswith(b"<!doctype html"),
    "pairs file": lambda content: content.startswith(b"pair,record_id_l,record_id_r"),
    "file of record keys": lambda content: content.startswith(b"pair,table,record_key"),
    "--csv report": lambda content: content.startswith(b"table,row,column,rule"),
    "--out file": lambda content: content.startswith(b"cohort-journeys-sealed-1\n"),
    "model": lambda content: b'"encoding_version"' in content,
    "checkpoint": lambda content: b"cohort-journeys-checkpoint-1" in content,
    "export of the record": lambda content: content.startswith(
        (b'{"format": "cohort-journeys-record-export-1"', b"number,at,actor,")
    ),
}
"""What an output is called → how an earlier one begins; every other is JSON."""


def refuse_overwriting(outputs: Mapping[str, Path | None], inputs: Iterable[Path]) -> None:
    """Refuse a report that would take the place of what is read, or of another report.

    Args:
        outputs: What messages call each report → where it is to be written, if it is.
        inputs: The files that are read.

    Raises:
        ConfigError: One would.
    """
    taken = list(inputs)
    for what, path in outputs.items():
        if path is None:
            continue
        if any(_is_same(path, other) for other in taken):
            raise ConfigError(
                f"The {what} would replace a file that is read or another report.",
                "Name another file.",
            )
        taken.append(path)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return os.path.realpath(one) == os.path.realpath(other)


def _write(path: Path, content: str | bytes | Iterator[bytes], *, private: bool = False) -> None:
    if isinstance(content, str | bytes):
        content = iter([content.encode() if isinstance(content, str) else content])
    failed = False
    try:
        with _writing(path, private=private) as file:
            file.writelines(content)
    except OSError:
        failed = True
    if failed:
        raise _not_written(path)


@contextmanager
def _writing(path: Path, *, private: bool) -> Iterator[BinaryIO]:
    """A file beside, flushed and put in its place when the body ends; gone where it raises."""
    beside = _beside(path)
    failed = False
    try:
        with _new_file(beside, private) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        try:
            beside.replace(path)
            flush_folder(path.parent)
        except OSError:
            failed = True
    finally:
        # After the rename it is no longer there.
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    if failed:
        raise _not_written(path)


def _not_written(path: Path) -> StoreError:
    return StoreError(
        f"{path} cannot be written.",
        "Check the permissions of its folder and the space left on its disk.",
    )


def _new_file(path: Path, private: bool = False) -> BinaryIO:
    """Open a file that is not there yet; what lies in its place, a link too, is not followed."""
    path.unlink(missing_ok=True)
    mode = 0o600 if private else 0o666
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    if private:
        keep_from_others(path)
    return os.fdopen(handle, "wb")


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _no_folder(path: Path) -> StoreError:
    return StoreError(
        f"The folder {path} cannot be made private to its owner.",
        "Check the permissions, the owner and the space left on its disk.",
    )


def flush(paths: Iterable[Path]) -> None:
    """Have the disk take files, and the folders that name them, before anything relies on them."""
    folders: set[Path] = set()
    for path in paths:
        _sync(path)
        folders.update((path.parent, path.parent.parent))
    for folder in sorted(folders):
        flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Have the disk take a folder's list of names; Windows does that by itself."""
    if not WINDOWS:
        _sync(folder)


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a folder's files, but for what Python compiled."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        within = path.relative_to(folder)
        # Another process may be compiling, and its unfinished files go as one looks.
        if COMPILED not in within.parts:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{within.as_posix()} {content}\n".encode())
    return "sha256:" + digest.hexdigest()


def remove_unfinished(folder: Path, of: str = "*") -> None:
    """Remove what writing files of such names in a folder left where it was killed."""
    for left in folder.glob(f".{of}.part"):
        if left.is_file() and not left.is_symlink():
            left.unlink(missing_ok=True)


def remove_files(paths: Iterable[Path]) -> None:
    """Remove files, and have the disk know: what a receipt says is gone comes back by no cut."""
    gone = list(paths)
    for path in gone:
        path.unlink()
    for folder in sorted({path.parent for path in gone}):
        flush_folder(folder)


def remove_folder(folder: Path) -> None:
    """Remove a folder and what is in it, write-protected files too, and have the disk know.

    Cut short, what is left of it has a name that nothing reads: no half of it is taken for all.
    """
    if not folder.is_dir():
        return
    going = folder if folder.name.startswith(".") else folder.with_name(f".{folder.name}.gone")
    if going != folder:
        remove_folder(going)
        folder.rename(going)
        flush_folder(going.parent)
    for path in [going, *going.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(PRIVATE)
    shutil.rmtree(going)
    flush_folder(going.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
