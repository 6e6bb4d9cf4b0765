"""How long the warehouse takes to build, model by model, and how much memory it needs.

    make bench-warehouse

One synthetic partnership is read, validated and pseudonymised; its staging tables are then copied,
each copy of other people, until there are as many records as were asked for. Records are the rows
that name a person; their events come on top. Who is whom is taken from the truth, so linkage costs
nothing here. Each size is built in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from hashlib import blake2b
from pathlib import Path

import polars as pl

RECORDS = (100_000, 1_000_000)
LIMIT_SECONDS = 60.0
LIMIT_GIGABYTES = 4.0
"""What a million records may take on two cores (2026-11)."""

PEOPLE = 10_000
SEED = 1
SLOWEST = 10
AS_AT = date(2026, 6, 30)
KEY = "5a" * 32
STAGED = "staging.duckdb"
PERSONS = "record_person.parquet"


def stage_one(folder: Path, people: int = PEOPLE) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
    """The staging tables of one synthetic partnership, and whose each record is."""
    from flows.start import agreement_text
    from governance.agreements import parse_agreement
    from governance.keys import RootKey
    from governance.pseudonymise import own_records, pseudonymise
    from schemas.contract import validate_extract
    from schemas.extract import read_table
    from schemas.tables import TABLES
    from synthetic import write_extracts

    write_extracts(people, SEED, folder)
    truth = pl.read_csv(folder / "truth" / "record.csv", infer_schema=False)
    frames: dict[str, pl.DataFrame] = {}
    owners = []
    for partner, tables in TABLES.items():
        inbox = folder / "inbox" / partner
        raw = {
            table.name: read_table(path, table)
            for table in tables
            if (path := inbox / f"{table.name}.csv").exists() or not table.optional
        }
        agreement = parse_agreement(agreement_text(partner, True, AS_AT), f"{partner}.yaml")
        key = RootKey(bytes(range(32))).purpose_key(agreement.purpose, 1)
        validated = validate_extract(partner, raw)
        frames |= pseudonymise(validated, agreement, key).events
        own = own_records(validated, agreement, key)
        told = [(record, partner, *names) for record, names in own.items()]
        owners.append(
            pl.DataFrame(told, schema=["record_id", "partner", "table", "record_key"], orient="row")
        )
    persons = pl.concat(owners).join(truth, on=["partner", "table", "record_key"], how="left")
    return frames, persons.select("record_id", person_id="person")


def stage_copies(folder: Path, records: int) -> int:
    """Write a staging store of at least so many records; how many there are."""
    from warehouse import connect, staging

    with tempfile.TemporaryDirectory() as made:
        frames, persons = stage_one(Path(made))
    copies = -(-records // persons.height)
    con = connect.open_store(folder / STAGED, KEY)
    staging.create(con)
    for partner in staging.PARTNERS:
        tables = {
            name: copied(whole(frames[name], list(columns)), copies)
            for name, columns in staging.tables_of(partner).items()
        }
        rows = sum(frame.height for frame in tables.values())
        staging.replace_partner(con, partner, tables, run_id="bench", data_as_at=AS_AT, rows=rows)
    con.close()
    everyone = copied(persons, copies)
    ids = pl.Series("person_id", [as_registered(one) for one in everyone["person_id"]])
    everyone.with_columns(ids).write_parquet(folder / PERSONS)
    return everyone.height


def as_registered(person: str) -> str:
    """A person's id of the form that the registry gives: it takes longer than a short one."""
    return blake2b(person.encode(), digest_size=8).hexdigest()


def whole(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """A staging table with every column, and no row where the agreement shares only its keys."""
    lacking = [pl.lit(None).alias(name) for name in columns if name not in frame.columns]
    only_keys = all(name.endswith("_key") or name == "record_id" for name in frame.columns)
    return (frame.clear() if only_keys else frame).with_columns(lacking).select(columns)


def copied(frame: pl.DataFrame, copies: int) -> pl.DataFrame:
    """A table so many times over, each time with other keys and other people."""
    keys = [name for name in frame.columns if name.endswith("_key") or name == "record_id"]

    def one(number: int) -> pl.DataFrame:
        changed = frame.with_columns(pl.col(name) ^ pl.lit(number) for name in keys)
        if "person_id" in frame.columns:
            changed = changed.with_columns(
                person_id=pl.format("{}-{}", "person_id", pl.lit(number))
            )
        return changed

    return pl.concat(one(number) for number in range(copies))


@contextmanager
def clocked() -> Iterator[dict[str, float]]:
    """Take the processor seconds that each model needs from here on, and those of all checks."""
    from warehouse import release

    seconds: dict[str, float] = {}
    build, check = release._materialise, release._check

    def building(con, model, **rest):  # type: ignore[no-untyped-def]
        started = time.thread_time()  # each is built on a thread of its own
        build(con, model, **rest)
        seconds[model.name] = time.thread_time() - started

    def checking(con, model):  # type: ignore[no-untyped-def]
        started = time.thread_time()
        check(con, model)
        taken = time.thread_time() - started
        seconds["(all checks)"] = seconds.get("(all checks)", 0) + taken

    release._materialise, release._check = building, checking  # type: ignore[assignment]
    try:
        yield seconds
    finally:
        release._materialise, release._check = build, check


def measure(records: int) -> dict[str, object]:
    """Seconds, by model too, and peak memory of one build of so many records."""
    from warehouse.release import build_release

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        staged = [sys.executable, __file__, "--stage", str(folder), "--records", str(records)]
        subprocess.run(staged, check=True)
        persons = pl.read_parquet(folder / PERSONS)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with clocked() as seconds:
            started, used = time.perf_counter(), time.process_time()
            summary = build_release(
                folder / STAGED, KEY, persons, folder / "warehouse.duckdb", KEY,
                run_id="bench", built_at=datetime(2026, 7, 1, tzinfo=UTC),
            )  # fmt: skip
            wall, processor = time.perf_counter() - started, time.process_time() - used
        size = (folder / "warehouse.duckdb").stat().st_size
    return {
        "records": persons.height,
        "people": summary.tables["person"],
        "outcome_rows": summary.tables["outcome"],
        "seconds": round(wall, 1),
        "processor_seconds": round(processor, 1),
        "peak_gigabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2),
        "before_gigabytes": round(before / 1024**2, 2),
        "release_megabytes": size // 1024**2,
        "by_model": dict(sorted(seconds.items(), key=lambda one: -one[1])),
    }


def measured_apart(records: int) -> dict[str, object]:
    """The same in a process of its own."""
    asked = [sys.executable, __file__, "--alone", "--records", str(records)]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> int:
    """Print what was measured; 1 if the largest size takes more than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, nargs="+", default=list(RECORDS))
    parser.add_argument("--json", type=Path, help="write the measurements here too")
    parser.add_argument("--stage", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        stage_copies(given.stage, given.records[0])
        return 0
    if given.alone:
        print(json.dumps(measure(given.records[0])))
        return 0
    found = [measured_apart(records) for records in given.records]
    for one in found:
        slowest = list(dict(one.pop("by_model")).items())[:SLOWEST]  # type: ignore[call-overload]
        print("\n".join(f"{name:<22}{value:>14,}" for name, value in one.items()))
        print("\n".join(f"  {name:<32}{seconds:>8.1f} s" for name, seconds in slowest), "\n")
        one["slowest"] = dict(slowest)
    if len(found) > 1:
        growth = float(found[-1]["seconds"]) / float(found[0]["seconds"])  # type: ignore[arg-type]
        more = int(found[-1]["records"]) / int(found[0]["records"])  # type: ignore[call-overload]
        print(f"{more:.0f} times the records take {growth:.1f} times as long.")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    within = (
        float(found[-1]["seconds"]) <= LIMIT_SECONDS  # type: ignore[arg-type]
        and float(found[-1]["peak_gigabytes"]) <= LIMIT_GIGABYTES  # type: ignore[arg-type]
    )
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
