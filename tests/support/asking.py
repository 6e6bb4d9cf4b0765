"""Rights requests for tests: whom to ask for, their files, and looking for what is left."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from flows.context import open_control
from flows.keys.rings import ring_of, store_keys
from governance.encoding.anchored import SEPARATOR, working_keys
from governance.encoding.prf import tokens
from schemas.marks import GROUNDS

if TYPE_CHECKING:
    from conftest import Partnership

Row = Mapping[str, str]


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: Iterable[Row]) -> Path:
    """Write rows as CSV."""
    listed = list(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
    return path


@dataclass(frozen=True)
class Someone:
    """Somebody whom the police, by two records or more, and two other partners know.

    Args:
        row: A custody row of theirs, with a PNC ID.
        person: Their person id.
        records: Their record ids.
        refs: The references of their custody rows.
        other: A custody row of somebody else, with a whole description.
    """

    row: Row
    person: str
    records: frozenset[int]
    refs: frozenset[str]
    other: Row


def someone(partnership: Partnership) -> Someone:
    """The first person of that kind in a partnership that has run, in its first key epoch."""
    custody = {one["custody_ref"]: one for one in rows_of(partnership.inbox("police", "custody"))}
    ids = record_ids(partnership, list(custody))
    marks: list[tuple[Any, ...]] = partnership.identity("SELECT * FROM mark")
    partner = {one[0]: one[1] for one in marks}
    pnc = {one[0]: one[2 + GROUNDS.index("pnc_id")] for one in marks}
    person_of = {int(str(one)): str(person) for one, person in partnership.record_person()}
    # Ids are random; whom a test is about must not be.
    for person in dict.fromkeys(person_of[one] for one in ids.values() if one in person_of):
        records = {one for one, whose in person_of.items() if whose == person}
        refs = [ref for ref, one in ids.items() if one in records]
        known = [custody[ref] for ref in refs if _theirs_alone(pnc, ids[ref], records)]
        if known and len(refs) >= 2 and len({partner[one] for one in records}) >= 3:
            other = next(
                one
                for ref, one in custody.items()
                if ref not in refs and ids[ref] in partner and one["dob"] and one["sex"] in "MF"
            )
            return Someone(known[0], person, frozenset(records), frozenset(refs), other)
    raise LookupError("nobody of that kind; take another seed")


def _theirs_alone(values: dict[int, object], record: int, records: set[int]) -> bool:
    """Whether a record has a value, and nobody but its person has it too."""
    value = values.get(record)
    return value is not None and {one for one, held in values.items() if held == value} <= records


def record_ids(partnership: Partnership, refs: list[str]) -> dict[str, int]:
    """Custody reference → record id."""
    settings = partnership.settings
    root = ring_of(settings, "identifier").root(1)
    texts = pl.Series([SEPARATOR.join(("police", "custody", ref)) for ref in refs])
    key = working_keys(root.purpose_key(settings.purpose, 1))("record")
    return dict(zip(refs, tokens(texts, key).to_list(), strict=True))


def dump(partnership: Partnership, name: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of one of the current run's stores."""
    from warehouse.connect import open_store

    run_id = current_run(partnership)
    key = store_keys(partnership.settings, run_id)[name]
    path = partnership.settings.stores / run_id / f"{name}.duckdb"
    connection = open_store(path, key, read_only=True)
    try:
        return tables(connection)
    finally:
        connection.close()


def released(partnership: Partnership) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the release that people read."""
    from flows.releases.kept import open_current

    with open_control(partnership.settings) as control:
        _, connection = open_current(partnership.settings, control)
    try:
        return tables(connection)
    finally:
        connection.close()


def tables(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that a connection sees."""
    listed = "SELECT database_name, table_name FROM duckdb_tables() WHERE NOT internal"
    return {
        table: connection.execute(f'SELECT * FROM "{database}"."{table}"').fetchall()
        for database, table in connection.execute(listed).fetchall()
    }


def current_run(partnership: Partnership) -> str:
    """The id of the current run."""
    with open_control(partnership.settings) as control:
        current = control.current_run()
    assert current is not None
    return current.run_id
