"""The review queue and what was decided, in the identity store: they hold record ids.

Every function takes an open connection whose current database is the store.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import duckdb
import polars as pl

from linkage.review import PAIR, Decisions
from linkage.rows import replace_rows

DECISIONS: Final = ("same", "different", "unsure")

RECTIFIED: Final = "rectified"

REASONS: Final = {
    "pattern": "The agreement pattern decides it.",
    "checked-source": "The partner checked its own records.",
    "relatives": "They are relatives, or share a home.",
    "id-error": "A strong id was recorded wrongly.",
    "mixed-record": "A record holds two people's particulars.",
    "cannot-tell": "There is too little to tell by.",
    RECTIFIED: "The person had a wrong link put right.",
}
"""Why it was decided so. Free text could hold a name, so there is none."""


@dataclass(frozen=True)
class Decided:
    """One decision on a pair: who, when and why."""

    decision: str
    reason: str
    officer: str
    at: datetime


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables where they are missing."""
    connection.execute(
        """CREATE TABLE IF NOT EXISTS review_pair (
            pair VARCHAR PRIMARY KEY, asked VARCHAR NOT NULL,
            record_id_l BIGINT NOT NULL, record_id_r BIGINT NOT NULL, why VARCHAR NOT NULL)"""
    )
    connection.execute(
        """CREATE TABLE IF NOT EXISTS review_decision (
            number BIGINT PRIMARY KEY, record_id_l BIGINT NOT NULL, record_id_r BIGINT NOT NULL,
            decision VARCHAR NOT NULL, reason VARCHAR NOT NULL, officer VARCHAR NOT NULL,
            decided_at TIMESTAMP NOT NULL)"""
    )


def new_pair() -> str:
    """A fresh name for a pair: 32 random bits, so that it tells nothing of the queue."""
    return secrets.token_hex(4)


def replace_queue(
    connection: duckdb.DuckDBPyConnection,
    queue: pl.DataFrame,
    new_name: Callable[[], str] = new_pair,
) -> None:
    """Put this run's queue in the place of the last one's; a pair that stays keeps its name.

    What was decided one way or the other stays, though no doubt is left once it is respected: it
    must be possible to look it up and to take it back.

    Args:
        connection: The identity store.
        queue: From :func:`linkage.review_queue.queue`.
        new_name: Where fresh names come from.
    """
    held = read_queue(connection)
    asked = ["asked", *PAIR]
    named = queue.join(held.select("pair", *asked), on=asked, how="left")
    taken = set(held["pair"])
    fresh = []
    for _ in range(named["pair"].null_count()):
        while (name := new_name()) in taken:
            pass
        taken.add(name)
        fresh.append(name)
    lacking = named.filter(pl.col("pair").is_null()).with_columns(
        pair=pl.Series(fresh, dtype=pl.String)
    )
    columns = ["pair", "asked", *PAIR, "why"]
    decided = held.filter(pl.col("decision").is_in(["same", "different"]))
    arriving = pl.concat(
        [
            named.filter(pl.col("pair").is_not_null()).select(columns),
            lacking.select(columns),
            decided.join(queue, on=asked, how="anti").select(columns),
        ]
    )
    replace_rows(connection, {"review_pair": arriving})


_LAST: Final = """SELECT record_id_l, record_id_r, arg_max(decision, number) AS decision
    FROM review_decision GROUP BY record_id_l, record_id_r"""


def read_queue(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """``pair``, ``asked``, the two record ids, ``why``, and ``decision`` where there is one."""
    return connection.execute(
        f"""SELECT pair, asked, record_id_l, record_id_r, why, decision
        FROM review_pair LEFT JOIN ({_LAST}) USING (record_id_l, record_id_r)
        ORDER BY asked, pair"""
    ).pl()


def read_decisions(connection: duckdb.DuckDBPyConnection) -> Decisions:
    """What was last decided of each pair, where it is one way or the other."""
    last = connection.execute(f"{_LAST} ORDER BY 1, 2").pl()
    return Decisions(*(last.filter(decision=one).select(PAIR) for one in ("same", "different")))


def add_decision(
    connection: duckdb.DuckDBPyConnection, one: int, other: int, decided: Decided
) -> None:
    """Write down a decision on two records; what was decided before of them stays on record."""
    connection.execute(
        """INSERT INTO review_decision
        SELECT coalesce(max(number), 0) + 1, ?, ?, ?, ?, ?, ? FROM review_decision""",
        [
            *sorted((one, other)),
            decided.decision,
            decided.reason,
            decided.officer,
            decided.at,
        ],
    )


def put_apart(
    connection: duckdb.DuckDBPyConnection,
    pairs: pl.DataFrame,
    decided: Decided,
    *,
    asked: str,
    new_name: Callable[[], str] = new_pair,
) -> None:
    """Write down for many pairs that their records are not of one person, and list them.

    Args:
        connection: The identity store.
        pairs: ``record_id_l`` < ``record_id_r``.
        decided: The decision on each.
        asked: Whose queue shows them, so that they can be looked up and decided anew.
        new_name: Where fresh names come from.
    """
    queued = read_queue(connection).filter(asked=asked)
    listed, taken = set(queued.select(PAIR).iter_rows()), set(queued["pair"])
    for one, other in pairs.select(PAIR).iter_rows():
        add_decision(connection, one, other, decided)
        if (one, other) in listed:
            continue
        while (name := new_name()) in taken:
            pass
        taken.add(name)
        connection.execute(
            "INSERT INTO review_pair VALUES (?, ?, ?, ?, ?)", [name, asked, one, other, RECTIFIED]
        )


def rectified_at(connection: duckdb.DuckDBPyConnection, at: datetime) -> list[tuple[int, int, str]]:
    """The pairs that were put apart at a moment, since a person asked for it, and by whom."""
    return connection.execute(
        """SELECT record_id_l, record_id_r, officer FROM review_decision
        WHERE reason = ? AND decision = 'different' AND decided_at = ? ORDER BY number""",
        [RECTIFIED, at],
    ).fetchall()


def decided_of(connection: duckdb.DuckDBPyConnection, one: int, other: int) -> list[Decided]:
    """All that was decided of two records, in the order it was."""
    rows = connection.execute(
        """SELECT decision, reason, officer, decided_at FROM review_decision
        WHERE record_id_l = ? AND record_id_r = ? ORDER BY number""",
        sorted((one, other)),
    ).fetchall()
    return [Decided(*row) for row in rows]


def forget_absent(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove what names a record that is not in the store any more: it is of nobody then.

    What a person had put right is kept while either record is there: a partner that leaves the
    other out once must not bring the wrong link back.
    """
    for table, kept in (("review_pair", "false"), ("review_decision", f"reason = '{RECTIFIED}'")):
        connection.execute(
            f"""DELETE FROM {table} WHERE (
                record_id_l NOT IN (SELECT record_id FROM encoded_record)
                OR record_id_r NOT IN (SELECT record_id FROM encoded_record)
            ) AND NOT ({kept} AND (
                record_id_l IN (SELECT record_id FROM encoded_record)
                OR record_id_r IN (SELECT record_id FROM encoded_record)))"""
        )


def carry_over(before: duckdb.DuckDBPyConnection, after: duckdb.DuckDBPyConnection) -> None:
    """Bring queue and decisions into the identity store of the next key epoch.

    Call it while the bridge is there. A pair of which a record was not supplied again stays behind.

    Args:
        before: The identity store of the old epoch.
        after: That of the new one, whose review tables are empty.
    """
    for table in ("review_pair", "review_decision"):
        found = before.execute(f"SELECT * FROM {table}").to_arrow_table()
        after.register("old", found)
        try:
            after.execute(
                f"""INSERT INTO {table} SELECT old.* REPLACE (
                    least(l.record_id_after, r.record_id_after) AS record_id_l,
                    greatest(l.record_id_after, r.record_id_after) AS record_id_r)
                FROM old
                JOIN bridge l ON l.record_id_before = old.record_id_l
                JOIN bridge r ON r.record_id_before = old.record_id_r"""
            )
        finally:
            after.unregister("old")


def counts(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """How many pairs wait for the hub and for each partner, and how many were decided which way."""
    queued = read_queue(connection)
    waiting = queued.filter(pl.col("decision").is_null()).group_by("asked").len()
    last = connection.execute(f"SELECT decision, count(*) FROM ({_LAST}) GROUP BY 1").fetchall()
    return {"waiting": dict(waiting.sort("asked").iter_rows()), "decided": dict(sorted(last))}
