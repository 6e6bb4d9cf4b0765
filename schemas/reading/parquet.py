"""A Parquet file as text, its sizes known before anything is unpacked.

Text columns are read as dictionaries: a file of a few kilobytes may repeat one long value a
million times, and what that comes to is counted before it is written out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from schemas.errors import ExtractRejected
from schemas.reading.guard import MAX_CELLS, MAX_COLUMNS, SEND_AGAIN, Unfit

BATCH_ROWS = 65_536
MIDNIGHT = " 00:00:00"
LOCAL_TIME = "Europe/London"

SEND_PLAIN = "Ask the partner for a Parquet file of plain columns, or for comma-separated text."
SEND_LESS = "Ask the partner for a shorter period."


def read_columns(path: Path, what: str, max_bytes: int) -> pl.DataFrame:
    """Read a Parquet file.

    Args:
        path: The file, known to begin as Parquet does.
        what: What messages call it.
        max_bytes: The most bytes its text may come to.

    Returns:
        Every column as text under its own name. Dates are written `2024-01-05`, times of day after
        them unless all are midnight; whole numbers have no point; yes and no are `true`, `false`.

    Raises:
        ExtractRejected: It is damaged, encrypted or too large, or has columns that are no text,
            number, date or yes and no.
    """
    import pyarrow as pa

    problem: tuple[str, str] | None = None
    try:
        return _read(path, max_bytes)
    except Unfit as unfit:
        problem = (unfit.problem, unfit.remedy)
    except (pa.ArrowException, OSError, ValueError, MemoryError, pl.exceptions.PolarsError):
        problem = ("is a Parquet file that is damaged or encrypted", SEND_AGAIN)
    raise ExtractRejected(f"{what} {problem[0]}.", problem[1])


def _read(path: Path, max_bytes: int) -> pl.DataFrame:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        names, meta = list(file.schema_arrow.names), file.metadata
        _require_sizes(meta, max_bytes)
        texts = [f.name for f in file.schema_arrow if _require_plain(f.type)]
    if len({name.lower() for name in names}) < len(names):
        raise Unfit("names a column twice", "Ask the partner to give every column its own name.")
    with parquet.ParquetFile(path, read_dictionary=texts) as file:
        batches, total = [], 0
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            total += sum(_text_bytes(column) for column in batch.columns)
            if total > max_bytes:
                raise _too_much()
            batches.append(batch)
        return _as_text(batches, file.schema_arrow)


def _require_sizes(meta: Any, max_bytes: int) -> None:
    groups = [meta.row_group(number) for number in range(meta.num_row_groups)]
    if (
        meta.num_columns > MAX_COLUMNS
        or meta.num_rows * meta.num_columns > MAX_CELLS * 4
        or sum(group.num_rows for group in groups) != meta.num_rows
        or sum(group.total_byte_size for group in groups) > max_bytes
    ):
        raise _too_much()


def _too_much() -> Unfit:
    return Unfit("is a Parquet file that unpacks to more than is read", SEND_LESS)


def _require_plain(kind: Any) -> bool:
    """Whether a column is text; other plain kinds are allowed, nested and binary ones are not."""
    from pyarrow import types

    inner = kind.value_type if types.is_dictionary(kind) else kind
    if types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner):
        return True
    plain = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal,
             types.is_date, types.is_timestamp, types.is_null)  # fmt: skip
    if not any(is_kind(inner) for is_kind in plain):
        raise Unfit("is a Parquet file with columns of a kind that no table holds", SEND_PLAIN)
    return False


def _text_bytes(column: Any) -> int:
    """How many bytes a column of text comes to, each value counted as often as it is repeated."""
    from pyarrow import compute, types

    if not types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = compute.binary_length(column.dictionary)
    return int(compute.sum(lengths.take(column.indices)).as_py() or 0)


def _as_text(batches: list[Any], schema: Any) -> pl.DataFrame:
    import pyarrow as pa

    frame = pl.from_arrow(pa.Table.from_batches(batches, schema=schema))
    if not isinstance(frame, pl.DataFrame):
        raise Unfit("is a Parquet file without columns", SEND_PLAIN)
    return frame.select(_text(frame[name]) for name in frame.columns)


def _text(values: pl.Series) -> pl.Series:
    kind = values.dtype
    if isinstance(kind, pl.Datetime):
        local = values.dt.convert_time_zone(LOCAL_TIME) if kind.time_zone else values
        written = local.dt.strftime("%Y-%m-%d %H:%M:%S")
        dates_alone = written.str.ends_with(MIDNIGHT).all()
        return written.str.strip_suffix(MIDNIGHT) if dates_alone else written
    if kind.is_float():
        return values.fill_nan(None).cast(pl.String).str.replace(r"\.0+$", "")
    return values.cast(pl.String)
