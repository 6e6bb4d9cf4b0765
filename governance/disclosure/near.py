"""Which atoms an audit looks at, where a population has too many to look at all of them.

A table that shows a count to be safe is proof wherever it was looked for, so looking among fewer
atoms can make the gate mask more than is needed, and never less. Those that matter are near the
truth: that somebody is in, or that differ from one of these in one dimension.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.catalogue import Population, Where
from governance.disclosure.tally import Counts

ALL_OF = 1_500  # atoms of which all are looked at
ENOUGH = 12  # atoms in every published cell and every remainder of a total, if it has so many
STARTS = 200  # atoms with somebody in them that the nearest are looked for from


@dataclass(frozen=True)
class Near:
    """A population of which only some atoms are looked at; else as a population.

    Attributes:
        name: Its name.
        cells: Its cells.
        matrix: Which of the atoms looked at each cell counts.
        possible: Which cells could have anyone, in any atom.
        remainders: Cells with one that holds them, of which a few left over are not told.
        atoms: Which atoms are looked at.
        coordinates: The place of their category in each dimension.
    """

    name: str
    cells: tuple[Where, ...]
    matrix: NDArray[np.bool_]
    possible: NDArray[np.bool_]
    remainders: tuple[tuple[int, int, bool], ...]
    atoms: NDArray[np.int64]
    coordinates: NDArray[np.int64]


def near(population: Population, base: Counts) -> Near:
    """The part of a population that is near the truth.

    Args:
        population: What is declared.
        base: The truth, by segment and atom.
    """
    atoms = np.arange(len(population.atoms))
    if len(atoms) > ALL_OF:
        atoms = _near(population, np.flatnonzero(base.any(axis=0)))
    return Near(
        population.name,
        population.cells,
        np.ascontiguousarray(population.matrix[:, atoms]),
        population.possible,
        population.remainders,
        atoms,
        population.atoms[atoms],
    )


def _near(population: Population, occupied: NDArray[np.int64]) -> NDArray[np.int64]:
    """The atoms with somebody in them, their neighbours, and enough of every cell."""
    sizes = [len(dimension.categories) for dimension in population.dimensions]
    codes = np.ravel_multi_index(tuple(population.atoms.T), sizes)  # ascending, as atoms are listed
    chosen = np.zeros(len(codes), dtype=bool)
    chosen[occupied] = True
    here = population.atoms[occupied]
    for place, size in enumerate(sizes):
        for category in range(size):
            there = here.copy()
            there[:, place] = category
            wanted = np.ravel_multi_index(tuple(there.T), sizes)
            found = np.searchsorted(codes, wanted)
            inside = found < len(codes)
            exact = found[inside][codes[found[inside]] == wanted[inside]]
            chosen[exact] = True
    starts = here[:: max(1, len(here) // STARTS)]
    for wanted_atoms in _sets(population):
        lacking = ENOUGH - int((chosen & wanted_atoms).sum())
        if lacking > 0:
            chosen[_nearest(population.atoms, wanted_atoms & ~chosen, starts, lacking)] = True
    return np.flatnonzero(chosen)


def _sets(population: Population) -> Iterator[NDArray[np.bool_]]:
    """Every set of atoms that the audit asks about."""
    yield from population.matrix
    for part, total, _ in population.remainders:
        yield population.matrix[total] & ~population.matrix[part]


def _nearest(
    atoms: NDArray[np.int64], wanted: NDArray[np.bool_], starts: NDArray[np.int64], many: int
) -> NDArray[np.int64]:
    """The atoms of a set that differ in fewest dimensions from one of the starts."""
    found = np.flatnonzero(wanted)
    if len(found) <= many or not len(starts):
        return found[:many]
    apart = np.full(len(found), atoms.shape[1] + 1)
    for start in starts:
        apart = np.minimum(apart, (atoms[found] != start).sum(axis=1))
    return found[np.argsort(apart, kind="stable")[:many]]
