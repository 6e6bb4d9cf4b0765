"""Whom a rights request is of, and what there is of them, in the stores of a run: in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.committed import opened_store
from flows.rights.suppressed import store_path
from flows.settings import Settings
from governance.control import Run
from schemas.errors import StoreError

if TYPE_CHECKING:
    import polars as pl

LINE = ["request_id", "line"]
"""The columns that say which line of which request."""

ENCODINGS = "encodings"

Counts = dict[str, dict[str, int]]
"""Partner → table → rows; its encodings are counted like a table."""

Rows = Mapping[str, Mapping[str, "pl.Series"]]
"""Partner → staging table → the keys of rows."""


@dataclass(frozen=True)
class Found:
    """What a request comes to, in numbers and lines of the file.

    Args:
        people: How many lines it has.
        known: How many people of this partnership they are of.
        unknown: Lines by which nobody is known of whom the partner has a record here.
        several: Lines whose identifiers are of more than one person here.
        differing: Lines that give something which whom the rest of the line names has not: the
            token of it would keep out somebody else.
        mixed: Lines of people whose linked records differ in a strong id.
        tables: Partner → table → rows that go.
    """

    people: int
    known: int
    unknown: tuple[int, ...]
    several: tuple[int, ...]
    differing: tuple[int, ...]
    mixed: tuple[int, ...]
    tables: Counts


def records_met(settings: Settings, run_id: str, epoch: int, tokens: pl.DataFrame) -> pl.DataFrame:
    """The records that meet suppression tokens in the stores of a run, and whose they are.

    Args:
        settings: The partnership.
        run_id: The run.
        epoch: The key epoch that its stores are in.
        tokens: As `governance.rights.suppression.TOKEN_SCHEMA`.

    Returns:
        ``request_id, line, record_id, partner, person_id``.
    """
    from governance.rights.suppression import meet
    from linkage import erasure

    with opened_store(settings, run_id, "identity") as connection:
        marks = erasure.read_marks(connection)
        met = meet({epoch: marks}, tokens).met
        records = met.select(
            *LINE,
            record_id=marks["record_id"].gather(met["row"]),
            partner=marks["partner"].gather(met["row"]),
        )
        return erasure.persons_of(connection, records)


def persons_met(settings: Settings, run_id: str, epoch: int, tokens: pl.DataFrame) -> pl.DataFrame:
    """Who meets suppression tokens in the stores of a run: ``request_id, line, person_id``."""
    met = records_met(settings, run_id, epoch, tokens)
    return met.select(*LINE, "person_id").unique()


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


def find(
    settings: Settings,
    current: Run,
    partner: str,
    people: int,
    tokens: pl.DataFrame,
    *,
    linked: bool = True,
) -> Found:
    """What a request comes to in the stores of the current run.

    Whom only other partners know counts as unknown: a partner that is told whether its request was
    refused could otherwise ask of anybody whether they are known elsewhere.

    Args:
        settings: The partnership.
        current: The run whose stores are looked in.
        partner: Whose officer gave the request.
        people: How many lines its file has.
        tokens: What the lines give, as `governance.rights.suppression.TOKEN_SCHEMA`.
        linked: Whether it is of people, with all that is linked to them; else of the very records
            of the partner.

    Raises:
        StoreError: The stores were made before requests could be applied, or cannot be read.
    """
    import polars as pl

    from linkage import erasure

    run_id, epoch = current.run_id, current.key_epoch or 0
    check_marked(settings, run_id)
    met = records_met(settings, run_id, epoch, tokens)
    persons = met.select(*LINE, "person_id").unique()
    records = records_of(settings, run_id, persons) if linked else met.filter(partner=partner)
    with opened_store(settings, run_id, "identity") as connection:
        marked = records.drop("partner", strict=False).join(
            erasure.read_marks(connection), on="record_id"
        )
    own = marked.filter(pl.col("partner") == partner)
    going = marked.select("record_id", "partner").unique("record_id")
    with opened_store(settings, run_id, "staging") as connection:
        rows = rows_of(connection, settings.partners, going["record_id"])
    several = persons.group_by("line").len().filter(pl.col("len") > 1)
    values = tokens.filter(pl.col("epoch") == epoch).select(*LINE, "value_id")
    others = (
        persons.join(several, on="line", how="anti")
        .join(values, on=LINE)
        .join(
            values_met(settings, run_id, epoch, tokens),
            on=[*LINE, "value_id", "person_id"],
            how="anti",
        )
    )
    return Found(
        people=people,
        known=(persons if linked else own)["person_id"].n_unique(),
        unknown=tuple(sorted(set(range(1, people + 1)) - set(own["line"]))),
        several=_lines(several),
        differing=_lines(others),
        mixed=_lines(_mixed(marked)),
        tables=counted(rows, going),
    )


def check_marked(settings: Settings, run_id: str) -> None:
    """Refuse to look in stores in which nobody is marked.

    Raises:
        StoreError: They were made before requests could be applied.
    """
    if not store_path(settings, run_id).is_file():
        raise StoreError(
            "What is staged was made before this program knew rights requests.",
            "Put every partner's extract into its inbox and run `journeys run` once.",
        )


def _mixed(marked: pl.DataFrame) -> pl.DataFrame:
    """The lines of people whose records have two different strong ids of one kind."""
    import polars as pl

    from schemas.marks import TELLING_APART

    kinds = marked.group_by("line", "person_id").agg(pl.col(TELLING_APART).drop_nulls().n_unique())
    return kinds.filter(pl.any_horizontal(pl.col(TELLING_APART) > 1))


def _lines(frame: pl.DataFrame) -> tuple[int, ...]:
    return tuple(sorted(set(frame["line"])))
