"""A run's own stores: copied from the current run's, and what is put into them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flows.carried import carry
from flows.committed import rewritten
from flows.context import RunContext
from flows.files import flush, private_folder
from flows.keys.epochs import Epochs, still_to_supply
from flows.keys.rings import NEXT, STORES, SUPPRESSION, new_store_keys, store_keys
from flows.rights.suppressed import keep_up_with, opened, store_path
from governance.control import Extract, Run
from linkage import erasure, review_store, store
from schemas.errors import StoreError
from warehouse import staging

if TYPE_CHECKING:
    import polars as pl

    from flows.intake.handed_on import Agreed, Parted
    from governance.pseudonymise import Pseudonymised

    Parts = Mapping[int, Pseudonymised]


def fill_stores(run: RunContext, parted: Parted, stands: Run | None = None) -> int:
    """Copy the current run's stores for this run and put new extracts into the copies.

    Args:
        run: The run.
        parted: The new extracts by partner, pseudonymised in each epoch that is wanted.
        stands: The current run, where its stores are carried over since nothing is new.

    Returns:
        The epoch that the stores are in now.

    Raises:
        KeyProblem: If the store key is missing, loose or unsound.
        StoreError: If a store is missing, corrupt or was made with another key.
    """
    private_folder(run.settings.stores)
    private_folder(run.stores)
    epochs = parted.agreed.epochs
    ledgers = {partner: one.ledger for partner, one in parted.taken.items()}
    if stands is not None:
        keys = _carry_stores(run, stands)
    else:
        keys = new_store_keys(run.settings, run.run_id)
        _copy_stores(run, keys)
        _fill(run, keys, "", epochs.in_use, parted)
    in_use = epochs.in_use
    if epochs.crossing:
        _fill(run, keys, NEXT, epochs.newest, parted)
        _put_bridges(run, keys, parted.parts, epochs)
        staged = run.control.staged_extracts() | ledgers
        if not still_to_supply(run.settings, staged, epochs.newest):
            _cross(run, keys, parted.agreed)
            in_use = epochs.newest
    with opened(store_path(run.settings, run.run_id), keys[SUPPRESSION]) as connection:
        carried = [one.withheld.carried for one in parted.taken.values()]
        removed = keep_up_with(run, connection, carried, in_use)
    if removed:
        with rewritten(store_path(run.settings, run.run_id), keys[SUPPRESSION]):
            pass  # written anew without them
    for partner, ledger in ledgers.items():
        _record_staging(run, partner, ledger)
    flush(path for path in run.stores.glob("*.duckdb"))
    return in_use


def _in(epoch: int, parts: Mapping[str, Parts]) -> dict[str, Pseudonymised]:
    return {partner: by_epoch[epoch] for partner, by_epoch in parts.items() if epoch in by_epoch}


def _copy_stores(run: RunContext, keys: Mapping[str, str]) -> None:
    """Rewrite the current run's stores into this run's folder; a first run starts with none."""
    from warehouse.connect import rewrite_stores

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
    rewrite_stores(
        [
            (source, run.stores / source.name, old_keys[source.stem], keys[source.stem])
            for source in sorted(old.glob("*.duckdb"))
        ]
    )


def _carry_stores(run: RunContext, stands: Run) -> dict[str, str]:
    """Let the current run's stores be this run's too, but for the one that every run writes into.

    Returns:
        The data keys of this run's stores.
    """
    from warehouse.connect import rewrite_store

    before, theirs = run.settings.stores / stands.run_id, store_keys(run.settings, stands.run_id)
    keys = new_store_keys(run.settings, run.run_id, {name: theirs[name] for name in STORES})
    carry((before / f"{name}.duckdb" for name in STORES), run.stores)
    suppressed = store_path(run.settings, stands.run_id)
    if suppressed.is_file():
        own = store_path(run.settings, run.run_id)
        rewrite_store(suppressed, own, theirs[SUPPRESSION], keys[SUPPRESSION])
    return keys


def _fill(
    run: RunContext, keys: Mapping[str, str], beside: str, epoch: int, parted: Parted
) -> None:
    """Put extracts into the stores, or into those of the next epoch beside them."""
    from governance.encoding.standing import fingerprints

    parts = _in(epoch, parted.parts)
    with _store(run, keys, f"{beside}identity") as connection:
        for partner, encoded in _kept_beside(connection, parts, parted.agreed).items():
            store.replace_partner(connection, partner, encoded)
        for partner, part in parts.items():
            store.replace_delivered(connection, partner, fingerprints(part.encoded))
        if parts:
            store.leave_out(connection, parted.agreed.agreements.keys())
        for partner, part in parts.items():
            records, marks = part.encoded["record_id"], parted.marks[partner][epoch]
            erasure.replace_marks(connection, partner, records, marks)
    with _store(run, keys, f"{beside}staging") as connection:
        for partner, part in parts.items():
            ledger = parted.taken[partner].ledger
            staging.replace_partner(
                connection,
                partner,
                _with_columns_not_shared(partner, part.events),
                run_id=run.run_id,
                data_as_at=ledger.data_as_at,
                rows=ledger.received,
            )


def _kept_beside(
    connection: Any, parts: Mapping[str, Pseudonymised], agreed: Agreed
) -> dict[str, pl.DataFrame]:
    """The encoded records of each partner that has others now than the store holds.

    New ones are looked at beside those of the other partners, which may change for them. Who was
    left out while others delivered is left out until it delivers too: what strangers share with it
    was never replaced, and would be taken for what shows that they are one person.
    """
    import polars as pl

    from governance.encoding.kept import settled

    before = store.read_delivered(connection)
    left_out = before.filter(pl.col("fingerprint").is_null())["partner"].unique().implode()
    looked_at = pl.col("partner").is_in(left_out).not_()
    held = {
        str(partner): encoded
        for (partner,), encoded in in_use(store.read_encoded(connection), agreed)
        .filter(looked_at)
        .partition_by("partner", as_dict=True)
        .items()
    }
    coming = {partner: part.encoded for partner, part in parts.items()}
    return {
        partner: encoded
        for partner, encoded in settled(coming, held, before).items()
        if partner in coming or not encoded.equals(held[partner])
    }


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


def in_use(encoded: pl.DataFrame, agreed: Agreed) -> pl.DataFrame:
    """The encoded records of partners with an agreement in force: no others are compared."""
    import polars as pl

    return encoded.filter(pl.col("partner").is_in(sorted(agreed.agreements)))


def _cross(run: RunContext, keys: Mapping[str, str], agreed: Agreed) -> None:
    """Let the stores of the next epoch take the place of the others, with every person id.

    The records are linked once more in the old epoch, so that what was decided of each pair crosses
    with them: chance alone would otherwise decide some pairs anew under the new key.
    """
    from linkage.engines import engine_named
    from linkage.incremental import crossed_over
    from linkage.match import link
    from linkage.model import load_model
    from linkage.registry import carry_over
    from warehouse.connect import rewrite_store

    with (
        _store(run, keys, "identity") as before,
        _store(run, keys, f"{NEXT}identity") as after,
    ):
        encoded = in_use(store.read_encoded(before), agreed)
        engine = engine_named(run.settings.engine, run.settings.spark)
        model = load_model(run.settings.model)
        kept = link(encoded, model, store.read_kept(before), engine=engine).kept
        bridge = store.read_bridge(after)
        store.keep(after, crossed_over(kept, bridge, encoded, store.read_encoded(after)))
        review_store.carry_over(before, after)
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
        for room in (store, erasure, review_store) if name.endswith("identity") else (staging,):
            room.create(connection)
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
    collected = {"rows": ledger.received, "over_shared": ledger.over_shared}
    for action, detail in (("collection", collected), ("alteration", {"rows": ledger.kept})):
        run.control.add_audit(
            run.recorder.entry(action, run.clock(), partner=partner, detail=detail)
        )
