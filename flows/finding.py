"""Whom a rights request is of, and what there is of them, in the stores of a run: in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.keys import store_keys
from flows.settings import Settings

if TYPE_CHECKING:
    import polars as pl

LINE = ["request_id", "line"]
"""The columns that say which line of which request."""

ENCODINGS = "encodings"

Counts = dict[str, dict[str, int]]
"""Partner → table → rows; its encodings are counted like a table."""

Rows = Mapping[str, Mapping[str, "pl.Series"]]
"""Partner → staging table → the keys of rows."""


@contextmanager
def opened_store(
    settings: Settings, run_id: str, name: str, *, read_only: bool = True
) -> Iterator[Any]:
    """A store of a run."""
    from warehouse.connect import open_store

    path = settings.stores / run_id / f"{name}.duckdb"
    connection = open_store(path, store_keys(settings, run_id)[name], read_only=read_only)
    try:
        yield connection
    finally:
        connection.close()


def persons_met(settings: Settings, run_id: str, epoch: int, tokens: pl.DataFrame) -> pl.DataFrame:
    """Who meets suppression tokens in the stores of a run.

    Args:
        settings: The partnership.
        run_id: The run.
        epoch: The key epoch that its stores are in.
        tokens: As `governance.rights.suppression.TOKEN_SCHEMA`.

    Returns:
        ``request_id, line, person_id``.
    """
    from governance.rights.suppression import meet
    from linkage import erasure

    with opened_store(settings, run_id, "identity") as connection:
        marks = erasure.read_marks(connection)
        met = meet({epoch: marks}, tokens).met
        records = met.select(*LINE, record_id=marks["record_id"].gather(met["row"]))
        return erasure.persons_of(connection, records).select(*LINE, "person_id").unique()


def values_met(settings: Settings, run_id: str, epoch: int, tokens: pl.DataFrame) -> pl.DataFrame:
    """Who has each value of suppression tokens, taken by itself, in the stores of a run.

    Args:
        settings: The partnership.
        run_id: The run.
        epoch: The key epoch that its stores are in.
        tokens: As `governance.rights.suppression.TOKEN_SCHEMA`.

    Returns:
        ``request_id, line, value_id, person_id``.
    """
    import polars as pl

    from linkage import erasure
    from schemas.marks import GROUNDS

    with opened_store(settings, run_id, "identity") as connection:
        marks = erasure.read_marks(connection).unpivot(
            GROUNDS, index="record_id", variable_name="ground", value_name="token"
        )
        here = tokens.filter(pl.col("epoch") == epoch)
        found = marks.join(here, on=["ground", "token"]).select(*LINE, "value_id", "record_id")
        return erasure.persons_of(connection, found).drop("record_id").unique()


def records_of(settings: Settings, run_id: str, persons: pl.DataFrame) -> pl.DataFrame:
    """The frame, which has a ``person_id``, with the ``record_id`` of each of their records."""
    from linkage import erasure

    with opened_store(settings, run_id, "identity") as connection:
        return erasure.records_of(connection, persons)


def rows_of(connection: Any, partners: Iterable[str], records: pl.Series) -> Rows:
    """The rows of each partner's tables that go with records, in an open staging store."""
    from warehouse import erasure

    return {
        partner: erasure.rows_of(partner, erasure.staged_keys(connection, partner), records)
        for partner in partners
    }


def counted(rows: Rows, records: pl.DataFrame) -> Counts:
    """How many rows of each table there are, and encodings, of partners that have any.

    Args:
        rows: The rows, by partner and table.
        records: ``record_id, partner`` of the records.
    """
    encodings = dict(records.group_by("partner").len().sort("partner").iter_rows())
    tables = {
        partner: {
            table.removeprefix(f"{partner}_"): len(keys)
            for table, keys in tables.items()
            if len(keys)
        }
        for partner, tables in rows.items()
    }
    return {
        partner: {ENCODINGS: encodings.get(partner, 0), **found}
        for partner, found in tables.items()
        if found or encodings.get(partner)
    }
