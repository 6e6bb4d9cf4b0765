"""Whose a record is: a partner that encodes itself may not bring the record of another.

All partners hold the key of the purpose, so one that knows another's references could name its
records, even ones that are still to come. A record that another partner has staged, or sends in
the same run, is the other's unless it was this partner's before; one that the hub itself encodes
is its partner's beyond doubt, whoever staged it first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from flows.context import RunContext
from flows.keys.rings import store_keys
from schemas.errors import ExtractRejected, JourneysError

if TYPE_CHECKING:
    import polars as pl

    from governance.pseudonymise import Pseudonymised


def check_own_records(
    run: RunContext,
    parts: Mapping[str, Mapping[int, Pseudonymised]],
    sealed: Collection[str],
) -> dict[str, JourneysError]:
    """What is wrong where partners that encode themselves bring records of others.

    Args:
        run: The run.
        parts: The new extracts by partner, in each key epoch.
        sealed: The partners among them that encode themselves.

    Raises:
        KeyProblem: The store key cannot be used.
        StoreError: The identity store of the current run cannot be read.
    """
    import polars as pl

    partners = run.settings.partners.items()
    apart: set[str] = {name for name, one in partners if one.encodes_with is not None}
    if not apart:
        return {}
    staged = _staged(run)
    fresh = {
        partner: pl.concat([part.encoded["record_id"] for part in by_epoch.values()])
        for partner, by_epoch in parts.items()
    }
    wrong: dict[str, JourneysError] = {}
    for partner in sealed:
        own = staged.filter(pl.col("partner") == partner)["record_id"]
        others = staged.filter(pl.col("partner") != partner)["record_id"]
        others = pl.concat([others, *(ids for name, ids in fresh.items() if name != partner)])
        brought = fresh[partner].to_frame().join(own.to_frame(), on="record_id", how="anti")
        count = brought.join(others.to_frame(), on="record_id", how="semi").height
        if count:
            wrong[partner] = ExtractRejected(
                f"{count} record(s) in the sealed file of {partner} are of another partner.",
                "Do not use it; ask the partner how they came into its extract. If it says that "
                "they are its own, ask the other.",
            )
    return wrong | _claimed_before(fresh, staged, apart - set(sealed), set(fresh) - apart)


def _claimed_before(
    fresh: Mapping[str, pl.Series], staged: pl.DataFrame, apart: set[str], here: set[str]
) -> dict[str, JourneysError]:
    """What is wrong where records that the hub encodes were staged of a partner that does itself.

    Args:
        fresh: The records of each new extract.
        staged: `partner, record_id` of every record of the current run.
        apart: The partners that encode themselves and send nothing now.
        here: The partners whose new extracts the hub encodes.
    """
    import polars as pl

    wrong: dict[str, JourneysError] = {}
    for owner in sorted(here):
        claimed = staged.filter(
            pl.col("partner").is_in(sorted(apart))
            & pl.col("record_id").is_in(fresh[owner].implode())
        )
        for partner, count in claimed["partner"].value_counts().sort("partner").iter_rows():
            wrong[partner] = ExtractRejected(
                f"{count} record(s) that {partner} sealed before are of {owner}.",
                f"Ask {partner} how they came into its extract, and for one without them.",
            )
    return wrong


def _staged(run: RunContext) -> pl.DataFrame:
    """`partner, record_id` of every record of the current run, in every key epoch."""
    import polars as pl

    from warehouse.connect import open_store, store_errors

    told = store_errors(
        "The identity store of the current run could not be read.",
        "Restore the partnership folder's `stores` from backup, then run again.",
    )
    found = pl.DataFrame(schema={"partner": pl.String, "record_id": pl.Int64})
    current = run.control.current_run()
    if current is None:
        return found
    keys = store_keys(run.settings, current.run_id)
    for path in sorted((run.settings.stores / current.run_id).glob("*identity.duckdb")):
        connection = open_store(path, keys[path.stem], read_only=True)
        try:
            listed = told(connection.execute)("SELECT partner, record_id FROM encoded_record")
            found = pl.concat([found, listed.pl()])
        finally:
            connection.close()
    return found
