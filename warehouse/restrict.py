"""A release of some partners' records and some marts only, for a reader who may have no more.

The staging tables of the other partners are hidden behind empty ones of the same name before any
model runs, so that nothing derived from their rows (a journey, a person's age, a count) is in it
either. Nothing has to be taken out afterwards, and no block of the file ever held it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import duckdb

from schemas.errors import StoreError
from warehouse.models import Model
from warehouse.staging import PARTNERS, TABLES


@dataclass(frozen=True, kw_only=True)
class Restriction:
    """What a release is of.

    Attributes:
        partners: The partners whose records are in it.
        hidden: Staging tables of those partners that are not in it.
        emptied: Staging table → columns of it that are empty in it.
        marts: The marts that are in it; None for all.
    """

    partners: frozenset[str] = frozenset(PARTNERS)
    hidden: frozenset[str] = frozenset()
    emptied: Mapping[str, frozenset[str]] = field(default_factory=dict)
    marts: frozenset[str] | None = None

    def is_of(self, table: str) -> bool:
        """Whether a staging table is in the release."""
        return table.split("_", 1)[0] in self.partners and table not in self.hidden

    def shows(self, model: Model) -> bool:
        """Whether a model is a mart that is in the release."""
        return model.layer == "marts" and (self.marts is None or model.name in self.marts)


EVERYTHING = Restriction()


def hide(con: duckdb.DuckDBPyConnection, restriction: Restriction) -> None:
    """Hide the other partners' staging tables and records, and the columns that are to be empty.

    Args:
        con: A connection with the staging store attached as ``store`` after ``memory.main`` on the
            search path, and ``record_person`` in the latter.
        restriction: What the release is of.
    """
    for name, columns in restriction.emptied.items():
        if restriction.is_of(name) and columns:
            empty = ", ".join(f"NULL::{TABLES[name][one]} AS {one}" for one in sorted(columns))
            con.execute(
                f"CREATE TABLE memory.main.{name} AS SELECT * REPLACE ({empty}) "
                f"FROM store.main.{name}"
            )
    if all(restriction.is_of(name) for name in TABLES):
        return
    for name in TABLES:
        if not restriction.is_of(name):
            con.execute(f"CREATE TABLE memory.main.{name} AS FROM store.main.{name} LIMIT 0")
    con.execute(
        "CREATE TABLE memory.main.extract AS FROM store.main.extract "
        "WHERE list_contains(?::VARCHAR[], partner)",
        [sorted(restriction.partners)],
    )
    recorded = " UNION ALL ".join(
        ["SELECT NULL::BIGINT WHERE false"]  # of no partner there is no other
        + [
            f"SELECT record_id FROM store.main.{name}"
            for name, columns in TABLES.items()
            if "record_id" in columns and restriction.is_of(name)
        ]
    )
    con.execute(f"DELETE FROM memory.main.record_person WHERE record_id NOT IN ({recorded})")


def take_at_its_word(con: duckdb.DuckDBPyConnection, complete_to: Mapping[str, date]) -> None:
    """Put a declared data-as-at date in the place of the one that a partner's extract tells.

    Args:
        con: A connection as for :func:`hide`, which has been called.
        complete_to: Partner → the day that its data are said to be complete to.
    """
    if not complete_to:
        return
    con.execute("CREATE OR REPLACE TABLE memory.main.extract AS FROM extract")
    con.executemany(
        "UPDATE memory.main.extract SET data_as_at = ? WHERE partner = ?",
        [[day, partner] for partner, day in complete_to.items()],
    )


def check_marts(restriction: Restriction, models: tuple[Model, ...]) -> None:
    """Refuse a restriction to marts that there are not.

    Raises:
        StoreError: It names one.
    """
    known = {model.name for model in models if model.layer == "marts"}
    unknown = sorted((restriction.marts or frozenset()) - known)
    if unknown:
        raise StoreError(
            f"The release has no table {', '.join(unknown)}.",
            "Correct `tables` under that role in partnership.yaml; `SHOW TABLES` lists them.",
        )
