"""Who is the same person: link every encoded record and keep the registry of persons."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from flows.context import RunContext
from flows.files import flush
from flows.intake import Staged
from flows.keys import store_keys

if TYPE_CHECKING:
    import polars as pl

    from linkage.match import Links
    from linkage.registry import RegistryChange


@dataclass(frozen=True)
class People:
    """Which person each record is of, and what linking and the registry counted."""

    staged: Staged
    record_person: pl.DataFrame = field(repr=False)
    counts: dict[str, int]
    model: str


def link(run: RunContext, staged: Staged) -> People:
    """Link the encoded records of all partners and give every group its person id.

    Raises:
        ModelError: If the linkage model is missing, untrained or of another encoding.
        StoreError: If the identity store cannot be read or written.
    """
    from linkage import match, registry, store
    from linkage.model import load_model
    from warehouse.connect import open_store

    model = load_model(run.settings.model)
    path = run.stores / "identity.duckdb"
    connection = open_store(path, store_keys(run.settings, run.run_id)["identity"])
    try:
        encoded = store.read_encoded(connection)
        links = match.link(encoded, model, store.read_carried(connection, model.name))
        store.replace_links(connection, links.pairs)
        moment = run.clock().astimezone(UTC).replace(tzinfo=None)
        change = registry.assign(connection, links.groups, run.run_id, moment)
        record_person = registry.record_person(connection)
    finally:
        connection.close()
    flush([path])
    counts = _counts(encoded.height, links, change)
    run.control.add_audit(
        run.recorder.entry("combination", run.clock(), detail={"model": model.name, **counts})
    )
    return People(staged, record_person, counts, model.name)


def _counts(records: int, links: Links, change: RegistryChange) -> dict[str, int]:
    return {
        "records": records,
        "compared": links.compared,
        "linked": int(links.pairs["linked"].sum()),
        "guarded": links.guarded,
        "people": change.persons,
        "created": change.created,
        "merged": change.merged,
        "split": change.split,
        "retired": change.retired,
    }
