"""Which rows of a partner's tables go where records of people go, and taking them out."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl

from schemas.tables import TABLES, Table
from warehouse.connect import store_errors
from warehouse.staging import key_of, tables_of

Keys = Mapping[str, pl.DataFrame]
"""Staging table → at least its key columns."""

Gone = dict[str, pl.Series]
"""Staging table → the keys of the rows that go."""

RECORD = "record_id"


def key_columns(name: str) -> list[str]:
    """The columns of a staging table that say which row it is, of which record and parent."""
    partner = name.split("_", 1)[0]
    columns = tables_of(partner)[name]
    return [column for column in columns if column == RECORD or column.endswith("_key")]


def rows_of(partner: str, keys: Keys, records: pl.Series) -> Gone:
    """The rows that go with records: their own, and whatever belongs to those.

    What is told of a household goes with the last of its people.

    Args:
        partner: Whose tables they are.
        keys: The key columns of each of its staging tables.
        records: Record ids.
    """
    nothing: Gone = {_staged(table): _own(keys, table).clear() for table in TABLES[partner]}
    gone = _with_children(partner, keys, records, nothing)
    left_empty = {
        _staged(parent): _abandoned(keys, table, parent, gone)
        for table in TABLES[partner]
        if table.identity is not None
        for parent in _parents(table)
        if parent.identity is None
    }
    return _with_children(partner, keys, records, nothing | left_empty)


def rows_about(partner: str, keys: Keys, records: pl.Series) -> Gone:
    """The rows that tell of the people of some records: their own, and what those belong to.

    Of a household it is what is told of all of it; the rows of its other people, and whatever
    belongs to those, are left out.

    Args:
        partner: Whose tables they are.
        keys: The key columns of each of its staging tables.
        records: Record ids.
    """
    about: Gone = {_staged(table): _own(keys, table).clear() for table in TABLES[partner]}
    for table in TABLES[partner]:
        if table.identity is not None:
            frame = keys[_staged(table)]
            own = frame.filter(pl.col(RECORD).is_in(records.implode()))
            about[_staged(table)] = own[key_of(_staged(table))]
            for parent in _parents(table):
                above = own[key_of(_staged(parent))].drop_nulls()
                about[_staged(parent)] = pl.concat([about[_staged(parent)], above]).unique()
    for table in TABLES[partner]:
        for parent in _parents(table) if table.identity is None else ():
            frame, above = keys[_staged(table)], about[_staged(parent)]
            below = frame.filter(pl.col(key_of(_staged(parent))).is_in(above.implode()))
            found = below[key_of(_staged(table))]
            about[_staged(table)] = pl.concat([about[_staged(table)], found]).unique()
    return about


@store_errors("The staging store could not be read.", "Restore it from backup and run again.")
def read_rows(con: duckdb.DuckDBPyConnection, rows: Gone) -> dict[str, pl.DataFrame]:
    """Whole rows of the staging store by table, of tables that have any.

    Args:
        con: A connection whose default database is the staging store.
        rows: Staging table → the keys of the rows.
    """
    read = {}
    for name, keys in rows.items():
        con.register("wanted", keys.to_frame().to_arrow())
        found = con.execute(
            f"SELECT * FROM {name} WHERE {key_of(name)} IN (SELECT * FROM wanted) ORDER BY 1"
        ).pl()
        con.unregister("wanted")
        if found.height:
            read[name] = found
    return read


def without(events: Keys, gone: Mapping[str, pl.Series]) -> dict[str, pl.DataFrame]:
    """The tables without the rows that go."""
    return {
        name: frame.filter(~pl.col(key_of(name)).is_in(gone[name].implode()))
        for name, frame in events.items()
    }


@store_errors("The staging store could not be read.", "Restore it from backup and run again.")
def staged_keys(con: duckdb.DuckDBPyConnection, partner: str) -> dict[str, pl.DataFrame]:
    """The key columns of a partner's tables in the staging store."""
    return {
        name: con.execute(f"SELECT {', '.join(key_columns(name))} FROM {name}").pl()
        for name in tables_of(partner)
    }


@store_errors("The staging store could not be written.", "Restore it from backup and run again.")
def remove(con: duckdb.DuckDBPyConnection, gone: Mapping[str, pl.Series]) -> None:
    """Delete rows from the staging store, which is then to be rewritten.

    Args:
        con: A connection whose default database is the staging store.
        gone: As `rows_of` gives them.
    """
    for name, going in gone.items():
        con.register("going", going.to_frame().to_arrow())
        con.execute(f"DELETE FROM {name} WHERE {key_of(name)} IN (SELECT * FROM going)")
        con.unregister("going")


def _with_children(partner: str, keys: Keys, records: pl.Series, begun: Gone) -> Gone:
    """The rows of records and of what is begun with, and all that belongs to them."""
    gone = dict(begun)
    for table in TABLES[partner]:
        name = _staged(table)
        frame = keys[name]
        goes = frame[key_of(name)].is_in(gone[name].implode())
        if table.identity is not None:
            goes |= frame[RECORD].is_in(records.implode())
        for parent in _parents(table):
            goes |= frame[key_of(_staged(parent))].is_in(gone[_staged(parent)].implode())
        gone[name] = frame[key_of(name)].filter(goes)
    return gone


def _abandoned(keys: Keys, table: Table, parent: Table, gone: Gone) -> pl.Series:
    """The parents of rows that go which none of the other rows belongs to."""
    name, above = _staged(table), key_of(_staged(parent))
    goes = keys[name][key_of(name)].is_in(gone[name].implode())
    left, staying = keys[name][above].filter(goes), keys[name][above].filter(~goes)
    return left.filter(~left.is_in(staying.implode())).unique()


def _parents(table: Table) -> list[Table]:
    named = {one.name: one for one in TABLES[table.partner]}
    return [named[name] for name in table.parents.values()]


def _own(keys: Keys, table: Table) -> pl.Series:
    return keys[_staged(table)][key_of(_staged(table))]


def _staged(table: Table) -> str:
    return f"{table.partner}_{table.name}"
