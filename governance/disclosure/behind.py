"""Checking without a solver that enough people are behind what is published of a population.

The certificate says by number who is behind each unit. Several arrests may be one person's, so that
a count of many units may be of few people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.certificate import People
from governance.disclosure.release import Published
from governance.disclosure.rules import MASKED, DisclosureError, Rule


@dataclass(frozen=True)
class Few:
    """What has too few people behind it, however many units.

    Attributes:
        cells: Cells.
        left: Pairs of a part and its total, between which too few are left.
    """

    cells: frozenset[int] = frozenset()
    left: frozenset[tuple[int, int]] = frozenset()


def check_behind(people: People, shown: Published, counted: NDArray[np.int64], rule: Rule) -> Few:
    """Check the people behind one population.

    Args:
        people: Who is in which population.
        shown: What is to be published of it.
        counted: Its units in the period published, by atom.
        rule: The threshold and base.

    Returns:
        What has too few people behind it; nothing where a unit is a person and nobody is named.

    Raises:
        DisclosureError: If they are not those that it counts, if a count or what is left of a total
            is of too few and is shown, or if it counts other units and does not say whose.
    """
    population = shown.population
    wanted = (population.name, shown.period)
    found = [
        rows
        for name, days, rows in zip(people.names, people.periods, people.rows, strict=True)
        if name == wanted[0] and days in (None, wanted[1])
    ]
    if not found and population.unit == "people":
        return Few()  # a unit is a person, so counts alone are enough
    if len(found) != 1:
        raise _refused("it does not say who is behind what is counted")
    person, atom = found[0].T
    if (atom >= len(counted)).any() or not np.array_equal(
        np.bincount(atom, minlength=len(counted)), counted
    ):
        raise _refused("who is in a population is not what its tables count")
    if population.unit == "people" and len(np.unique(person)) < len(person):
        raise _refused("somebody is counted more than once")
    matrix = population.matrix
    cells = {n for n, cell in enumerate(matrix) if _people(person[cell[atom]]) < rule.threshold}
    left = {
        (part, total)
        for part, total in population.totals
        for rest in [matrix[total] & ~matrix[part]]
        if rest.any() and _people(person[rest[atom]]) < rule.threshold
    }
    if any(
        shown.shown[cell] not in (MASKED, "0") for cell in (*cells, *(part for part, _ in left))
    ):
        raise _refused("a count of fewer people than the threshold, or of all but so few, is shown")
    return Few(frozenset(cells), frozenset(left))


def _people(behind: NDArray[np.int64]) -> int:
    return len(np.unique(behind))


def _refused(why: str) -> DisclosureError:
    return DisclosureError(
        f"The release is not certified: {why}.", "Publish nothing; put it through the gate again."
    )
