"""How long it takes to invent a million records, and how much memory.

    make bench-synthetic

Records are the rows that name a person, over the four partners; their events come on top. The time
of the processor is printed beside the clock's: on a machine that does other things they differ.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

RECORDS = 1_000_000
LIMIT_SECONDS = 120.0
"""A million records take at most two minutes on two cores (2026-11)."""

RECORDS_A_PERSON = 3.35  # a little below what the generator's rates come to
SEED = 1


def measure(records: int = RECORDS) -> dict[str, float | int]:
    """Write extracts of at least so many records; seconds, records a second and peak memory."""
    from synthetic import write_extracts
    from synthetic.extracts import NAMES_A_PERSON

    started, used = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        tables = write_extracts(round(records / RECORDS_A_PERSON), SEED, Path(folder)).tables
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    written = sum(tables[f"{partner}/{table}"] for partner, table in NAMES_A_PERSON)
    return {
        "people": round(records / RECORDS_A_PERSON),
        "records": written,
        "rows": sum(tables.values()),
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "records_per_second": round(written / seconds),
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "limit_seconds": round(LIMIT_SECONDS * records / RECORDS, 1),
    }


def main() -> int:
    """Print what was measured; 1 if it takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--json", type=Path, help="write the measurements here too")
    given = parser.parse_args()
    found = measure(given.records)
    for name, value in found.items():
        print(f"{name:<22}{value:>14,}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0 if found["seconds"] <= found["limit_seconds"] else 1


if __name__ == "__main__":
    sys.exit(main())
