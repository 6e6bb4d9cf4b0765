"""How long the record of what was done takes: verifying a million entries, and adding one.

    python benchmarks/audit_record.py [--entries 1000000]

A control database of so many entries is made in a temporary folder, as a partnership with twenty
analysts would leave it, and verified with a checkpoint and a witness. Adding is timed on it and on
an empty one: both are one transaction of SQLite's, flushed to the disk.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from governance.audit import Recorder
from governance.control import AuditEntry, Control
from governance.control.log import append
from governance.record.verify import walk

ACTIONS = ("collection", "consultation", "consultation", "disclosure", "combination", "alteration")
PARTNERS = ("police", "probation", "treatment", "housing", None)
FIRST = datetime(2026, 4, 1, tzinfo=UTC)
TARGET_SECONDS = 10.0
ADDED, AT_ONCE = 200, 20_000


def entry(number: int) -> AuditEntry:
    """One entry of many, half a minute after the one before it."""
    recorder = Recorder(
        f"analyst{number % 20}", "cohort-journeys", f"20261122-0200{number % 60:02}"
    )
    return recorder.entry(
        ACTIONS[number % len(ACTIONS)],
        FIRST + timedelta(seconds=30 * number),
        partner=PARTNERS[number % len(PARTNERS)],
        detail={"query": f"sha256:{number:064x}", "rows": number % 1000},
    )


def fill(control: Control, entries: int) -> float:
    """Add entries, many in a transaction; the seconds taken."""
    started = time.perf_counter()
    for first in range(0, entries, AT_ONCE):
        with control._transaction() as connection:
            append(connection, [entry(n) for n in range(first, min(first + AT_ONCE, entries))])
    return time.perf_counter() - started


def adding(control: Control, after: int) -> float:
    """Milliseconds for one entry in a transaction of its own."""
    started = time.perf_counter()
    for number in range(after, after + ADDED):
        control.add_audit(entry(number))
    return (time.perf_counter() - started) / ADDED * 1000


def verifying(control: Control) -> tuple[float, float, int]:
    """Seconds of the clock and of the processor for verifying, and how many entries there were."""
    head = control.head()
    started, worked = time.perf_counter(), time.process_time()
    with control.snapshot() as kept:
        found = walk(kept.rows(), kept.size, kept.peaks, kept.outside, {kept.size, kept.size // 2})
    taken = time.perf_counter() - started, time.process_time() - worked
    if found.faults or head is None or found.roots[head.size] != head.root:
        raise SystemExit("The record that was made is not sound.")
    return *taken, found.size


def main() -> int:
    """Measure, print, and say whether the target was met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        with Control(f"sqlite:///{Path(folder) / 'empty.db'}") as control:
            empty = adding(control, 0)
        path = Path(folder) / "control.db"
        with Control(f"sqlite:///{path}") as control:
            filling = fill(control, entries)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            clock, processor, size = verifying(control)
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            full = adding(control, entries)
        megabytes = path.stat().st_size / 1e6
    met = clock <= TARGET_SECONDS * max(1.0, entries / 1_000_000)
    print(f"{size:,} entries, {megabytes:,.0f} MB, made in {filling:,.0f} s")
    print(f"verified in {clock:.1f} s ({processor:.1f} s of one processor), target "
          f"{TARGET_SECONDS:.0f} s a million: {'met' if met else 'MISSED'}")  # fmt: skip
    print(f"memory {after / 1024:,.0f} MB, {(after - before) / 1024:,.0f} MB more than before it")
    print(f"adding one: {empty:.2f} ms to an empty record, {full:.2f} ms to this one")
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
