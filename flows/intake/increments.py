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
    from governance.control import Control


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


def lost_periods(control: Control, arrived: Arrived | None) -> ExtractRejected | None:
    """What is wrong where periods that were pulled or taken in lie in the inbox no longer.

    Without them the extract would be less than it was: people would seem to have been deleted, and
    nobody would be told.

    Args:
        control: The ledger of what was pulled, and of what the staged extract was put together of.
        arrived: What lies in the partner's inbox.
    """
    if arrived is None or not arrived.periods:
        return None
    partner = arrived.partner
    landed = {row.period for row in control.pulls(partner) if row.state == "landed"}
    staged = control.taken_periods(partner) if partner in control.staged_extracts() else set()
    lost = sorted((landed | staged) - set(arrived.periods))
    if not lost:
        return None
    return ExtractRejected(
        f"The inbox of {partner} lacks {', '.join(lost)}, which had come before. Without it the "
        "extract would be less than it was, and its people would seem to be gone.",
        f"Put the files back, or pull them once more (`journeys pull {partner} --again`). If they "
        "were deleted because the agreement keeps extracts no longer, agree on a longer term, or "
        "have the partner send its whole extract (`delivery: snapshot`).",
    )


def would_be_removed(partner: str) -> ExtractRejected:
    """Increments whose agreement has them removed: the whole could not be put together again."""
    return ExtractRejected(
        f"{partner} sends increments, but its agreement has them removed once they are staged.",
        "Agree that they stay in the inbox (`inbox_after_staging: keep`), or have the partner send "
        "its whole extract each time (`delivery: snapshot`).",
    )
