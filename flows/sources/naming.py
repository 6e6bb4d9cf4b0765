"""What a file's name says: which table it holds, and of which period."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.tables import TABLES

if TYPE_CHECKING:
    from schemas.mapping import SystemMapping

FOLDERS = re.compile(r"[/\\\x00-\x1f]")
"""What is in no name of a file: a server that says one means a place outside the inbox."""

UNFINISHED = (".part", ".filepart", ".partial", ".tmp", ".temp", ".crdownload", ".swp", "~")
"""How names end of what a program is still writing."""

SEALED = ".sealed"
DIRECTIVES = {"%Y": r"(?P<Y>\d{4})", "%m": r"(?P<m>0[1-9]|1[0-2])", "%d": r"(?P<d>[0-2]\d|3[01])"}
PERIOD = re.compile(r"\{period:([^{}]+)\}")


@dataclass(frozen=True)
class Named:
    """What a name says.

    Attributes:
        tables: The tables in the file; a sealed file has none to be told.
        period: The period, as `2026-10` or `2026-10-05`; empty where names bear none.
    """

    tables: tuple[str, ...]
    period: str = ""


@dataclass(frozen=True)
class Naming:
    """How the files of a partner are named.

    Attributes:
        partner: Whose they are.
        mapping: How its system names them.
        pattern: Such as `{table}_{period:%Y-%m}.csv`; None where names bear no period.
        sealed: Whether it encodes at source: then its files are sealed, whatever they are called.
    """

    partner: str
    mapping: SystemMapping
    pattern: str | None = None
    sealed: bool = False

    @property
    def needed(self) -> frozenset[str]:
        """The tables that every delivery has."""
        if self.sealed:
            return frozenset()
        return frozenset(table.name for table in TABLES[self.partner] if not table.optional)

    def of(self, name: str) -> Named | None:
        """What a name says; None where it is of no table of this partner."""
        if name.startswith(".") or name.lower().endswith(UNFINISHED) or FOLDERS.search(name):
            return None
        if self.sealed:
            return Named(()) if name.lower().endswith(SEALED) else None
        if self.pattern is None:
            tables = self._by_mapping(name)
            return Named(tables) if tables else None
        found = re.fullmatch(expression(self.pattern, self._tables), name, re.IGNORECASE)
        if found is None:
            return None
        parts = found.groupdict()
        tables = (parts["table"].lower(),) if "table" in parts else self._by_mapping(name)
        period = "-".join(parts[key] for key in ("Y", "m", "d") if key in parts)
        return Named(tables, period) if tables else None

    def lands_as(self, name: str, named: Named, period: bool) -> str:
        """What a file is called in the inbox: its own name if the mapping knows it, else our own.

        Args:
            name: Its name at the source.
            named: What that says.
            period: Whether its period is to be told by its name in the inbox.
        """
        if self.sealed or period or all(self.mapping.is_file_of(t, name) for t in named.tables):
            return name
        return named.tables[0] + name[name.rindex(".") :] if "." in name else named.tables[0]

    @property
    def _tables(self) -> tuple[str, ...]:
        return tuple(table.name for table in TABLES[self.partner])

    def _by_mapping(self, name: str) -> tuple[str, ...]:
        return tuple(table for table in self._tables if self.mapping.is_file_of(table, name))


def expression(pattern: str, tables: Iterable[str]) -> str:
    """A pattern of names as a regular expression: `*` is anything.

    Raises:
        ValueError: It has no period, or says it in other parts than %Y, %m and %d.
    """
    periods = PERIOD.findall(pattern)
    if len(periods) != 1 or pattern.count("{table}") > 1:
        raise ValueError("needs one {period:%Y-%m}, and {table} once at most")
    text = re.escape(pattern).replace(re.escape("*"), ".*")
    names = "|".join(sorted(tables, key=len, reverse=True))
    text = text.replace(re.escape("{table}"), f"(?P<table>{names})")
    within = re.escape(periods[0])
    for directive, digits in DIRECTIVES.items():
        within = within.replace(re.escape(directive), digits, 1)
    if "%" in within or "(?P<Y>" not in within or ("(?P<d>" in within and "(?P<m>" not in within):
        raise ValueError("says its period in other parts than %Y, %m and %d")
    return text.replace(re.escape("{period:" + periods[0] + "}"), within)
