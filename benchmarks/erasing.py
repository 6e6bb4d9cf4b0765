"""How long it takes to erase people from the stores of a million records, and that they are gone.

    make bench-erasing

The stores are those of a run: the staging store is made of one synthetic partnership, copied with
other people until there are as many records as were asked for; encodings, marks and links are made
up. What is timed is the program's own: looking the people up, keeping their tokens, and in the next
run finding all that is linked to them, deleting it and writing both stores anew. Then every number
in every table of the stores is held against the records, marks and encodings of those who went.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
from warehouse_build import as_registered, copied, stage_one, whole

RECORDS = (1_000_000,)
PEOPLE = 1_000
LIMIT_SECONDS = 60.0
"""What erasing a thousand people from a million records may take on two cores (2026-11)."""

AS_AT = date(2026, 6, 30)
NOW = datetime(2026, 7, 1, tzinfo=UTC)
BEFORE, AFTER = "20260701-000000-0000", "20260702-000000-0000"
LINKS_A_RECORD = 1.5


def made_up(rng: np.random.Generator, rows: int) -> pl.Series:
    """So many numbers of 64 bits."""
    return pl.Series(rng.integers(-(2**63), 2**63 - 1, rows, dtype=np.int64))


def stores(folder: Path, records: int) -> tuple[Any, pl.DataFrame]:
    """A partnership whose current run has stores of so many records; ``record_id, person_id``."""
    from flows.context import open_control
    from flows.keys.rings import new_store_keys
    from flows.rights.suppressed import opened, store_path
    from flows.settings import load_settings
    from flows.start import start
    from warehouse import connect, staging

    start(folder, demo=True, today=AS_AT)
    settings = load_settings(folder / "partnership.yaml")
    with open_control(settings) as control:
        control.begin_run(BEFORE, at=NOW, actor="bench", purpose=settings.purpose)
        control.commit_run(BEFORE, at=NOW, report={}, extracts=[], draft_digest=None, key_epoch=1)
    with tempfile.TemporaryDirectory() as made:
        frames, persons = stage_one(Path(made))
    copies = -(-records // persons.height)
    (settings.stores / BEFORE).mkdir(parents=True)
    keys = new_store_keys(settings, BEFORE)
    con = connect.open_store(settings.stores / BEFORE / "staging.duckdb", keys["staging"])
    staging.create(con)
    for partner in staging.PARTNERS:
        tables = {
            name: copied(whole(frames[name], list(columns)), copies)
            for name, columns in staging.tables_of(partner).items()
        }
        rows = sum(frame.height for frame in tables.values())
        staging.replace_partner(con, partner, tables, run_id="bench", data_as_at=AS_AT, rows=rows)
    con.close()
    whose = owners(frames, persons, copies)
    con = connect.open_store(settings.stores / BEFORE / "identity.duckdb", keys["identity"])
    fill_identity(con, whose)
    con.close()
    with opened(store_path(settings, BEFORE), keys["suppression"]):
        pass
    return settings, whose


def owners(frames: dict[str, pl.DataFrame], persons: pl.DataFrame, copies: int) -> pl.DataFrame:
    """``record_id, partner, person_id`` of every record."""
    partner = pl.concat(
        frame.select("record_id", pl.lit(name.split("_", 1)[0]).alias("partner"))
        for name, frame in frames.items()
        if "record_id" in frame.columns
    ).unique("record_id")
    everyone = copied(persons.join(partner, on="record_id"), copies)
    ids = pl.Series("person_id", [as_registered(one) for one in everyone["person_id"]])
    return everyone.with_columns(ids)


def fill_identity(con: Any, whose: pl.DataFrame) -> None:
    """Fill an identity store with numbers made up for every record, and links within people."""
    from linkage import erasure, review_store, store
    from linkage.incremental import Kept
    from schemas.encoded import SEX_MASKS, encoded_schema, sex_column
    from schemas.marks import GROUNDS

    for room in (store, erasure, review_store):
        room.create(con)
    rng = np.random.default_rng(1)
    for (partner,), part in whose.group_by("partner", maintain_order=True):
        rows = part.height
        numbers = {
            name: made_up(rng, rows)
            for name, kind in encoded_schema().items()
            if kind == pl.Int64() and name != "record_id"
        }
        encoded = part.select("record_id", "partner").with_columns(
            **numbers, **{sex_column(mask): pl.lit(1, pl.Int8) for mask in SEX_MASKS}
        )
        store.replace_partner(con, str(partner), encoded)
        marks = pl.DataFrame({ground: made_up(rng, rows) for ground in GROUNDS})
        erasure.replace_marks(con, str(partner), part["record_id"], marks)
    con.register("whose", whose.select("record_id", "person_id").to_arrow())
    con.execute("INSERT INTO person_record SELECT record_id, person_id FROM whose")
    con.execute(
        "INSERT INTO person SELECT DISTINCT person_id, now()::TIMESTAMP, 'bench', NULL FROM whose"
    )
    con.unregister("whose")
    links = whose.join(whose, on="person_id", suffix="_r").filter(
        pl.col("record_id") < pl.col("record_id_r")
    )
    wanted = min(links.height, int(LINKS_A_RECORD * whose.height))
    pairs = links.sample(wanted, seed=1).select(
        record_id_l="record_id",
        record_id_r="record_id_r",
        match_weight=pl.lit(20.0),
        guarded=pl.lit(False),
        linked=pl.lit(True),
    )
    alone = whose.select(
        "record_id", fingerprint=pl.col("record_id").hash(), first=pl.col("record_id")
    )
    crowded = pl.DataFrame(schema={"block": pl.String, "token": pl.Int64})
    store.keep(con, Kept("bench", alone, crowded, pairs))


@contextmanager
def clocked(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Take the time of a part."""
    started = time.perf_counter()
    yield
    seconds[name] = round(time.perf_counter() - started, 2)


def request(settings: Any, whose: pl.DataFrame, people: int, seconds: dict[str, float]) -> None:
    """Look so many people up by one record each, and keep tokens of that."""
    from flows.committed import opened_store
    from flows.context import open_control
    from flows.rights.finding import find
    from flows.rights.requests import keep_tokens
    from governance.audit import Recorder
    from governance.control import RightsRequest
    from governance.rights.suppression import TOKEN_SCHEMA
    from linkage import erasure

    partner = "police"
    chosen = (
        whose.filter(partner=partner)
        .unique("person_id", maintain_order=True)
        .sample(people, seed=2)
    )
    with opened_store(settings, BEFORE, "identity") as con:
        marks = erasure.read_marks(con).select("record_id", "record")
    tokens = chosen.join(marks, on="record_id").select(
        pl.lit("f" * 32).alias("request_id"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("line"),
        pl.Series([secrets.randbits(62) for _ in range(people)]).alias("value_id"),
        pl.lit("record").alias("ground"),
        pl.lit(1, pl.Int32).alias("epoch"),
        pl.col("record").alias("token"),
    )
    tokens = tokens.select(list(TOKEN_SCHEMA))
    with open_control(settings) as control:
        current = control.current_run()
        if current is None:
            raise RuntimeError("the stores were not made")
        with clocked(seconds, "looking up"):
            found = find(settings, current, partner, people, tokens)
        with clocked(seconds, "keeping tokens"):
            keep_tokens(settings, control, current, tokens)
        if (found.known, found.unknown) != (people, ()):
            raise RuntimeError("not everybody was found")
        made = RightsRequest("f" * 32, "erasure", partner, "not-stated", NOW, "bench", people, 0)
        control.add_request(made, Recorder("bench", settings.purpose).entry("alteration", NOW))


def erased(settings: Any, whose: pl.DataFrame, seconds: dict[str, float]) -> tuple[Any, int]:
    """Let the next run erase them: what it says, and how many records there were."""
    from flows.context import RunContext, open_control
    from flows.keys.rings import new_store_keys, store_keys
    from flows.link import People
    from flows.linking.quality import Appraisal
    from flows.rights.erasing import erase
    from governance.audit import Recorder
    from warehouse.connect import rewrite_store

    (settings.stores / AFTER).mkdir()
    old, new = store_keys(settings, BEFORE), new_store_keys(settings, AFTER)
    with clocked(seconds, "copying for the run (as every run does)"):
        for name in ("identity", "staging", "suppression"):
            source, target = (settings.stores / one / f"{name}.duckdb" for one in (BEFORE, AFTER))
            rewrite_store(source, target, old[name], new[name])
    epochs = SimpleNamespace(newest=1)
    staged: Any = SimpleNamespace(key_epoch=1, agreed=SimpleNamespace(epochs=epochs))
    history = pl.DataFrame(schema={"person_before": pl.String, "person_after": pl.String})
    appraisal = Appraisal(pl.DataFrame(), {})
    people = People(staged, whose.select("record_id", "person_id"), {}, "bench", appraisal, history)
    with open_control(settings) as control:
        control.begin_run(AFTER, at=NOW, actor="bench", purpose=settings.purpose)
        recorder = Recorder("bench", settings.purpose, AFTER)
        run = RunContext(settings, control, AFTER, recorder, lambda: NOW)
        with clocked(seconds, "erasing"):
            done = erase(run, people)
    return done.erased, done.record_person.height


def left(settings: Any, whose: pl.DataFrame) -> tuple[int, int]:
    """How many numbers or ids of those who went are in any table; how many values were looked at.

    Every number of a record that went is looked for but the few that others have by chance.
    """
    from flows.rights.finding import opened_store
    from linkage import store

    with opened_store(settings, BEFORE, "identity") as con:
        before = store.read_encoded(con)
        marks = con.execute("SELECT * FROM mark").pl()
    with opened_store(settings, AFTER, "identity") as con:
        staying = con.execute("SELECT record_id FROM encoded_record").pl()
    gone = whose.join(staying, on="record_id", how="anti")
    theirs = pl.concat(
        frame.join(gone, on="record_id", how="semi")[name]
        for frame in (before, marks)
        for name in frame.columns
        if frame.schema[name] == pl.Int64
    ).drop_nulls()
    numbers, persons = theirs.unique(), gone["person_id"].unique()
    found = looked = 0
    for name in ("identity", "staging"):
        with opened_store(settings, AFTER, name) as con:
            con.register("numbers", numbers.to_frame("one").to_arrow())
            con.register("persons", persons.to_frame("one").to_arrow())
            for table, column, kind in con.execute(
                "SELECT table_name, column_name, data_type FROM duckdb_columns() "
                "WHERE NOT internal AND database_name = current_database()"
            ).fetchall():
                which = {"BIGINT": "numbers", "VARCHAR": "persons"}.get(kind)
                if which:
                    counted = f"""SELECT count("{column}"), count("{column}") FILTER (
                        "{column}" IN (SELECT one FROM {which})) FROM "{table}" """
                    values, hits = con.execute(counted).fetchall()[0]
                    looked, found = looked + values, found + hits
    return found, looked


def measure(records: int, people: int) -> dict[str, Any]:
    """What erasing so many people from stores of so many records takes."""
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as made:
        settings, whose = stores(Path(made) / "partnership", records)
        request(settings, whose, people, seconds)
        done, staying = erased(settings, whose, seconds)
        found, looked = left(settings, whose)
        size = sum(path.stat().st_size for path in (settings.stores / AFTER).glob("*.duckdb"))
    timed = sum(seconds[one] for one in ("looking up", "keeping tokens", "erasing"))
    return {
        "records": whose.height,
        "people who went": done.people,
        "records that went": whose.height - staying,
        "seconds": round(timed, 1),
        **{f"  {name}": one for name, one in seconds.items()},
        "store megabytes": size // 1024**2,
        "peak gigabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2, 2),
        "values looked at afterwards": looked,
        "of those who went": found,
    }


def measured_apart(records: int, people: int) -> dict[str, Any]:
    """The same in a process of its own, so that its memory is its own."""
    import subprocess

    asked = [
        sys.executable,
        __file__,
        "--alone",
        "--records",
        str(records),
        "--people",
        str(people),
    ]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> int:
    """Print what was measured; 1 if it took more than it may, or anything is left."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, nargs="+", default=list(RECORDS))
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--json", type=Path, help="write the measurements here too")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        print(json.dumps(measure(given.records[0], given.people)))
        return 0
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f}\n")
    found = [measured_apart(records, given.people) for records in given.records]
    for one in found:
        print("\n".join(f"{name:<44}{value:>14,}" for name, value in one.items()), "\n")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    within = all(one["seconds"] <= LIMIT_SECONDS and not one["of those who went"] for one in found)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
