"""Advice on wider categories, for tables so fine that most of them would be masked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from governance.disclosure.catalogue import Dimension, Population, Row, Table, Where, where
from governance.disclosure.certify import Submission
from governance.disclosure.masking import MOST_SMALL, share_small
from governance.disclosure.rules import Rule
from governance.disclosure.tally import tally

FEWEST = 2  # categories that a dimension keeps


@dataclass(frozen=True)
class Advice:
    """How categories might be brought together.

    Attributes:
        before: The share of small cells as declared.
        after: The same once categories are brought together.
        together: Dimension and the two neighbouring categories to bring together, in that order.
        population: The population so declared.
    """

    before: float
    after: float
    together: tuple[tuple[str, str, str], ...]
    population: Population


def advise(one: Submission, rule: Rule | None = None) -> Advice:
    """Bring neighbouring categories together until at most a fifth of the cells are small.

    At each step it takes the two neighbours that leave the smallest share. Only dimensions that
    tables show category by category are widened.

    Args:
        one: The population, its period and rows.
        rule: The threshold; 5 by default.

    Returns:
        The advice; there may be nothing left to bring together before the share is reached.

    Raises:
        DisclosureError: If the rows do not fit the declaration.
    """
    rule = rule or Rule()
    population, rows = one.population, one.rows
    before = after = _share(population, rows, one, rule)
    together: list[tuple[str, str, str]] = []
    while after > MOST_SMALL:
        options = [
            (_share(wider, _renamed(rows, *pair), one, rule), pair, wider)
            for pair, wider in _wider(population)
        ]
        if not options:
            break
        after, pair, population = min(options, key=lambda option: (option[0], option[1]))
        rows = _renamed(rows, *pair)
        together.append(pair)
    return Advice(before, after, tuple(together), population)


def widened(population: Population, dimension: str, first: str, second: str) -> Population:
    """A population with two categories of a dimension brought together."""
    name = joint(first, second)

    def put(cell: Where) -> Where:
        chosen = {
            key: tuple(name if key == dimension and c in (first, second) else c for c in given)
            for key, given in cell
        }
        return where(**chosen)

    def rows(table: Table) -> tuple[Row, ...]:
        place = table.columns.index(dimension) if dimension in table.columns else -1
        found = [
            Row(
                tuple(
                    name if at == place and label in (first, second) else label
                    for at, label in enumerate(row.labels)
                ),
                put(row.where),
                tuple(put(total) for total in row.totals),
                tuple(put(one) for one in row.within),
            )
            for row in table.rows
        ]
        return tuple(dict.fromkeys(found))

    def put_dimension(one: Dimension) -> Dimension:
        if one.name != dimension:
            return one
        named = (name if c in (first, second) else c for c in one.categories)
        return replace(one, categories=tuple(dict.fromkeys(named)))

    return replace(
        population,
        dimensions=tuple(put_dimension(one) for one in population.dimensions),
        tables=tuple(replace(table, rows=rows(table)) for table in population.tables),
    )


def joint(first: str, second: str) -> str:
    """The name of two categories brought together."""
    return f"{first} or {second}"


def _wider(population: Population) -> Iterator[tuple[tuple[str, str, str], Population]]:
    """Every pair of neighbouring categories that may be brought together, and what comes of it."""
    shown = {
        name
        for table in population.tables
        for row in table.rows
        for name, chosen in row.where
        if len(chosen) > 1 or name not in table.columns
    }
    fixed = shown | {name for cell in population.impossible for name, _ in cell}
    for dimension in population.dimensions:
        if dimension.name not in fixed and len(dimension.categories) > FEWEST:
            for first, second in pairwise(dimension.categories):
                pair = (dimension.name, first, second)
                yield pair, widened(population, *pair)


def _renamed(rows: pl.DataFrame, dimension: str, first: str, second: str) -> pl.DataFrame:
    name = joint(first, second)
    return rows.with_columns(pl.col(dimension).cast(pl.String).replace({first: name, second: name}))


def _share(population: Population, rows: pl.DataFrame, one: Submission, rule: Rule) -> float:
    """The share of small cells of a population."""
    told = tally(population, rows, (one.period,), np.ones(1, dtype=bool))
    return share_small(population, population.matrix @ told.atoms[0], rule)
