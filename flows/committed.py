"""A committed store is changed in a copy, and the copy put in its place.

DuckDB opens no store that was killed in the write of a header, so none that counts is written to.
One that is deleted from is written anew as well: deleted rows survive in its freed blocks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from flows.files import flush, remove_files, remove_folder
from flows.keys.rings import store_keys
from flows.settings import Settings
from schemas.errors import StoreError


@contextmanager
def opened_store(settings: Settings, run_id: str, name: str) -> Iterator[Any]:
    """A store of a run, to read."""
    from warehouse.connect import open_store

    connection = open_store(*_named(settings, run_id, name), read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def changed_store(settings: Settings, run_id: str, name: str) -> AbstractContextManager[Any]:
    """A store of a run, to write to, as :func:`changed`."""
    return changed(*_named(settings, run_id, name))


@contextmanager
def changed(path: Path, key: str) -> Iterator[Any]:
    """Open a store to write to it. Cut short anywhere, it is whole as it was or as it is to be.

    Args:
        path: The store.
        key: Its key.

    Raises:
        StoreError: It cannot be opened or read, or the disk has no room for it beside itself.
    """
    copy = path.with_suffix(".changing")
    with _worked_on(path, key, copy) as connection:
        yield connection
        connection.close()
        _put_in_place(copy, path)


@contextmanager
def rewritten(path: Path, key: str) -> Iterator[Any]:
    """Open a store to delete from it: as :func:`changed`, and no byte of what is deleted is left.

    Args:
        path: The store.
        key: Its key.

    Raises:
        StoreError: It cannot be opened or read, or the disk has no room for it twice beside
            itself.
        OSError: The copy cannot be removed; the store is then as it was.
    """
    from warehouse.connect import rewrite_store

    copy, beside = path.with_suffix(".changing"), path.with_suffix(".rewritten")
    _clear(beside)
    try:
        with _worked_on(path, key, copy) as connection:
            yield connection
            connection.close()
            rewrite_store(copy, beside, key, key)
            remove_files([copy])  # it holds what was deleted, so no end is a good one with it
            _put_in_place(beside, path)
    finally:
        _clear(beside)


def _named(settings: Settings, run_id: str, name: str) -> tuple[Path, str]:
    """Where a store of a run is, and its key."""
    return settings.stores / run_id / f"{name}.duckdb", store_keys(settings, run_id)[name]


@contextmanager
def _worked_on(path: Path, key: str, copy: Path) -> Iterator[Any]:
    """Open a copy of a store, which is removed in the end."""
    from warehouse.connect import open_store

    _clear(copy)
    if _log(path).exists():
        open_store(path, key).close()  # whoever left it was cut short; the copy is of one file
    connection = None
    try:
        _copy(path, copy)
        connection = open_store(copy, key)
        with damage_told():
            yield connection
    finally:
        if connection is not None:
            connection.close()
        _clear(copy)


def _copy(path: Path, copy: Path) -> None:
    """Copy a store's file, for its owner only.

    Raises:
        StoreError: It is not there or cannot be read, or the disk is full.
    """
    failed = False
    try:
        copy.touch(mode=0o600)
        shutil.copyfile(path, copy)
    except OSError:
        failed = True
    if failed:
        raise StoreError(
            f"{path.name} could not be copied to be changed.",
            "Check that it is there and may be read, and that its disk has room for it once "
            "more; then run the command again.",
        )


def _put_in_place(made: Path, path: Path) -> None:
    flush([made])
    made.replace(path)
    flush([path])


def _log(path: Path) -> Path:
    """Where DuckDB keeps what has been committed and is not in the file yet."""
    return path.with_name(f"{path.name}.wal")


@contextmanager
def damage_told() -> Iterator[None]:
    """Have what DuckDB says of a damaged store told in a sentence of ours.

    Raises:
        StoreError: In the place of any error of DuckDB, whose text may hold values.
    """
    import duckdb

    failed = False
    try:
        yield
    except duckdb.Error:
        failed = True
    if failed:
        raise StoreError(
            "A store cannot be read or written to the end: it is damaged, or the disk is full.",
            "Make room, or put the stores back from their backup; then run the command again.",
        )


def _clear(beside: Path) -> None:
    """Remove what may be left of a store that was being written, and have the disk know."""
    with suppress(OSError):
        there = [left for left in (beside, _log(beside)) if left.exists()]
        remove_files(there)
        remove_folder(beside.parent / f".{beside.name}.spill")
