"""Dates as people and programs write them, into dates as we write them: 2026-04-01."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

import polars as pl

DATE_PARTS = frozenset("dmYybBeHIMSpf")
EXCEL_SERIAL = "excel"
"""In place of a date format: days since the end of 1899, as spreadsheets count them."""

EXCEL_DAY_0 = date(1899, 12, 30)
LEAST_EXCEL_DAY, MOST_EXCEL_DAY = 3_654, 73_050
"""1 January 1910 to 31 December 2099. Below that a number is rather a year than a day, and days
before March 1900 are counted from a leap day that never was."""

ISO_LENGTH = len("2026-04-01")
PROBE_DATE = date(2003, 4, 5)
# Typed dates of a spreadsheet or a Parquet file, which come with a time of day.
TYPED_DATES = (
    (r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$", r"^(\d{4}-\d{2}-\d{2})"),
)  # fmt: skip


def as_iso(value: pl.Expr, formats: Iterable[str], latest: pl.Expr | None = None) -> pl.Expr:
    """Dates in the first format that fits; a value that fits none stays as it is.

    Args:
        value: What is written.
        formats: How it may be written.
        latest: For a date of birth: the latest day it can be. A year of two digits is then the
            last of that ending that is no later.
    """
    tried = [_written(_parsed(value, form, latest)) for form in formats]
    typed = [pl.when(value.str.contains(shape)).then(value.str.extract(day, 1))
             for shape, day in TYPED_DATES]  # fmt: skip
    return pl.coalesce(*tried, *typed, value)


def _parsed(value: pl.Expr, form: str, latest: pl.Expr | None) -> pl.Expr:
    if form == EXCEL_SERIAL:
        days = value.str.extract(r"^(\d{1,6})(?:\.\d*)?$", 1).cast(pl.Int32, strict=False)
        inside = pl.when(days.is_between(LEAST_EXCEL_DAY, MOST_EXCEL_DAY)).then(days)
        return pl.lit(EXCEL_DAY_0) + pl.duration(days=inside)
    # Polars reads the fraction of a second with its point.
    parsed = value.str.to_date(form.replace(".%f", "%.f"), strict=False)
    if "%Y" in form:
        return pl.when(parsed.dt.year() >= 1000).then(parsed)
    if latest is None:
        return parsed
    return pl.when(parsed > latest).then(parsed.dt.offset_by("-100y")).otherwise(parsed)


def _written(parsed: pl.Expr) -> pl.Expr:
    return parsed.dt.strftime("%Y-%m-%d")


def check_formats(formats: Iterable[str]) -> None:
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
