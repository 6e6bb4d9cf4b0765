"""The columns of a supplying system into ours, as its mapping says.

Nothing a mapping does not understand is lost: a date in no given format, or a value that is not in
the map, goes on as it is, for the contract to quarantine and count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

import polars as pl

from schemas.columns import Column
from schemas.mapping import (
    DATE_KINDS,
    NUMBER_KINDS,
    ColumnMapping,
    SystemMapping,
    TableMapping,
)
from schemas.reading.dates import ISO_LENGTH, as_iso
from schemas.reading.header import normal_name
from schemas.tables import Table


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
        value = as_iso(value, formats, year if column.kind == "dob" else None)
    if column.kind in NUMBER_KINDS:
        value = _as_number(value, mapped.decimal)
    return value


def _translated(value: pl.Expr, values: Mapping[str, str]) -> pl.Expr:
    ours = {normal_name(theirs): code for theirs, code in values.items()}
    found = _compared(value).replace_strict(ours, default=None, return_dtype=pl.String)
    return pl.coalesce(found, value)


def _compared(value: pl.Expr) -> pl.Expr:
    return value.str.replace_all(r"\s+", " ").str.to_lowercase()


def _as_number(value: pl.Expr, decimal: str) -> pl.Expr:
    pointed = value.str.replace(r"^(-?\d+),(\d+)$", "$1.$2") if decimal == "comma" else value
    return pointed.str.replace(r"^(-?\d+)\.0+$", "$1")
