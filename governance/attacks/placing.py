"""Placing the people of a list in the groups of a store, by the distances inside the groups.

A placement of a group of the list in one of the store is grown from the two pairs that fit best,
one person at a time, each to where it fits best with those already placed; then each is taken up
and put where it fits best among all the others. The scores say which group belongs to which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from governance.attacks.bits import Indices, Reals
from governance.attacks.fit import Fit, Group, Yardstick

FEW_SEEDS, MANY_SEEDS = 12, 100  # to choose groups; to place in the likeliest
LIKELIEST: Final = 2
FIRST: Final = 5  # people who are placed though they do not pay for their choice
SWEEPS: Final = 3
SURE_SCORE, SURE_LEAD = 25.0, 1.4  # beyond which an attacker would believe a placement


@dataclass(frozen=True)
class Placement:
    """Rows of the store, those of the list that they are taken for, and whether it is sure.

    The score is the logarithm of how much likelier they are these people than anybody.
    """

    store: Indices
    listed: Indices
    score: float
    sure: bool = False


def place_groups(
    store: Sequence[Group], own: Sequence[Group], yardstick: Yardstick
) -> list[Placement]:
    """Place each group of the list in at most one group of the store, and one in each."""
    if not store or not own:
        return []
    made: dict[tuple[int, int], Placement] = {}
    scores = np.zeros((len(own), len(store)))
    for row, listed in enumerate(own):
        quick = [place(group, listed, yardstick, FEW_SEEDS, 0) for group in store]
        scores[row] = [placement.score for placement in quick]
        for at in np.argsort(-scores[row], kind="stable")[:LIKELIEST]:
            slow = place(store[at], listed, yardstick, MANY_SEEDS, SWEEPS)
            quick[at] = max(quick[at], slow, key=lambda placement: placement.score)
            scores[row, at] = quick[at].score
        made |= {(row, at): placement for at, placement in enumerate(quick)}
    return [replace(made[row, at], sure=_sure(scores[row], at)) for row, at in _one_to_one(scores)]


def _one_to_one(scores: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The best pair of groups, the best of the others, and so on."""
    left = scores.copy()
    pairs = []
    while left.max() > 0:
        row, at = divmod(int(left.argmax()), left.shape[1])
        pairs.append((row, at))
        left[row], left[:, at] = 0, 0
    return pairs


def _sure(scores: NDArray[np.float64], at: int) -> bool:
    """Whether a placement leads clearly; where there is no other group, nobody could say."""
    others = np.delete(scores, at)
    return bool(len(others) and scores[at] > max(SURE_SCORE, SURE_LEAD * others.max()))


def place(store: Group, own: Group, yardstick: Yardstick, seeds: int, sweeps: int) -> Placement:
    """The likeliest placement of people of the list among records of the store.

    Args:
        store: A group of the store.
        own: One of the list.
        yardstick: Measured on the whole list.
        seeds: How many pairs of pairs to start from.
        sweeps: How often at most to put each right.
    """
    fit = Fit(store, own, yardstick)
    best = Placement(store.rows[:0], own.rows[:0], 0.0)
    for seed in fit.seeds(seeds):
        board = _Board(fit)
        for at in seed:
            board.put((int(at[0]), int(at[1])))
        board.fill()
        for _ in range(sweeps):
            if not board.sweep():
                break
        if board.score() > best.score:
            records, people = np.array(list(board.placed)).T
            best = Placement(store.rows[records], own.rows[people], board.score())
    return best


class _Board:
    """Records and people taken for one, and what taking two more would gain."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self.gain = np.zeros(fit.shape, dtype=np.float32)
        self.placed: dict[tuple[int, int], Reals] = {}
        self._record_free, self._person_free = (np.ones(size, dtype=bool) for size in fit.shape)
        self.cost = float(np.log(fit.shape[0]))

    def put(self, at: tuple[int, int]) -> None:
        self.placed[at] = self._fit.evidence(*at)
        self.gain += self.placed[at]
        self._record_free[at[0]] = self._person_free[at[1]] = False

    def take(self, at: tuple[int, int]) -> None:
        self.gain -= self.placed.pop(at)
        self._record_free[at[0]] = self._person_free[at[1]] = True

    def best(self) -> tuple[tuple[int, int], float]:
        """Where the next would gain most, and how much; less than nothing if nowhere is free."""
        free = self._record_free[:, None] & self._person_free
        gain = np.where(free, self.gain, -np.inf)
        at = np.unravel_index(gain.argmax(), gain.shape)
        return (int(at[0]), int(at[1])), float(gain[at])

    def fill(self) -> None:
        """Place one after the other while it pays for the choice of a record."""
        while True:
            at, gained = self.best()
            if gained <= (0 if len(self.placed) < FIRST else self.cost / 2):
                return
            self.put(at)

    def sweep(self) -> bool:
        """Take each away and put it where it fits best now; whether anything moved."""
        before = set(self.placed)
        for at in list(self.placed):
            self.take(at)
            better, gained = self.best()
            if gained > self.cost / 2:
                self.put(better)
        self.fill()
        return set(self.placed) != before

    def score(self) -> float:
        """The evidence of all pairs, less the choice of a record for each person."""
        return sum(float(self.gain[at]) / 2 - self.cost for at in self.placed)
