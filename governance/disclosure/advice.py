"""Advice on wider categories, for tables so fine that most of them would be masked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl

from governance.disclosure.catalogue import Dimension, Population, Row, Table, Where, where
from governance.disclosure.certify import Submission
from governance.disclosure.masking import (
    MOST_ROUNDING,
    MOST_SMALL,
    rounding_to_expect,
    share_small,
)
from governance.disclosure.rules import Rule
from governance.disclosure.tally import tally

FEWEST = 2  # categories that a dimension keeps


@dataclass(frozen=True)
class Advice:
    """How categories might be brought together.

    Attributes:
        before: The share of small cells as declared.
        after: The same once categories are brought together.
        rounding_before: What rounding moves a shown count by on average, as a share of the median
            one; None where none is shown.
        rounding_after: The same once categories are brought together.
        kept: How much is told of who is where once they are, as a share of what was: the entropy of
            the tables, nought where every table has one category left.
        together: Dimension and the two neighbouring categories to bring together, in that order.
        population: The population so declared.
    """

    before: float
    after: float
    rounding_before: float | None
    rounding_after: float | None
    kept: float
    together: tuple[tuple[str, str, str], ...]
    population: Population


@dataclass(frozen=True)
class _Design:
    """A population by ever wider categories, and what would be shown of it.

    Attributes:
        population: As declared.
        rows: Its rows, by those categories.
        small: The share of small cells.
        rounding: What rounding moves a shown count by, as a share of the median one.
        told: The entropy of its tables, in bits.
        together: What was brought together.
    """

    population: Population
    rows: pl.DataFrame
    small: float
    rounding: float | None
    told: float
    together: tuple[tuple[str, str, str], ...] = ()

    @property
    def few_small(self) -> bool:
        return self.small <= MOST_SMALL

    @property
    def is_fine(self) -> bool:
        return self.few_small and (self.rounding or 0) <= MOST_ROUNDING


def advise(one: Submission, rule: Rule | None = None) -> Advice:
    """Bring neighbouring categories together until enough is shown, and shown closely.

    At most a fifth of the cells are to be small, and rounding is to move a count by at most 3 per
    cent of the median one. At each step it takes the two neighbours that leave the smallest share,
    and once few are small, those that leave the least to rounding. Where rounding cannot be brought
    down so far, it stops as soon as few cells are small: to bring more together would tell less
    for nothing. Only dimensions that tables show category by category are widened.

    Args:
        one: The population, its period and rows.
        rule: The threshold and base; 5 and 5 by default.

    Returns:
        The advice; there may be nothing left to bring together before the shares are reached.

    Raises:
        DisclosureError: If the rows do not fit the declaration.
    """
    rule = rule or Rule()
    first = design = _designed(one, one.population, one.rows, rule, ())
    enough = None
    while not design.is_fine:
        enough = enough or (design if design.few_small else None)
        options = [
            _designed(one, wider, _renamed(design.rows, *pair), rule, (*design.together, pair))
            for pair, wider in _wider(design.population)
        ]
        if not options:
            break
        design = min(options, key=lambda option: _worse(option, by_small=enough is None))
    chosen = design if design.is_fine else (enough or design)
    return Advice(
        first.small,
        chosen.small,
        first.rounding,
        chosen.rounding,
        chosen.told / first.told if first.told else 1.0,
        chosen.together,
        chosen.population,
    )


def _worse(design: _Design, *, by_small: bool) -> tuple[float, float, tuple[str, str, str]]:
    """What orders designs, the better first."""
    rounding = 0.0 if design.rounding is None else design.rounding
    left = design.small if by_small else max(design.small, MOST_SMALL)
    return left, 0.0 if by_small else rounding, design.together[-1]


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


def _designed(
    one: Submission,
    population: Population,
    rows: pl.DataFrame,
    rule: Rule,
    together: tuple[tuple[str, str, str], ...],
) -> _Design:
    """What would be shown of a population, before any mask for another's sake."""
    counted = tally(population, rows, (one.period,), np.ones(1, dtype=bool))
    cells = population.matrix @ counted.atoms[0]
    shown = [rule.rounded(int(count)) for count in cells if count >= rule.threshold]
    return _Design(
        population,
        rows,
        share_small(population, cells, rule),
        rounding_to_expect(shown, rule),
        sum(_entropy(rows, table.columns) for table in population.tables),
        together,
    )


def _entropy(rows: pl.DataFrame, columns: Sequence[str]) -> float:
    """How much a table tells of where a unit is, in bits."""
    by = [name for name in columns if name in rows.columns]
    if not by or not rows.height:
        return 0.0
    share = rows.group_by(by).len().get_column("len").to_numpy() / rows.height
    return float(-(share * np.log2(share)).sum())
