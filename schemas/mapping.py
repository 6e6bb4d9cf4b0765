"""Column mappings: how one supplying system's files are read into our layout.

A mapping is a YAML file, `PARTNER-SYSTEM.yaml`, in the folder `mappings` beside partnership.yaml or
packaged beside this module; the partnership's own wins. It says for each table which file and sheet
it comes in, how that is written, and for each of our columns where it comes from;
docs/reference/mappings.md is its reference. Reading by it is `schemas.reading.translate`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.codes import load_codes
from schemas.documents import check_document, read_text_document
from schemas.errors import ConfigError
from schemas.reading.dates import EXCEL_DAY_0, EXCEL_SERIAL, check_formats
from schemas.reading.header import normal_name
from schemas.tables import TABLES, Table, find_table

__all__ = [
    "EXCEL_DAY_0",
    "EXCEL_SERIAL",
    "ColumnMapping",
    "SystemMapping",
    "TableMapping",
    "known_systems",
    "load_mapping",
    "normal_name",
    "own_layout",
]

PACKAGED = Path(__file__).with_name("mappings")
OWN_LAYOUT = "own layout"
"""The system of a partner that already names its columns as we do."""

SYSTEM_NAME = r"^[a-z0-9][a-z0-9-]{0,40}$"
SUFFIXES = ("csv", "tsv", "txt", "xlsx", "ods", "parquet")

Delimiter = Literal["comma", "semicolon", "tab", "pipe"]
Encoding = Literal[
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1252",
    "latin-1",
    "iso-8859-15",
    "cp850",
    "cp437",
]

DATE_KINDS = ("date", "dob")
NUMBER_KINDS = ("days_of_28", "score_of_20")


def _as_tuple(given: Any) -> Any:
    return (given,) if isinstance(given, str) else given


Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_as_tuple)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ColumnMapping(_Part):
    """Where one of our columns comes from.

    Args:
        source: Their column, or several whose values are joined (`from` in the file).
        join: What is put between joined values.
        match: A regular expression whose one group is the part of the value that is meant. A value
            that it does not fit stays as it is; where it fits and its group holds nothing, the
            column is empty.
        values: Their value to ours, in any case; a value that is not listed stays as it is.
        dates: How dates are written, where it differs from the table's.
        empty: Further values that mean nothing, in any case.
    """

    source: Texts = Field(alias="from", min_length=1)
    join: str = " "
    match: str | None = None
    values: dict[str, Annotated[str, Field(min_length=1)]] = {}
    dates: Texts = ()
    empty: Texts = ()

    @model_validator(mode="after")
    def _is_sound(self) -> ColumnMapping:
        _check_pattern(self.match)
        check_formats(self.dates)
        lowered = [normal_name(value) for value in self.values]
        if len(set(lowered)) < len(lowered):
            raise ValueError("maps a value twice, once in capitals; give each value once")
        if self.values and self.dates:
            raise ValueError("has both values and dates; a column is either a code or a date")
        return self


def _as_column(given: Any) -> Any:
    return {"from": given} if isinstance(given, str | list) else given


class TableMapping(_Part):
    """Where one of our tables comes from and how it is written.

    Args:
        file: Patterns of the file's name such as `*custody*.csv`, in any case.
        sheet: The sheet's name or a pattern of it, where the file is a spreadsheet.
        encoding: The file's encoding; by its byte-order mark, else UTF-8, if not given.
        delimiter: What parts its fields; found from its header if not given.
        quotes: Whether quotation marks enclose values; if not, they are part of them.
        decimal: How a decimal number is written.
        header_row: The row that names the columns, counted from 1; the first of them, if several.
        header_rows: How many rows name them; a name holds for the blank ones at its right, and is
            joined to the name below it by a space.
        footer: With what the rows begin that stand below the records and are none, such as `Total`.
        dates: How dates are written, as `%d/%m/%Y`; `excel` for a spreadsheet's day numbers.
        empty: Values that mean nothing, such as `NULL`, in any case.
        shared_rows: Whether a row also holds other tables' columns: then rows with nothing of this
            table but its parent's key are left out, and rows that are the same are taken once.
        columns: Our columns, each with where it comes from.
        constants: Our columns that are the same on every row, with their value.
        ignore: Their columns that are known and not wanted.
    """

    file: Texts = Field(min_length=1)
    sheet: str | None = None
    encoding: Encoding | None = None
    delimiter: Delimiter | None = None
    quotes: bool = True
    decimal: Literal["point", "comma"] = "point"
    header_row: int = Field(default=1, ge=1, le=100)
    header_rows: int = Field(default=1, ge=1, le=5)
    footer: Texts = ()
    dates: Texts = ()
    empty: Texts = ()
    shared_rows: bool = False
    columns: dict[str, Annotated[ColumnMapping, BeforeValidator(_as_column)]] = Field(min_length=1)
    constants: dict[str, Annotated[str, Field(min_length=1)]] = {}
    ignore: Texts = ()

    @model_validator(mode="after")
    def _is_sound(self) -> TableMapping:
        check_formats(self.dates)
        if both := sorted(set(self.columns) & set(self.constants)):
            raise ValueError(f"gives {', '.join(both)} both a column and a constant")
        used = {normal_name(name) for column in self.columns.values() for name in column.source}
        if used & {normal_name(name) for name in self.ignore}:
            raise ValueError("ignores a column that it also reads")
        return self

    @property
    def counts_days(self) -> bool:
        """Whether any date is read from a spreadsheet's day numbers."""
        given = (self.dates, *(column.dates for column in self.columns.values()))
        return any(EXCEL_SERIAL in dates for dates in given)

    def sources(self, columns: Collection[str] | None) -> list[str]:
        """Their columns that have to be there, as normalised names, in our order.

        Args:
            columns: Those of our columns that have to be there; all if None.
        """
        wanted = (c for name, c in self.columns.items() if columns is None or name in columns)
        return list(dict.fromkeys(normal_name(name) for column in wanted for name in column.source))

    @property
    def known(self) -> frozenset[str]:
        """Every column of theirs that the mapping names, normalised."""
        ignored = {normal_name(name) for name in self.ignore}
        return frozenset(ignored | set(self.sources(None)))


class SystemMapping(_Part):
    """How one system's extract is read.

    Args:
        partner: Who supplies it.
        system: Its name in partnership.yaml; the file's name is both, joined by a hyphen.
        title: What it is, in a few words.
        tables: Our tables, each with where it comes from.
    """

    partner: Literal["police", "probation", "treatment", "housing"]
    system: str = Field(pattern=SYSTEM_NAME + f"|^{OWN_LAYOUT}$")
    title: str = Field(min_length=1)
    tables: dict[str, TableMapping] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_the_layout(self) -> SystemMapping:
        for name, mapped in self.tables.items():
            if name not in {table.name for table in TABLES[self.partner]}:
                raise ValueError(f"has a table {_shown(name)} that {self.partner} does not send")
            _check_table(find_table(self.partner, name), mapped)
        missing = [
            t.name for t in TABLES[self.partner] if not t.optional and t.name not in self.tables
        ]
        if missing:
            raise ValueError(f"does not say where {', '.join(missing)} comes from")
        return self

    @property
    def digest(self) -> str:
        """SHA-256 over all the mapping says: an extract read another way is another extract."""
        return "sha256:" + hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def known(self, table: str) -> frozenset[str]:
        """Every column of theirs that a file of that table may have, normalised.

        Where rows are shared, the columns of the other tables are known too.
        """
        mapped = self.tables[table]
        if not mapped.shared_rows:
            return mapped.known
        return frozenset().union(*(one.known for one in self.tables.values() if one.shared_rows))

    def is_file_of(self, table: str, name: str) -> bool:
        """Whether a file of that name holds that table."""
        mapped = self.tables.get(table)
        patterns = mapped.file if mapped else ()
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def load_mapping(
    partner: str, system: str | None, folder: Path | None = None, codes: Path | None = None
) -> SystemMapping:
    """Read the mapping of a partner's supplying system.

    Args:
        partner: Who supplies the extract.
        system: The system, as partnership.yaml names it; None where it needs no mapping.
        folder: The partnership's own mappings; one there wins over the packaged one.
        codes: The partnership's own code lists, which the mapping's values must be in.

    Raises:
        ConfigError: There is no such mapping, or it has a mistake; the message names the key.
    """
    if system is None:
        return own_layout(partner)
    if not re.match(SYSTEM_NAME, system):
        raise ConfigError(
            f"The system named for {partner} is not a name in small letters, digits and hyphens.",
            f"Use one of {', '.join(known_systems(partner, folder))}, or write a mapping for it.",
        )
    path = _locate(partner, system, folder)
    if path is None:
        raise ConfigError(
            f"There is no mapping for the {partner} system {system}.",
            f"Use one of {', '.join(known_systems(partner, folder))}, or write "
            f"{partner}-{system}.yaml into the folder mappings beside partnership.yaml.",
        )
    content = read_text_document(path, ConfigError)
    mapping = check_document(content, path.name, SystemMapping, ConfigError)
    if (mapping.partner, mapping.system) != (partner, system):
        raise ConfigError(
            f"The mapping {path.name} is of another partner or system than its name says.",
            "Correct `partner` and `system` in it, or the name of the file.",
        )
    _check_codes(mapping, path.name, codes)
    return mapping


def known_systems(partner: str, folder: Path | None = None) -> list[str]:
    """The systems of a partner for which there is a mapping."""
    folders = [PACKAGED, *([folder] if folder is not None else [])]
    found = {
        p.stem.removeprefix(f"{partner}-") for f in folders for p in f.glob(f"{partner}-*.yaml")
    }
    return sorted(found)


def own_layout(partner: str) -> SystemMapping:
    """The mapping of a partner that names its columns as we do, in any kind of file."""
    tables = {
        table.name: TableMapping(
            file=tuple(f"{table.name}.{suffix}" for suffix in SUFFIXES),
            columns={name: ColumnMapping.model_validate({"from": name}) for name in table.columns},
        )
        for table in TABLES[partner]
    }
    return SystemMapping(partner=partner, system=OWN_LAYOUT, title="Our own layout", tables=tables)  # type: ignore[arg-type]


def _shown(name: str) -> str:
    """A key of the file if it looks like a key, else nothing that could be data."""
    return name if re.match(r"^[a-z][a-z0-9_]{0,40}$", name) else "of another name"


def _check_pattern(pattern: str | None) -> None:
    if pattern is None:
        return
    try:
        pl.select(pl.lit("").str.extract(pattern, 1))
        groups = re.compile(pattern).groups
    except (re.error, pl.exceptions.PolarsError):
        groups = 0
    if groups != 1:
        raise ValueError("has a match that is not a regular expression with one group in brackets")


def _check_table(table: Table, mapped: TableMapping) -> None:
    """Check a table's mapping against our layout."""
    columns = table.columns
    given = {**mapped.columns, **mapped.constants}
    if unknown := [name for name in given if name not in columns]:
        _wrong(table, f"gives {_shown(unknown[0])}, which is none of our columns")
    lacking = [name for name, column in columns.items() if column.required and name not in given]
    if lacking:
        _wrong(table, f"does not give {', '.join(lacking)}, which every record must have")
    undated = [
        n for n, c in mapped.columns.items() if c.dates and columns[n].kind not in DATE_KINDS
    ]
    if undated:
        _wrong(table, f"gives date formats for {', '.join(undated)}, which holds no date")
    mapped_dates = [
        n for n, c in mapped.columns.items() if c.values and columns[n].kind in DATE_KINDS
    ]
    if mapped_dates:
        _wrong(table, f"gives values for {', '.join(mapped_dates)}, which holds a date")


def _wrong(table: Table, fault: str) -> NoReturn:
    raise ValueError(f"{fault} (table {table.name})")


def _check_codes(mapping: SystemMapping, name: str, codes: Path | None) -> None:
    """Check that what values are mapped to is in the code lists."""
    for table_name, mapped in mapping.tables.items():
        columns = find_table(mapping.partner, table_name).columns
        given = {name: set(column.values.values()) for name, column in mapped.columns.items()}
        given |= {name: {value} for name, value in mapped.constants.items()}
        for column, targets in given.items():
            listed = columns[column].codes
            if listed and not targets <= load_codes(listed, codes):
                raise ConfigError(
                    f"{name} cannot be used: `tables.{table_name}` maps a value of {column} to a "
                    f"code that the code list {listed} does not have.",
                    "Correct the code in the mapping, or add it to the code list.",
                )


def _locate(partner: str, system: str, folder: Path | None) -> Path | None:
    name = f"{partner}-{system}.yaml"
    own = None if folder is None else folder / name
    found = [path for path in (own, PACKAGED / name) if path is not None and path.is_file()]
    return found[0] if found else None
