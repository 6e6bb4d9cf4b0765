"""Which table each file is that a partner gives to be checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import ConfigError
from schemas.tables import TABLES

if TYPE_CHECKING:
    from schemas.mapping import SystemMapping


@dataclass(frozen=True)
class Given:
    """Files that were given to be checked: the file of each table, and whether that is all."""

    mapping: SystemMapping
    files: Mapping[str, Path]
    whole: bool

    @property
    def partner(self) -> str:
        """Whose they are."""
        return self.mapping.partner


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
        return Given(mapping, _in_folder(paths[0], mapping), whole=True)
    files: dict[str, Path] = {}
    for place, path in enumerate(paths, 1):
        if not path.is_file():
            raise ConfigError(f"File {place} of those given is not there.", "Check its path.")
        for name in [table] if table else _tables_of(path, mapping, place):
            _add(files, name, path)
    needed = {one.name for one in TABLES[mapping.partner] if not one.optional}
    return Given(mapping, files, whole=needed <= set(files))


def _in_folder(folder: Path, mapping: SystemMapping) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        for name in mapping.tables:
            if path.is_file() and mapping.is_file_of(name, path.name):
                _add(files, name, path)
    if not files:
        raise ConfigError(
            "The folder holds no table of this partner.",
            f"Name the files after their tables: {', '.join(mapping.tables)}.",
        )
    return files


def _add(files: dict[str, Path], name: str, path: Path) -> None:
    if name in files:
        raise ConfigError(f"Two files are both the {name} table.", "Give each table once.")
    files[name] = path


def _tables_of(path: Path, mapping: SystemMapping, place: int) -> list[str]:
    """The tables in a file: as the mapping says, else the one that is a word of its name."""
    said = [name for name in mapping.tables if mapping.is_file_of(name, path.name)]
    if said:
        return said
    stem = path.stem.lower()
    found = [name for name in mapping.tables if re.search(rf"(?<![a-z]){name}(?![a-z])", stem)]
    longest = [name for name in found if not any(name != one and name in one for one in found)]
    if len(longest) != 1:
        raise ConfigError(
            f"It is not clear which table file {place} of those given is.",
            f"Name it after its table ({', '.join(mapping.tables)}), or give it with --table.",
        )
    return longest
