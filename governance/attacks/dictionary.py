"""Encoding every name, or every person, on a list and looking the results up in the store.

Without the key the attacker can only hash without one, or guess a key. Both must find nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def look_up(
    target: pl.DataFrame, listed: pl.DataFrame, columns: Sequence[str], *, repeated: bool = False
) -> pl.Series:
    """The row of the attacker's list whose encoding equals a record's in any column.

    Args:
        target: The store's encoded columns.
        listed: The list under the same columns, encoded without the key or under a wrong one.
        columns: Which to look up.
        repeated: Whether a value may be many people's, as a name is; a person's must be one's.

    Returns:
        Rows of ``listed``, null where nothing is equal.
    """
    found = pl.Series("row", [None] * target.height, dtype=pl.UInt32)
    for column in columns:
        rows = listed.select(column).with_row_index("row").drop_nulls()
        once = rows.unique(column, keep="first" if repeated else "none", maintain_order=True)
        met = target.select(column).join(once, on=column, how="left", maintain_order="left")
        found = found.zip_with(found.is_not_null(), met["row"])
    return found
