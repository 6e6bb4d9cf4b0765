"""Column mappings: how one supplying system's files are read into our layout.

A mapping is a YAML file, `PARTNER-SYSTEM.yaml`, in the folder `mappings` beside partnership.yaml or
packaged beside this module; the partnership's own wins. It says for each table which file and sheet
it comes in, how that is written, and for each of our columns where it comes from. Nothing a mapping
does not understand is lost: a date in no given format, or a value that is not in the map, goes on
as it is, for the contract to quarantine and count.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.codes import load_codes
from schemas.columns import Column
from schemas.documents import check_document, read_text_document
from schemas.errors import ConfigError
from schemas.tables import TABLES, Table, find_table

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
DATE_PARTS = frozenset("dmYybBeHIMSpf")
EXCEL_SERIAL = "excel"
"""In place of a date format: days since the end of 1899, as spreadsheets count them."""

EXCEL_DAY_0 = date(1899, 12, 30)
MOST_EXCEL_DAYS = 100_000
ISO_LENGTH = len("2026-04-01")
PROBE_DATE = date(2003, 4, 5)
# Typed dates of a spreadsheet or a Parquet file, which come with a time of day.
TYPED_DATES = (
    (r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(?:\.\d+)?$", r"^(\d{4}-\d{2}-\d{2})"),
)  # fmt: skip


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
        match: A regular expression whose one group is the part of the value that is meant; where
            it does not match, the column is empty.
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
        _check_dates(self.dates)
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
        header_row: The row that names the columns, counted from 1.
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
    dates: Texts = ()
    empty: Texts = ()
    shared_rows: bool = False
    columns: dict[str, Annotated[ColumnMapping, BeforeValidator(_as_column)]] = Field(min_length=1)
    constants: dict[str, Annotated[str, Field(min_length=1)]] = {}
    ignore: Texts = ()

    @model_validator(mode="after")
    def _is_sound(self) -> TableMapping:
        _check_dates(self.dates)
        if both := sorted(set(self.columns) & set(self.constants)):
            raise ValueError(f"gives {', '.join(both)} both a column and a constant")
        used = {normal_name(name) for column in self.columns.values() for name in column.source}
        if used & {normal_name(name) for name in self.ignore}:
            raise ValueError("ignores a column that it also reads")
        return self

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


def apply_mapping(
    frame: pl.DataFrame, table: Table, mapping: SystemMapping, as_at: date | None = None
) -> pl.DataFrame:
    """Bring a table as a system writes it into our layout.

    Args:
        frame: Their columns as strings, names normalised; those that are read are there, but for
            columns that are not shared.
        table: Our table, which the mapping gives.
        mapping: Where each of our columns comes from.
        as_at: The day of the extract, which two-digit years of birth are read against.

    Returns:
        Our columns that the mapping gives, in our order, as strings; dates as `2026-04-01` where
        they could be read. Then each column that the mapping does not know, under a name that
        tells nothing, for the agreement to count and drop.
    """
    mapped, known = mapping.tables[table.name], mapping.known(table.name)
    year = (as_at or date.today()).year
    longest = frame.select(pl.all().str.len_bytes().max()).row(0) if frame.width else ()
    short = {
        name for name, size in zip(frame.columns, longest, strict=True) if (size or 0) <= ISO_LENGTH
    }
    made: list[pl.Expr] = []
    for name, column in table.columns.items():
        if name in mapped.constants:
            made.append(pl.lit(mapped.constants[name]).alias(name))
        elif name in mapped.columns and _has(frame, mapped.columns[name]):
            if _is_plain(column, mapped.columns[name], mapped, short):
                made.append(pl.col(normal_name(mapped.columns[name].source[0])).alias(name))
                continue
            made.append(_mapped(column, mapped.columns[name], mapped, year).alias(name))
    unknown = [name for name in frame.columns if name not in known]
    made += [pl.col(name).alias(f"unmapped {at}") for at, name in enumerate(unknown, 1)]
    read = frame.select(made)
    return _own_rows(read, table, mapped) if mapped.shared_rows else read


def _has(frame: pl.DataFrame, column: ColumnMapping) -> bool:
    return all(normal_name(name) in frame.columns for name in column.source)


def _is_plain(
    column: Column, one: ColumnMapping, mapped: TableMapping, short: Collection[str]
) -> bool:
    """Whether a column is ours as it stands, so that no time is spent on it.

    A date in no given format is, unless a time of day may stand after it.
    """
    changed = one.match or one.values or one.empty or mapped.empty or mapped.shared_rows
    if changed or len(one.source) > 1 or column.kind in NUMBER_KINDS:
        return False
    undated = not (one.dates or mapped.dates) and normal_name(one.source[0]) in short
    return column.kind not in DATE_KINDS or undated


def _own_rows(read: pl.DataFrame, table: Table, mapped: TableMapping) -> pl.DataFrame:
    """Rows that hold something of this table, each that differs once."""
    own = [
        name
        for name, column in table.columns.items()
        if name in mapped.columns and name in read.columns and column.role != "parent"
    ]
    ours = [name for name in read.columns if name in table.columns]
    filled = read.filter(pl.any_horizontal(pl.col(own).is_not_null())) if own else read
    return filled.unique(subset=ours, keep="first", maintain_order=True)


def _mapped(column: Column, one: ColumnMapping, mapped: TableMapping, year: int) -> pl.Expr:
    """One of our columns, step by step from theirs."""
    parts = [pl.col(normal_name(name)) for name in one.source]
    value = parts[0] if len(parts) == 1 else pl.concat_str(
        [pl.when(part.str.strip_chars() != "").then(part) for part in parts],
        separator=one.join, ignore_nulls=True,
    )  # fmt: skip
    value = value.str.strip_chars()
    nothing = ["", *(normal_name(text) for text in (*mapped.empty, *one.empty))]
    lowered = _compared(value)
    is_empty = lowered.is_in(nothing) if len(nothing) > 1 else value == ""
    value = pl.when(~is_empty).then(value)
    if one.match:
        value = value.str.extract(one.match, 1).str.strip_chars()
    if one.values:
        value = _translated(value, one.values)
    if column.kind in DATE_KINDS:
        formats = one.dates or mapped.dates
        value = _as_iso(value, formats, year if column.kind == "dob" else None)
    if column.kind in NUMBER_KINDS:
        value = _as_number(value, mapped.decimal)
    return value


def _translated(value: pl.Expr, values: Mapping[str, str]) -> pl.Expr:
    ours = {normal_name(theirs): code for theirs, code in values.items()}
    found = _compared(value).replace_strict(ours, default=None, return_dtype=pl.String)
    return pl.coalesce(found, value)


def _compared(value: pl.Expr) -> pl.Expr:
    return value.str.replace_all(r"\s+", " ").str.to_lowercase()


def _as_iso(value: pl.Expr, formats: Iterable[str], year: int | None) -> pl.Expr:
    """Dates in the first format that fits; a value that fits none stays as it is."""
    tried = [_written(_parsed(value, form, year)) for form in formats]
    typed = [pl.when(value.str.contains(shape)).then(value.str.extract(day, 1))
             for shape, day in TYPED_DATES]  # fmt: skip
    return pl.coalesce(*tried, *typed, value)


def _parsed(value: pl.Expr, form: str, year: int | None) -> pl.Expr:
    if form == EXCEL_SERIAL:
        days = value.str.extract(r"^(\d{1,6})(?:\.0*)?$", 1).cast(pl.Int32, strict=False)
        inside = pl.when(days.is_between(1, MOST_EXCEL_DAYS)).then(days)
        return pl.lit(EXCEL_DAY_0) + pl.duration(days=inside)
    parsed = value.str.to_date(form, strict=False)
    if "%Y" in form:
        return pl.when(parsed.dt.year() >= 1000).then(parsed)
    if year is None:
        return parsed
    return pl.when(parsed.dt.year() > year).then(parsed.dt.offset_by("-100y")).otherwise(parsed)


def _written(parsed: pl.Expr) -> pl.Expr:
    return parsed.dt.strftime("%Y-%m-%d")


def _as_number(value: pl.Expr, decimal: str) -> pl.Expr:
    pointed = value.str.replace(r"^(-?\d+),(\d+)$", "$1.$2") if decimal == "comma" else value
    return pointed.str.replace(r"^(-?\d+)\.0+$", "$1")


def normal_name(name: str) -> str:
    """A column's name or a value as it is compared: one space between words, small letters."""
    return " ".join(name.split()).lower()


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


def _check_dates(formats: Iterable[str]) -> None:
    """Each format gives a day, a month and a year, and no two can read one value differently."""
    forms = [form for form in formats if form != EXCEL_SERIAL]
    for form in forms:
        parts = re.findall(r"%(.)", form)
        given = set(parts)
        if not (
            given <= DATE_PARTS and given & {"d", "e"} and given & set("mbB") and given & set("Yy")
        ):
            raise ValueError(
                f"has a date format that is not {EXCEL_SERIAL} or a day %d, a month %m or %b and a "
                "year %Y or %y, such as %d/%m/%Y"
            )
    for form in forms:
        for other in forms:
            read = pl.select(_parsed(pl.lit(PROBE_DATE.strftime(form)), other, None)).item()
            if read is not None and read != PROBE_DATE:
                raise ValueError(
                    "has two date formats that read one date as two days; keep the one meant"
                )


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
