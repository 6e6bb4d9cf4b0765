"""Checking a certificate against what was published, without a solver.

It shares no code with the audit that found the certificate, only the declarations: each table of
the certificate is counted whole, held against every published value of every release, and every
count that may not be told is looked up in the tables. ``claims`` says what is asked of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.behind import Few, check_behind
from governance.disclosure.certificate import Contents, Evidence, People, fingerprint, unpack
from governance.disclosure.release import Published, Release
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.timeline import check_relation, windows
from governance.disclosure.together import check_together

Numbers = NDArray[np.float64]  # whole numbers, exact below 2 to the 53rd
Flags = NDArray[np.bool_]
LARGEST = 2**31  # units in one combination, so that all sums stay exact

# Which comparison was made between populations.
COMPARED, ALONE, NOT_LINKED = "compared", "alone", "not linked"


@dataclass(frozen=True)
class Checked:
    """What was checked.

    Attributes:
        tables: So many whole tables.
        values: Against so many published values.
        counts: For so many counts that are not to be told.
        sums: And so many sums of counts of several populations that leave a few units.
        comparison: ``compared`` where populations were held against each other and what is public
            of their days; ``alone`` where there is nothing beside the only one; ``not linked``
            where whoever published them said that nobody can be in two, which nothing shows.
    """

    tables: int
    values: int
    counts: int
    sums: int = 0
    comparison: str = ALONE


def check(release: Release, earlier: Sequence[Release], certificate: bytes) -> Checked:
    """Check that a certificate shows a release, with those still public before it, to be safe.

    Args:
        release: What is to be published.
        earlier: Every release that was public when it was made, oldest first.
        certificate: Its certificate.

    Raises:
        DisclosureError: If the certificate is another's, is not whole, or does not show it.
    """
    if fingerprint(certificate) != release.certificate:
        raise _refused("the certificate is not the one that the release names")
    contents = unpack(certificate)
    evidence = contents.evidence
    if contents.release != release.digest:
        raise _refused("the certificate is of another release")
    if tuple(one.digest for one in earlier) != release.earlier:
        raise _refused("the releases before it are not those that it names")
    if set(evidence) != {one.population.name for one in release.populations}:
        raise _refused("the certificate is not of the populations that are published")
    cases = [
        _Case(release.rule, _history(one, release, earlier), evidence[one.population.name])
        for one in release.populations
    ]
    done = [case.check(contents.people) for case in cases]
    tables, values, counts = (sum(part) for part in zip(*done, strict=True)) if done else (0, 0, 0)
    sums, comparison = _compare(contents, release, earlier)
    return Checked(tables, values, counts, sums, comparison)


def _compare(contents: Contents, release: Release, earlier: Sequence[Release]) -> tuple[int, str]:
    """How many sums were looked at between populations, and which comparison was made.

    Raises:
        DisclosureError: If one gives another away, or who is in one of them is not said.
    """
    public = [shown for one in earlier for shown in one.populations]
    if len({one.population.name for one in (*release.populations, *public)}) < 2:
        return 0, ALONE
    if not contents.linked:
        return 0, NOT_LINKED
    return check_together(contents.people, release.populations, public, release.rule), COMPARED


def _history(last: Published, release: Release, earlier: Sequence[Release]) -> list[Published]:
    """What is public of a population, oldest first, as far as it bears on the last."""
    name = last.population.name
    releases = [one for one in earlier if one.of(name) is not None]
    before = [shown for one in releases if (shown := one.of(name)) is not None]
    if any(one.population != last.population for one in before):
        raise _refused("a population is not declared as it was")
    if any(one.rule != release.rule for one in releases):
        raise _refused("the threshold or the base is not what it was")
    periods = [one.period for one in (*before, last)]
    check_relation(name, last.population.relation, periods)
    return [last] if last.population.relation == "apart" else [*before, last]


class _Case:
    """One population, what is public of it, and the tables that are to show it safe."""

    def __init__(self, rule: Rule, history: list[Published], evidence: Evidence) -> None:
        self.rule, self.history, self.evidence = rule, history, evidence
        self.population = history[-1].population
        self.windows = windows([one.period for one in history])
        shape = (self.windows.shape[1], len(self.population.atoms))
        if evidence.base.shape != shape:
            raise _refused("its tables are not of the segments and combinations published")
        if any(s >= shape[0] or a >= shape[1] for c in evidence.changes for s, a in c):
            raise _refused("its tables are not of the segments and combinations published")

    def check(self, people: People) -> tuple[int, int, int]:
        """Raise DisclosureError unless the tables show it; return what was checked."""
        self._check_counts()
        by_segment = self._by_segment()
        cells = np.einsum("rs,nsc->nrc", self.windows.astype(np.float64), by_segment)
        self._check_published(cells)
        last = np.asarray(self.evidence.base[self.windows[-1]].sum(axis=0))
        few = check_behind(people, self.history[-1], last, self.rule)
        present = self._insiders()
        counts = self._check_masked(len(self.history) - 1, cells, present, few)
        for release in range(len(self.history) - 1):
            counts += self._check_masked(release, cells, present, Few())
        if len(self.history) > 1:
            counts += self._check_segments(by_segment)
        return len(cells), sum(len(one.shown) for one in self.history), counts

    def _check_counts(self) -> None:
        """Raise DisclosureError if the base or another table has a count below nought."""
        base = self.evidence.base
        sound = not ((base < 0).any() or (base > LARGEST).any()) and all(
            0 <= int(base[place]) + by <= LARGEST
            for change in self.evidence.changes
            for place, by in change.items()
        )
        if not sound:
            raise _refused("a table has a count that cannot be")

    def _by_segment(self) -> Numbers:
        """The cells of every segment in every table, the base first: tables, segments, cells."""
        matrix = self.population.matrix.astype(np.float64)
        base = self.evidence.base.astype(np.float64) @ matrix.T
        cells = np.repeat(base[None], len(self.evidence.changes) + 1, axis=0)
        for place, change in enumerate(self.evidence.changes, start=1):
            for (segment, atom), by in change.items():
                cells[place, segment] += by * matrix[:, atom]
        return cells

    def _insiders(self) -> tuple[NDArray[np.int64], Flags]:
        """Who may know their own record, and which tables have a place for them."""
        base = self.evidence.base
        people = np.argwhere(base > 0)
        if not self.evidence.insiders:
            people = people[:0]
        number = {(int(s), int(a)): n for n, (s, a) in enumerate(people)}
        present = np.ones((len(self.evidence.changes) + 1, len(people)), dtype=bool)
        for place, change in enumerate(self.evidence.changes, start=1):
            for who, by in change.items():
                if who in number and base[who] + by == 0:
                    present[place, number[who]] = False
        return people, present

    def _check_published(self, cells: Numbers) -> None:
        """Raise DisclosureError unless every table agrees with every published value."""
        for release, shown in enumerate(self.history):
            says = np.array([self.rule.says(value) for value in shown.shown], dtype=np.float64)
            found = cells[:, release]
            if ((found < says[:, 0]) | (found > says[:, 1])).any():
                raise _refused("a table contradicts what is published")

    def _check_masked(
        self,
        release: int,
        cells: Numbers,
        insiders: tuple[NDArray[np.int64], Flags],
        few: Few,
    ) -> int:
        """Raise DisclosureError unless every masked cell, and every small remainder, is safe."""
        matrix, window, limit = self.population.matrix, self.windows[release], self.rule.threshold
        values, checked = cells[:, release], 0
        masked = np.array([value == MASKED for value in self.history[release].shown])
        for cell in np.flatnonzero(masked):
            if values[0, cell] < limit or int(cell) in few.cells:
                self._check_small(values[:, cell], matrix[cell], window, insiders)
            else:
                self._check_wide(values[:, cell])
            checked += 1
        for part, total, strict in self.population.remainders:
            rest = matrix[total] & ~matrix[part]
            left = values[:, total] - values[:, part]
            if rest.any() and (left[0] < limit or (part, total) in few.left):
                if strict and not masked[part]:
                    raise _refused("a cell that is nearly all of its total is not masked")
                if strict:
                    self._check_small(left, rest, window, insiders)
                else:
                    self._check_wide(left)
                checked += 1
        return checked

    def _check_segments(self, by_segment: Numbers) -> int:
        """Raise DisclosureError unless the small cells of every segment alone are safe."""
        small = (by_segment[0] < self.rule.threshold) & self.population.possible
        for segment, cell in np.argwhere(small):
            self._check_wide(by_segment[:, segment, cell])
        return int(small.sum())

    def _check_small(
        self,
        values: Numbers,
        atoms: Flags,
        window: Flags,
        insiders: tuple[NDArray[np.int64], Flags],
    ) -> None:
        """Raise DisclosureError unless a small count could be 0 or the edge, whoever looks."""
        people, present = insiders
        inside = window[people[:, 0]] & atoms[people[:, 1]]
        nought, one = present[values == 0], present[values == 1]
        edge = present[values == self.rule.most_masked]
        safe = (
            len(nought)
            and len(edge)
            and nought.any(axis=0)[~inside].all()
            and one.any(axis=0)[inside].all()
            and edge.any(axis=0).all()
        )
        if not safe:
            raise _refused("it does not show that a masked count could be nought and the edge")

    def _check_wide(self, values: Numbers) -> None:
        """Raise DisclosureError unless the range of a count is as wide as that of a mask."""
        edge = self.rule.most_masked
        if values.max() < edge or values.max() - values.min() < edge:
            raise _refused("it does not show that a count cannot be narrowed")


def _refused(why: str) -> DisclosureError:
    return DisclosureError(
        f"The release is not certified: {why}.", "Publish nothing; put it through the gate again."
    )
