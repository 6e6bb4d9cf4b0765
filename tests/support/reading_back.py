"""An attack on published tables alone: what linear programming says of every masked count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import LinearConstraint, milp

from governance.disclosure.release import Published, Release
from governance.disclosure.timeline import windows

Range = tuple[float, float]


class Attacker:
    """Somebody with every release of one population, who may know that they are in it.

    Args:
        releases: What is public, oldest first.
        own: Segment and atom of their own record, if they are in the data.
    """

    def __init__(self, releases: Sequence[Release], own: tuple[int, int] | None = None) -> None:
        self.shown: list[Published] = [one.populations[0] for one in releases]
        self.population = self.shown[0].population
        self.windows = windows([one.period for one in self.shown])
        matrix = self.population.matrix.astype(float)
        self.atoms = matrix.shape[1]
        says = [[releases[0].rule.says(v) for v in one.shown] for one in self.shown]
        low, high = np.array(says).reshape(-1, 2).T
        self.published = LinearConstraint(np.kron(self.windows, matrix), low, high)
        self.least = np.zeros(self.windows.shape[1] * self.atoms)
        if own is not None:
            self.least[own[0] * self.atoms + own[1]] = 1

    def bounds(self, segments: np.ndarray, cell: int) -> Range:
        """The least and the greatest that a cell can be over some segments."""
        aim = np.kron(segments, self.population.matrix[cell]).astype(float)
        ends = []
        for sign in (1, -1):
            found = milp(sign * aim, constraints=[self.published], bounds=(self.least, np.inf))
            ends.append(sign * found.fun if found.x is not None else sign * -np.inf)
        return ends[0], ends[1]

    def masked(self, release: int) -> dict[int, Range]:
        """The bounds of every masked cell of a release."""
        return {
            place: self.bounds(self.windows[release], place)
            for place, value in enumerate(self.shown[release].shown)
            if value == "[c]"
        }


def told(bounds: dict[int, Range], true: Sequence[int], least: int = 0, edge: int = 4) -> int:
    """How many small counts an attacker narrows."""
    small = {place: ends for place, ends in bounds.items() if true[place] < 5}
    return sum(low > least + 1e-6 or high < edge - 1e-6 for low, high in small.values())
