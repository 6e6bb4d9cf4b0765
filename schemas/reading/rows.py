"""Which row of its file each record stands in, where not every row of the file is a record."""

from __future__ import annotations

import polars as pl

FILE_ROW = "Row of the file"
"""The column that holds it. No column of a file is so named: theirs are in small letters."""


def numbered(frame: pl.DataFrame) -> pl.DataFrame:
    """A frame that keeps its rows' numbers in the file, before some of them are left out.

    Args:
        frame: The data rows of a file, all of them unless they are numbered already.

    Returns:
        The same with `FILE_ROW`: 1 is the first row after the header.
    """
    if FILE_ROW in frame.columns:
        return frame
    return frame.with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(FILE_ROW))


def rows_in_file(frame: pl.DataFrame) -> pl.Series:
    """The number in its file of each row of a table, ascending, from 1."""
    return numbered(frame)[FILE_ROW]
