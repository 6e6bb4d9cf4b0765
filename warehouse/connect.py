"""The only place that opens a persistent database.

DuckDB writes encrypted files only with the OpenSSL inside its ``httpfs`` extension, which is loaded
from the installed package: nothing is downloaded. DuckDB's own error messages may quote a key, a
query or a value, so none of them leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from stat import S_ISREG
from typing import Any, ParamSpec, TypeVar

import duckdb

from schemas.errors import StoreError

CIPHER = "GCM"
_KEY_HEX = re.compile(r"[0-9a-f]{64,}")

# Applied when the connection is made, before any file is attached.
_SETTINGS: dict[str, Any] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,  # a query may not read Python variables
    "temp_file_encryption": True,  # what spills to disk is otherwise plain text
}

_HEADERS = 3 * 4096
"""Bytes before the blocks of a DuckDB file (storage since 0.10): its header and two more."""

# What one question may take of the council's server, as of 2026-11-21; `analyst` has the others.
MOST_MEMORY = "4GB"

P = ParamSpec("P")
R = TypeVar("R")


def httpfs_path() -> Path:
    """Return the installed ``httpfs`` extension that belongs to the installed DuckDB.

    Raises:
        StoreError: It is not installed, or was built for another version of DuckDB.
    """
    spec = find_spec("duckdb_extension_httpfs")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}"
        path = folder / "httpfs.duckdb_extension"
        if path.is_file():
            return path
    raise StoreError(
        f"The httpfs extension for DuckDB {duckdb.__version__} is not installed, "
        "so encrypted stores cannot be written.",
        "Run `make install` to build the environment from its lock.",
    )


def store_errors(problem: str, remedy: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function raise StoreError in place of any DuckDB error, whose text may hold values.

    The new error is raised after the old one has been let go, so no traceback, context or cause
    leads back to it.

    Args:
        problem: The sentence that says what is wrong.
        remedy: The sentence that says what to do.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except duckdb.Error:
                pass
            raise StoreError(problem, remedy)

        guarded.__name__ = function.__name__
        guarded.__doc__ = function.__doc__
        return guarded

    return decorate


def memory_connection(*, spill: Path | None) -> duckdb.DuckDBPyConnection:
    """Open an in-memory connection with the house settings and no file attached.

    Args:
        spill: Folder for encrypted temporary files, made when first needed; None for no spill.
    """
    settings = {**_SETTINGS, "temp_directory": "" if spill is None else str(spill)}
    return duckdb.connect(":memory:", config=settings)


def load_encryption(con: duckdb.DuckDBPyConnection) -> None:
    """Load the OpenSSL that encrypted writing needs. Reading does without it.

    Raises:
        StoreError: The extension is missing or cannot be loaded.
    """
    path = httpfs_path()
    if not _succeeds(con, f"LOAD {_quoted(path)}"):
        raise StoreError(
            "The httpfs extension could not be loaded, so encrypted stores cannot be written.",
            "Run `make install` to build the environment from its lock.",
        )


def attach(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    alias: str,
    key_hex: str,
    *,
    read_only: bool,
    logged: bool = True,
) -> None:
    """Attach one encrypted database file to a connection.

    Args:
        con: An open connection; for writing, one that has had :func:`load_encryption`.
        path: The file. It is created, for its owner only, when absent and not ``read_only``.
        alias: The name the database has in SQL; one of ours, never from outside.
        key_hex: At least 64 hexadecimal digits.
        read_only: Whether it is only read.
        logged: Whether what is committed is on disk at once; without, nothing need be there
            before the checkpoint, which will do for a file that is thrown away if it is not whole.

    Raises:
        StoreError: Missing, damaged, cut short, unencrypted, open elsewhere for writing, or the
            wrong key.
    """
    if not _KEY_HEX.fullmatch(key_hex):
        raise StoreError(
            f"The key given for {path.name} is not 64 or more hexadecimal digits.",
            "Pass the key that governance.keys.envelope made for this store.",
        )
    # A release may be removed at any moment; whoever has opened it reads on.
    size = _size(path)
    if read_only and size is None:
        raise StoreError(
            f"There is no {path.name} where it was recorded.",
            "Run `journeys run` to build it again, or restore it from backup.",
        )
    mode = ("READ_ONLY, " if read_only else "") + (
        "" if logged else "RECOVERY_MODE no_wal_writes, "
    )
    attached = _succeeds(
        con,
        f"ATTACH {_quoted(path)} AS {alias} "
        f"({mode}ENCRYPTION_KEY '{key_hex}', ENCRYPTION_CIPHER '{CIPHER}')",
    )
    if not attached or not _is_encrypted(con, alias):
        raise StoreError(
            f"{path.name} cannot be opened: it is damaged, is in use, or was written with "
            "another key.",
            "Check that the keys folder is the one the store was made with; if it is, restore "
            "the store from backup or run `journeys run` to build it again.",
        )
    if read_only and size is not None and size < _least_bytes(con, alias):
        raise StoreError(
            f"{path.name} is cut short.",
            "Restore it from backup, or run `journeys run` to build it again.",
        )
    if size is None:
        path.chmod(0o600)


def open_store(path: Path, key_hex: str, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open an encrypted store as the database ``store``, which unqualified names then mean.

    Args:
        path: The store's file; created when absent, unless ``read_only``.
        key_hex: The store's key, from ``governance.keys.envelope``.
        read_only: Open without being able to write.

    Raises:
        StoreError: The store cannot be opened, or encryption is not available.
    """
    con = memory_connection(spill=path.parent / f".{path.name}.spill")
    try:
        load_encryption(con)
        attach(con, path, "store", key_hex, read_only=read_only)
        con.execute("USE store")
    except StoreError:
        con.close()
        raise
    return con


def rewrite_store(source: Path, target: Path, source_key: str, target_key: str) -> None:
    """Write a store's living rows into a new file.

    A copy of the file would carry deleted rows with it: they survive in freed blocks.

    Args:
        source: The store, only read.
        target: The new file, which must not exist.
        source_key: The key of the store.
        target_key: The key of the new file.

    Raises:
        StoreError: The store cannot be opened or read to the end, or the new one not written.
    """
    rewrite_stores([(source, target, source_key, target_key)])


@store_errors(
    "A store could not be copied: it is damaged, or the disk is full.",
    "Check the disk's free space; if there is enough, restore the store from backup.",
)
def rewrite_stores(each: Sequence[tuple[Path, Path, str, str]]) -> None:
    """Write the living rows of some stores into new files, one after another.

    They share a connection: to make one takes longer than a small store.

    Args:
        each: What :func:`rewrite_store` takes, of each store; the files lie in one folder.

    Raises:
        StoreError: As there; those that were written before stay.
    """
    if not each:
        return
    _, first, *_ = each[0]
    con = memory_connection(spill=first.parent / f".{first.name}.spill")
    try:
        load_encryption(con)
        for source, target, source_key, target_key in each:
            attach(con, source, "kept", source_key, read_only=True)
            attach(con, target, "store", target_key, read_only=False)
            con.execute("COPY FROM DATABASE kept TO store")
            con.execute("CHECKPOINT store")
            con.execute("DETACH kept; DETACH store")
    finally:
        con.close()


def open_release(path: Path, key_hex: str) -> duckdb.DuckDBPyConnection:
    """Open a release for an analyst: read-only, no files, no network, nothing to be changed.

    The ``httpfs`` extension is left out on purpose: without it the session cannot write an
    encrypted file and knows no network protocol. Use :func:`warehouse.analyst.select` to query it.

    Raises:
        StoreError: The release cannot be opened.
    """
    con = memory_connection(spill=None)
    try:
        attach(con, path, "release", key_hex, read_only=True)
    except StoreError:
        con.close()
        raise
    con.execute("USE release")
    con.execute(f"SET memory_limit = '{MOST_MEMORY}'")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def _succeeds(con: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Run one of our own statements; say whether it worked, and keep no trace of why not."""
    try:
        con.execute(sql)
    except duckdb.Error:
        return False
    return True


def _size(path: Path) -> int | None:
    """How large a file is; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size if S_ISREG(found.st_mode) else None


def _least_bytes(con: duckdb.DuckDBPyConnection, alias: str) -> int:
    """How large the file of an attached database has to be, by the blocks that it uses.

    DuckDB reads a block only when it is asked for, so a file opens whose end is missing.
    """
    row = con.execute(
        "SELECT block_size * used_blocks FROM pragma_database_size() WHERE database_name = ?",
        [alias],
    ).fetchone()
    return _HEADERS + int(row[0]) if row else 0


def _is_encrypted(con: duckdb.DuckDBPyConnection, alias: str) -> bool:
    """Say whether an attached database is encrypted on disk."""
    row = con.execute(
        "SELECT encrypted FROM duckdb_databases() WHERE database_name = ?", [alias]
    ).fetchone()
    return bool(row and row[0])


def _quoted(path: Path) -> str:
    """Return a path as an SQL string literal."""
    return "'" + str(path).replace("'", "''") + "'"
