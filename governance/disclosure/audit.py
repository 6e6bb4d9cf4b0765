"""The joint audit, and the repair: masking more until everything published is safe together."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from governance.disclosure.claims import Claim, Flags, Pool, Target
from governance.disclosure.rules import MASKED, DisclosureError
from governance.disclosure.solver import Search
from governance.disclosure.system import Change, System


@dataclass(frozen=True)
class Audited:
    """A system that is safe, and why.

    Attributes:
        changes: Candidates, as changes from the base, that show it.
        repaired: Cells of the last release that were masked to make it safe, in that order.
        searches: How many candidates were searched for.
        seconds: How long it took.
    """

    changes: tuple[Change, ...]
    repaired: tuple[int, ...]
    searches: int
    seconds: float


def audit(
    system: System, *, insiders: bool = True, limit: float = 3600.0, repair: bool = True
) -> Audited:
    """Show that a system gives nothing away, masking more of its last release where it does.

    Args:
        system: What is public of a population; its last release is changed by the repair.
        insiders: Whether to ask what people who know their own record can find out.
        limit: Seconds after which the audit is given up.
        repair: Whether more may be masked; a leak is refused, else.

    Raises:
        DisclosureError: If published cells contradict the truth, the solver fails, the time is up,
            or there is a leak that may not be or cannot be repaired.
    """
    return Audit(system, insiders=insiders, repair=repair).run(limit)


class Audit:
    """An audit that can be taken up again once more is masked; ``audit`` says what it takes."""

    def __init__(self, system: System, *, insiders: bool = True, repair: bool = True) -> None:
        if system.broken():
            raise DisclosureError(
                f"{system.broken()} published counts of the population {system.population.name} "
                "are not those of the records as they now are.",
                "Withdraw the earlier release whose records have changed since, or count again.",
            )
        knowing = np.argwhere(system.base > 0) if insiders else np.empty((0, 2), dtype=np.int64)
        self.system, self.pool, self.may_repair = system, Pool(system, knowing), repair
        self.search = Search(system)
        self.ends = 0.0
        self.seconds = 0.0
        self.searches = 0
        self.repaired: list[int] = []

    def mask(self, cells: Iterable[int]) -> None:
        """Mask more cells of the last release. What was shown of the others stays shown."""
        for place in cells:
            self.system.shown[-1][place] = MASKED
        self.pool.look()

    def run(self, limit: float) -> Audited:
        """Show what is missing, one thing after the other, until nothing is, in so many seconds."""
        started = time.monotonic()
        self.ends = started + limit
        while True:
            claim, place = self.pool.missing(), None
            if claim is not None:
                self._show(claim)
                continue
            place = self.pool.narrow()
            if place is None:
                break
            self._widen(place)
        self.seconds += time.monotonic() - started
        return Audited(tuple(self.pool.changes), tuple(self.repaired), self.searches, self.seconds)

    def _show(self, claim: Claim) -> None:
        """Find a candidate for a claim, or mask cells that prevent it."""
        several = claim.keep.sum() > 1
        for keep in (claim.keep, claim.alone) if several else (claim.keep,):
            found = self._reach(claim.target, claim.value, keep)
            if found is not None:
                self.pool.add(found)
                return
        self._relieve(self.search.leak(claim.target, claim.value, claim.alone))

    def _widen(self, place: int) -> None:
        """Find candidates that give a target a wide enough range, or mask cells that prevent it."""
        target, base = self.pool.targets[place], self.pool.base(place)
        edge = self.system.rule.most_masked
        nobody = np.zeros(self.system.base.shape, dtype=bool)
        for top in range(base + edge, max(base, edge) - 1, -1):
            high = self._reach(target, top, nobody)
            if high is None:
                continue
            self.pool.add(high)
            bottom = top - edge
            low = {} if self.pool.least(place) <= bottom else self._reach(target, bottom, nobody)
            if low is not None:
                self.pool.add(low)
                return
        self._relieve(self.search.leak(target, base + edge, nobody))

    def _reach(self, target: Target, value: int, keep: Flags) -> Change | None:
        """Search for a candidate, if there is time."""
        if time.monotonic() > self.ends:
            raise DisclosureError(
                "The disclosure audit took longer than it may, so nothing is known to be safe.",
                "Publish fewer or wider categories, or allow it more time.",
            )
        self.searches += 1
        return self.search.reach(target, value, keep)

    def _relieve(self, leak: tuple[int, ...]) -> None:
        """Mask the cells that give another away."""
        if not leak or not self.may_repair:
            raise DisclosureError(
                f"What is published of the population {self.system.population.name} gives a masked "
                "count away, alone or with earlier releases.",
                "Let the gate mask more, publish wider categories, or withdraw an earlier release.",
            )
        self.repaired.extend(leak)
        self.mask(leak)
