"""A run's own stores: their keys, their copies, and what is put into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flows.context import RunContext
from flows.files import flush, private_folder
from governance.control import Extract
from schemas.errors import StoreError

if TYPE_CHECKING:
    import polars as pl

    from governance.pseudonymise import Pseudonymised

STORES = ("identity", "staging")


def store_keys(run: RunContext) -> dict[str, str]:
    """The keys of the stores and of the release, by name.

    Raises:
        KeyProblem: If the store key is missing, loose or unsound.
    """
    from governance.keys import load_root, store_key

    root = load_root(run.settings.keys.store)
    return {name: store_key(root, name) for name in (*STORES, "release")}


def fill_stores(
    run: RunContext, parts: Mapping[str, Pseudonymised], ledgers: Mapping[str, Extract]
) -> None:
    """Copy the current run's stores for this run and put new extracts into the copies.

    Args:
        run: The run.
        parts: The new extracts, pseudonymised, by partner.
        ledgers: Their lines in the ledger.

    Raises:
        KeyProblem: If the store key is missing, loose or unsound.
        StoreError: If a store is missing, corrupt or was made with another key.
    """
    keys = store_keys(run)
    _copy_stores(run, keys)
    _put_identities(run, keys["identity"], parts)
    _put_events(run, keys["staging"], parts, ledgers)
    for partner, ledger in ledgers.items():
        _record_staging(run, partner, ledger)
    flush(run.stores / f"{name}.duckdb" for name in STORES)


def _copy_stores(run: RunContext, keys: Mapping[str, str]) -> None:
    """Rewrite the current run's stores into this run's folder; a first run starts with none."""
    from warehouse.connect import rewrite_store

    private_folder(run.settings.stores)
    private_folder(run.stores)
    current = run.control.current_run()
    if current is None:
        return
    for name in STORES:
        source = run.settings.stores / current.run_id / f"{name}.duckdb"
        if not source.is_file():
            raise StoreError(
                f"The {name} store of the current run is missing.",
                "Restore the partnership folder's `stores` from backup, then run again.",
            )
        rewrite_store(source, run.stores / source.name, keys[name])


def _put_identities(run: RunContext, key: str, parts: Mapping[str, Pseudonymised]) -> None:
    from linkage import store
    from warehouse.connect import open_store

    connection = open_store(run.stores / "identity.duckdb", key)
    try:
        store.create(connection)
        for partner, part in parts.items():
            store.replace_partner(connection, partner, part.encoded)
    finally:
        connection.close()


def _put_events(
    run: RunContext, key: str, parts: Mapping[str, Pseudonymised], ledgers: Mapping[str, Extract]
) -> None:
    from warehouse import staging
    from warehouse.connect import open_store

    connection = open_store(run.stores / "staging.duckdb", key)
    try:
        staging.create(connection)
        for partner, part in parts.items():
            staging.replace_partner(
                connection,
                partner,
                _with_columns_not_shared(partner, part.events),
                run_id=run.run_id,
                data_as_at=ledgers[partner].data_as_at,
                rows=ledgers[partner].received,
            )
    finally:
        connection.close()


def _with_columns_not_shared(
    partner: str, events: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """The events with an empty column for each that the agreement does not let us keep.

    A key is never filled in so: the staging store refuses a table that lacks one.
    """
    import polars as pl

    from warehouse.staging import tables_of

    kinds = {"VARCHAR": pl.String, "DATE": pl.Date, "INTEGER": pl.Int32, "BOOLEAN": pl.Boolean}
    filled = {}
    for name, columns in tables_of(partner).items():
        frame = events[name]
        filled[name] = frame.with_columns(
            pl.lit(None, dtype=kinds[kind]).alias(column)
            for column, kind in columns.items()
            if kind in kinds and column not in frame.columns
        )
    return filled


def _record_staging(run: RunContext, partner: str, ledger: Extract) -> None:
    """Enter into the audit record that an extract was collected and staged data were altered."""
    for action, rows in (("collection", ledger.received), ("alteration", ledger.kept)):
        entry = run.recorder.entry(action, run.clock(), partner=partner, detail={"rows": rows})
        run.control.add_audit(entry)
