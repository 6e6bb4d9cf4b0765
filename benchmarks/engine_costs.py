"""What linking costs in DuckDB and on Spark: seconds and memory for a million candidate pairs.

    make bench-engines
    python benchmarks/engine_costs.py [PEOPLE ...]

Both engines score the same partitions of candidate pairs of the same made-up records, one after
the other on this machine, in one run. Blocking and grouping are done in the leading process
whatever the engine, and are measured apart. docs/explanation/sizing.md reads its figures.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from flows.linking.benchmark import Steps
from flows.linking.train import labelled_identities
from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage.blocking import candidate_pairs, crowded_blocks, open_blocks
from linkage.engines import Engine, engine_named
from linkage.groups import grouped
from linkage.match import PAIRS_AT_ONCE, judged
from linkage.model import Model, load_model
from synthetic import write_extracts

POPULATIONS = (3_000, 10_000, 30_000)
"""People, to see how candidate pairs grow; the last population is scored."""
PARTITION = PAIRS_AT_ONCE
PART = PARTITION // 5
"""Pairs of a whole partition and of a part: what one takes beyond the other is by the pair."""
SEED = 7
SPARK_MEMORY = "4g"


def identities(people: int) -> pl.DataFrame:
    """The identities of a made-up partnership."""
    with TemporaryDirectory() as folder:
        write_extracts(people, SEED, Path(folder))
        return labelled_identities(Path(folder))


def candidates_of(encoded: pl.DataFrame) -> pl.DataFrame:
    """The pairs to compare of records that are all new."""
    firsts = encoded.select("record_id", first="record_id")
    blocks = open_blocks(encoded, crowded_blocks(encoded))
    return candidate_pairs(blocks, firsts, encoded["record_id"])


@dataclass(frozen=True)
class Took:
    """What a step took.

    Attributes:
        seconds: By the clock.
        core_seconds: Of processors, those of processes that it started and ended included. Other
            work on the machine hardly changes it.
        mb: The most memory that this process held beyond what it held before.
    """

    seconds: float
    core_seconds: float
    mb: float


def measured(call: Callable[[], Any]) -> tuple[Any, Took]:
    """What a call gives, and what it took."""
    gc.collect()
    steps, before = Steps(), core_seconds()
    with steps.measured(), steps.step("all"):
        made = call()
    return made, Took(steps.seconds["all"], core_seconds() - before, steps.peak_mb or 0.0)


def core_seconds() -> float:
    """Processor time so far of this process and of those it started that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@contextmanager
def watching_java(engine: Engine, held: list[float]) -> Iterator[Any]:
    """The engine, noting the memory of its Java before it ends."""
    with engine() as api:
        yield api
        held.append(java_mb())


def java_mb() -> float:
    """The most memory, in MB, that the Java of this process has held; 0 where there is none."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:
            continue
        if told["Name"].strip() == "java" and int(told["PPid"]) == os.getpid():
            return int(told["VmHWM"].split()[0]) / 1e3
    return 0.0


def costs(encoded: pl.DataFrame, pairs: pl.DataFrame, model: Model, engine: Engine) -> dict:
    """What a part and a whole partition take, and so a million pairs.

    The candidate pairs are drawn as often as it takes to fill a partition. Most of them are links,
    so more comes back than from a larger population, whose candidates mostly are not.
    """
    held: list[float] = []

    def scored(some: pl.DataFrame) -> tuple[pl.DataFrame, Took]:
        return measured(lambda: judged(encoded, some, model, partial(watching_java, engine, held)))

    partition = pairs.sample(PARTITION, with_replacement=True, seed=SEED)
    _, small = scored(partition.head(PART))
    found, whole = scored(partition)
    a_million = (whole.core_seconds - small.core_seconds) / (PARTITION - PART) * 1e6
    return {
        "core seconds for a million pairs": a_million,
        "core seconds besides": whole.core_seconds - a_million * PARTITION / 1e6,
        "seconds by the clock": whole.seconds,
        "MB in the leading process": whole.mb,
        "MB in Java": max(held),
        "pairs kept": found.height,
    }


def main() -> None:
    """Print how candidate pairs grow, then what each engine takes to score them."""
    populations = [int(given) for given in sys.argv[1:]] or POPULATIONS
    key_of = encoding_keys(RootKey(bytes(range(32))), purpose="benchmark", epoch=1)
    growth = Table(
        "Records", "Encoding, core s", "Blocking, core s", "MB", "Candidate pairs", "a record"
    )
    for people in populations:
        given = identities(people)
        encoded, encoding = measured(lambda given=given: encode(given, key_of))
        pairs, blocking = measured(lambda encoded=encoded: candidates_of(encoded))
        growth.add_row(
            f"{encoded.height:,}", f"{encoding.core_seconds:.1f}", f"{blocking.core_seconds:.1f}",
            f"{blocking.mb:,.0f}", f"{pairs.height:,}", f"{pairs.height / encoded.height:.2f}",
        )  # fmt: skip
    model = load_model()
    engines = {
        "DuckDB": engine_named("duckdb", {}),
        "Spark": engine_named("spark", {"spark.driver.memory": SPARK_MEMORY}),
    }
    table = {name: costs(encoded, pairs, model, engine) for name, engine in engines.items()}
    linked = judged(encoded, pairs, model).filter("linked")
    firsts = encoded.select("record_id", first="record_id")
    _, grouping = measured(lambda: grouped(firsts, linked))
    console = Console()
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    console.print(growth)
    shown = Table(f"Scoring {PARTITION:,} pairs of {encoded.height:,} records", *table)
    for row in next(iter(table.values())):
        shown.add_row(row, *(f"{one[row]:,.1f}" for one in table.values()))
    console.print(shown)
    console.print(
        f"Grouping {linked.height:,} links: {grouping.core_seconds:.2f} core seconds, "
        f"{grouping.mb:,.0f} MB."
    )


if __name__ == "__main__":
    main()
