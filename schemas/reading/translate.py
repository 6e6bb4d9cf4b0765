"""The columns of a supplying system into ours, as its mapping says.

Nothing a mapping does not understand is lost: a date in no given format, or a value that is not in
the map or that its pattern does not fit, goes on as it is, for the contract to judge.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

import polars as pl

from schemas.columns import Column
from schemas.errors import ExtractRejected
from schemas.mapping import (
    DATE_KINDS,
    NUMBER_KINDS,
    ColumnMapping,
    SystemMapping,
    TableMapping,
)
from schemas.reading.dates import ISO_LENGTH, as_iso
from schemas.reading.header import normal_name
from schemas.reading.rows import FILE_ROW, numbered
from schemas.tables import Table

LEAST_AGE = 10
"""How old a person is at least on the day of a record, to read a year of birth of two digits: the
age of criminal responsibility."""

MATCH_JUDGED_FROM = 10
"""From how many values on a pattern that fits none of them is a mistake."""

UNMAPPED = "unmapped "
"""What a column that no mapping knows is called, before its place in the file: its own name may be
a value that stands where a header should be."""


def apply_mapping(
    frame: pl.DataFrame, table: Table, mapping: SystemMapping, as_at: date | None = None
) -> pl.DataFrame:
    """Bring a table as a system writes it into our layout.

    Args:
        frame: Their columns as strings, names normalised; those that are read are there, but for
            columns that are not shared.
        table: Our table, which the mapping gives.
        mapping: Where each of our columns comes from.
        as_at: The day of the extract, which two-digit years of birth are read against where a
            record has no day of its own.

    Returns:
        Our columns that the mapping gives, in our order, as strings; dates as `2026-04-01` where
        they could be read. Then each column that the mapping does not know, under a name that tells
        its place in the file only, for the agreement to count and drop. Where rows of the file are
        left out, `FILE_ROW` numbers the others.

    Raises:
        ExtractRejected: A pattern of the mapping fits no value at all.
    """
    mapped, known = mapping.tables[table.name], mapping.known(table.name)
    _require_fitting(frame, table, mapped)
    in_file = [name for name in frame.columns if name != FILE_ROW]
    place = {name: at for at, name in enumerate(in_file, 1)}
    frame = numbered(frame) if mapped.shared_rows else frame
    latest = _latest_birth(frame, table, mapped, as_at or date.today())
    longest = frame.select(pl.exclude(FILE_ROW).str.len_bytes().max())
    short = {name for name in longest.columns if (longest[name].item() or 0) <= ISO_LENGTH}
    made: list[pl.Expr] = []
    for name, column in table.columns.items():
        if name in mapped.constants:
            made.append(pl.lit(mapped.constants[name]).alias(name))
        elif name in mapped.columns and _has(frame, mapped.columns[name]):
            if _is_plain(column, mapped.columns[name], mapped, short):
                made.append(pl.col(normal_name(mapped.columns[name].source[0])).alias(name))
                continue
            made.append(_mapped(column, mapped.columns[name], mapped, latest).alias(name))
    rows = [name for name in frame.columns if name == FILE_ROW]
    unknown = [name for name in frame.columns if name not in known and name not in rows]
    made += [pl.col(name).alias(f"{UNMAPPED}{place[name]}") for name in unknown]
    read = frame.select(*made, *rows)
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


def _require_fitting(frame: pl.DataFrame, table: Table, mapped: TableMapping) -> None:
    """Refuse a pattern that fits no value at all: the mapping is of another layout."""
    for name, one in mapped.columns.items():
        if one.match is None or not _has(frame, one):
            continue
        given = frame.select(_given(one, mapped).alias(name)).to_series().drop_nulls()
        if len(given) >= MATCH_JUDGED_FROM and not given.str.contains(one.match).any():
            raise ExtractRejected(
                f"The `match` of {table.name}.{name} in the mapping fits none of the "
                f"{len(given):,} values in the {table.partner} {table.name} file.",
                "Correct the pattern, or the column that it is read from.",
            )


def _latest_birth(frame: pl.DataFrame, table: Table, mapped: TableMapping, as_at: date) -> pl.Expr:
    """The latest day that each record's person can be born, where the year has two digits.

    Who is arrested, sentenced, treated or found sleeping rough is no child below `LEAST_AGE`; a
    member of a household may be, and such a record has no day of its own.
    """
    event = next((name for name, column in table.columns.items() if column.event), None)
    if event is None:
        return pl.lit(as_at)
    day = pl.lit(None, pl.String)
    if event in mapped.constants:
        day = pl.lit(mapped.constants[event])
    elif event in mapped.columns and _has(frame, mapped.columns[event]):
        day = _mapped(table.columns[event], mapped.columns[event], mapped, pl.lit(as_at))
    happened = day.str.to_date("%Y-%m-%d", strict=False)
    return pl.coalesce(happened, pl.lit(as_at)).dt.offset_by(f"-{LEAST_AGE}y")


def _mapped(column: Column, one: ColumnMapping, mapped: TableMapping, latest: pl.Expr) -> pl.Expr:
    """One of our columns, step by step from theirs."""
    value = _given(one, mapped)
    if one.match:
        value = (
            pl.when(value.str.contains(one.match)).then(_part(value, one.match)).otherwise(value)
        )
    if one.values:
        value = _translated(value, one.values)
    if column.kind in DATE_KINDS:
        formats = one.dates or mapped.dates
        value = as_iso(value, formats, latest if column.kind == "dob" else None)
    if column.kind in NUMBER_KINDS:
        value = _as_number(value, mapped.decimal)
    return value


def _part(value: pl.Expr, pattern: str) -> pl.Expr:
    """What the pattern's group holds; nothing where it holds nothing."""
    part = value.str.extract(pattern, 1).str.strip_chars()
    return pl.when(part != "").then(part)


def _given(one: ColumnMapping, mapped: TableMapping) -> pl.Expr:
    """What their columns hold, joined; what means nothing is null."""
    parts = [pl.col(normal_name(name)) for name in one.source]
    value = parts[0] if len(parts) == 1 else pl.concat_str(
        [pl.when(part.str.strip_chars() != "").then(part) for part in parts],
        separator=one.join, ignore_nulls=True,
    )  # fmt: skip
    value = value.str.strip_chars()
    nothing = ["", *(normal_name(text) for text in (*mapped.empty, *one.empty))]
    lowered = _compared(value)
    is_empty = lowered.is_in(nothing) if len(nothing) > 1 else value == ""
    return pl.when(~is_empty).then(value)


def _translated(value: pl.Expr, values: Mapping[str, str]) -> pl.Expr:
    ours = {normal_name(theirs): code for theirs, code in values.items()}
    found = _compared(value).replace_strict(ours, default=None, return_dtype=pl.String)
    return pl.coalesce(found, value)


def _compared(value: pl.Expr) -> pl.Expr:
    return value.str.replace_all(r"\s+", " ").str.to_lowercase()


def _as_number(value: pl.Expr, decimal: str) -> pl.Expr:
    pointed = value.str.replace(r"^(-?\d+),(\d+)$", "$1.$2") if decimal == "comma" else value
    return pointed.str.replace(r"^(-?\d+)\.0+$", "$1")
