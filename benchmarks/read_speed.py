"""How long a million-row extract takes to read and validate, against polars reading it at all.

    make bench-read

Both are measured in one run on one file, so that a slower machine slows both. The rows are made up
and sound but for one in a hundred, as an extract's are. Each time is the best of a few goes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from schemas.contract import validate_extract
from schemas.extract import read_table
from schemas.mapping import own_layout
from schemas.tables import find_table

ROWS = 1_000_000
GOES = 3
LIMIT = 5.0
"""Reading and validating may take this many times as long as polars takes to read (2026-11)."""

SEED = 20261122
SURNAMES = ("SMITH", "JONES", "O'NEILL", "Patel", "Khan", "Brown-Lee", "Nowak", "Siân", "Ó Briain")
FORENAMES = ("JOHN", "Mary", "Aisha", "Zoë", "Kwame", "Piotr", "Bob", "Elizabeth", "Mohammed")
FIRST_DAY, DAYS = date(1960, 1, 1), 15_000


def custody(rows: int) -> pl.DataFrame:
    """Made-up custody records as a force sends them: every column a string."""
    dice = np.random.default_rng(SEED)
    columns = find_table("police", "custody").columns

    def days(first: date, how_many: int) -> pl.Series:
        passed = pl.Series(dice.integers(0, how_many, rows))
        return pl.select(pl.lit(first) + pl.duration(days=passed)).to_series().dt.to_string("iso")

    def picked(values: tuple[str, ...]) -> pl.Series:
        return pl.Series(values).gather(dice.integers(0, len(values), rows))

    at = pl.int_range(rows, eager=True)
    sector, unit = dice.integers(1, 40, rows), dice.integers(0, 10, rows)
    postcodes = pl.select(pl.format("CF{} {}AB", pl.Series(sector), pl.Series(unit))).to_series()
    faults = pl.Series(dice.integers(0, 100, rows) == 0)
    made: dict[str, Any] = {
        "custody_ref": pl.select(pl.format("CU{}", at)).to_series(),
        "pnc_id": picked(("1979/0163001B", "2003/0123456L", "02/73319Z")),
        "forename": picked(FORENAMES),
        "surname": picked(SURNAMES),
        "dob": days(FIRST_DAY, DAYS),
        "sex": picked(("M", "F", "N")),
        "ethnicity": picked(("W1", "A2", "B1", "NS")),
        "postcode": postcodes,
        "arrest_date": days(date(2022, 1, 1), 1_000),
        "offence_class": picked(("92D", "39", "46")),
        "outcome": picked(("1", "14", "21")),
    }
    frame = pl.DataFrame(made).with_columns(
        outcome=pl.when(faults).then(pl.lit("999")).otherwise("outcome")
    )
    empty = [pl.lit(None, pl.String).alias(name) for name in columns if name not in made]
    return frame.with_columns(empty).select(*columns)


def best_of(goes: int, work: Callable[[], object]) -> float:
    """The shortest of a few goes, in seconds."""
    times = []
    for _ in range(goes):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(rows: int = ROWS, goes: int = GOES) -> dict[str, float | int]:
    """Write one file, then time polars reading it, our reading it, and its validation."""
    table = find_table("police", "custody")
    tests = pl.DataFrame(schema=dict.fromkeys(find_table("police", "drug_test").columns, pl.String))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "custody.csv"
        custody(rows).write_csv(path)
        polars = best_of(goes, lambda: pl.read_csv(path, infer_schema=False))
        reading = best_of(goes, lambda: read_table(path, table, mapping=own_layout("police")))
        frame = read_table(path, table)
        size = path.stat().st_size
    found = {"custody": frame, "drug_test": tests}
    validating = best_of(goes, lambda: validate_extract("police", found))
    return {
        "rows": rows,
        "bytes": size,
        "polars_reads": round(polars, 3),
        "we_read": round(reading, 3),
        "we_validate": round(validating, 3),
        "validate_ratio": round(validating / polars, 2),
        "read_and_validate_ratio": round((reading + validating) / polars, 2),
        "limit": LIMIT,
    }


def main() -> int:
    """Print what was measured; 1 if validation takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--goes", type=int, default=GOES)
    parser.add_argument("--json", type=Path, help="write the measurements here too")
    given = parser.parse_args()
    found = measure(given.rows, given.goes)
    for name, value in found.items():
        print(f"{name:<26}{value:>14,}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    return int(found["validate_ratio"] > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
