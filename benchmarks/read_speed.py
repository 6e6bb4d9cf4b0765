"""How long a million-row extract takes to read and validate, against polars reading it at all.

    make bench-read

All is measured in one run on the same files, so that a slower machine slows all of it. The files
are custody records and drug tests of made-up people, as spread and as faulty as the synthetic
extracts are, with one outcome in a hundred unknown besides. Each time is the best of several goes.
A tenth of the rows comes first, to show how the times grow.
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

import polars as pl

from schemas.contract import examine_extract
from schemas.extract import read_table
from schemas.mapping import own_layout
from schemas.tables import find_table
from synthetic.police import make_arrests, police_tables
from synthetic.population import make_population
from synthetic.rates import Copying, ErrorRates, Filled, Pairs
from synthetic.streams import Streams

ROWS = 1_000_000
SMALLER = 10
GOES = 7
LIMIT = 5.0
"""Validating may take this many times as long as polars takes to read (2026-11)."""

SEED = 20261122
AS_AT = date(2026, 6, 30)
FEWEST_PEOPLE = 50
PEOPLE_PER_RECORD = 0.65
"""Enough people for the custody records asked for; on average one is arrested 1.8 times."""

Found = dict[str, float | int]


def extract(rows: int) -> dict[str, pl.DataFrame]:
    """Made-up custody records as a force sends them, and their drug tests: all columns strings."""
    people = max(FEWEST_PEOPLE, int(rows * PEOPLE_PER_RECORD))
    streams, rates = Streams(SEED), ErrorRates()
    population = make_population(people, streams, AS_AT, rates, Pairs())
    arrests = make_arrests(population, streams)
    tables = police_tables(population, arrests, streams, rates, Filled(), Copying())
    unknown = pl.int_range(pl.len()) % 100 == 0
    custody = tables["custody"].sort("custody_ref").head(rows)
    custody = custody.with_columns(
        outcome=pl.when(unknown).then(pl.lit("999")).otherwise("outcome")
    )
    tests = tables["drug_test"].sort("drug_test_ref").join(custody, on="custody_ref", how="semi")
    return {
        name: frame.select(list(find_table("police", name).columns))
        for name, frame in (("custody", custody), ("drug_test", tests))
    }


def best_of(goes: int, work: Callable[[], object]) -> float:
    """The shortest of a few goes, in seconds."""
    times = []
    for _ in range(goes):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(rows: int = ROWS, goes: int = GOES) -> Found:
    """Write an extract, then time polars reading it, our reading it, and its validation."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{name}.csv" for name in ("custody", "drug_test")}
        for name, frame in extract(rows).items():
            frame.write_csv(paths[name])
        size = sum(path.stat().st_size for path in paths.values())
        polars = best_of(goes, lambda: [_polars_reads(path) for path in paths.values()])
        reading = best_of(goes, lambda: _read(paths))
        found = _read(paths)
    validating = best_of(goes, lambda: examine_extract("police", found, as_at=AS_AT).usable())
    return {
        "rows": sum(frame.height for frame in found.values()),
        "bytes": size,
        "polars_reads": round(polars, 3),
        "we_read": round(reading, 3),
        "we_validate": round(validating, 3),
        "validate_ratio": round(validating / polars, 2),
        "read_and_validate_ratio": round((reading + validating) / polars, 2),
        "limit": LIMIT,
    }


def _polars_reads(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema=False)


def _read(paths: dict[str, Path]) -> dict[str, pl.DataFrame]:
    layout = own_layout("police")
    return {
        name: read_table(path, find_table("police", name), mapping=layout)
        for name, path in paths.items()
    }


def main() -> int:
    """Print what was measured; 1 if validation takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS, help="custody records")
    parser.add_argument("--goes", type=int, default=GOES)
    parser.add_argument("--json", type=Path, help="write the measurements here too")
    given = parser.parse_args()
    smaller, found = (measure(rows, given.goes) for rows in (given.rows // SMALLER, given.rows))
    for name, value in found.items():
        print(f"{name:<26}{smaller[name]:>14,}{value:>14,}")
    if given.json:
        given.json.write_text(json.dumps([smaller, found], indent=2) + "\n")
    return int(found["validate_ratio"] > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
