"""Who is the same person: link every encoded record and keep the registry of persons."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from flows.context import RunContext
from flows.files import flush
from flows.intake.handed_on import Staged
from flows.keys.rings import store_keys
from flows.linking.quality import Appraisal, appraise
from flows.rights.suppressed import Erased
from flows.stores import in_use
from governance.control import Run

if TYPE_CHECKING:
    import polars as pl

    from linkage.match import Links
    from linkage.registry import RegistryChange


CHANGED = ("compared", "created", "merged", "split", "retired")
"""What linking counts of the run and not of what stands after it."""


@dataclass(frozen=True)
class Linked:
    """Which person each record is of, how good the links are, and what became of person ids."""

    record_person: pl.DataFrame = field(repr=False)
    appraisal: Appraisal
    history: pl.DataFrame = field(repr=False)


@dataclass(frozen=True)
class People:
    """What linking and the registry made and counted, and what was erased.

    `found` is the current run where nothing is new, so that its release is carried over.
    """

    staged: Staged
    found: Linked | Run
    counts: dict[str, int]
    model: str
    said: tuple[str, ...] = ()
    erased: Erased = field(default_factory=Erased)


def link(run: RunContext, staged: Staged) -> People:
    """Link the encoded records of all partners and give every group its person id.

    Where nothing is new, what the current run found stands. The records of a partner without an
    agreement in force are compared with nothing, and keep their person id, by which a request to be
    erased still finds them.

    Raises:
        ModelError: If the linkage model is missing, untrained or of another encoding.
        StoreError: If the identity store cannot be read or written.
    """
    if staged.stands is not None:
        return _as_before(staged, staged.stands)
    from linkage import held, lineage, match, registry, review_queue, review_store, store
    from linkage.doubts import doubts
    from linkage.drift import drifted
    from linkage.engines import engine_named
    from linkage.model import load_model
    from warehouse.connect import open_store

    model = load_model(run.settings.model)
    path = run.stores / "identity.duckdb"
    connection = open_store(path, store_keys(run.settings, run.run_id)["identity"])
    try:
        every = store.read_encoded(connection)
        encoded = in_use(every, staged.agreed)
        store.create(connection)
        review_store.create(connection)
        review_store.forget_absent(connection)
        decisions = review_store.read_decisions(connection)
        engine = engine_named(run.settings.engine, run.settings.spark)
        kept = store.read_kept(connection)
        links = match.link(encoded, model, kept, decisions=decisions, engine=engine)
        store.keep(connection, links.kept)
        store.keep_attached(connection, links.attached.links)
        asked = review_queue.queue(encoded, links.pairs, decisions, model.thresholds.link)
        review_store.replace_queue(connection, asked)
        appraisal = appraise(run, connection, encoded, links, model, decisions)
        moment = run.clock().astimezone(UTC).replace(tzinfo=None)
        left_out = every["record_id"].filter(
            ~every["record_id"].is_in(encoded["record_id"].implode())
        )
        groups = held.beside(links.groups, left_out, registry.record_person(connection))
        change = registry.assign(connection, groups, run.run_id, moment)
        record_person = registry.record_person(connection)
        history = held.without(left_out, record_person, lineage.read_history(connection))
    finally:
        connection.close()
    flush([path])
    counts = _counts(encoded.height, links, change)
    run.control.add_audit(
        run.recorder.entry("combination", run.clock(), detail={"model": model.name, **counts})
    )
    said = doubts(encoded, links.kept.crowded, links.giants)
    if links.compared:
        linked = links.pairs.filter("linked")
        said += tuple(map(str, drifted(encoded, linked, model, engine=engine)))
    found = Linked(record_person, appraisal, history)
    return People(staged, found, counts, model.name, said)


def _as_before(staged: Staged, stands: Run) -> People:
    """What the current run's report told of linking."""
    told = dict((stands.report or {})["linkage"])
    model, said = told.pop("model"), tuple(told.pop("said", ()))
    return People(staged, stands, told | dict.fromkeys(CHANGED, 0), model, said)


def _counts(records: int, links: Links, change: RegistryChange) -> dict[str, int]:
    return {
        "records": records,
        "compared": links.compared,
        "linked": int(links.pairs["linked"].sum()),
        "guarded": links.guarded,
        "parted": links.parted,
        "crowded_blocks": links.kept.crowded.height,
        "clients": links.attached.clients,
        "clients_linked": links.attached.links.height,
        "clients_unsure": links.attached.unsure,
        "clients_refused": links.attached.refused,
        "people": change.persons,
        "created": change.created,
        "merged": change.merged,
        "split": change.split,
        "retired": change.retired,
    }
