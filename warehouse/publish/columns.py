"""What the tables of a publication and their columns are called, and what is in their cells.

The files of a publication (CSV, workbook, JSON) say the same of each column, because they all read
it in ``columns.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl
import yaml

from governance.disclosure import MASKED, NOT_APPLICABLE, NOT_AVAILABLE, DisclosureError
from warehouse.publish.pack import COLUMNS, LOW, UNRELIABLE, Pack

NUMBERS: Final = frozenset({"count", "percent", "figure"})
"""The kinds of column that hold a number as text, or shorthand in its place."""
SHORTHAND: Final = (MASKED, NOT_AVAILABLE, NOT_APPLICABLE, LOW, UNRELIABLE)
_UNSEEN: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | float | bool | date | None


@dataclass(frozen=True)
class Column:
    """One column of a published table.

    Attributes:
        name: Its name in the files for machines.
        title: Its heading for readers.
        kind: As explained in ``columns.yaml``.
        says: What it means, in a sentence.
    """

    name: str
    title: str
    kind: str
    says: str


@dataclass(frozen=True)
class Table:
    """One table of a publication.

    Attributes:
        name: Its short name.
        title: Its heading for readers.
        says: What a row is, in a sentence.
        key: The columns that no two of its rows share.
        columns: Its columns, in order.
    """

    name: str
    title: str
    says: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


@cache
def described() -> tuple[Table, ...]:
    """Every table of a publication, in the order of ``pack.COLUMNS``."""
    told = _told()
    return tuple(_table(name, told) for name in COLUMNS)


@cache
def shorthand() -> dict[str, str]:
    """What each shorthand means, by shorthand."""
    return dict(_told()["shorthand"])


def check_writable(pack: Pack) -> None:
    """Raise DisclosureError where a publication cannot be written so that everybody reads the same.

    Two rows of one key would contradict each other, a spreadsheet takes text that begins with a
    sign of arithmetic as a formula, and XML has no place for control characters.

    Args:
        pack: The publication.

    Raises:
        DisclosureError: Two rows of a table share its key, or text could not be written as it is.
    """
    for table in described():
        frame = pack.tables[table.name]
        if frame.select(table.key).is_duplicated().any():
            raise DisclosureError(
                f"Two rows of the table {table.name} are of the same {', '.join(table.key)}.",
                "Publish each figure once.",
            )
        for column in table.columns:
            if frame.schema[column.name] == pl.String and column.kind not in NUMBERS:
                told = frame[column.name].drop_nulls().unique()
                _check_text(told, f"The column {column.name} of the table {table.name}")
    said = (text for one in pack.definitions for text in one.values())
    _check_text((text for text in said if isinstance(text, str)), "A definition")


def _check_text(told: Iterable[str], where: str) -> None:
    if any(is_formula(text) or _UNSEEN.search(text) for text in told):
        raise DisclosureError(
            f"{where} holds text that a spreadsheet would take as a formula, or a control "
            "character.",
            "Begin names, titles and notes with a letter or a digit, and keep to what can be seen.",
        )


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would take some text as a formula; negative numbers are none."""
    return text.startswith(_FORMULA) and number(text) is None


def number(shown: str) -> int | float | None:
    """The number that some text is, whole where it can be; None where it is no number."""
    try:
        return int(shown) if shown.lstrip("-").isdigit() else _finite(float(shown))
    except ValueError:
        return None


def cells(frame: pl.DataFrame, table: Table) -> list[list[Cell]]:
    """A table's rows as numbers, days, truths and text, shorthand left as it is.

    Args:
        frame: The table, as in a pack.
        table: What is said of it.

    Returns:
        A list of cells for each row. What has nothing to say is None.
    """
    return [
        [_cell(value, column.kind) for value, column in zip(row, table.columns, strict=True)]
        for row in frame.iter_rows()
    ]


def _cell(value: Any, kind: str) -> Cell:
    if value is None or value == "":
        return None
    if kind in NUMBERS and value not in SHORTHAND:
        found = number(value)
        return value if found is None else found
    return value


def _finite(found: float) -> float | None:
    return found if abs(found) < float("inf") else None


@cache
def _told() -> dict[str, Any]:
    path = Path(__file__).with_name("columns.yaml")
    return yaml.safe_load(path.read_text("utf-8"))


def _table(name: str, told: Mapping[str, Any]) -> Table:
    of_table = told["tables"][name]
    columns = {**told["columns"], **of_table.get("columns", {})}
    return Table(
        name,
        of_table["title"],
        of_table["says"],
        tuple(of_table["key"]),
        tuple(Column(column, **columns[column]) for column in COLUMNS[name]),
    )
