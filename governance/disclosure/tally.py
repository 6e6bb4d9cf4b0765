"""Counting a population from one row a unit. True counts stay in the gate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from governance.disclosure.catalogue import ALL, Population
from governance.disclosure.rules import DisclosureError
from governance.disclosure.timeline import Period

DAY = "day"
PERSON = "person"
COUNT = "count"

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Tally:
    """True counts of a population.

    Attributes:
        atoms: Units by segment and atom.
        people: Distinct people behind each cell of the last period.
        rest: For each pair of ``population.totals``: the distinct people behind the total who are
            not behind the part, in the last period.
    """

    atoms: Counts
    people: Counts
    rest: Counts


def tally(
    population: Population,
    rows: pl.DataFrame,
    segments: tuple[Period, ...],
    window: NDArray[np.bool_],
) -> Tally:
    """Count a population.

    Args:
        population: What is declared.
        rows: One row a unit, with a column a dimension; ``day``, by which it is counted, unless the
            periods are apart; ``person`` where the unit is not people. A table of people that were
            counted already has ``count`` instead of ``person``.
        segments: The runs of days to count, with those of earlier releases that are still public.
        window: Which of them the release publishes.

    Raises:
        DisclosureError: A column is missing, or rows are of no declared category, or of a
            combination declared impossible, or a person is counted twice.
    """
    check_columns(population, rows)
    atom = atoms_of(population, rows)
    segment = _segments(rows, segments, window)
    weight = _weights(population, rows)
    inside = segment >= 0
    counts = np.zeros((len(segments), len(population.atoms)), dtype=np.int64)
    np.add.at(counts, (segment[inside], atom[inside]), weight[inside])
    published = inside & window[segment]
    if PERSON not in rows.columns:
        cells = population.matrix @ counts[window].sum(axis=0)
        rest = [cells[total] - cells[part] for part, total in population.totals]
        return Tally(counts, cells, np.array(rest, dtype=np.int64))
    person = rows.get_column(PERSON).rank("dense").to_numpy().astype(np.int64)
    if population.unit == "people" and _repeated(person[published]):
        raise DisclosureError(
            f"A person is counted more than once in the population {population.name}.",
            "Give one row a person, or declare the unit that the rows are.",
        )
    return Tally(counts, *_behind(population, atom[published], person[published]))


def rows_of_table(population: Population, table: pl.DataFrame) -> pl.DataFrame:
    """The rows of a finished table of people: one a combination, once its margins add up.

    Args:
        population: What is declared.
        table: A column a dimension, with ``All`` in margins, and ``count``.

    Raises:
        DisclosureError: A margin is not the sum of its parts, or the combinations are not given.
    """
    names = [dimension.name for dimension in population.dimensions]
    if population.unit != "people" or not {*names, COUNT} <= set(table.columns):
        raise DisclosureError(
            f"The table of the population {population.name} lacks a dimension or its counts, or "
            "does not count people.",
            "Give a column a dimension and one of counts; count other units from their rows.",
        )
    rows = table.filter(pl.all_horizontal(pl.col(name) != ALL for name in names))
    for margin in table.filter(pl.any_horizontal(pl.col(name) == ALL for name in names)).to_dicts():
        part = rows.filter(
            pl.all_horizontal(
                pl.lit(margin[name] == ALL) | (pl.col(name) == margin[name]) for name in names
            )
        )
        if part.get_column(COUNT).sum() != margin[COUNT]:
            raise DisclosureError(
                f"A margin of the population {population.name} is not the sum of its parts.",
                "Count again; every part must be given, those of nought among them.",
            )
    return rows


def check_columns(population: Population, rows: pl.DataFrame) -> None:
    """Raise DisclosureError when rows lack what the declaration needs."""
    needed = {dimension.name for dimension in population.dimensions}
    if population.relation != "apart":
        needed.add(DAY)
    if population.unit != "people" or PERSON in rows.columns:
        needed.add(PERSON)
    missing = sorted(needed - set(rows.columns))
    if missing or (DAY in rows.columns and rows.schema[DAY] != pl.Date):
        raise DisclosureError(
            f"The rows of the population {population.name} lack {', '.join(missing) or 'dates'}.",
            "Give a column a dimension, the day a unit is counted by, and the person behind it.",
        )
    nulls = [name for name in sorted(needed) if rows.get_column(name).null_count()]
    if nulls:
        raise DisclosureError(
            f"Rows of the population {population.name} have no {', '.join(nulls)}.",
            "Give such rows a category of their own, such as Not known.",
        )


def atoms_of(population: Population, rows: pl.DataFrame) -> Counts:
    """The atom of each row.

    Raises:
        DisclosureError: If a row is of none.
    """
    index = np.zeros(len(rows), dtype=np.int64)
    unknown = np.zeros(len(rows), dtype=bool)
    sizes = [len(dimension.categories) for dimension in population.dimensions]
    for dimension, size in zip(population.dimensions, sizes, strict=True):
        places = {category: place for place, category in enumerate(dimension.categories)}
        given = rows.get_column(dimension.name).cast(pl.String)
        place = np.array([places.get(value, -1) for value in given], dtype=np.int64)
        unknown |= place < 0
        index = index * size + place
    number = np.full(int(np.prod(sizes)), -1, dtype=np.int64)
    flat = np.zeros(len(population.atoms), dtype=np.int64)
    for column, size in enumerate(sizes):
        flat = flat * size + population.atoms[:, column]
    number[flat] = np.arange(len(flat))
    atom = np.where(unknown, -1, number[np.where(unknown, 0, index)])
    none = int((atom < 0).sum())
    if none:
        raise DisclosureError(
            f"{none} rows of the population {population.name} are of no declared category, or "
            "of a combination that is declared impossible.",
            "Declare every category, and only what cannot happen as impossible.",
        )
    return atom


def _segments(
    rows: pl.DataFrame, segments: tuple[Period, ...], window: NDArray[np.bool_]
) -> Counts:
    """The segment of each row, or -1; rows without a day are of the one that is published."""
    if DAY not in rows.columns:
        return np.full(len(rows), int(np.flatnonzero(window)[0]), dtype=np.int64)
    days = rows.get_column(DAY).to_numpy().astype("datetime64[D]")
    segment = np.full(len(rows), -1, dtype=np.int64)
    for place, run in enumerate(segments):
        segment[(days >= np.datetime64(run.first)) & (days <= np.datetime64(run.last))] = place
    return segment


def _weights(population: Population, rows: pl.DataFrame) -> Counts:
    """How many units each row stands for."""
    if COUNT not in rows.columns:
        return np.ones(len(rows), dtype=np.int64)
    counts = rows.get_column(COUNT)
    known = counts.dtype.is_integer() and not counts.null_count() and not (counts < 0).any()
    if PERSON in rows.columns or not known:
        raise DisclosureError(
            f"The counts of the population {population.name} are not whole numbers of people.",
            "Give whole counts of people, or one row a unit.",
        )
    return counts.to_numpy().astype(np.int64)


def _repeated(person: Counts) -> bool:
    return len(np.unique(person)) < len(person)


def _behind(population: Population, atom: Counts, person: Counts) -> tuple[Counts, Counts]:
    """The distinct people behind each cell, and behind what is left of each total."""
    matrix = population.matrix

    def distinct(atoms: NDArray[np.bool_]) -> int:
        return len(np.unique(person[atoms[atom]]))

    people = [distinct(cell) for cell in matrix]
    rest = [distinct(matrix[total] & ~matrix[part]) for part, total in population.totals]
    return np.array(people, dtype=np.int64), np.array(rest, dtype=np.int64)
