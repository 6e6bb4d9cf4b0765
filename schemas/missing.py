"""Columns that an extract lacks though its system is said to give them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from schemas.tables import find_table

if TYPE_CHECKING:
    import polars as pl

    from schemas.mapping import SystemMapping
    from schemas.policy import Policy, Response


def missing_columns(
    mapping: SystemMapping,
    frames: Mapping[str, pl.DataFrame],
    policy: Policy,
    shared: Mapping[str, Collection[str]] | None = None,
) -> dict[Response, list[str]]:
    """The columns that are not in the files, though the mapping says that the system gives them.

    Args:
        mapping: How the system names its columns.
        frames: The tables as they were read.
        policy: What follows where a column is missing.
        shared: The columns of each table that the agreement shares; if not given, all.

    Returns:
        What follows → the columns, as table.column.
    """
    found: dict[Response, list[str]] = {"ignore": [], "warn": [], "stop": []}
    for name, frame in frames.items():
        columns = find_table(mapping.partner, name).columns
        given = set(mapping.tables[name].columns) & set(columns if shared is None else shared[name])
        for column in sorted(given - set(frame.columns)):
            found[policy.response_to_missing(columns[column])].append(f"{name}.{column}")
    return found
