"""What a release publishes, declared before anything is counted.

A population is what one set of linked tables counts: people or another unit, over one period, by
some dimensions. Its atoms are the combinations of one category of each dimension, less those that
are declared impossible. Every published cell, margin or link of a journey is a set of atoms, so a
population is one matrix of noughts and ones. What is not in it cannot be published.

Two populations are audited apart. Tables that count the same people over the same period share what
they say, so they belong in one population.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.rules import DisclosureError

ALL = "All"
# What is counted; of anything but people, several may be one person's.
UNITS = (
    *("people", "entries", "households", "arrests", "tests", "offences", "releases", "journeys"),
    *("exits", "steps", "sentences", "requirements", "referrals", "assessments", "cases"),
    *("duties", "tenancies", "profiles"),
)
# cumulative: from a fixed day, and nobody leaves; rolling: a sum of cohorts by day, of which the
# oldest drop out; apart: no day is in two periods. Anything else would leave the audit of two
# releases without a bound, and so say nothing.
RELATIONS = ("cumulative", "rolling", "apart")
LARGEST = 200_000_000  # cells times atoms: the matrix is held in memory, a byte each
FEWEST = 1_000  # cells to reckon with, so that few cells are not of millions of atoms

# Dimension and the categories counted; a dimension that is not named is not restricted.
Where = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Dimension:
    """Something units differ in.

    Attributes:
        name: Its column.
        categories: Every category it can have, those nobody is in among them.
        known: Whether others know it of a person anyway (an area, an age band), so that to learn
            that nearly everyone in a total shares it tells nobody anything.
    """

    name: str
    categories: tuple[str, ...]
    known: bool = False


@dataclass(frozen=True)
class Row:
    """One published count.

    Attributes:
        labels: What the publication calls it.
        where: The atoms that it counts.
        totals: The published counts that it is a part of, and may not be nearly all of.
        within: Others that hold it. It may be nearly all of them, and somebody may be known to be
            left over; how few are may not.
        meaning: What it counts, by definition. Two counts of the same days that have one meaning
            are of the same units whatever the data, so that it tells nothing that they are. Counts
            without one are of the same units by chance.
    """

    labels: tuple[str, ...]
    where: Where
    totals: tuple[Where, ...] = ()
    within: tuple[Where, ...] = ()
    meaning: str = ""


@dataclass(frozen=True)
class Table:
    """A published table: the columns of its labels and its rows."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Population:
    """Linked tables that count one unit over one period.

    Attributes:
        name: Unique in a release, and the same from one release to the next.
        unit: One of ``UNITS``. Units other than people are masked by the people behind them.
        relation: One of ``RELATIONS``: how its periods relate.
        dimensions: What it is counted by.
        tables: What is published of it.
        impossible: Atoms that cannot have anyone, whatever the data.

    Raises:
        DisclosureError: If a part is undeclared, unknown or contradicts another.
    """

    name: str
    unit: str
    relation: str
    dimensions: tuple[Dimension, ...]
    tables: tuple[Table, ...]
    impossible: tuple[Where, ...] = ()

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise DisclosureError(
                f"The unit of the population {self.name} is not declared.",
                f"Declare one of {', '.join(UNITS)}.",
            )
        if self.relation not in RELATIONS:
            raise DisclosureError(
                f"How the periods of the population {self.name} relate is not declared.",
                f"Declare one of {', '.join(RELATIONS)}.",
            )
        _check_dimensions(self)
        _check_wheres(self)
        many = prod(len(one.categories) for one in self.dimensions)
        if max(len(self.cells), FEWEST) * many > LARGEST:
            raise DisclosureError(
                f"The population {self.name} has too many cells and combinations to be audited.",
                "Publish fewer dimensions together, or collapse their categories.",
            )
        _check_totals(self)

    @cached_property
    def cells(self) -> tuple[Where, ...]:
        """Every published set of atoms once, however many tables show it."""
        return tuple(dict.fromkeys(row.where for table in self.tables for row in table.rows))

    @cached_property
    def position(self) -> Mapping[Where, int]:
        """The place of each cell."""
        return {where: place for place, where in enumerate(self.cells)}

    @cached_property
    def meanings(self) -> tuple[str, ...]:
        """What each cell counts by definition; nothing where that is not declared."""
        rows = [row for table in self.tables for row in table.rows if row.meaning]
        told = {row.where: row.meaning for row in reversed(rows)}
        return tuple(told.get(cell, "") for cell in self.cells)

    @cached_property
    def atoms(self) -> NDArray[np.int64]:
        """The atoms that are possible: a row each, with the place of its category per dimension."""
        sizes = [range(len(dimension.categories)) for dimension in self.dimensions]
        every = np.array(list(product(*sizes)), dtype=np.int64).reshape(-1, len(sizes))
        ruled_out = np.zeros(len(every), dtype=bool)
        for where in self.impossible:
            ruled_out |= self._holds(every, where)
        return every[~ruled_out]

    @property
    def coordinates(self) -> NDArray[np.int64]:
        """The same, as an audit asks for it that looks at all atoms."""
        return self.atoms

    @cached_property
    def matrix(self) -> NDArray[np.bool_]:
        """Which atoms each cell counts: cells by atoms."""
        return np.array([self._holds(self.atoms, where) for where in self.cells], dtype=bool)

    @cached_property
    def possible(self) -> NDArray[np.bool_]:
        """Which cells could have anyone."""
        return np.asarray(self.matrix.any(axis=1), dtype=bool)

    @cached_property
    def totals(self) -> tuple[tuple[int, int], ...]:
        """Pairs of places: a cell, and a cell it is a part of."""
        return self._pairs(lambda row: row.totals)

    @cached_property
    def remainders(self) -> tuple[tuple[int, int, bool], ...]:
        """Places of a cell and of one that holds it, and whether that is a total of it."""
        totals = set(self.totals)
        within = {*self._pairs(lambda row: row.within)} - totals
        return tuple(
            sorted([*((*pair, True) for pair in totals), *((*pair, False) for pair in within)])
        )

    @property
    def digest(self) -> str:
        """The SHA-256 of the declaration, by which a change from one release to the next shows."""
        return digest(as_document(self))

    def _pairs(self, holding: Callable[[Row], Iterable[Where]]) -> tuple[tuple[int, int], ...]:
        """Each cell with those that hold it."""
        pairs = {
            (self.position[row.where], self.position[one])
            for table in self.tables
            for row in table.rows
            for one in holding(row)
        }
        return tuple(sorted(pairs))

    def _holds(self, atoms: NDArray[np.int64], where: Where) -> NDArray[np.bool_]:
        """Which atoms are in a set."""
        held = np.ones(len(atoms), dtype=bool)
        places = {dimension.name: place for place, dimension in enumerate(self.dimensions)}
        for name, categories in where:
            place = places[name]
            known = self.dimensions[place].categories
            held &= np.isin(atoms[:, place], [known.index(category) for category in categories])
        return held


def where(**chosen: str | Iterable[str]) -> Where:
    """A set of atoms, by dimension: one category or several."""
    return tuple(
        (name, (given,) if isinstance(given, str) else tuple(sorted(set(given))))
        for name, given in sorted(chosen.items())
    )


def cross(name: str, *dimensions: Dimension) -> Table:
    """A table of every combination of some dimensions, with all of its margins.

    Each cell is a part of the margin that it lies in, dimension by dimension, unless the dimension
    is known of people anyway.
    """
    rows = [
        _crossed(dimensions, kept, chosen)
        for size in range(len(dimensions) + 1)
        for kept in combinations(dimensions, size)
        for chosen in product(*(dimension.categories for dimension in kept))
    ]
    return Table(name, tuple(dimension.name for dimension in dimensions), tuple(rows))


def as_document(population: Population) -> dict[str, Any]:
    """A population as plain data, which is public."""
    return {
        "name": population.name,
        "unit": population.unit,
        "relation": population.relation,
        "dimensions": [
            {"name": one.name, "categories": list(one.categories), "known": one.known}
            for one in population.dimensions
        ],
        "impossible": [_plain(one) for one in population.impossible],
        "tables": [
            {
                "name": table.name,
                "columns": list(table.columns),
                "rows": [
                    {
                        "labels": list(row.labels),
                        "where": _plain(row.where),
                        "totals": [_plain(total) for total in row.totals],
                    }
                    # Only where there are such, so that older declarations keep their digest.
                    | ({"within": [_plain(one) for one in row.within]} if row.within else {})
                    | ({"meaning": row.meaning} if row.meaning else {})
                    for row in table.rows
                ],
            }
            for table in population.tables
        ],
    }


def from_document(document: Mapping[str, Any]) -> Population:
    """The population that plain data declare.

    Raises:
        DisclosureError: If they do not declare one.
    """
    try:
        return Population(
            document["name"],
            document["unit"],
            document["relation"],
            tuple(
                Dimension(one["name"], tuple(one["categories"]), bool(one["known"]))
                for one in document["dimensions"]
            ),
            tuple(
                Table(
                    table["name"],
                    tuple(table["columns"]),
                    tuple(
                        Row(
                            tuple(row["labels"]),
                            where(**row["where"]),
                            tuple(where(**total) for total in row["totals"]),
                            tuple(where(**one) for one in row.get("within", ())),
                            str(row.get("meaning", "")),
                        )
                        for row in table["rows"]
                    ),
                )
                for table in document["tables"]
            ),
            tuple(where(**one) for one in document["impossible"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DisclosureError(
            "The catalogue of a release cannot be read.", "Use the file that the gate wrote."
        ) from None


def digest(document: object) -> str:
    """The SHA-256 of plain data, however it was laid out."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _crossed(
    dimensions: Sequence[Dimension], kept: Sequence[Dimension], chosen: Sequence[str]
) -> Row:
    """One row of a crossed table: some dimensions kept, with the category of each."""
    labels = dict(zip((dimension.name for dimension in kept), chosen, strict=True))
    totals = [
        where(**{name: label for name, label in labels.items() if name != dimension.name})
        for dimension in kept
        if not dimension.known
    ]
    return Row(
        tuple(labels.get(dimension.name, ALL) for dimension in dimensions),
        where(**labels),
        tuple(totals),
    )


def _plain(cell: Where) -> dict[str, list[str]]:
    """A set of atoms as plain data."""
    return {name: list(categories) for name, categories in cell}


def _check_dimensions(population: Population) -> None:
    """Raise DisclosureError unless every dimension and table is declared once, with categories."""
    names = [dimension.name for dimension in population.dimensions]
    tables = [table.name for table in population.tables]
    sound = (
        len(set(names)) == len(names)
        and len(set(tables)) == len(tables)
        and all(
            dimension.categories and len(set(dimension.categories)) == len(dimension.categories)
            for dimension in population.dimensions
        )
    )
    if not sound:
        raise DisclosureError(
            f"The population {population.name} has a dimension or table twice, or a dimension "
            "without categories or with one of them twice.",
            "Declare each once.",
        )


def _check_wheres(population: Population) -> None:
    """Raise DisclosureError unless every set of atoms is of declared categories."""
    known = {dimension.name: set(dimension.categories) for dimension in population.dimensions}
    rows = [row for table in population.tables for row in table.rows]
    sets = [*population.impossible, *(row.where for row in rows)]
    for cell in [*sets, *(one for row in rows for one in (*row.totals, *row.within))]:
        if any(name not in known or not set(chosen) <= known[name] for name, chosen in cell):
            raise DisclosureError(
                f"A cell of the population {population.name} is of a dimension or category that "
                "is not declared.",
                "Declare every dimension with all of its categories.",
            )
    for table in population.tables:
        labels = [row.labels for row in table.rows]
        if len(set(labels)) < len(labels) or any(len(one) != len(table.columns) for one in labels):
            raise DisclosureError(
                f"The table {table.name} has two rows of one name, or a row whose labels are not "
                "those of its columns.",
                "Label each row once.",
            )


def _check_totals(population: Population) -> None:
    """Raise DisclosureError unless every total is published and holds its parts."""
    stray = [
        total
        for table in population.tables
        for row in table.rows
        for total in (*row.totals, *row.within)
        if total not in population.position
    ]
    if stray or any(
        (population.matrix[part] & ~population.matrix[total]).any()
        for part, total, _ in population.remainders
    ):
        raise DisclosureError(
            f"A cell of the population {population.name} is called a part of a total that is not "
            "published or does not hold it.",
            "Name the published totals that each cell is a part of.",
        )
