"""The order of rows: a file sorted by a column tells where in the list each record stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl

from governance.attacks.result import RECORDS, SHIPPED, Result, judge_column, judge_rows
from governance.attacks.scenario import VALUES, Scenario
from governance.attacks.weak import new_key
from governance.encoding.prf import tokens
from governance.pseudonymise import Pseudonymised, in_keyed_order

IN_FILE_ORDER: Final = "store in the file's order"
SORTED_BY: Final = {RECORDS: ("surname", "forename", "dob"), **{name: (name,) for name in VALUES}}
"""How the file that names each part best may be sorted."""

Stored = Callable[[pl.DataFrame], pl.DataFrame]


def attack(scenario: Scenario) -> Iterator[Result]:
    """Turn it on the store as the hub fills it, and on one that keeps the file's order."""
    yield from _attacked(scenario, SHIPPED, as_the_hub_stores)
    yield from _attacked(scenario, IN_FILE_ORDER, lambda file: file)


def as_the_hub_stores(file: pl.DataFrame) -> pl.DataFrame:
    """A file's rows in the order in which the hub stores them."""
    keys = pl.int_range(file.height, eager=True).cast(pl.String)
    encoded = pl.DataFrame({"record_id": tokens(keys, new_key())}).with_row_index("row")
    kept = in_keyed_order({1: Pseudonymised(encoded, {})})[1].encoded
    return file[kept["row"]]


def _attacked(scenario: Scenario, encoding: str, stored: Stored) -> Iterator[Result]:
    for part, columns in SORTED_BY.items():
        store = replace(scenario, target=stored(scenario.target.sort(columns, nulls_last=True)))
        rows = by_quantile(store.target.height, scenario.known, columns)
        if part == RECORDS:
            yield judge_rows("row order", store, [rows], encoding)[0]
        else:
            guess = scenario.known[part].gather(rows)
            yield judge_column("row order", store, part, [guess], encoding)


def by_quantile(size: int, known: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    """Guess that a record as far down the store is as far down the sorted list.

    Args:
        size: Records in the store.
        known: The attacker's list.
        columns: By which the store may be sorted.

    Returns:
        A row of the list for each record, in the store's order.
    """
    order = known.select(pl.arg_sort_by(columns, nulls_last=True)).to_series()
    return order.gather(np.arange(size) * known.height // size)
