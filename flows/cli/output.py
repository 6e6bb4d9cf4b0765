"""Writing rows to standard output as an aligned table, CSV or JSON."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TextIO

Rows = Sequence[Sequence[Any]]


def write_result(
    columns: Sequence[str], rows: Rows, form: str, stream: TextIO | None = None
) -> None:
    """Write rows in a form: `table`, `csv` or `json`."""
    out = stream or sys.stdout
    writers = {"table": _write_table, "csv": _write_csv, "json": _write_json}
    writers[form](columns, rows, out)


def _write_table(columns: Sequence[str], rows: Rows, out: TextIO) -> None:
    """Columns as wide as their widest cell, numbers to the right; nothing is cut short."""
    cells = [[_plain(value) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[at]) for row in cells)]) for at, name in enumerate(columns)]
    numeric = [
        bool(rows) and all(_is_number(row[at]) or row[at] is None for row in rows)
        for at in range(len(columns))
    ]
    out.write(_line(columns, widths, numeric))
    out.write("  ".join("─" * width for width in widths) + "\n")
    for row in cells:
        out.write(_line(row, widths, numeric))


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    aligned = (
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    )
    return "  ".join(aligned).rstrip() + "\n"


def _write_csv(columns: Sequence[str], rows: Rows, out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain(value) for value in row] for row in rows)


def _write_json(columns: Sequence[str], rows: Rows, out: TextIO) -> None:
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    json.dump(records, out, default=_as_json, indent=2)
    out.write("\n")


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value).replace("\r", " ").replace("\n", " ")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
