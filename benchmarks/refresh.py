"""The whole refresh, step by step, beside Splink in clear text on the same records.

    make bench-refresh                      # 100,000 and a million records
    make bench-refresh RECORDS="--refresh-only 5000000"    # an hour or more, and 30 GB of disk

Every size is a partnership of its own: made-up partners, a first night, and a night on which
nothing new has come. Each is run as a data lead runs it, in a process of its own. Before it, in a
process of its own too, Splink links the same records in clear text: trained, predicted, grouped.
Seconds are by the clock, so nothing else should be at work; processor seconds are told beside.
Splink in clear text takes 17 GB and more of five million records; `--refresh-only` leaves it out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.refresh import STEPS

RECORDS = (100_000, 1_000_000)
RECORDS_A_PERSON = 3.4
SEED = 29

# What the refresh of a million records may take (2026-11).
MOST_TIMES_CLEAR_TEXT = 10.0
MOST_GB = 6.0
MOST_SECONDS_UNCHANGED = 15.0
HELD_TO = 1_000_000

CLEAR_TEXT = """
import json, sys, time
from pathlib import Path
from flows.linking.train import labelled_identities
from linkage import clear_text
from linkage.groups import grouped

people = labelled_identities(Path(sys.argv[1])).drop("person")
started = time.perf_counter()
with clear_text.ClearText(people) as model:
    model.train(seed=1)
    pairs = model.pairs()
linked = pairs.filter(pairs["match_weight"] >= clear_text.LINK_AT)
grouped(people.select("record_id", first="record_id"), linked)
Path(sys.argv[2]).write_text(json.dumps({
    "records": people.height, "seconds": time.perf_counter() - started,
}))
"""


def carried_out(*command: str) -> dict[str, float]:
    """Run a command of ours to its end.

    Returns:
        ``seconds`` by the clock, ``processor`` seconds, and ``gb``, the most memory that it, or
        one of its children, held at once.
    """
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"A step of the benchmark ended with {process.returncode}.")
    return {
        "seconds": time.perf_counter() - started,
        "processor": used.ru_utime + used.ru_stime,
        "gb": used.ru_maxrss / 1e6,
    }


def journeys(*command: str) -> tuple[str, ...]:
    """A `journeys` command, for :func:`carried_out`."""
    return ("-c", "from flows.cli import main; main()", *command)


def measured(records: int, folder: Path, *, refresh_only: bool) -> dict[str, Any]:
    """Measure one size in an empty folder, beside Splink in clear text or alone."""
    people, where = str(round(records / RECORDS_A_PERSON)), str(folder)
    config, told = str(folder / "partnership.yaml"), folder / "told.json"
    made = carried_out(
        *journeys("synthesise", "--people", people, "--seed", str(SEED), "--out", where)
    )
    clear = None
    if not refresh_only:
        clear = carried_out("-c", CLEAR_TEXT, where, str(told))
        clear |= json.loads(told.read_text(encoding="utf-8"))
    carried_out(*journeys("init", "--out", where, "--demo"))
    nights = []
    for _ in range(2):
        night = carried_out(
            *journeys("run", "--no-server", "--config", config, "--json", str(told))
        )
        nights.append(night | {"report": json.loads(told.read_text(encoding="utf-8"))})
    stored = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "records": nights[0]["report"]["linkage"]["records"],
        "made": made,
        "clear": clear,
        "first": nights[0],
        "unchanged": nights[1],
        "disk_gb": stored / 1e9,
    }


def shown(sizes: Sequence[dict[str, Any]]) -> None:
    """Print every step of every size, and how a step grows a record from the first to the last."""
    first, last = sizes[0], sizes[-1]
    times_more = last["records"] / first["records"]
    table = Table("", *(f"{one['records']:,} records" for one in sizes), "Growth")

    def row(name: str, values: Sequence[float], form: str = ",.1f") -> None:
        grows = len(sizes) > 1 and values[0] >= 0.1
        growth = f"{values[-1] / values[0] / times_more:.2f}" if grows else ""
        table.add_row(name, *(format(value, form) for value in values), growth)

    for night in ("first", "unchanged"):
        table.add_section()
        for step in STEPS:
            if step not in sizes[0][night]["report"]["seconds"]:
                continue  # a step that ends with the report cannot be told in it
            row(
                f"{night} night: {step}, s",
                [one[night]["report"]["seconds"].get(step, 0.0) for one in sizes],
            )
        row(f"{night} night, s", [one[night]["seconds"] for one in sizes])
        row(f"{night} night, processor s", [one[night]["processor"] for one in sizes])
        row(f"{night} night, GB", [one[night]["gb"] for one in sizes], ".2f")
    table.add_section()
    if all(one["clear"] for one in sizes):
        row("Splink in clear text, s", [one["clear"]["seconds"] for one in sizes])
        row("Splink in clear text, GB", [one["clear"]["gb"] for one in sizes], ".2f")
    row("disk after two nights, GB", [one["disk_gb"] for one in sizes], ".2f")
    Console(width=110).print(table)
    for one in sizes:
        held(one)


def held(one: dict[str, Any]) -> None:
    """Print the ratios of one size and, of a million records, whether each target is met."""
    unchanged = sum(one["unchanged"]["report"]["seconds"].values())
    most = max(one["first"]["gb"], one["unchanged"]["gb"])
    rows = [
        ("memory is", most, MOST_GB, "GB at most"),
        ("an unchanged night has", unchanged, MOST_SECONDS_UNCHANGED, "seconds of work"),
    ]
    if one["clear"]:
        times = one["first"]["seconds"] / one["clear"]["seconds"]
        rows.append(("a refresh takes", times, MOST_TIMES_CLEAR_TEXT, "times Splink in clear text"))
    print(f"{one['records']:,} records:")
    for name, value, limit, unit in rows:
        judged = ""
        if 0.9 <= one["records"] / HELD_TO <= 1.1:
            judged = f" (target {limit:g}: {'met' if value <= limit else 'MISSED'})"
        print(f"  {name} {value:.1f} {unit}{judged}")


def main() -> None:
    """Measure every size that is asked for."""
    given = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    given.add_argument("records", nargs="*", type=int, default=RECORDS)
    given.add_argument("--folder", type=Path, help="where to work; a temporary folder otherwise")
    given.add_argument("--json", type=Path, help="write what was measured here, too")
    given.add_argument("--refresh-only", action="store_true", help="leave out Splink in clear text")
    asked = given.parse_args()
    sizes = []
    for records in asked.records:
        with TemporaryDirectory(dir=asked.folder) as folder:
            sizes.append(measured(records, Path(folder), refresh_only=asked.refresh_only))
    if asked.json:
        asked.json.write_text(json.dumps(sizes, indent=1) + "\n", encoding="utf-8")
    shown(sizes)


if __name__ == "__main__":
    main()
