"""Take people out of the identity store, with their marks, links and person ids.

Every function takes an open connection whose current database is the store.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import duckdb
import polars as pl

from linkage.rows import replace_rows
from schemas.marks import GROUNDS

# Whatever table of the store names a record or a person does so in a column of such a name.
OF_RECORDS = re.compile(r"record_id(_\w+)?")
OF_PERSONS = re.compile(r"person_(id|before|after)(_\w+)?")


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table of marks where it is missing."""
    grounds = ", ".join(f"{ground} BIGINT" for ground in GROUNDS)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS mark "
        f"(record_id BIGINT NOT NULL, partner VARCHAR NOT NULL, {grounds})"
    )


def replace_marks(
    connection: duckdb.DuckDBPyConnection, partner: str, records: pl.Series, marks: pl.DataFrame
) -> None:
    """Put the marks of a partner's records in the place of those it supplied before.

    Args:
        connection: The identity store.
        partner: Whose records.
        records: Their ids.
        marks: The columns of `schemas.marks.marks_schema()`, in the same order.
    """
    arriving = marks.select(records.alias("record_id"), pl.lit(partner).alias("partner"), *GROUNDS)
    replace_rows(connection, {"mark": arriving}, partner)


def read_marks(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """``record_id``, ``partner`` and the marks of every record, in the order of its id."""
    return connection.execute("SELECT * FROM mark ORDER BY record_id").pl()


def persons_of(connection: duckdb.DuckDBPyConnection, records: pl.DataFrame) -> pl.DataFrame:
    """The frame, which has a ``record_id``, with the ``person_id`` of each that has one."""
    return _joined(connection, records, "record_id")


def records_of(connection: duckdb.DuckDBPyConnection, persons: pl.DataFrame) -> pl.DataFrame:
    """The frame, which has a ``person_id``, with the ``record_id`` of each of their records."""
    return _joined(connection, persons, "person_id")


def went_on_as(
    connection: duckdb.DuckDBPyConnection, persons: pl.DataFrame, run_id: str
) -> pl.DataFrame:
    """The frame, which has a ``person_id``, with the ids that those became in a run beside them."""
    became = connection.execute(
        """SELECT person_before AS person_id, person_after FROM person_history
        WHERE run_id = ? AND person_after IS NOT NULL""",
        [run_id],
    ).pl()
    after = persons.join(became, on="person_id").drop("person_id")
    return pl.concat(
        [persons, after.rename({"person_after": "person_id"}).select(persons.columns)]
    ).unique()


def with_former_ids(connection: duckdb.DuckDBPyConnection, persons: Collection[str]) -> list[str]:
    """Ids of persons who go, with every former id whose records all came to be theirs.

    Args:
        connection: The identity store.
        persons: Ids that nobody has a record under any more.
    """
    history = connection.execute(
        """SELECT person_before, list(person_after) AS became FROM person_history
        WHERE person_after IS NOT NULL
        AND person_before NOT IN (SELECT person_id FROM person_record) GROUP BY person_before"""
    ).fetchall()
    going, found = set(persons), True
    while found:
        former = {one for one, became in history if going.issuperset(became)} - going
        going, found = going | former, bool(former)
    return sorted(going)


def retired(connection: duckdb.DuckDBPyConnection, persons: Collection[str]) -> list[str]:
    """Which of some person ids have no record any more, and never became another id."""
    found = connection.execute(
        """SELECT person_id FROM person
        WHERE person_id IN (SELECT unnest($1::VARCHAR[]))
        AND person_id NOT IN (SELECT person_id FROM person_record)
        AND person_id NOT IN (
            SELECT person_before FROM person_history WHERE person_after IS NOT NULL)""",
        [sorted(persons)],
    ).fetchall()
    return [person for (person,) in found]


def bridged(connection: duckdb.DuckDBPyConnection, records: pl.DataFrame) -> pl.DataFrame:
    """The frame, which has a ``record_id`` of the old key epoch, with that of the next.

    Args:
        connection: The identity store of the next epoch.
        records: The records; those that were not supplied in the next epoch are left out.
    """
    bridge = connection.execute(
        "SELECT record_id_before AS record_id, record_id_after FROM bridge"
    ).pl()
    return records.join(bridge, on="record_id")


def remove(
    connection: duckdb.DuckDBPyConnection, records: pl.Series, persons: Collection[str]
) -> None:
    """Delete from every table what names a record or a person; the store is then to be rewritten.

    Args:
        connection: The identity store.
        records: Record ids.
        persons: Person ids.
    """
    connection.register("going_record", pl.DataFrame({"one": records}).to_arrow())
    going = pl.DataFrame({"one": sorted(persons)}, schema={"one": pl.String})
    connection.register("going_person", going.to_arrow())
    listed = connection.execute(
        """SELECT table_name, column_name FROM duckdb_columns()
        WHERE NOT internal AND database_name = current_database()"""
    ).fetchall()
    try:
        for table, column in listed:
            for pattern, which in ((OF_RECORDS, "going_record"), (OF_PERSONS, "going_person")):
                if pattern.fullmatch(column):
                    connection.execute(
                        f'DELETE FROM "{table}" WHERE "{column}" IN (SELECT one FROM {which})'
                    )
    finally:
        for name in ("going_record", "going_person"):
            connection.unregister(name)


def _joined(connection: duckdb.DuckDBPyConnection, frame: pl.DataFrame, on: str) -> pl.DataFrame:
    held = connection.execute("SELECT record_id, person_id FROM person_record").pl()
    return frame.join(held, on=on)
