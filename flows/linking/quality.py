"""How good a run's links are: estimated without truth, and over a range of thresholds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flows.context import RunContext
from flows.keys.rings import store_keys

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from linkage.match import Links
    from linkage.model import Model
    from linkage.review import Decisions


@dataclass(frozen=True)
class Appraisal:
    """What is known of how good the links are.

    Attributes:
        estimates: Precision and recall by what the records are; counts and shares only.
        linked_otherwise: Match weight above or below the link threshold → ``record_id``,
            ``person_id``, as linked from there.
    """

    estimates: pl.DataFrame = field(repr=False)
    linked_otherwise: dict[float, pl.DataFrame] = field(repr=False)


def appraise(
    run: RunContext,
    identity: duckdb.DuckDBPyConnection,
    encoded: pl.DataFrame,
    links: Links,
    model: Model,
    decisions: Decisions,
) -> Appraisal:
    """Judge the links of a run by the strong ids, and link otherwise to see what would change.

    Here alone, and in memory only, what staging says of a record meets its encoding, by record id.
    Where neither has changed since they were last judged, nor the model, the last estimates stand.

    Raises:
        StoreError: If the staging store cannot be read.
    """
    from linkage import quality_store
    from linkage.blocking import without_what_is_nobodys
    from linkage.quality import estimate, judge
    from linkage.sensitivity import linked_otherwise
    from warehouse.connect import open_store
    from warehouse.described import described

    key = store_keys(run.settings, run.run_id)["staging"]
    connection = open_store(run.stores / "staging.duckdb", key, read_only=True)
    try:
        of_records = described(connection)
    finally:
        connection.close()
    quality_store.create(identity)
    digest = quality_store.made_of(links.kept.method, encoded, of_records)
    estimates = quality_store.read_estimates(identity, digest)
    if estimates is None:
        estimates = estimate(judge(encoded, model), encoded, of_records)
        quality_store.keep_estimates(identity, digest, estimates)
    firsts = links.kept.records.select("record_id", "first")
    told = without_what_is_nobodys(encoded, links.kept.crowded)
    return Appraisal(estimates, linked_otherwise(told, links.pairs, firsts, model, decisions))
