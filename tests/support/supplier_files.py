"""Files as supplying systems write them: a mapping read backwards, over made-up rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from spreadsheets import ods, xlsx

from schemas.codes import load_codes
from schemas.columns import Column
from schemas.mapping import DATE_KINDS, ColumnMapping, SystemMapping, TableMapping
from schemas.tables import Table, find_table

Row = dict[str, str | None]

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", None: ","}
ROWS = 40

# Columns of theirs that hold more than one of ours, or more than is meant.
WRITTEN: dict[tuple[str, str], Callable[[Row], str]] = {
    ("niche", "Self Defined Ethnicity"): lambda row: f"{row['ethnicity']} - As stated",
    ("niche", "Outcome"): lambda row: f"{row['outcome']} (as recorded)",
    ("connect", "DetaineeName"): lambda row: f"{row['surname']}, {row['forename']}",
    ("delius-report", "Ethnicity"): lambda row: f"{row['ethnicity']}: As stated",
    ("case-workbook", "First Name"): lambda row: str(row["forename"]),
    ("case-workbook", "Last Name"): lambda row: str(row["surname"]),
    ("case-workbook", "Ethnicity"): lambda row: f"{row['ethnic']} - As stated",
    ("case-list", "Client"): lambda row: f"{row['forename']} {row['surname']}",
    ("case-list", "Initials"): lambda row: f"{row['finitial']}{row['sinitial']}",
    ("workbook", "Name"): lambda row: f"{row['forename']} {row['surname']}",
}


def rows_of(table: Table, mapped: TableMapping) -> list[Row]:
    """Made-up rows of one of our tables, such as the mapping can give."""
    return [_row(table, mapped, at) for at in range(ROWS)]


def _row(table: Table, mapped: TableMapping, at: int) -> Row:
    row: Row = {}
    for name, column in table.columns.items():
        if name in mapped.constants:
            row[name] = mapped.constants[name]
        elif name in mapped.columns:
            row[name] = _value(table, name, column, mapped.columns[name], at)
    for initial, whole in (("finitial", "forename"), ("sinitial", "surname")):
        if initial in row and row.get(whole):
            row[initial] = str(row[whole])[0]
    return row


def _value(table: Table, name: str, column: Column, one: ColumnMapping, at: int) -> str | None:
    if not column.required and not one.match and column.kind != "name" and at % 5 == 4:
        return None
    if one.values:
        targets = list(one.values.values())
        return targets[at % len(targets)]
    if column.codes:
        codes = sorted(load_codes(column.codes))
        return codes[at % len(codes)]
    if column.kind in DATE_KINDS:
        return (date(1990, 1, 28) + timedelta(days=37 * at)).isoformat()
    if name == "agncy":
        return "N0853"
    if column.role in ("key", "parent"):
        return f"{name[:2].upper()}{at:05d}"
    kinds = {
        "name": ["Siân", "Zoë-Anne", "O'Dowd", "Ann Marie" if len(one.source) > 1 else "Ann"],
        "postcode": ["CF10 1AA", "NR3 1AB"],
        "requirement": ["Drug rehabilitation: Six months", "Rehabilitation activity: Ten days"],
        "initial": ["A", "B"],
    }
    values = kinds.get(column.kind, [f"{column.kind}-{at}", f'"{column.kind}", {at}'])
    return values[at % len(values)]


def theirs(table: Table, mapping: SystemMapping, rows: list[Row]) -> dict[str, list[str | None]]:
    """The same rows under their names and in their way of writing."""
    mapped = mapping.tables[table.name]
    made: dict[str, list[str | None]] = {}
    for name, one in mapped.columns.items():
        is_date = table.columns[name].kind in DATE_KINDS
        for source, values in zip(one.source, _parts(one, rows, name), strict=True):
            build = WRITTEN.get((mapping.system, source))
            if build:
                made[source] = [build(row) for row in rows]
            else:
                formats = one.dates or mapped.dates
                made[source] = [_dated(v, formats) if is_date else v for v in values]
    return made


def _parts(one: ColumnMapping, rows: list[Row], name: str) -> Iterator[list[str | None]]:
    back = {code: theirs for theirs, code in reversed(one.values.items())}
    values = [back.get(row[name], row[name]) if row[name] else row[name] for row in rows]
    if len(one.source) == 1:
        yield values
        return
    split = [(value or "").partition(one.join) for value in values]
    yield [parts[0] for parts in split]
    yield [parts[2] for parts in split]


def _dated(value: str | None, formats: tuple[str, ...]) -> str | None:
    if value is None or not formats:
        return value
    return date.fromisoformat(value).strftime(formats[0])


def write_extract(folder: Path, mapping: SystemMapping) -> dict[str, tuple[Path, list[Row]]]:
    """Write every table of a mapping; by table, its file and the rows it should read as."""
    sheets: dict[str, dict[str, list[list[str | None]]]] = {}
    shared: dict[str, dict[str, list[str | None]]] = {}
    written = {}
    for name, mapped in mapping.tables.items():
        table = find_table(mapping.partner, name)
        rows = rows_of(table, mapped)
        columns = theirs(table, mapping, rows)
        for extra in mapped.ignore:
            columns[extra] = ["not wanted"] * ROWS
        path = folder / mapped.file[0].replace("*", "_1_" if mapped.file[0][0] != "*" else "x")
        if path.suffix in (".xlsx", ".ods"):
            grid: list[list[str | None]] = [["A title above"]] * (mapped.header_row - 1)
            grid += [list(columns), *map(list, zip(*columns.values(), strict=True))]
            sheets.setdefault(path.name, {})[(mapped.sheet or name).replace("*", " 2026")] = grid
        elif path.suffix == ".parquet":
            _typed(table, mapped, columns).write_parquet(path)
        else:
            shared.setdefault(path.name, {}).update(columns)
            _write_text(path, mapped, shared[path.name])
        written[name] = (path, rows)
    for name, grids in sheets.items():
        (folder / name).write_bytes((xlsx if name.endswith(".xlsx") else ods)(grids))
    return written


def _write_text(path: Path, mapped: TableMapping, columns: dict[str, list[str | None]]) -> None:
    made = io.StringIO(newline="")
    quoting = csv.QUOTE_MINIMAL if mapped.quotes else csv.QUOTE_NONE
    writer = csv.writer(made, delimiter=DELIMITERS[mapped.delimiter], quoting=quoting,
                        quotechar='"' if mapped.quotes else None)  # fmt: skip
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    path.write_bytes(made.getvalue().encode(mapped.encoding or "utf-8"))


def _typed(
    table: Table, mapped: TableMapping, columns: dict[str, list[str | None]]
) -> pl.DataFrame:
    frame = pl.DataFrame(columns)
    for name, one in mapped.columns.items():
        if table.columns[name].kind in DATE_KINDS:
            frame = frame.with_columns(pl.col(one.source[0]).str.to_date())
        elif set(one.values) == {"true", "false"}:
            frame = frame.with_columns(pl.col(one.source[0]) == "true")
    return frame
