"""One whole table from the extracts of several periods that lie in an inbox together.

A record is known by its table's key. Where two periods have it, the later one's row counts; where
two rows of one period have it, both stay, for the contract to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemas.errors import ExtractRejected

if TYPE_CHECKING:
    import polars as pl

    from flows.sources.inbox import Arrived
    from governance.control import Pull


def joined(frames: Sequence[pl.DataFrame], key: Sequence[str]) -> pl.DataFrame:
    """The rows of several periods as one table.

    Args:
        frames: The table as each period has it, the earliest first, as they were read.
        key: The columns that make a record's key; a table that lacks one is only appended.

    Returns:
        The rows that count, in the order of their periods. They are numbered through all the
        files, those that do not count too.
    """
    import polars as pl

    from schemas.reading.rows import FILE_ROW, rows_in_file

    if len(frames) == 1:
        return frames[0]
    numbered, before = [], 0
    for frame in frames:
        rows = rows_in_file(frame)
        numbered.append(frame.with_columns((rows + before).alias(FILE_ROW)))
        before += rows[-1] if len(rows) else 0
    later: pl.DataFrame | None = None
    counting: list[pl.DataFrame] = []
    for frame in reversed(numbered):
        has_key = set(key) <= set(frame.columns)
        if later is not None and has_key:
            counting.append(frame.join(later, on=list(key), how="anti"))
        else:
            counting.append(frame)
        if has_key:
            keys = frame.select(key)
            later = keys if later is None else pl.concat([later, keys])
    return pl.concat(reversed(counting), how="diagonal")


def lost_periods(ledger: Sequence[Pull], arrived: Arrived | None) -> ExtractRejected | None:
    """What is wrong where periods that were pulled lie in the inbox no longer.

    Without them the extract would be less than it was, and nobody would be told.

    Args:
        ledger: What was pulled from the partner's source.
        arrived: What lies in its inbox.
    """
    if arrived is None or not arrived.periods:
        return None
    lost = sorted({row.period for row in ledger if row.state == "landed"} - set(arrived.periods))
    if not lost:
        return None
    return ExtractRejected(
        f"The inbox of {arrived.partner} lacks {', '.join(lost)}, which had been pulled into it.",
        f"Put the files back, or pull them once more (`journeys pull {arrived.partner} --again`).",
    )


def would_be_removed(partner: str) -> ExtractRejected:
    """Increments whose agreement has them removed: the whole could not be put together again."""
    return ExtractRejected(
        f"{partner} sends increments, but its agreement has them removed once they are staged.",
        "Agree that they stay in the inbox (`inbox_after_staging: keep`), or have the partner send "
        "its whole extract each time (`delivery: snapshot`).",
    )
