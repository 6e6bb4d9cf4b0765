"""What populations tell of each other: the same people under other counts.

The audit looks at one population at a time. Several may hold the same people: those of a cohort
are counted again by a metric. Then a count that one masks may be read in another, and a small
count may be what is left between large ones. So cells are compared by the units behind them:

- a cell that is masked to protect another is worth nothing where a cell of another population
  with the same units is shown;
- where up to four shown counts of several populations add up to all but a few units (``sums``),
  what they say together may leave these few no chance to be nought, or the edge;
- where two counts are of the same units by chance, and so few that rounding does not hide it (5
  and 5, of which one lies within the other), they would say that at most two are in one alone.
  Counts that are of the same units by definition (``Row.meaning``) say nothing by it.

One is masked then, wherever it is shown, and never one that is public already.

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
from governance.disclosure.sums import sums
from governance.disclosure.tally import PERSON, atoms_of
from governance.disclosure.timeline import Period, shares_days

HIDDEN = (MASKED, "0")  # a nought that is shown is structural
Flags = NDArray[np.bool_]
Kind = tuple[int, ...]  # all the cells that have the same units
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
        return shares_days(self.period, other.period)


@dataclass(frozen=True)
class Overlap:
    """A cell that another gives away: the place of its population, and its own."""

    side: int
    cell: int


@dataclass(frozen=True)
class Sum:
    """Counts, of which some are all that is in the others but for a few units.

    Attributes:
        more: What is added.
        less: What is taken away.
    """

    more: tuple[Kind, ...]
    less: tuple[Kind, ...]

    @property
    def counts(self) -> tuple[Kind, ...]:
        """All of them."""
        return (*self.more, *self.less)


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
        many = [len(one.population.cells) for one in sides]
        self.side = np.repeat(np.arange(len(sides)), many)
        self.start = np.cumsum([0, *many])
        self.frozen = np.array([one.frozen for one in sides], dtype=bool)[self.side]
        self.share_days = _share_days(sides)
        self.minor = np.array([minor for one in sides for minor in _minor(one.population)])
        sets, again = _sets(sides)
        self.size = np.asarray(sets.sum(axis=1)).astype(np.int64)
        self.shared = (sets @ sets.T).toarray()
        self.of_itself = (self.size < rule.threshold) | self._nearly_all(sides)
        same_days = self.share_days[np.ix_(self.side, self.side)]
        same = (self.shared == self.size[:, None]) & (self.shared == self.size[None, :])
        other = self.side[:, None] != self.side[None, :]
        self.alike = np.argwhere(same & other & same_days & (self.size[:, None] > 0))
        self.meaning = _meanings(sides)
        _check_meanings(self.meaning, same | self.frozen[:, None] | self.frozen[None, :])
        units = np.array([one.population.unit for one in sides])[self.side]
        seconds = np.asarray(sets @ again)  # where as many are someone's second, people are left
        like = (units[:, None] == units[None, :]) | (seconds[:, None] == seconds[None, :])
        kinds = self._kinds(same & like)
        self.several = [kind for kind in kinds if len(kind) > 1]
        self.sums = list(self._sums(kinds, same_days & like))

    def told(self, shown: Sequence[Sequence[str]]) -> list[Overlap]:
        """The cells that would have to be masked for none to be given away by another.

        Args:
            shown: What each population shows, by cell.
        """
        values = [value for side in shown for value in side]
        found = [
            *self._read_elsewhere(values),
            *self._same_by_chance(values),
            *self._left_between(values),
        ]
        return [
            Overlap(int(self.side[cell]), int(cell - self.start[self.side[cell]])) for cell in found
        ]

    def _kinds(self, same: Flags) -> list[Kind]:
        """The cells that are not small, those of the same units together."""
        first = np.where(self.size >= self.rule.threshold, same.argmax(axis=1), -1)
        kinds = np.unique(first[first >= 0])
        return [tuple(np.flatnonzero(first == kind).tolist()) for kind in kinds]

    def _sums(self, kinds: Sequence[Kind], bears: Flags) -> Iterator[Sum]:
        """What adds up to all but a few, each count as all the cells that show it."""
        first = [kind[0] for kind in kinds]
        of_kind = np.zeros((len(kinds), len(self.size)), dtype=np.float32)
        for place, kind in enumerate(kinds):
            of_kind[place, list(kind)] = 1
        bear = of_kind @ bears.astype(np.float32) @ of_kind.T > 0
        inside = (self.shared == self.size[:, None])[np.ix_(first, first)] & bear
        shared = self.shared[np.ix_(first, first)]
        for more, less in sums(self.size[first], shared, inside, self.rule):
            yield Sum(tuple(kinds[k] for k in more), tuple(kinds[k] for k in less))

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
                and values[like] not in HIDDEN
                and not self.of_itself[masked]
                and not self.frozen[like]
            ):
                values[like] = MASKED
                yield int(like)

    def _same_by_chance(self, values: list[str]) -> Iterator[int]:
        """Mask counts that are of the same units as another by chance, and say so by being small.

        One stays, with those that mean the same: one that is public, in the first table of its
        population, or shown in the most places.
        """
        for kind in self.several:
            showing = self._showing(values, kind)
            if len(showing) < 2 or not self._is_narrow(values[showing[0]]):
                continue
            by_meaning: dict[int, list[int]] = {}
            for cell in showing:
                by_meaning.setdefault(int(self.meaning[cell]), []).append(cell)
            kept: list[list[int]] = []
            for cells in sorted(by_meaning.values(), key=self._worth, reverse=True):
                if not any(self._compare(cells, one) for one in kept):
                    kept.append(cells)
                    continue
                for cell in cells:
                    if not self.frozen[cell]:
                        values[cell] = MASKED
                        self.of_itself[cell] = True  # it hides that nobody is left, not its number
                        yield cell

    def _is_narrow(self, value: str) -> bool:
        """Whether two counts that are shown as this would say that few, if any, are between."""
        least, most = self.rule.says(value)
        return most - least < self.rule.most_masked

    def _worth(self, cells: Sequence[int]) -> tuple[bool, bool, int, int]:
        """How much is lost where some cells are masked."""
        of_all = not self.minor[cells].all()
        return bool(self.frozen[cells].any()), of_all, len(cells), -cells[0]

    def _compare(self, some: Sequence[int], others: Sequence[int]) -> bool:
        """Whether some cells are set beside others by whoever reads more than one population."""
        if {int(self.side[cell]) for cell in some} & {int(self.side[cell]) for cell in others}:
            return False  # what one population shows by itself, its own audit has looked at
        return bool(self.share_days[np.ix_(self.side[some], self.side[others])].any())

    def _left_between(self, values: list[str]) -> Iterator[int]:
        """Mask counts that say too much of the few that are left between them and others.

        What is not in the first table of its population goes first, then what is in the most such
        sums for the cells that it is shown in, then what is smaller.
        """
        leaks = [one for one in self.sums if self._narrows(values, one)]
        while leaks:
            often = Counter(
                kind
                for one in leaks
                for kind in one.counts
                if not self.frozen[self._showing(values, kind)].any()
            )
            if not often:
                return  # all of it is public already
            _, kind = max((self._rank(values, one, many), one) for one, many in often.items())
            for cell in self._showing(values, kind):
                values[cell] = MASKED
                yield cell
                self.of_itself[cell] = True  # it hides a remainder, which was compared for itself
            leaks = [one for one in leaks if kind not in one.counts]

    def _rank(self, values: Sequence[str], kind: Kind, often: int) -> tuple[bool, float, int, int]:
        """How readily a count is masked wherever it is shown."""
        cells = self._showing(values, kind)
        return bool(self.minor[cells].all()), often / len(cells), -int(self.size[kind[0]]), -kind[0]

    def _showing(self, values: Sequence[str], kind: Kind) -> list[int]:
        """The cells that show a count."""
        return [cell for cell in kind if values[cell] not in HIDDEN]

    def _narrows(self, values: Sequence[str], one: Sum) -> bool:
        """Whether what is shown leaves the few that are left less than a mask would.

        Where one population shows all of it, its own audit has looked at it.
        """
        showing = [self._showing(values, kind) for kind in one.counts]
        alone = set.intersection(*({int(self.side[cell]) for cell in some} for some in showing))
        if alone or not all(showing):
            return False
        says = [self.rule.says(values[some[0]]) for some in showing]
        more, less = says[: len(one.more)], says[len(one.more) :]
        low = sum(least for least, _ in more) - sum(most for _, most in less)
        high = sum(most for _, most in more) - sum(least for least, _ in less)
        return low > 0 or high < self.rule.most_masked


def _share_days(sides: Sequence[Side]) -> Flags:
    """Which populations may count one day."""
    return np.array([[a.may_share_days(b) for b in sides] for a in sides], dtype=bool)


def _meanings(sides: Sequence[Side]) -> NDArray[np.int64]:
    """By cell: a number that cells have in common which are the same by definition."""
    numbers: dict[object, int] = {}
    return np.array(
        [
            numbers.setdefault((meaning, one.period) if meaning else (place, cell), len(numbers))
            for place, one in enumerate(sides)
            for cell, meaning in enumerate(one.population.meanings)
        ],
        dtype=np.int64,
    )


def _check_meanings(meaning: NDArray[np.int64], may_be: Flags) -> None:
    """Raise DisclosureError if counts are declared to be the same that cannot be."""
    if ((meaning[:, None] == meaning[None, :]) & ~may_be).any():
        raise DisclosureError(
            "Two counts are declared to be of the same units, and are not.",
            "Give them meanings of their own, or bring their definitions together.",
        )


def _minor(population: Population) -> list[bool]:
    """Which cells are not in the first table, that of everyone."""
    first = {row.where for row in population.tables[0].rows}
    return [cell not in first for cell in population.cells]


def _sets(sides: Sequence[Side]) -> tuple[sp.csr_array, NDArray[np.int64]]:
    """The units behind each cell: cells by units; and which units are a person's second or later.

    Only the ones are held: of a hundred thousand people each is in some tens of two thousand cells.
    """
    behind = [
        _numbered(rows[:, 0][cell[rows[:, 1]]])
        for one, rows in zip(sides, who_is_where(sides), strict=True)
        for cell in one.population.matrix
    ]
    used, places = np.unique(np.concatenate(behind), return_inverse=True)
    rows_of = np.repeat(np.arange(len(behind)), [len(cell) for cell in behind])
    ones = np.ones(len(places), dtype=np.int32)
    again = (used % MOST_OF_ONE > 0).astype(np.int64)
    return sp.csr_array((ones, (rows_of, places)), shape=(len(behind), len(used))), again


def who_is_where(sides: Sequence[Side]) -> tuple[NDArray[np.int64], ...]:
    """By population: the person behind each row, as a number that is theirs in all, and its atom.

    Raises:
        DisclosureError: If the rows of one do not say who is behind them.
    """
    people = pl.concat([_people(one) for one in sides]).rank("dense").to_numpy().astype(np.int64)
    ends = np.cumsum([one.rows.height for one in sides])[:-1]
    return tuple(
        np.stack([numbers, atoms_of(one.population, one.rows)], axis=1)
        for one, numbers in zip(sides, np.split(people, ends), strict=True)
    )


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
