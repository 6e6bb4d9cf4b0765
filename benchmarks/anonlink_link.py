"""Link people in a CSV file with clkhash and anonlink; run by linkage_table.py, needs those alone.

    python anonlink_link.py PEOPLE.csv OUT.npz

Hashes are those of clkhash_speed.py. Records of two sources are linked across, one to one; of one
or of more, within and across. Up to `EVERY_PAIR` records each is compared with each, as anonlink
does; beyond, those that share one of the blocks which the file gives (its columns `block_…`).
Writes the pairs with their similarity, and the groups that anonlink's solver makes at each of
`THRESHOLDS`; prints seconds and memory as JSON.
"""

from __future__ import annotations

import array
import csv
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anonlink
import numpy as np
from clkhash.clk import generate_clks
from clkhash.schema import from_json_dict
from clkhash_speed import FIELDS, SCHEMA

EVERY_PAIR = 60_000
LEAST = 0.7  # Dice coefficient below which a pair is not kept
THRESHOLDS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
CHUNK = 5_000
SIMILARITY = anonlink.similarities.dice_coefficient_accelerated

hashes: list[Any] = []  # read by the processes that are forked once it is filled


def held_kb() -> float:
    """The memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e3


def chunks(members: list[int]) -> Iterator[list[int]]:
    """The members, so many at a time."""
    return (members[at : at + CHUNK] for at in range(0, len(members), CHUNK))


def compared(task: tuple[list[int], list[int]]) -> np.ndarray:
    """Similarity, left and right of the pairs of two chunks that are alike enough."""
    left, right = task
    found, (one, other) = SIMILARITY(
        ([hashes[i] for i in left], [hashes[i] for i in right]), LEAST, k=None
    )
    return np.array([found, np.array(left)[one], np.array(right)[other]])


def every_pair(left: list[int], right: list[int]) -> np.ndarray:
    """All pairs of left and right records, over all cores."""
    tasks = [(a, b) for a in chunks(left) for b in chunks(right) if left is not right or a <= b]
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        return np.concatenate(pool.map(compared, tasks), axis=1)


def blocked_pairs(left: list[int], right: list[int], blocks: list[list[str]]) -> np.ndarray:
    """The pairs of left and right records that share a block."""
    sides = left, right
    found, _, (one, other) = anonlink.candidate_generation.find_candidate_pairs(
        [[hashes[i] for i in side] for side in sides],
        SIMILARITY,
        LEAST,
        blocking_f=lambda side, place, _: blocks[sides[side][place]],
    )
    return np.array([found, np.array(left)[one], np.array(right)[other]])


def solved(pairs: np.ndarray, source: np.ndarray, *, across: bool) -> np.ndarray:
    """The group of each record, named by its lowest member, as anonlink's solver has it."""
    left, right = pairs[1].astype(int), pairs[2].astype(int)
    datasets = (source[left], source[right]) if across else (0 * left, 0 * right)
    groups = anonlink.solving.probabilistic_greedy_solve(
        (
            array.array("d", pairs[0]),
            tuple(array.array("I", one.tolist()) for one in datasets),
            tuple(array.array("I", one.tolist()) for one in (left, right)),
        ),
        deduplicated=across,
    )
    group_of = np.arange(len(source))
    for group in groups:
        members = [record for _, record in group]
        group_of[members] = min(members)
    return group_of


def main() -> None:
    """Hash, compare and solve, each timed."""
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    source = np.unique([row["partner"] for row in rows], return_inverse=True)[1]
    across, everyone = source.max() == 1, list(range(len(rows)))
    sides = [np.flatnonzero(source == one).tolist() for one in (0, 1)] if across else [everyone] * 2
    before = held_kb()
    started = time.perf_counter()
    people = [tuple(row[name] for name in FIELDS) for row in rows]
    hashes.extend(generate_clks(people, from_json_dict(SCHEMA), "benchmark", validate=False))
    encoded = time.perf_counter()
    if len(rows) <= EVERY_PAIR:
        pairs = every_pair(*sides)
    else:
        keys = [name for name in rows[0] if name.startswith("block_")]
        blocks = [[f"{key} {row[key]}" for key in keys if row[key]] for row in rows]
        pairs = blocked_pairs(*sides, blocks)
    if not across:
        pairs = pairs[:, pairs[1] < pairs[2]]
    pairs = pairs[:, np.lexsort((pairs[2], pairs[1], -pairs[0]))]
    predicted = time.perf_counter()
    groups = {f"groups {least}": solved(pairs[:, pairs[0] >= least], source, across=across)
              for least in THRESHOLDS}  # fmt: skip
    clustered = (time.perf_counter() - predicted) / len(THRESHOLDS)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    forked = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before
    peak = held + os.cpu_count() * max(forked, 0)
    np.savez(sys.argv[2], pairs=pairs, **groups)
    seconds = {"encode": encoded - started, "predict": predicted - encoded, "cluster": clustered}
    print(json.dumps({"seconds": seconds, "peak_mb": peak / 1e3}))


if __name__ == "__main__":
    main()
