"""Small linked tables for tests of the publication gate, and every table that fits them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from governance.disclosure.catalogue import Dimension, Population, cross
from governance.disclosure.release import Release
from governance.disclosure.timeline import Period

YEAR = Period(date(2026, 1, 1), date(2026, 12, 31))


def quarters(first: int, last: int) -> Period:
    """From the first day of one quarter of 2026 to the end of another, counted from nought."""
    ends = ((3, 31), (6, 30), (9, 30), (12, 31))
    return Period(date(2026, 1 + 3 * first, 1), date(2026, *ends[last]))


def two_ways(
    rows: int = 2, columns: int = 2, *, relation: str = "apart", known: bool = True, **options
) -> Population:
    """A table of two dimensions with its margins."""
    one = Dimension("age", tuple(f"a{n}" for n in range(rows)), known)
    other = Dimension("area", tuple(f"b{n}" for n in range(columns)), known)
    tables = (cross("by_age_and_area", one, other),)
    return Population("people", "people", relation, (one, other), tables, **options)


def counted(population: Population, *quarter_counts: Sequence[int]) -> pl.DataFrame:
    """Rows of people from counts by atom: one sequence a quarter of 2026."""
    rows = [
        {
            **{
                dimension.name: dimension.categories[category]
                for dimension, category in zip(population.dimensions, atom, strict=True)
            },
            "day": quarters(number, number).first,
            "count": int(count),
        }
        for number, counts in enumerate(quarter_counts)
        for atom, count in zip(population.atoms, counts, strict=True)
    ]
    return pl.DataFrame(rows, schema_overrides={"day": pl.Date})


def every_table(release: Release, most: int) -> np.ndarray:
    """Every table of counts up to a number that could have been published so: tables by atom."""
    (shown,) = release.populations
    atoms = len(shown.population.atoms)
    tables = np.indices((most + 1,) * atoms).reshape(atoms, -1).T
    cells = tables @ shown.population.matrix.T.astype(int)
    says = np.array([release.rule.says(value) for value in shown.shown])
    return tables[((cells >= says[:, 0]) & (cells <= says[:, 1])).all(axis=1)]
