"""Small tools that the four partners' histories share."""

from __future__ import annotations

import numpy as np
import polars as pl

NEVER = -1_000_000  # the day of something that did not happen


def kept(where: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the values where a mask is true, and None elsewhere."""
    filled = np.full(len(values), None, dtype=object)
    filled[where] = values[where]
    return filled


def day_column(days: np.ndarray, happened: np.ndarray | None = None) -> pl.Series:
    """Return ISO dates as text, null where something did not happen."""
    real = days > NEVER if happened is None else happened & (days > NEVER)
    return iso_dates(np.where(real, days, 0)).set(pl.Series(~real), None)


def iso_dates(days: np.ndarray) -> pl.Series:
    """Return ISO dates as text."""
    return pl.Series(days, dtype=pl.Int32).cast(pl.Date).dt.to_string("%Y-%m-%d")


def text_column(values: np.ndarray) -> pl.Series:
    """Return text with nulls."""
    return pl.Series(values.tolist(), dtype=pl.String)


def repeated(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each repeat the position it repeats, and its number from 0."""
    which = np.repeat(np.arange(len(counts)), counts)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]]) if len(counts) else counts
    return which, np.arange(len(which)) - first[which]


def between(rng: np.random.Generator, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return a random day from first to last, both included."""
    span = np.maximum(last - first, 0)
    return first + (rng.random(len(first)) * (span + 1)).astype(int)


def references(prefix: str, order: np.ndarray, width: int = 7) -> np.ndarray:
    """Return references numbered in the order of a sort key, as a register would."""
    number = np.empty(len(order), dtype=int)
    number[np.argsort(order, kind="stable")] = np.arange(1, len(order) + 1)
    return numbered(prefix, number, width)


def numbered(prefix: str, number: np.ndarray, width: int) -> np.ndarray:
    """Return numbers as references of one width."""
    padded = prefix + pl.Series(number, dtype=pl.Int64).cast(pl.String).str.zfill(width)
    return np.array(padded.to_list(), dtype=object)


def weighted(rng: np.random.Generator, codes: dict[str, float], size: int) -> np.ndarray:
    """Draw codes of a weighted dictionary."""
    share = np.array(list(codes.values()), dtype=float)
    drawn = rng.choice(len(share), size=size, p=share / share.sum())
    return np.array(list(codes), dtype=object)[drawn]


def weighted_by(
    rng: np.random.Generator, key: np.ndarray, tables: dict[str, dict[str, float]]
) -> np.ndarray:
    """Draw codes from the table that each element's key names."""
    drawn = np.full(len(key), None, dtype=object)
    for name, codes in tables.items():
        at = np.flatnonzero(key == name)
        drawn[at] = weighted(rng, codes, len(at))
    return drawn
