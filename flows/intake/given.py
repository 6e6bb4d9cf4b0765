"""Which table each file is that a partner gives to be checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import ConfigError
from schemas.tables import TABLES

if TYPE_CHECKING:
    from schemas.mapping import SystemMapping


@dataclass(frozen=True)
class Given:
    """Files that were given to be checked: the file of each table, and whether that is all.

    Args:
        mapping: Whose they are and how their system names them.
        files: Each table's file.
        whole: Whether they are meant as a whole extract.
        others: How many others are in the folder, named as none of its tables.
        unread: Tables that are not among the files, though one of those others is named after it.
    """

    mapping: SystemMapping
    files: Mapping[str, Path]
    whole: bool
    others: int = 0
    unread: tuple[str, ...] = ()

    @property
    def partner(self) -> str:
        """Whose they are."""
        return self.mapping.partner

    @property
    def absent(self) -> tuple[str, ...]:
        """The tables that every extract has and that are not among the files."""
        needed = (table.name for table in TABLES[self.partner] if not table.optional)
        return tuple(name for name in needed if name not in self.files)


def given_files(mapping: SystemMapping, paths: Sequence[Path], table: str | None = None) -> Given:
    """Find out which table each file is.

    Args:
        mapping: Whose they are and how their system names them.
        paths: A folder, or one or several files. A file that is not named as the mapping says is
            recognised by the name of its table among the words of its own.
        table: The table, where one file of another name is given.

    Raises:
        ConfigError: There is no such table or file, or a file's table is not clear.
    """
    names = list(mapping.tables)
    if table is not None and (table not in names or len(paths) != 1 or paths[0].is_dir()):
        raise ConfigError(
            "--table names the table of one file.", f"Give one of {', '.join(names)} and one file."
        )
    if len(paths) == 1 and paths[0].is_dir():
        return _in_folder(paths[0], mapping)
    files: dict[str, Path] = {}
    for place, path in enumerate(paths, 1):
        if not path.is_file():
            raise ConfigError(f"File {place} of those given is not there.", "Check its path.")
        for name in [table] if table else _tables_of(path, mapping, place):
            _add(files, name, path)
    given = Given(mapping, files, whole=True)
    return replace(given, whole=not given.absent)


def _in_folder(folder: Path, mapping: SystemMapping) -> Given:
    files: dict[str, Path] = {}
    others: list[Path] = []
    for path in sorted(folder.iterdir()):
        tables = [name for name in mapping.tables if mapping.is_file_of(name, path.name)]
        for name in tables if path.is_file() else ():
            _add(files, name, path)
        if not (tables and path.is_file()) and not path.name.startswith("."):
            others.append(path)
    if not files:
        raise ConfigError(
            "The folder holds no table of this partner.",
            "Name the files as the mapping says, or as .csv, .xlsx, .ods or .parquet after their "
            f"tables: {', '.join(mapping.tables)}.",
        )
    named = {name for path in others for name in _named_in(path, mapping)}
    unread = tuple(name for name in mapping.tables if name in named - set(files))
    return Given(mapping, files, whole=True, others=len(others), unread=unread)


def _add(files: dict[str, Path], name: str, path: Path) -> None:
    if name in files:
        raise ConfigError(f"Two files are both the {name} table.", "Give each table once.")
    files[name] = path


def _tables_of(path: Path, mapping: SystemMapping, place: int) -> list[str]:
    """The tables in a file: as the mapping says, else the one that is a word of its name."""
    said = [name for name in mapping.tables if mapping.is_file_of(name, path.name)]
    if said:
        return said
    longest = _named_in(path, mapping)
    if len(longest) != 1:
        raise ConfigError(
            f"It is not clear which table file {place} of those given is.",
            f"Name it after its table ({', '.join(mapping.tables)}), or give it with --table.",
        )
    return longest


def _named_in(path: Path, mapping: SystemMapping) -> list[str]:
    """The tables that are words of a file's name; of two that share a word, the longer."""
    stem = path.stem.lower()
    found = [name for name in mapping.tables if re.search(rf"(?<![a-z]){name}(?![a-z])", stem)]
    return [name for name in found if not any(name != one and name in one for one in found)]
