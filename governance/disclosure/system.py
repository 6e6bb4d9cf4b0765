"""All that is public of one population, as linear constraints on what the truth may be.

A candidate is a table of counts by segment and atom. It is possible when every published cell of
every release that is still public, counted from it, lies within what the published value says.
Candidates are held as changes from a possible one, because those that matter differ from it little.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.catalogue import Population
from governance.disclosure.near import Near
from governance.disclosure.rules import MASKED, Rule
from governance.disclosure.tally import Counts

# Change of the count of each (segment, atom) that changes.
Change = Mapping[tuple[int, int], int]


@dataclass
class System:
    """One population over the releases that are still public, oldest first, this one last.

    Attributes:
        population: What is declared, or the part of it that is near the truth.
        rule: The threshold and base.
        windows: Which segments each release counts: releases by segments.
        base: A possible candidate, by segment and atom: in the gate the truth.
        shown: What each release shows, by cell. The audit may mask more of the last.
        few: Cells of the last release with too few people behind them, however many units.
        few_left: The same of what is left of a total: pairs of a part and its total.
    """

    population: Population | Near
    rule: Rule
    windows: NDArray[np.bool_]
    base: Counts
    shown: list[list[str]]
    few: frozenset[int] = frozenset()
    few_left: frozenset[tuple[int, int]] = frozenset()
    _bounds: dict[str, tuple[int, float]] = field(default_factory=dict)

    def counted(self, table: Counts) -> Counts:
        """The cells of each release, counted from a candidate: releases by cells."""
        by_segment = table @ self.population.matrix.T.astype(np.int64)
        return self.windows.astype(np.int64) @ by_segment

    @cached_property
    def base_cells(self) -> Counts:
        """The cells of each release, counted from the base."""
        return self.counted(self.base)

    @cached_property
    def base_segments(self) -> Counts:
        """The cells of each segment alone, counted from the base: segments by cells."""
        return self.base @ self.population.matrix.T.astype(np.int64)

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The least and the greatest value that each published cell may have."""
        says = [[self._says(value) for value in shown] for shown in self.shown]
        pairs = np.array(says, dtype=np.float64)
        return pairs[:, :, 0], pairs[:, :, 1]

    def masked(self) -> NDArray[np.bool_]:
        """Which cells each release masks."""
        return np.array([[v == MASKED for v in shown] for shown in self.shown], dtype=bool)

    def broken(self) -> int:
        """How many published cells the base contradicts."""
        low, high = self.bounds()
        return int(((self.base_cells < low) | (self.base_cells > high)).sum())

    def _says(self, value: str) -> tuple[int, float]:
        if value not in self._bounds:
            self._bounds[value] = self.rule.says(value)
        return self._bounds[value]


def applied(base: Counts, change: Change) -> Counts:
    """The candidate that a change makes of another."""
    table = base.copy()
    for (segment, atom), by in change.items():
        table[segment, atom] += by
    return table


def between(old: Counts, new: Counts) -> dict[tuple[int, int], int]:
    """The change that makes one candidate of another."""
    places: Iterable[Sequence[int]] = np.argwhere(old != new)
    return {(int(s), int(a)): int(new[s, a] - old[s, a]) for s, a in places}
