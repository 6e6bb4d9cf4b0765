"""An attacker with linear programming and everything that is public, and perhaps more than that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import linprog

from governance.disclosure.overlap import Overlaps, Side
from governance.disclosure.release import Published
from governance.disclosure.rules import MASKED, Rule

NEARLY = 1e-6


@dataclass
class Attack:
    """What is public of some populations, as one linear program over all of them.

    Its variables are people by state, and by state and category of each split by itself: tables
    by one split at a time have a joint table whenever they agree on the states, so this says all
    that the populations say.
    """

    rule: Rule
    cells: sp.csr_array
    same: sp.csr_array
    nested: sp.csr_array
    shown: list[str]

    def bounds(self, cell: int) -> tuple[float, float]:
        """The least and the greatest value that a cell may have, in fractions of people."""
        wanted = self.cells[[cell]].toarray().ravel()
        ends = []
        for sign in (1, -1):
            found = self._best(sign * wanted)
            ends.append(sign * found.fun if found.status == 0 else sign * -np.inf)
        return ends[0], ends[1]

    def narrowed(self, cells: Sequence[int]) -> list[int]:
        """The cells that cannot be everything from nought to the edge.

        A solution that shows several cells at nought, or at the edge, saves a program for each, so
        what is left of them is moved together until nothing moves any more, and then one by one.
        """
        edge, wanted = self.rule.most_masked, self.cells[list(cells)]
        low, high = np.full(len(cells), np.inf), np.zeros(len(cells))
        for sign in (1, -1, 1, -1):
            left = wanted[np.flatnonzero(low > NEARLY if sign > 0 else high < edge - NEARLY)]
            if not left.shape[0]:
                continue
            found = (
                self._best(np.asarray(left.sum(axis=0)).ravel())
                if sign > 0
                else self._best(np.zeros(wanted.shape[1]), raised=left)
            )
            if found.status == 0:
                values = wanted @ found.x[: wanted.shape[1]]
                low, high = np.minimum(low, values), np.maximum(high, values)
        return [
            cell
            for cell, least, most in zip(cells, low, high, strict=True)
            if (least > NEARLY and self.bounds(cell)[0] > NEARLY)
            or (most < edge - NEARLY and self.bounds(cell)[1] < edge - NEARLY)
        ]

    def _best(self, wanted: NDArray[np.float64], raised: sp.csr_array | None = None) -> Any:
        """The least of what is wanted, and some cells as near the edge as can be."""
        says = np.array([self.rule.says(value) for value in self.shown], dtype=float)
        told = np.flatnonzero(says[:, 1] < np.inf)
        rows = sp.vstack([self.cells[told], -self.cells[told], self.nested], format="csr")
        limits = np.concatenate([says[told, 1], -says[told, 0], np.zeros(self.nested.shape[0])])
        same, many = self.same, 0 if raised is None else raised.shape[0]
        if raised is not None:  # a variable a cell: as much of it as is below the edge
            rows = sp.block_array([[rows, None], [-raised, sp.eye_array(many)]], format="csr")
            same = sp.hstack([same, sp.csr_array((same.shape[0], many))], format="csr")
        return linprog(
            np.concatenate([wanted, -np.ones(many)]),
            A_ub=rows,
            b_ub=np.concatenate([limits, np.zeros(many)]),
            A_eq=same,
            b_eq=np.zeros(same.shape[0]),
            bounds=[(0, None)] * len(wanted) + [(0, self.rule.most_masked)] * many,
            method="highs",
        )


def attack(published: Sequence[Published], rule: Rule, linked: Sequence[Side] = ()) -> Attack:
    """The attack on some populations.

    Args:
        published: What is public.
        rule: The threshold and base.
        linked: The same populations with their rows: then the attacker is taken to know of every
            two cells of different ones whether they hold the same units, or one holds the other's,
            unless two cells of one population hold those units as well. The data alone make these
            the same, and who was told so would be told that nobody is left between them.
    """
    blocks: list[sp.csr_array] = []
    equal: list[sp.csr_array] = []
    shown: list[str] = []
    for one in published:
        cells, same = _of(one)
        blocks.append(cells)
        equal.append(same)
        shown += one.shown
    cells = sp.csr_array(sp.block_diag(blocks))
    same = sp.csr_array(sp.block_diag(equal))
    nested = sp.csr_array((0, cells.shape[1]))
    if linked:
        pairs = list(_known(linked, rule))
        alike = [cells[[a]] - cells[[b]] for a, b, is_same in pairs if is_same]
        inside = [cells[[a]] - cells[[b]] for a, b, is_same in pairs if not is_same]
        same = sp.csr_array(sp.vstack([same, *alike]))
        nested = sp.csr_array(sp.vstack([nested, *inside]))
    return Attack(rule, cells, same, nested, shown)


def _of(one: Published) -> tuple[sp.csr_array, sp.csr_array]:
    """The cells of a population over its variables, and what makes its splits agree."""
    states, *splits = one.population.dimensions
    many = len(states.categories)
    start = {"": 0}
    width = many
    for split in splits:
        start[split.name] = width
        width += many * len(split.categories)
    cells = sp.lil_array((len(one.population.cells), width))
    for row, cell in enumerate(one.population.cells):
        chosen = dict(cell)
        wanted = [states.categories.index(s) for s in chosen.pop(states.name, states.categories)]
        if not chosen:
            cells[row, wanted] = 1
            continue
        ((name, categories),) = chosen.items()
        split = next(split for split in splits if split.name == name)
        for chosen_one in categories:
            offset = start[name] + many * split.categories.index(chosen_one)
            cells[row, [offset + state for state in wanted]] = 1
    same = sp.lil_array((many * len(splits), width))
    for place, split in enumerate(splits):
        for state in range(many):
            row = place * many + state
            same[row, state] = -1
            for category in range(len(split.categories)):
                same[row, start[split.name] + many * category + state] = 1
    return sp.csr_array(cells), sp.csr_array(same)


def _known(linked: Sequence[Side], rule: Rule) -> Iterator[tuple[int, int, bool]]:
    """Pairs of cells of different populations: of the same units, or the second holds the first."""
    overlaps = Overlaps(linked, rule)
    shared, size, side = overlaps.shared, overlaps.size, overlaps.side
    units = np.array([one.population.unit for one in linked])[side]
    inside = shared == size[:, None]
    same = inside & inside.T
    twice = np.array([len(set(side[row])) < row.sum() for row in same])
    for a, b in np.argwhere(inside):
        if side[a] != side[b] and units[a] == units[b] and size[a]:
            if not same[a, b]:
                yield int(a), int(b), False
            elif not twice[a]:
                yield int(a), int(b), True


def masked_small(found: Attack, true: Sequence[int]) -> list[int]:
    """The masked cells that truly are small."""
    return [
        place
        for place, (value, count) in enumerate(zip(found.shown, true, strict=True))
        if value == MASKED and count < found.rule.threshold
    ]
