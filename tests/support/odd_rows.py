"""Rows of the staging store in which nothing fits: days in any order, orphans, codes unknown.

Every value that a contract requires is there, for a row without one is never staged; all else may
be missing, out of order, or of a parent that was never sent.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from warehouse_rows import PARENT_KEYS

from schemas.codes import load_codes
from schemas.tables import TABLES as CONTRACTS
from warehouse import staging

FIRST_DAY = date(2023, 1, 1)
DAYS = 1400  # past every as-at date
UNKNOWN = "odd"
MISSING = 0.15

TOLD = [(f"{partner}_{one.name}", one) for partner, tables in CONTRACTS.items() for one in tables]
REQUIRED = {
    (name, column.becomes or given)
    for name, table in TOLD
    for given, column in table.columns.items()
    if column.required
}
CODES = {
    (name, given): sorted(load_codes(column.codes))
    for name, table in TOLD
    for given, column in table.columns.items()
    if column.codes
} | {
    ("probation_requirement", "category"): ["ATR", "DRR", "MHTR", "OTHER", "RAR", "UPW"],
}


def odd_persons(seed: int, people: int = 40) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Some people with up to three rows in every table, as ``warehouse_rows.build`` takes them."""
    draw = random.Random(seed)
    return {
        f"person {number}": {
            table: [_row(draw, table, key) for key in range(1, draw.randrange(1, 5))]
            for table in staging.TABLES
        }
        for number in range(people)
    }


def _row(draw: random.Random, table: str, key: int) -> dict[str, Any]:
    """One row, of a parent that may not be there."""
    said = {
        column: _value(draw, table, column, kind.split()[0])
        for column, kind in staging.TABLES[table].items()
        if not column.endswith("_key") and column != "record_id"
    }
    parent = {"of": draw.randrange(1, 4)} if table in PARENT_KEYS else {}
    return said | parent | {"key": key}


def _value(draw: random.Random, table: str, column: str, kind: str) -> Any:
    """One value of its column's type, with no thought for the others of its row."""
    if (table, column) not in REQUIRED and draw.random() < MISSING:
        return None
    if kind == "DATE":
        return FIRST_DAY + timedelta(days=draw.randrange(DAYS))
    if kind == "INTEGER":
        return draw.randrange(1930, 2026) if column == "birth_year" else draw.randrange(29)
    if kind == "BOOLEAN":
        return draw.random() < 0.5
    if column == "sex":
        return draw.choice("FMU")
    return draw.choice([*CODES.get((table, column), ["NR1", "NR3"]), UNKNOWN])
