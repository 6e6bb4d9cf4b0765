"""Files that are whole or not there: written beside, flushed to the disk, then renamed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PRIVATE = 0o700


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may enter, and give it back."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(PRIVATE)
    return path


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    flush_folder(path.parent)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, default=str) + "\n")


def flush(paths: Iterable[Path]) -> None:
    """Have the disk take files, and the folders that name them, before anything relies on them."""
    folders: set[Path] = set()
    for path in paths:
        _sync(path)
        folders.update((path.parent, path.parent.parent))
    for folder in sorted(folders):
        flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Have the disk take a folder's list of names."""
    _sync(folder)


def folder_digest(folder: Path, pattern: str = "*") -> str:
    """SHA-256 over the names and contents of the files of a folder that match a pattern."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob(pattern) if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return "sha256:" + digest.hexdigest()


def remove_folder(folder: Path) -> None:
    """Remove a folder and what is in it, write-protected files too."""
    if not folder.is_dir():
        return
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(PRIVATE)
    shutil.rmtree(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
