"""How encoding and linking grow with the number of records: ratios from one run.

    python benchmarks/scale.py [PEOPLE ...]

Each population is about three records a person. A step that grows in proportion has a growth of 1.
Adding 1 % is encoding the new records and linking from the last run; a full run encodes and links
all. Training is in neither.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.linking.train import labelled_identities
from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage.match import link
from linkage.model import load_model
from linkage.train import group_f1
from synthetic import write_extracts

POPULATIONS = (30_000, 300_000)
SEED = 7
SHARE = "1 % more, share of full"
MOST_SHARE = 0.2  # of a full run, without training, that adding 1 % may cost (2026-11)
STEADY = ("records", SHARE, "group F1", "peak memory, GB")


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives, and how long it took in seconds."""
    started = time.perf_counter()
    made = call()
    return made, time.perf_counter() - started


def measure(people: int) -> dict[str, float]:
    """Seconds of each step for one population, and how well it was linked."""
    key_of = encoding_keys(RootKey(bytes(range(32))), purpose="benchmark", epoch=1)
    model = load_model()
    with TemporaryDirectory() as folder:
        _, synthesis = timed(lambda: write_extracts(people, SEED, Path(folder)))
        labelled, intake = timed(lambda: labelled_identities(Path(folder)))
    encoded, encoding = timed(lambda: encode(labelled, key_of))
    links, linking = timed(lambda: link(encoded, model))
    some = encoded.sample(fraction=0.99, seed=SEED)
    kept = link(some.sort("record_id"), model).kept
    new = labelled.join(some, on="record_id", how="anti")
    _, encoding_new = timed(lambda: encode(new, key_of))
    added, adding = timed(lambda: link(encoded, model, kept))
    again, unchanged = timed(lambda: link(encoded, model, added.kept))
    if again.compared or not added.groups.equals(links.groups):
        raise SystemExit("Linking from the last run does not give the groups of a full one.")
    return {
        "records": labelled.height,
        "pairs compared": links.compared,
        "synthesise": synthesis,
        "read and validate": intake,
        "encode": encoding,
        "link": linking,
        "link 1 % more": adding,
        "link nothing new": unchanged,
        SHARE: (encoding_new + adding) / (encoding + linking),
        "group F1": group_f1(links.groups, labelled.select("record_id", "person")),
        "peak memory, GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def main() -> None:
    """Measure each population and print growth per record between the first and the last."""
    populations = tuple(int(given) for given in sys.argv[1:]) or POPULATIONS
    measured = [measure(people) for people in populations]
    first, last = measured[0], measured[-1]
    times_more = last["records"] / first["records"]
    table = Table("Step", *(f"{m['records']:,.0f} records" for m in measured), "Growth")
    for name in first:
        steady = name in STEADY
        growth = "" if steady else f"{last[name] / first[name] / times_more:.2f}"
        table.add_row(name, *(f"{m[name]:,.3g}" for m in measured), growth)
    Console().print(table)
    per_record = first["encode"] / first["records"]
    for one in measured:
        met = "met" if one[SHARE] <= MOST_SHARE else "MISSED"
        print(f"1 % more of {one['records']:,.0f}: {one[SHARE]:.2f} of a full run "
              f"(target {MOST_SHARE:g}: {met})")  # fmt: skip
    print(f"Encoded {1 / per_record:,.0f} records a second at the smaller size.")


if __name__ == "__main__":
    main()
