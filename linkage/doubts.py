"""What linking has to say of the data it was given: whom it could not compare, and what it parted.

Counts by partner only, each with what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from linkage.blocking import (
    BLOCKING_COLUMNS,
    MOST_IN_BLOCK,
    MOST_ON_A_DATE,
    MOST_UNDER_ID,
    OF_A_DATE,
    STRONG_COLUMNS,
    in_blocks,
    on_dates,
    open_blocks,
    without_what_is_nobodys,
)
from linkage.groups import GIANT
from schemas.encoded import REDUCED_TOKENS, token_column

MOSTLY: Final = 0.5
"""The share of a partner's records from which it is told that they hold too little. Set on
2026-11-22: an extract in another shape, or with a column lost, has far more; a sound one few."""

REDUCED = [token_column(name) for name in REDUCED_TOKENS]

OF_IDS: Final = pl.col("block").is_in(STRONG_COLUMNS)
OF_DATES: Final = pl.col("block").str.ends_with(OF_A_DATE)


def doubts(encoded: pl.DataFrame, crowded: pl.DataFrame, giants: int) -> tuple[str, ...]:
    """Sentences for the report of a run.

    Args:
        encoded: Every encoded record.
        crowded: The blocks that were left out.
        giants: How many very large groups were parted.
    """
    return (
        *_empty(encoded),
        *_cut_off(without_what_is_nobodys(encoded, crowded), crowded.filter(~OF_IDS, ~OF_DATES)),
        *_ids_of_nobody(encoded, crowded.filter(OF_IDS)),
        *_dates_of_nobody(encoded, crowded.filter(OF_DATES)),
        *_chains(giants),
    )


def _empty(encoded: pl.DataFrame) -> Iterator[str]:
    """Partners most of whose records hold nothing that they could be linked by."""
    nothing = pl.all_horizontal(pl.col(*BLOCKING_COLUMNS, *REDUCED).is_null())
    counted = encoded.group_by("partner").agg(records=pl.len(), empty=nothing.sum())
    for partner, records, empty in counted.sort("partner").iter_rows():
        if empty >= MOSTLY * records:
            yield (
                f"{empty:,} of {records:,} record(s) of {partner} hold nothing to link them by: "
                "no identifier, and no names with a date of birth or a postcode. Ask it whether "
                "columns were left empty."
            )


def _cut_off(encoded: pl.DataFrame, crowded: pl.DataFrame) -> Iterator[str]:
    """Partners of whose records some share a block with more than are compared."""
    if crowded.is_empty():
        return
    elsewhere = open_blocks(encoded, crowded).select(
        elsewhere=pl.any_horizontal(pl.col(BLOCKING_COLUMNS).is_not_null())
    )
    counted = (
        encoded.with_columns(elsewhere.to_series())
        .filter(pl.any_horizontal(in_blocks(crowded)))
        .group_by("partner")
        .agg(records=pl.len(), alone=(~pl.col("elsewhere")).sum())
    )
    for partner, records, alone in counted.sort("partner").iter_rows():
        yield (
            f"{records:,} record(s) of {partner} have particulars that more than {MOST_IN_BLOCK:,} "
            f"records share, which were not compared by them; {alone:,} could be compared by "
            "nothing else and are linked with none. Ask it for a name, date or address that is "
            "given where none is known."
        )


def _ids_of_nobody(encoded: pl.DataFrame, crowded: pl.DataFrame) -> Iterator[str]:
    """Partners some of whose records hold a strong id that cannot be one person's."""
    if crowded.is_empty():
        return
    held = encoded.filter(pl.any_horizontal(in_blocks(crowded))).group_by("partner").len()
    for partner, records in held.sort("partner").iter_rows():
        yield (
            f"{records:,} record(s) of {partner} hold a strong id that is under more than "
            f"{MOST_UNDER_ID} people or {MOST_IN_BLOCK:,} records, and were linked without it. Ask "
            "it for an id that is given where none is known."
        )


def _dates_of_nobody(encoded: pl.DataFrame, crowded: pl.DataFrame) -> Iterator[str]:
    """Partners some of whose records hold a date of birth that far too many have."""
    if crowded.is_empty():
        return
    held = encoded.filter(on_dates(crowded)).group_by("partner").len()
    for partner, records in held.sort("partner").iter_rows():
        yield (
            f"{records:,} record(s) of {partner} hold a date of birth that more than "
            f"{MOST_ON_A_DATE:.0%} of all records hold, and were linked without it. Ask it for a "
            "date that is given where none is known."
        )


def _chains(giants: int) -> Iterator[str]:
    """Groups that were no one person's."""
    if giants:
        yield (
            f"{giants:,} group(s) of more than {GIANT} records were linked too loosely to be one "
            "person's and were parted at their weakest links. Look for records that differ by a "
            "letter or a digit only."
        )
