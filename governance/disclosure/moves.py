"""Looking for a candidate by moving single units, before a solver is asked.

Most masked counts can take another value when a few units move: one is taken from an atom, one is
added to another, and what is published hardly changes or rounding hides it. Such moves are tried
one after the other, each time the one after which what is published is contradicted least. What is
found is an example like any other, and is checked like any other; where nothing is found, nothing
is said by it, and the linear program looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from random import Random

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.claims import Flags

TRIES = 2  # from the start, each in another order
MORE_MOVES = 8  # than the target has units to gain or lose: to put right what these upset
TAKEN_FROM = 12  # atoms that a unit could be taken from are compared, so many at a time
EMPTYING = 0.6  # what it costs to take the last unit of an atom: insiders stay where they are
ANY = 0.1  # below which it does not matter which of several moves is made

Numbers = NDArray[np.int16]  # small, and multiplied without threads that would wait on each other
NOBODY = -1


@dataclass(frozen=True)
class Moves:
    """What may be moved, and what it must leave as it is.

    Attributes:
        rows: Published cells by atoms (of every segment): which each counts.
        low: By how many each cell may become fewer, as a number below nought.
        high: By how many each may become more.
        base: Units by atom.
    """

    rows: Numbers
    low: Numbers
    high: Numbers
    base: NDArray[np.int64]

    @cached_property
    def columns(self) -> Numbers:
        """The same, atoms by cells."""
        return np.ascontiguousarray(self.rows.T)

    @cached_property
    def any(self) -> NDArray[np.float32]:
        """Something small an atom, and nobody, so that of like moves any may come first."""
        chance = Random(0)  # noqa: S311 - an order, no secret
        return np.array([ANY * chance.random() for _ in range(len(self.base) + 1)], np.float32)

    def search(
        self, target: Flags, gap: int, keep: Flags, random: Random
    ) -> NDArray[np.int64] | None:
        """A change that moves a target by a gap.

        Args:
            target: Which atoms it counts.
            gap: By how many units.
            keep: Atoms that must not be emptied.
            random: Where the order is from.

        Returns:
            Units added, by atom; None where none was found, which says nothing.
        """
        for _ in range(TRIES):
            change = self._try(target, gap, keep, random)
            if change is not None:
                return change
        return None

    def _try(
        self, target: Flags, gap: int, keep: Flags, random: Random
    ) -> NDArray[np.int64] | None:
        change = np.zeros(len(self.base), dtype=np.int64)
        moved = np.zeros(len(self.low), dtype=np.int16)
        for _ in range(abs(gap) + MORE_MOVES):
            if not gap and not self._excess(moved).any():
                return change
            step = int(np.sign(gap))
            down, up = self._best(moved, self.base + change, target, step, keep, random)
            if down == up:
                return None
            for atom, by in ((down, -1), (up, 1)):
                if atom != NOBODY:
                    change[atom] += by
                    moved += by * self.columns[atom]
            gap -= step
        return change if not gap and not self._excess(moved).any() else None

    def _best(
        self,
        moved: Numbers,
        units: NDArray[np.int64],
        target: Flags,
        step: int,
        keep: Flags,
        random: Random,
    ) -> tuple[int, int]:
        """The atoms to take a unit from and to add one to; ``NOBODY`` for none."""
        downs = self._taken_from(moved, units, target, step, keep, random)
        if not len(downs):
            return NOBODY, NOBODY
        left = moved[None, :] - np.where(downs[:, None] != NOBODY, self.columns[downs], 0)
        upset = self._excess(left)
        cost = upset.sum(axis=1) + EMPTYING * ((units[downs] == 1) & (downs != NOBODY))
        added = self._counted(self._excess(left + 1) - upset)
        gains = np.append(target, False).astype(np.int8)  # the last is nobody
        is_such = gains[None, :] - gains[downs][:, None] == step
        total = np.pad(added, ((0, 0), (0, 1))) + cost[:, None]
        total += np.array([[ANY * random.random()] for _ in downs], dtype=np.float32)
        total += np.roll(self.any, random.randrange(len(self.any)))
        total[~is_such] = np.inf
        place, up = divmod(int(total.argmin()), total.shape[1])
        if not np.isfinite(total[place, up]):
            return NOBODY, NOBODY
        return int(downs[place]), NOBODY if up == len(target) else up

    def _taken_from(
        self,
        moved: Numbers,
        units: NDArray[np.int64],
        target: Flags,
        step: int,
        keep: Flags,
        random: Random,
    ) -> NDArray[np.int64]:
        """Some atoms that a unit may be taken from, half of them those that it upsets least."""
        may = units > keep
        if step:
            may &= target if step < 0 else ~target
        some = np.flatnonzero(may)
        if len(some) > TAKEN_FROM:
            upset = self._counted((self._excess(moved - 1) - self._excess(moved))[None])[0]
            least = np.argpartition(upset[some], TAKEN_FROM // 2)[: TAKEN_FROM // 2]
            some = np.union1d(some[random.sample(range(len(some)), TAKEN_FROM // 2)], some[least])
        return some if step < 0 else np.append(some, NOBODY)

    def _counted(self, by_cell: Numbers) -> Numbers:
        """What numbers by cell come to by atom; most of them are nought."""
        some = np.flatnonzero(by_cell.any(axis=0))
        return np.asarray(by_cell[:, some] @ self.rows[some])

    def _excess(self, moved: Numbers) -> Numbers:
        """By how much cells are beyond what is published of them."""
        return np.maximum(np.maximum(moved - self.high, self.low - moved), 0)
