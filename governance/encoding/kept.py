"""What the hub keeps of the deliveries of several partners: no value that two people share.

Of each delivery by itself (`shared`), of a delivery beside what other partners hold (`across`), and
of them all none that shows that something was replaced (`consistent`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from governance.encoding.across import without_shared_across
from governance.encoding.consistent import consistent
from governance.encoding.shared import shared_values, without_shared
from governance.encoding.standing import FINGERPRINTS, standing
from schemas.encoded import encoded_schema

NOBODY: Final = pl.DataFrame(schema=encoded_schema())


def kept(encoded: pl.DataFrame) -> pl.DataFrame:
    """What is kept of deliveries that come together, where nothing was held before.

    Args:
        encoded: The columns of ``delivered_schema()``, of whole deliveries, one a partner.

    Returns:
        The same rows in the same order, with the columns of ``encoded_schema()``.
    """
    placed = encoded.with_row_index("place")
    parts = {str(partner): part for (partner,), part in _by_partner(placed).items()}
    coming = {partner: without_shared(part, shared_values(part)) for partner, part in parts.items()}
    now = settled(coming, {}, pl.DataFrame(schema=FINGERPRINTS))
    places = pl.concat(part["place"] for part in parts.values())
    return pl.concat(now[partner] for partner in parts)[places.arg_sort()]


def kept_by_delivery(encoded: pl.DataFrame) -> pl.DataFrame:
    """What is kept as long as each partner's delivery is looked at by itself.

    Args, and what is returned, are those of :func:`kept`.
    """
    parts = _by_partner(encoded.with_row_index("place")).values()
    without = [without_shared(p, shared_values(p)).with_columns(p["place"]) for p in parts]
    return pl.concat(without).sort("place").select(list(encoded_schema()))


def settled(
    coming: Mapping[str, pl.DataFrame], held: Mapping[str, pl.DataFrame], before: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """What is kept of each partner once some have delivered.

    Args:
        coming: Partner → its delivery, as :func:`~governance.encoding.shared.without_shared` leaves
            it; all of one epoch.
        held: Partner → what is kept of it, of partners who are looked at beside each other.
        before: The :func:`~governance.encoding.standing.fingerprints` of what is held.

    Returns:
        Partner → its records, with the columns of ``encoded_schema()``; also of partners who did
        not deliver, which may change.
    """
    now = {partner: frame for partner, frame in held.items() if partner not in coming}
    for partner in sorted(coming):
        delivery = coming[partner]
        unchanged = standing(delivery, before).implode()
        stay = held.get(partner, NOBODY).filter(pl.col("record_id").is_in(unchanged))
        fresh = delivery.join(stay, on="record_id", how="anti", maintain_order="left")
        both = pl.concat([stay, without_shared_across(fresh, pl.concat([stay, *now.values()]))])
        ids = delivery.select("record_id")
        now[partner] = ids.join(both, on="record_id", maintain_order="left").select(both.columns)
    if not now:
        return {}
    together = _by_partner(consistent(pl.concat(now.values())))
    # Who has no records left is told as well.
    return now | {str(partner): frame for (partner,), frame in together.items()}


def _by_partner(encoded: pl.DataFrame) -> dict[tuple[object, ...], pl.DataFrame]:
    return encoded.partition_by("partner", as_dict=True, maintain_order=True)
