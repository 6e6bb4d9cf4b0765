"""Looking for a candidate near the base that gives one count a wanted value.

The base is possible and whole, so the smallest change that reaches the value is sought: it touches
few atoms, and the linear program that finds it is mostly whole as it stands. Single units are moved
first (``moves``), which most often is enough and takes a fraction of the time; then the program is
solved over a sample of the atoms, then over all. A candidate that was found is proof, wherever it
was sought; that there is none is only believed of the search among all.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from governance.disclosure.claims import Flags, Target
from governance.disclosure.moves import Moves
from governance.disclosure.rules import MASKED, DisclosureError
from governance.disclosure.system import Change, System

SAMPLES = (400, 1200)  # variables of the first searches
PRECISION = 1e-6
ANY_WILL_DO = 1e6  # the gap at which a search for whole units stops: at the first
LOSING = 8.0  # what it costs to empty an atom, against 1 a unit moved: insiders stay where they are
SECONDS_NEAR, SECONDS_ALL = 20.0, 60.0
INFEASIBLE, TIME_OUT = 2, 1

HIDDEN = (MASKED, "0")  # a nought that is shown is structural


class Search:
    """Searches over one system, whose published cells may become fewer from one to the next."""

    def __init__(self, system: System) -> None:
        self.system = system
        matrix = sp.csr_array(system.population.matrix.astype(np.float64))
        self._rows = sp.csr_array(sp.kron(sp.csr_array(system.windows.astype(float)), matrix))
        self._base = system.base.ravel()
        order = list(range(len(self._base)))
        random.Random(0).shuffle(order)  # noqa: S311 - which to look at first; no secret
        self._order = np.array(order)
        self._places = _Places.of(system.population.coordinates)
        self._published: _Published | None = None
        self._chance = random.Random(0)  # noqa: S311 - which to try first; no secret

    def reach(self, target: Target, value: int, keep: Flags) -> Change | None:
        """Find a candidate in which a target has a value, as a change from the base.

        Args:
            target: What is to have it.
            value: What it is to be.
            keep: By segment and atom: those that have someone and must still have.

        Returns:
            The change; None when there is none, or none was found in time.

        Raises:
            DisclosureError: If the solver fails.
        """
        program = self._program(target, value, keep)
        moved = self._by_moves(program)
        if moved is not None:
            return moved
        for columns in self._samples(target):
            found = program.solve(columns, SECONDS_NEAR)
            if found is not None:
                return self._as_change(columns, found)
        every = np.arange(len(self._base))
        found = program.solve(every, SECONDS_ALL)
        return None if found is None else self._as_change(every, found)

    def leak(self, target: Target, value: int, keep: Flags) -> tuple[int, ...]:
        """The cells of the last release that would have to be masked for a value to be possible.

        Of all such sets, one that is cheap: a cell costs its count times what it has to give way
        by, so that small ones are taken, which can themselves be thought to be nought. It is the
        published count that is taken, so that the choice tells nothing of the true one.
        """
        last = (len(self.system.shown) - 1) * len(self.system.population.cells)
        counts = {
            place: int(shown)
            for place, shown in enumerate(self.system.shown[-1])
            if shown not in HIDDEN
        }
        prices = {last + place: float(count) for place, count in counts.items()}
        leak = [row - last for row in self._program(target, value, keep).relief(prices)]
        if not leak:  # possible in fractions of people only, or hindered by an earlier release
            crossed = np.asarray((self.system.population.matrix & target.atoms).any(axis=1))
            hinder = [place for place in counts if crossed.item(place)]
            leak = sorted(hinder, key=lambda place: (counts[place], place))[:1]
        return tuple(leak)

    def _program(self, target: Target, value: int, keep: Flags) -> _Program:
        wanted = np.outer(target.segments, target.atoms).ravel().astype(float)
        gap = value - float(wanted @ self._base)
        masked = self.system.masked().ravel()
        places = np.flatnonzero(~masked)
        if self._published is None or len(self._published.places) != len(places):
            low, high = (bound.ravel()[places] for bound in self.system.bounds())
            rows = sp.csc_array(self._rows[places])
            now = rows @ self._base.astype(float)
            self._published = _Published(places, rows, low - now, high - now, self._base)
        return _Program(self._published, self._base, wanted, gap, keep.ravel())

    def _by_moves(self, program: _Program) -> Change | None:
        """A candidate found by moving single units."""
        moves, wanted = program.published.moves, program.target > 0
        found = moves.search(wanted, round(program.gap), program.keep, self._chance)
        return None if found is None else self._as_change(np.arange(len(found)), found)

    def _samples(self, target: Target) -> list[NDArray[np.int64]]:
        """A smaller and a larger sample of the variables: somebody's, their likes, the target's.

        A unit that moves along the dimensions of the target leaves the tables of all others as
        they are, so it is these moves that most often make a candidate.
        """
        if len(self._base) <= 2 * SAMPLES[0]:
            return []
        self._order = np.roll(self._order, len(self._order) // 7 + 1)  # others than the last time
        wanted = np.outer(target.segments, target.atoms).ravel()[self._order]
        someone = self._base[self._order] > 0
        along = self._places.across(target.atoms)
        samples = []
        for size in SAMPLES:
            if len(self._base) > 2 * size:
                start = [self._order[some][: size // 8] for some in (wanted, wanted & someone)]
                moved = self._order[someone & ~wanted][
                    : max(size // 20, size // max(len(along), 1))
                ]
                likes = [self._places.moved(moved, dimension, to) for dimension, to in along]
                samples.append(np.unique(np.concatenate([*start, moved, *likes])))
        return samples

    def _as_change(self, columns: NDArray[np.int64], by: NDArray[np.int64]) -> Change:
        atoms = self.system.base.shape[1]
        moved = np.flatnonzero(by)
        places = zip(columns[moved].tolist(), by[moved].tolist(), strict=True)
        return {divmod(column, atoms): units for column, units in places}


@dataclass(frozen=True)
class _Places:
    """Where an atom is among those that are looked at, by its categories."""

    coordinates: NDArray[np.int64]
    sizes: tuple[int, ...]
    codes: NDArray[np.int64]
    order: NDArray[np.int64]

    @classmethod
    def of(cls, coordinates: NDArray[np.int64]) -> _Places:
        sizes = tuple(int(most) + 1 for most in coordinates.max(axis=0))
        codes = np.ravel_multi_index(tuple(coordinates.T), sizes)
        order = np.argsort(codes)
        return cls(coordinates, sizes, codes[order], order)

    def across(self, atoms: Flags) -> list[tuple[int, int]]:
        """Every dimension, with each of its categories, that a set of atoms is a choice of."""
        inside = self.coordinates[atoms]
        return [
            (dimension, category)
            for dimension, size in enumerate(self.sizes)
            if len(np.unique(inside[:, dimension])) < size
            for category in range(size)
        ]

    def moved(
        self, variables: NDArray[np.int64], dimension: int, category: int
    ) -> NDArray[np.int64]:
        """Variables with another category in one dimension, where there are such."""
        segment, atom = np.divmod(variables, len(self.coordinates))
        there = self.coordinates[atom].copy()
        there[:, dimension] = category
        wanted = np.ravel_multi_index(tuple(there.T), self.sizes)
        found = np.minimum(np.searchsorted(self.codes, wanted), len(self.codes) - 1)
        exact = self.codes[found] == wanted
        return np.asarray((segment * len(self.coordinates) + self.order[found])[exact])


@dataclass(frozen=True)
class _Published:
    """The published cells that say something: their places, their atoms, how far each may move."""

    places: NDArray[np.int64]
    rows: sp.csc_array
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    base: NDArray[np.int64]

    @cached_property
    def moves(self) -> Moves:
        """The same for moves of single units."""
        low, high = (one.astype(np.int16) for one in (self.low, self.high))
        return Moves(self.rows.astype(np.int16).toarray(order="C"), low, high, self.base)


@dataclass(frozen=True)
class _Program:
    """The smallest change from the base that moves a target by a gap, as a linear program.

    Its variables are units added to an atom, units taken away that leave somebody there, and the
    last unit taken away, which costs more.
    """

    published: _Published
    base: NDArray[np.int64]
    target: NDArray[np.float64]
    gap: float
    keep: Flags

    def solve(self, columns: NDArray[np.int64], seconds: float) -> NDArray[np.int64] | None:
        """The change over some variables in whole units, or None where none was found."""
        found = self._change(columns, seconds, whole=False)
        if found is None or np.abs(found - np.round(found)).max(initial=0) <= PRECISION:
            return None if found is None else np.round(found).astype(np.int64)
        # Most often few atoms more than those that move in fractions let whole units move.
        moved = np.abs(found) > PRECISION
        moved[:: max(1, len(columns) // SAMPLES[-1])] = True
        change = np.zeros(len(columns), dtype=np.int64)
        for some in (np.flatnonzero(moved), np.arange(len(columns))):
            found = self._change(columns[some], seconds, whole=True)
            if found is not None:
                change[some] = np.round(found).astype(np.int64)
                return change
        return None

    def _change(
        self, columns: NDArray[np.int64], seconds: float, *, whole: bool
    ) -> NDArray[np.float64] | None:
        """The smallest change in fractions, or one in whole units, found within some seconds."""
        constraints, cost, bounds = self._over(columns)
        options = {"time_limit": seconds, "mip_rel_gap": ANY_WILL_DO if whole else 0.0}
        found = _solved(
            cost,
            constraints=constraints,
            bounds=bounds,
            integrality=int(whole),
            options=options,
        )
        if found is None:
            return None
        added, taken, emptied = self._parts(columns)
        change = found[: len(added)].copy()
        change[taken] -= found[len(added) : len(added) + len(taken)]
        change[emptied] -= found[len(added) + len(taken) :]
        return change

    def relief(self, prices: Mapping[int, float]) -> list[int]:
        """The places to give up, at a price a unit, for the gap to be closed in fractions."""
        (published, wanted), cost, bounds = self._over(np.arange(len(self.base)))
        places = self.published.places
        free = np.array([row for row, place in enumerate(places) if int(place) in prices], int)
        shape = (len(places), len(free))
        give = sp.csr_array((np.ones(len(free)), (free, np.arange(len(free)))), shape=shape)
        price = np.array([prices[int(place)] for place in places[free]])
        rows = sp.hstack([published.A, give, -give], format="csr")
        target = sp.hstack([wanted.A, sp.csr_array((1, 2 * len(free)))], format="csr")
        found = _solved(
            np.concatenate([PRECISION * cost, price, price]),
            constraints=[
                LinearConstraint(rows, published.lb, published.ub),
                LinearConstraint(target, wanted.lb, wanted.ub),
            ],
            bounds=Bounds(0, np.concatenate([bounds.ub, np.full(2 * len(free), np.inf)])),
            options={"time_limit": SECONDS_ALL},
        )
        if found is None:
            return []
        given = found[len(cost) :].reshape(2, -1).sum(axis=0) > PRECISION
        return [int(place) for place in places[free[given]]]

    def _parts(self, columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """The variables of each kind, as places among the columns."""
        base, keep = self.base[columns], self.keep[columns]
        return (
            np.arange(len(columns)),
            np.flatnonzero(base > 1),
            np.flatnonzero((base > 0) & ~keep),
        )

    def _over(
        self, columns: NDArray[np.int64]
    ) -> tuple[tuple[LinearConstraint, LinearConstraint], NDArray[np.float64], Bounds]:
        """The constraints, costs and bounds of the variables of some columns."""
        added, taken, emptied = self._parts(columns)
        near, target = self.published.rows[:, columns], self.target[columns]
        wanted = np.concatenate([target, -target[taken], -target[emptied]])
        ends = (np.full(len(added), np.inf), self.base[columns][taken] - 1, np.ones(len(emptied)))
        return (
            (
                LinearConstraint(
                    sp.hstack([near, -near[:, taken], -near[:, emptied]], format="csc"),
                    self.published.low,
                    self.published.high,
                ),
                LinearConstraint(sp.csc_array(wanted[None]), self.gap, self.gap),
            ),
            np.concatenate([np.ones(len(added) + len(taken)), np.full(len(emptied), LOSING)]),
            Bounds(0, np.concatenate(ends)),
        )


def _solved(cost: NDArray[np.float64], **program: Any) -> NDArray[np.float64] | None:
    """A solution, or None where there is none or it was not found in time.

    Raises:
        DisclosureError: If the solver failed.
    """
    try:
        result = milp(cost, **program)
    except (ArithmeticError, MemoryError, RuntimeError, ValueError):
        raise _failed() from None
    if result.x is not None:
        return np.asarray(result.x)
    if result.status in (INFEASIBLE, TIME_OUT):
        return None
    raise _failed()


def _failed() -> DisclosureError:
    return DisclosureError(
        "The solver of the disclosure audit failed, so nothing is known to be safe.",
        "Publish nothing; try again, or publish fewer cells.",
    )
