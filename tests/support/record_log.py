"""A record of a few entries in a database of its own, and every way to rewrite it by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from governance.audit import Recorder
from governance.control import Control
from governance.record.checkpoint import Checkpoint
from governance.record.judge import Named, of_our_own, of_witness
from governance.record.leaves import commitment, content
from governance.record.merkle import Frontier
from governance.record.verify import walk

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
RECORDER = Recorder("someone", "cohort-journeys", "20261122-020011-91c4")
ACTS = ("collection", "combination", "consultation", "disclosure", "alteration")


def fill(path: Path, count: int) -> None:
    """Record so many entries, a minute apart, of one partner or of all."""
    with Control(f"sqlite:///{path}") as control:
        for n in range(count):
            control.add_audit(
                RECORDER.entry(
                    ACTS[n % len(ACTS)],
                    NOW + timedelta(minutes=n),
                    partner=("police", None, "housing")[n % 3],
                    detail={"rows": n, "query": f"sha256:{n:064x}"},
                )
            )


def checkpoint(path: Path) -> Checkpoint:
    """What the record is now, unsigned."""
    with Control(f"sqlite:///{path}") as control:
        head = control.head()
    assert head is not None
    return Checkpoint(head.log, head.size, head.root, NOW)


def faults(path: Path, *witnesses: Checkpoint, ours: Sequence[Checkpoint] = ()) -> list[str]:
    """What verifying finds, with checkpoints that somebody kept and with our own."""
    sizes = {one.size for one in (*witnesses, *ours)}
    with Control(f"sqlite:///{path}") as control, control.snapshot() as kept:
        found = walk(kept.rows(), kept.size, kept.peaks, kept.outside, sizes)
    own = of_our_own([Named("ours", one) for one in ours], found, {})
    kept_elsewhere = [of_witness(Named("kept", one), found, {}) for one in witnesses]
    return [*found.faults, *own, *(one for said in kept_elsewhere for one in said)]


def by_hand(path: Path, *statements: str) -> None:
    """Change the database behind the program's back."""
    connection = sqlite3.connect(path)
    with connection:
        for one in statements:
            connection.execute(one)
    connection.close()


def make_anew(
    path: Path, order: Sequence[int], changed: Mapping[int, Mapping[str, object]]
) -> None:
    """Write the record again as its operator could: entries in another order, some changed.

    Each keeps its salt; leaves and head are what they have to be for it.
    """
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    held = {row["entry_id"]: dict(row) for row in connection.execute("SELECT * FROM audit_entry")}
    salts = dict(connection.execute("SELECT number, salt FROM record_leaf").fetchall())
    frontier = Frontier()
    with connection:
        connection.execute("DELETE FROM audit_entry")
        connection.execute("DELETE FROM record_leaf")
        for number, which in enumerate(order, 1):
            row = {**held[which], **changed.get(which, {}), "entry_id": number}
            committed = commitment(salts[which], content(*list(row.values())[1:]))
            frontier.add(committed)
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO audit_entry VALUES ({marks})", [*row.values()])
            connection.execute(
                "INSERT INTO record_leaf VALUES (?, ?, ?)", [number, committed, salts[which]]
            )
        connection.execute(
            "UPDATE record_head SET size = ?, peaks = ?", [frontier.size, frontier.packed()]
        )
    connection.close()
