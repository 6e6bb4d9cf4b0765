"""People who objected or were erased are not taken in again: withheld where an extract is encoded.

The tokens by which they are known never leave the hub. A partner that held them could tell from
its own people who had objected at another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.intake.encoding import Encoded
from flows.keys.epochs import Epochs
from flows.keys.rings import SUPPRESSION, ring_of, store_keys
from flows.settings import Settings
from governance.control import AuditEntry, Control
from schemas.errors import StoreError

if TYPE_CHECKING:
    import polars as pl

    from flows.context import RunContext


@dataclass(frozen=True)
class Withheld:
    """What of an extract is of people who objected or were erased.

    Args:
        records: Records that were withheld.
        differing: Records that were let pass: names, birth and sex are such a person's, and a
            strong id is not.
        by_id_alone: Records that were withheld though only a strong id is such a person's, and
            names, birth or sex are not.
        carried: The tokens that were met, in key epochs that they are not kept in yet.
        tables: Table → rows that were withheld with them.
    """

    records: int
    differing: int
    by_id_alone: int
    carried: pl.DataFrame = field(repr=False)
    tables: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Erased:
    """What a run erased, and how the suppression tokens stand after it.

    Args:
        requests: Each request that was applied → how many records went with it.
        people: How many people went.
        tables: Partner → table → rows that went, its encodings counted like a table.
        standing: Key epoch → tokens that are in no newer one.
        audit: What is to be recorded of it.
    """

    requests: Mapping[str, int] = field(default_factory=dict)
    people: int = 0
    tables: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    standing: Mapping[int, int] = field(default_factory=dict)
    audit: tuple[AuditEntry, ...] = ()


def store_path(settings: Settings, run_id: str) -> Path:
    """Where a run's suppression store is."""
    return settings.stores / run_id / f"{SUPPRESSION}.duckdb"


@contextmanager
def opened(path: Path, key: str, *, read_only: bool = False) -> Iterator[Any]:
    """A suppression store, with its table, made where it is not there."""
    from governance.rights import tokens
    from warehouse.connect import open_store

    connection = open_store(path, key, read_only=read_only)
    try:
        if not read_only:
            tokens.create(connection)
        yield connection
    finally:
        connection.close()


def tokens_kept(settings: Settings, control: Control) -> pl.DataFrame:
    """The suppression tokens of the current run, those of requests still to be applied among them.

    Raises:
        KeyProblem: The store key cannot be used.
        StoreError: The store cannot be read, or is missing though people objected.
    """
    import polars as pl

    from governance.rights.suppression import TOKEN_SCHEMA
    from governance.rights.tokens import read_tokens

    current = control.current_run()
    path = None if current is None else store_path(settings, current.run_id)
    if current is not None and path is not None and path.is_file():
        key = store_keys(settings, current.run_id)[SUPPRESSION]
        with opened(path, key, read_only=True) as connection:
            return read_tokens(connection)
    if control.rights_requests():
        raise StoreError(
            "The store of suppression tokens is missing, so who objected would be taken in again.",
            "Restore the partnership folder's `stores` from backup, then run again.",
        )
    return pl.DataFrame(schema=TOKEN_SCHEMA)


def tokens_in_force(settings: Settings, control: Control) -> pl.DataFrame:
    """The suppression tokens of requests that a run has applied: what they are of is withheld."""
    import polars as pl

    applied = [one.request_id for one in control.live_requests() if one.applied_run is not None]
    return tokens_kept(settings, control).filter(pl.col("request_id").is_in(applied))


def reaching(control: Control, tokens: pl.DataFrame, partner: str) -> pl.DataFrame:
    """The tokens of requests that reach a partner's records."""
    import polars as pl

    beyond = [one.request_id for one in control.rights_cases().values() if not one.reaches(partner)]
    return tokens.filter(~pl.col("request_id").is_in(beyond))


def keep_up_with(
    run: RunContext, connection: Any, carried: Iterable[pl.DataFrame], in_use: int
) -> bool:
    """Bring a run's copy of the suppression store up to what is known now.

    Tokens that records met in several key epochs are kept in those too; what has crossed is no
    longer kept in epochs before the one in use. Tokens of a request that was never recorded, since
    the command was killed, or that has ended are removed, and so are those of an epoch whose key
    was destroyed.

    Args:
        run: The run.
        connection: The suppression store.
        carried: What was met in each new extract.
        in_use: The epoch that the stores are in.

    Returns:
        Whether tokens were removed, so that the store is to be written anew.
    """
    import polars as pl

    from governance.rights import tokens
    from governance.rights.suppression import TOKEN_SCHEMA

    before = tokens.read_tokens(connection).select("value_id", "epoch")
    tokens.keep_requests(connection, [one.request_id for one in run.control.live_requests()])
    coming = pl.concat([pl.DataFrame(schema=TOKEN_SCHEMA), *carried])
    tokens.add_tokens(connection, coming.unique(["value_id", "epoch"]))
    tokens.forget_older(connection, in_use)
    if run.settings.keys.identifier is not None:
        tokens.keep_epochs(connection, ring_of(run.settings, "identifier").epochs)
    left = tokens.read_tokens(connection)
    return not before.join(left, on=["value_id", "epoch"], how="anti").is_empty()


def older_epochs(tokens: pl.DataFrame, epochs: Epochs) -> tuple[int, ...]:
    """The epochs beside those in use that extracts are to be marked in, so that tokens are met."""
    from governance.rights.suppression import stands_on

    behind = stands_on(tokens, epochs.newest)
    return tuple(epoch for epoch in behind if epoch not in epochs.wanted)


def without_suppressed(
    partner: str, encoded: Encoded, tokens: pl.DataFrame
) -> tuple[Encoded, Withheld]:
    """An extract without the records of people who objected or were erased.

    Args:
        partner: Whose extract it is.
        encoded: The extract.
        tokens: The suppression tokens in force.

    Returns:
        The extract, its counts of rows changed by what is withheld, and what was withheld.
    """
    import polars as pl

    from governance.rights.suppression import meet

    met = meet(encoded.marks, tokens)
    withheld = Withheld(len(met.rows), met.differing, met.by_id_alone, met.carried)
    if met.rows.is_empty():
        return encoded, withheld
    height = next(iter(encoded.marks.values())).height
    kept = pl.select(~pl.int_range(height, dtype=pl.UInt32).is_in(met.rows.implode())).to_series()
    parts, gone = {}, dict[str, int]()
    for epoch, part in encoded.parts.items():
        events, gone = _events_without(
            partner, part.events, part.encoded["record_id"].filter(~kept)
        )
        parts[epoch] = replace(part, encoded=part.encoded.filter(kept), events=events)
    marks = {epoch: frame.filter(kept) for epoch, frame in encoded.marks.items()}
    rows = {
        table: {
            **counts,
            "kept": counts["kept"] - gone[f"{partner}_{table}"],
            "withheld": counts["withheld"] + gone[f"{partner}_{table}"],
        }
        for table, counts in encoded.facts.rows.items()
    }
    tables = {table: gone[f"{partner}_{table}"] for table in rows}
    return Encoded(parts, replace(encoded.facts, rows=rows), marks), replace(
        withheld, tables=tables
    )


def _events_without(
    partner: str, events: Mapping[str, pl.DataFrame], records: pl.Series
) -> tuple[dict[str, pl.DataFrame], dict[str, int]]:
    """The events that are left without records and what belongs to them, and how many go."""
    from warehouse.erasure import rows_of, without

    gone = rows_of(partner, events, records)
    return without(events, gone), {name: len(keys) for name, keys in gone.items()}
