"""What two populations tell of each other: the same people under other counts.

The audit looks at one population at a time. Two of them may hold the same people: those of a cohort
are counted again by a metric. Then a count that one masks may be read in the other, and a small
count may be the difference of two large ones. So every pair of cells is compared by the sets of
units behind them:

- a cell that is masked to protect another is worth nothing where a cell of another population
  with the same units is shown;
- where the units of a shown cell are all in one of another population, and fewer than the
  threshold are left over, what the two say may leave these no chance to be nought, or the edge.

One of the two is masked then, and never one that is public already.

What is masked for itself needs no more. A small cell is not read in a shown one, which has other
people than it. One that is nearly all of its total is as good as that total, which is shown anyway;
what is hidden is the remainder, and that is the second comparison.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from governance.disclosure.catalogue import Population
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.tally import PERSON, atoms_of
from governance.disclosure.timeline import Period

MOST_OF_ONE = 1_000_000  # more units than one person can be behind


@dataclass(frozen=True)
class Side:
    """One population, as far as its overlaps with others go.

    Attributes:
        population: What is declared.
        period: The days that it counts; populations that share none are not compared.
        rows: A row a unit, with the person behind it.
        frozen: Whether what it shows is public already.
        on_its_word: Whether its days are only declared; it is compared whatever the days.
    """

    population: Population
    period: Period
    rows: pl.DataFrame
    frozen: bool = False
    on_its_word: bool = False

    def may_share_days(self, other: Side) -> bool:
        """Whether both may count one day."""
        if self.on_its_word or other.on_its_word:
            return True
        a, b = self.period, other.period
        return a.first <= b.last and b.first <= a.last


@dataclass(frozen=True)
class Overlap:
    """A cell that another gives away: the place of its population, and its own."""

    side: int
    cell: int


class Overlaps:
    """The cells of several populations, by the units behind them.

    A unit is a person and a number: someone with two arrests is behind a count of arrests twice.

    Args:
        sides: The populations; those that are public already are only looked at.
        rule: The threshold and base.

    Raises:
        DisclosureError: If the rows of one do not say who is behind them.
    """

    def __init__(self, sides: Sequence[Side], rule: Rule) -> None:
        self.rule = rule
        self.frozen = np.array([one.frozen for one in sides], dtype=bool)
        self.side = np.repeat(np.arange(len(sides)), [len(one.population.cells) for one in sides])
        self.start = np.cumsum([0, *(len(one.population.cells) for one in sides)])
        self.minor = np.array([minor for one in sides for minor in _minor(one.population)])
        units = np.array([one.population.unit for one in sides])
        sets = _sets(sides)
        self.size = np.asarray(sets.sum(axis=1)).astype(np.int64)
        self.of_itself = (self.size < rule.threshold) | self._nearly_all(sides)
        self.shared = shared = (sets @ sets.T).toarray()
        apart = self.size[:, None] + self.size[None, :] - 2 * shared
        other = self.side[:, None] != self.side[None, :]
        compared = _compared(sides)[np.ix_(self.side, self.side)]
        self.alike = np.argwhere(other & compared & (apart == 0) & (self.size[:, None] > 0))
        inside = (shared == self.size[:, None]) & (self.size[:, None] >= rule.threshold)
        small = (apart > 0) & (apart < rule.threshold)
        same_unit = units[self.side][:, None] == units[self.side][None, :]
        self.nested = np.argwhere(inside & small & other & compared & same_unit)

    def told(self, shown: Sequence[Sequence[str]]) -> list[Overlap]:
        """The cells that would have to be masked for none to be given away by another.

        Args:
            shown: What each population shows, by cell.
        """
        values = [value for side in shown for value in side]
        found = [*self._read_elsewhere(values), *self._differences(values)]
        return [
            Overlap(int(self.side[cell]), int(cell - self.start[self.side[cell]])) for cell in found
        ]

    def _nearly_all(self, sides: Sequence[Side]) -> NDArray[np.bool_]:
        """Which cells hold all of a total but fewer than the threshold."""
        nearly = np.zeros(len(self.size), dtype=bool)
        for one, start in zip(sides, self.start, strict=False):
            for part, total in one.population.totals:
                rest = self.size[start + total] - self.size[start + part]
                nearly[start + part] |= bool(rest < self.rule.threshold)
        return nearly

    def _read_elsewhere(self, values: list[str]) -> Iterator[int]:
        """Mask shown cells that have the units of one that is masked to protect another."""
        for masked, like in self.alike:
            if (
                values[masked] == MASKED
                and values[like] not in (MASKED, "0")
                and not self.of_itself[masked]
                and not self.frozen[self.side[like]]
            ):
                values[like] = MASKED
                yield int(like)

    def _differences(self, values: list[str]) -> Iterator[int]:
        """Mask cells whose difference from another says too much of a small remainder.

        What is not in the first table of its population goes first, then what is in the most such
        differences, then what is smaller.
        """
        leaks = [pair for pair in self.nested.tolist() if self._narrows(values, *pair)]
        while leaks:
            often = Counter(
                cell for pair in leaks for cell in pair if not self.frozen[self.side[cell]]
            )
            cell = max(often, key=lambda one: (self.minor[one], often[one], -self.size[one], -one))
            values[cell] = MASKED
            self.of_itself[cell] = True  # it hides a remainder, which was compared for itself
            yield cell
            leaks = [pair for pair in leaks if cell not in pair]

    def _narrows(self, values: Sequence[str], part: int, whole: int) -> bool:
        """Whether two shown counts leave their small difference less than a mask would."""
        if {values[part], values[whole]} & {MASKED, "0"}:
            return False
        low, high = (self.rule.says(values[one]) for one in (part, whole))
        return high[0] - low[1] > 0 or high[1] - low[0] < self.rule.most_masked


def _compared(sides: Sequence[Side]) -> NDArray[np.bool_]:
    """Which populations are compared: those that may share days, unless both are public already."""
    return np.array(
        [[not (a.frozen and b.frozen) and a.may_share_days(b) for b in sides] for a in sides],
        dtype=bool,
    )


def _minor(population: Population) -> list[bool]:
    """Which cells are not in the first table, that of everyone."""
    first = {row.where for row in population.tables[0].rows}
    return [cell not in first for cell in population.cells]


def _sets(sides: Sequence[Side]) -> sp.csr_array:
    """The units behind each cell: cells by units, of all populations one after the other.

    Only the ones are held: of a hundred thousand people each is in some tens of two thousand cells.
    """
    people = pl.concat([_people(one) for one in sides]).rank("dense").to_numpy().astype(np.int64)
    rows = np.cumsum([0, *(one.rows.height for one in sides)])
    atoms = [atoms_of(one.population, one.rows) for one in sides]
    behind = [
        _numbered(people[start:end][cell[atom]])
        for one, atom, start, end in zip(sides, atoms, rows, rows[1:], strict=False)
        for cell in one.population.matrix
    ]
    used, places = np.unique(np.concatenate(behind), return_inverse=True)
    rows_of = np.repeat(np.arange(len(behind)), [len(cell) for cell in behind])
    ones = np.ones(len(places), dtype=np.int32)
    return sp.csr_array((ones, (rows_of, places)), shape=(len(behind), len(used)))


def _people(one: Side) -> pl.Series:
    """The person behind each row.

    Raises:
        DisclosureError: If the rows do not say.
    """
    if PERSON not in one.rows.columns:
        raise DisclosureError(
            f"The rows of the population {one.population.name} do not say who is behind them.",
            "Give the person of each unit, where populations are of the same people.",
        )
    return one.rows.get_column(PERSON).cast(pl.String)


def _numbered(people: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number a unit: of the same person, the first, the second and so on have their own."""
    found, many = np.unique(people, return_counts=True)
    number = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    return np.repeat(found, many) * MOST_OF_ONE + number
