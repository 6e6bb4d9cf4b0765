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
import scipy.sparse as sp
from numpy.typing import NDArray

from governance.disclosure.claims import Flags

TRIES = 2  # from the start, each in another order
MORE_MOVES = 8  # than the target has units to gain or lose: to put right what these upset
TAKEN_FROM = 12  # atoms that a unit could be taken from are compared, so many at a time
EMPTYING = 0.6  # what it costs to take the last unit of an atom: insiders stay where they are
ANY = 0.1  # below which it does not matter which of several moves is made

# Cells move by as many units as there are moves at most, some twenty, and an atom is in a few
# hundred of them, so that no sum leaves these numbers; what is found is counted anew, too.
Numbers = NDArray[np.int16]
NOBODY = -1


@dataclass
class _Try:
    """A change on its way.

    Attributes:
        target: Which atoms the count has whose value is sought.
        gap: By how many units it still is to move.
        keep: Atoms that must not be emptied.
        random: Where the order is from.
        change: Units added so far, by atom.
        units: Units by atom, with these.
        moved: By how many each cell has moved.
    """

    target: Flags
    gap: int
    keep: Flags
    random: Random
    change: NDArray[np.int64]
    units: NDArray[np.int64]
    moved: Numbers

    @property
    def step(self) -> int:
        """1 where the target is to gain a unit, -1 where it is to lose one, or nought."""
        return int(np.sign(self.gap))

    def move(self, atom: int, by: int, cells: Numbers) -> None:
        """Add a unit to an atom, or take one away."""
        self.change[atom] += by
        self.units[atom] += by
        self.moved += by * cells


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
    def sparse(self) -> sp.csr_array:
        """The same without the noughts, which are nearly all of it."""
        return sp.csr_array(self.columns)

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
            nothing = np.zeros(len(self.base), dtype=np.int64)
            still = np.zeros(len(self.low), dtype=np.int16)
            one = _Try(target, gap, keep, random, nothing, self.base.copy(), still)
            if self._succeeds(one):
                return one.change
        return None

    def _succeeds(self, one: _Try) -> bool:
        """Make one move after the other, until the gap is closed and nothing is contradicted."""
        for _ in range(abs(one.gap) + MORE_MOVES):
            if self._is_done(one):
                return True
            down, up = self._best(one)
            if down == up:
                return False
            one.gap -= one.step
            for atom, by in ((down, -1), (up, 1)):
                if atom != NOBODY:
                    one.move(atom, by, self.columns[atom])
        return self._is_done(one)

    def _is_done(self, one: _Try) -> bool:
        return not one.gap and not self._excess(one.moved).any()

    def _best(self, one: _Try) -> tuple[int, int]:
        """The atoms to take a unit from and to add one to; ``NOBODY`` for none."""
        downs = self._taken_from(one)
        if not len(downs):
            return NOBODY, NOBODY
        left = one.moved[None, :] - np.where(downs[:, None] != NOBODY, self.columns[downs], 0)
        upset = self._excess(left)
        cost = upset.sum(axis=1) + EMPTYING * ((one.units[downs] == 1) & (downs != NOBODY))
        added = self._counted(self._excess(left + 1) - upset)
        gains = np.append(one.target, False).astype(np.int8)  # the last is nobody
        is_such = gains[None, :] - gains[downs][:, None] == one.step
        total = np.pad(added, ((0, 0), (0, 1))) + cost[:, None]
        total += np.array([[ANY * one.random.random()] for _ in downs], dtype=np.float32)
        total += np.roll(self.any, one.random.randrange(len(self.any)))
        total[~is_such] = np.inf
        place, up = divmod(int(total.argmin()), total.shape[1])
        if not np.isfinite(total[place, up]):
            return NOBODY, NOBODY
        return int(downs[place]), NOBODY if up == len(one.target) else up

    def _taken_from(self, one: _Try) -> NDArray[np.int64]:
        """Some atoms that a unit may be taken from, half of them those that it upsets least."""
        may = one.units > one.keep
        if one.step:
            may &= one.target if one.step < 0 else ~one.target
        some = np.flatnonzero(may)
        if len(some) > TAKEN_FROM:
            upset = self._counted((self._excess(one.moved - 1) - self._excess(one.moved))[None])[0]
            least = np.argpartition(upset[some], TAKEN_FROM // 2)[: TAKEN_FROM // 2]
            some = np.union1d(
                some[one.random.sample(range(len(some)), TAKEN_FROM // 2)], some[least]
            )
        return some if one.step < 0 else np.append(some, NOBODY)

    def _counted(self, by_cell: Numbers) -> Numbers:
        """What numbers by cell come to by atom."""
        return np.asarray(self.sparse @ np.ascontiguousarray(by_cell.T)).T

    def _excess(self, moved: Numbers) -> Numbers:
        """By how much cells are beyond what is published of them."""
        return np.maximum(np.maximum(moved - self.high, self.low - moved), 0)
