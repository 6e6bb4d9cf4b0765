"""Dropping what an agreement does not share, before anything looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from governance.agreements.model import Agreement, is_used

if TYPE_CHECKING:
    import polars as pl


def minimise(
    agreement: Agreement, frames: Mapping[str, pl.DataFrame]
) -> tuple[dict[str, pl.DataFrame], dict[str, tuple[str, ...]]]:
    """Drop what the agreement does not share.

    Args:
        agreement: The partner's agreement.
        frames: Its raw tables, column names in lower case.

    Returns:
        The tables with only the columns that may be used, in their order (and the numbers of
        their rows in the file, where those came), and the columns of each table that were sent
        though the agreement does not list them. A table of which it shares nothing, or that may
        not be taken in, is left out whole.
    """
    from schemas.reading.rows import FILE_ROW

    treatments = agreement.treatments
    kept: dict[str, pl.DataFrame] = {}
    over_shared: dict[str, tuple[str, ...]] = {}
    for name, frame in frames.items():
        taken, listed = treatments.get(name, {}), agreement.tables.get(name, {})
        sent = [column for column in frame.columns if column != FILE_ROW]
        if agreement.shared_columns(name):
            kept[name] = frame.drop(column for column in sent if not is_used(taken, column))
        over_shared[name] = tuple(column for column in sent if column not in listed)
    return kept, over_shared
