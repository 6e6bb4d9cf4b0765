"""Which version of its tables a control database has, and bringing an earlier one forward.

A number in the database says it; before there was one it is 0. Tables that are missing are made
whenever it is opened, which changes nothing that is there. Everything else is a step of `STEPS`, in
order, all of them in one transaction. A later version than this program's is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import sqlalchemy as sa

from governance.control.tables import METADATA, RUN, SCHEMA_VERSION
from schemas.errors import JourneysError

Step = Callable[[sa.Connection], None]

FILLED_WITH: Final[Mapping[tuple[str, str], str]] = {
    ("extract", "withheld"): "0",
    ("extract", "over_shared"): "0",
    ("extract", "quarantined"): "0",
}
"""What a column that may not be empty is filled with where it came after the rows."""


class NotOfThisVersion(JourneysError):
    """Something that was made by another version of the program than can read it."""


class MadeEarlier(NotOfThisVersion):
    """What was made by an earlier version, and has to be brought forward first."""


def version_of(connection: sa.Connection) -> int | None:
    """The version of a database; None where it is new and has no tables."""
    there = sa.inspect(connection)
    if there.has_table(SCHEMA_VERSION.name):
        said = connection.execute(sa.select(SCHEMA_VERSION.c.version)).scalar()
        return 0 if said is None else int(said)
    return 0 if there.has_table(RUN.name) else None


def check_version(connection: sa.Connection) -> None:
    """Refuse what this program cannot read as it is, and say of which version what is new is.

    Raises:
        NotOfThisVersion: It is of a later version.
        MadeEarlier: It is of an earlier one.
    """
    found = version_of(connection)
    if found is not None and found > NEWEST:
        raise NotOfThisVersion(
            f"The control database was made by a later version of this program (format {found}; "
            f"this one knows {NEWEST}).",
            "Use that version, or restore a backup that this one made.",
        )
    if found is not None and found < NEWEST and (found > 0 or lacking_columns(connection)):
        raise MadeEarlier(
            f"The control database was made by an earlier version of this program (format {found}"
            ").",
            "Run `journeys migrate`, which brings it forward and keeps a copy; `journeys run` does "
            "so by itself.",
        )
    METADATA.create_all(connection)
    if found != NEWEST:
        there = sa.exists(sa.select(SCHEMA_VERSION.c.only))
        one = sa.select(sa.literal(1), sa.literal(NEWEST)).where(~there)
        connection.execute(sa.insert(SCHEMA_VERSION).from_select(["only", "version"], one))


def _stamp(connection: sa.Connection) -> None:
    """Say that a database is of this version."""
    connection.execute(sa.delete(SCHEMA_VERSION))
    connection.execute(sa.insert(SCHEMA_VERSION).values(only=1, version=NEWEST))


def bring_forward(connection: sa.Connection) -> list[str]:
    """Bring a database forward, in a transaction of the caller's; nothing if it is of this version.

    Returns:
        What was done, in words.

    Raises:
        NotOfThisVersion: It is of a later version.
    """
    found, done = version_of(connection), []
    if found is None or found >= NEWEST:
        check_version(connection)
        return []
    METADATA.create_all(connection)
    for version, (said, step) in sorted(STEPS.items()):
        if version > found:
            step(connection)
            done.append(said)
    _stamp(connection)
    return done


def lacking_columns(connection: sa.Connection) -> list[sa.Column[object]]:
    """The columns that tables which are there lack."""
    there = sa.inspect(connection)
    return [
        column
        for table in METADATA.sorted_tables
        if there.has_table(table.name)
        for column in table.columns
        if column.name not in {one["name"] for one in there.get_columns(table.name)}
    ]


def _add_columns(connection: sa.Connection) -> None:
    """Add the columns that came before there were versions."""
    for column in lacking_columns(connection):
        table = column.table
        quote = connection.dialect.identifier_preparer.quote
        kind = column.type.compile(connection.dialect)
        filled = FILLED_WITH.get((table.name, column.name))
        if filled is None and not column.nullable:
            raise NotOfThisVersion(
                f"The table {table.name} of the control database is of no version that this "
                "program can bring forward.",
                "Bring it forward with the versions between, one after the other.",
            )
        default = "" if filled is None else f" NOT NULL DEFAULT {filled}"
        connection.exec_driver_sql(
            f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind}{default}"
        )


STEPS: Final[Mapping[int, tuple[str, Step]]] = {
    1: ("Columns that came since were added.", _add_columns),
}
"""Version → what brings a database forward to it from the one before."""

NEWEST: Final = max(STEPS)
"""The version that this program reads and writes."""
