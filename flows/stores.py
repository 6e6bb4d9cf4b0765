"""A run's own stores: copied from the current run's, and what is put into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.context import RunContext
from flows.epochs import Epochs, still_to_supply
from flows.files import flush, private_folder
from flows.keys import NEXT, STORES, new_store_keys, store_keys
from governance.control import Extract
from linkage import store
from schemas.errors import StoreError
from warehouse import staging

if TYPE_CHECKING:
    import polars as pl

    from governance.pseudonymise import Pseudonymised

    Parts = Mapping[int, Pseudonymised]


def fill_stores(
    run: RunContext, parts: Mapping[str, Parts], ledgers: Mapping[str, Extract], epochs: Epochs
) -> int:
    """Copy the current run's stores for this run and put new extracts into the copies.

    Args:
        run: The run.
        parts: The new extracts by partner, pseudonymised in each epoch that is wanted.
        ledgers: Their lines in the ledger.
        epochs: The epoch the stores are in, and the newest there is.

    Returns:
        The epoch that the stores are in now.

    Raises:
        KeyProblem: If the store key is missing, loose or unsound.
        StoreError: If a store is missing, corrupt or was made with another key.
    """
    private_folder(run.settings.stores)
    private_folder(run.stores)
    keys = new_store_keys(run.settings, run.run_id)
    _copy_stores(run, keys)
    _fill(run, keys, "", _in(epochs.in_use, parts), ledgers)
    in_use = epochs.in_use
    if epochs.crossing:
        _fill(run, keys, NEXT, _in(epochs.newest, parts), ledgers)
        _put_bridges(run, keys, parts, epochs)
        staged = run.control.staged_extracts() | dict(ledgers)
        if not still_to_supply(run.settings, staged, epochs.newest):
            _cross(run, keys)
            in_use = epochs.newest
    for partner, ledger in ledgers.items():
        _record_staging(run, partner, ledger)
    flush(path for path in run.stores.glob("*.duckdb"))
    return in_use


def _in(epoch: int, parts: Mapping[str, Parts]) -> dict[str, Pseudonymised]:
    return {partner: by_epoch[epoch] for partner, by_epoch in parts.items() if epoch in by_epoch}


def _copy_stores(run: RunContext, keys: Mapping[str, str]) -> None:
    """Rewrite the current run's stores into this run's folder; a first run starts with none."""
    from warehouse.connect import rewrite_store

    current = run.control.current_run()
    if current is None:
        return
    old = run.settings.stores / current.run_id
    old_keys = store_keys(run.settings, current.run_id)
    for name in STORES:
        if not (old / f"{name}.duckdb").is_file():
            raise StoreError(
                f"The {name} store of the current run is missing.",
                "Restore the partnership folder's `stores` from backup, then run again.",
            )
    for source in sorted(old.glob("*.duckdb")):
        rewrite_store(source, run.stores / source.name, old_keys[source.stem], keys[source.stem])


def _fill(
    run: RunContext,
    keys: Mapping[str, str],
    beside: str,
    parts: Mapping[str, Pseudonymised],
    ledgers: Mapping[str, Extract],
) -> None:
    """Put extracts into the stores, or into those of the next epoch beside them."""
    with _store(run, keys, f"{beside}identity") as connection:
        for partner, part in parts.items():
            store.replace_partner(connection, partner, part.encoded)
    with _store(run, keys, f"{beside}staging") as connection:
        for partner, part in parts.items():
            staging.replace_partner(
                connection,
                partner,
                _with_columns_not_shared(partner, part.events),
                run_id=run.run_id,
                data_as_at=ledgers[partner].data_as_at,
                rows=ledgers[partner].received,
            )


def _put_bridges(
    run: RunContext, keys: Mapping[str, str], parts: Mapping[str, Parts], epochs: Epochs
) -> None:
    """Write down which record of the old epoch each of the new one is: they stand in one order."""
    import polars as pl

    with _store(run, keys, f"{NEXT}identity") as connection:
        for by_epoch in parts.values():
            if epochs.newest in by_epoch:
                before = by_epoch[epochs.in_use].encoded["record_id"]
                after = by_epoch[epochs.newest].encoded["record_id"]
                bridge = pl.DataFrame({"record_id_before": before, "record_id_after": after})
                store.add_bridge(connection, bridge)


def _cross(run: RunContext, keys: Mapping[str, str]) -> None:
    """Let the stores of the next epoch take the place of the others, with every person id.

    The records are linked once more in the old epoch, so that what was decided of each pair crosses
    with them: chance alone would otherwise decide some pairs anew under the new key.
    """
    from linkage import match
    from linkage.model import load_model
    from linkage.registry import carry_over
    from warehouse.connect import rewrite_store

    with (
        _store(run, keys, "identity") as before,
        _store(run, keys, f"{NEXT}identity") as after,
    ):
        model = load_model(run.settings.model)
        encoded, carried = store.read_encoded(before), store.read_carried(before, model.name)
        store.carry_links(after, match.link(encoded, model, carried).pairs, model.name)
        carry_over(before, after)
    for name in STORES:
        coming = run.stores / f"{NEXT}{name}.duckdb"
        (run.stores / f"{name}.duckdb").unlink()
        rewrite_store(coming, run.stores / f"{name}.duckdb", keys[coming.stem], keys[name])
        coming.unlink()


@contextmanager
def _store(run: RunContext, keys: Mapping[str, str], name: str) -> Iterator[Any]:
    """One of this run's stores, with its tables, made where it is not there."""
    from warehouse.connect import open_store

    connection = open_store(run.stores / f"{name}.duckdb", keys[name])
    try:
        (store if name.endswith("identity") else staging).create(connection)
        yield connection
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
