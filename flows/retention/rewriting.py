"""A store that is deleted from is written anew: deleted rows survive in its freed blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flows.files import flush, remove_folder
from schemas.errors import StoreError


@contextmanager
def rewritten(path: Path, key: str) -> Iterator[Any]:
    """Open a store to delete from it, and then write it anew and put that in its place.

    Cut short anywhere, the store is whole as it was or with the rows deleted; what was being
    written beside it is removed.

    Args:
        path: The store.
        key: Its key.

    Raises:
        StoreError: It cannot be opened or read, or the disk has no room for it beside itself.
    """
    from warehouse.connect import open_store, rewrite_store

    beside = path.with_suffix(".rewritten")
    _clear(beside)
    connection = open_store(path, key)
    try:
        with damage_told():
            yield connection
    finally:
        connection.close()
    try:
        rewrite_store(path, beside, key, key)
        flush([beside])
        beside.replace(path)
        flush([path])
    finally:
        _clear(beside)


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
    """Remove what may be left of a store that was being written."""
    with suppress(OSError):
        for left in (beside, beside.with_name(f"{beside.name}.wal")):
            left.unlink(missing_ok=True)
        remove_folder(beside.parent / f".{beside.name}.spill")
