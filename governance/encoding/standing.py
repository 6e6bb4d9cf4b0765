"""Records that are delivered as they were before stand as they are kept.

What is kept hangs on what others held when a record came. Were it judged anew with every delivery,
two partners that deliver in turn could go on changing what is kept of the same people
(docs/adr/0051).
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import polars as pl

from governance.encoding.evidence import ONE_PERSON, alike, joined
from governance.encoding.stand_ins import COMPOSITES
from schemas.encoded import delivered_schema

FINGERPRINTS: Final = {"record_id": pl.Int64(), "fingerprint": pl.UInt64()}
"""The columns of fingerprints."""

RULES: Final = b"2026-11-24"
"""When the rules by which values are kept last changed; part of fingerprints.

They are in `shared`, `across`, `evidence` and `stand_ins`. Under others every record is judged
anew."""

FINGERED: Final = [name for name in delivered_schema() if name != "partner"]
"""The columns that a fingerprint is of."""

AT_ONCE: Final = 50_000
"""How many records are made into bytes in one go."""


def fingerprints(delivered: pl.DataFrame) -> pl.DataFrame:
    """What tells whether a record is delivered as it was before, and nothing else of it.

    It hangs on the record's secret words, without which nobody can try values.

    Args:
        delivered: The columns of ``delivered_schema()``, in whatever order, as
            :func:`~governance.encoding.shared.without_shared` leaves them.

    Returns:
        The columns of `FINGERPRINTS`, a row a record, in the same order.
    """
    of_each = [
        hashlib.shake_128(RULES + row.tobytes()).digest(8)
        for some in delivered.select(FINGERED).iter_slices(AT_ONCE)
        for row in _numbers(some)
    ]
    fingerprint = pl.Series("fingerprint", np.frombuffer(b"".join(of_each), dtype="<u8"))
    return pl.DataFrame([delivered["record_id"], fingerprint], schema=FINGERPRINTS)


def standing(delivered: pl.DataFrame, before: pl.DataFrame) -> pl.Series:
    """The ids of records that stand: they, and all that the partner knows of one with them.

    Records are known as one person's by a composite or a strong id.

    Args:
        delivered: As for :func:`fingerprints`: one partner's whole delivery.
        before: The fingerprints of what was delivered before, of any partners.
    """
    known = fingerprints(delivered).join(before, on=list(FINGERPRINTS), how="semi")["record_id"]
    told = {*COMPOSITES, *ONE_PERSON}
    whose = joined(delivered.height, (alike(delivered[column]) for column in told))
    rows = delivered.select("record_id", same=pl.col("record_id").is_in(known.implode()))
    together = rows.with_columns(pl.Series("person", whose))
    return together.filter(pl.col("same").all().over("person"))["record_id"]


def _numbers(some: pl.DataFrame) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Records as numbers, a row each: every column, and which of them are null."""
    values = some.select(pl.all().cast(pl.Int64).fill_null(0)).to_numpy()
    missing = some.select(pl.all().is_null()).to_numpy().astype(np.int64)
    return np.concatenate([values, missing], axis=1).astype("<i8")
