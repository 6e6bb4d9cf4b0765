"""What must be shown of a release before it is safe, and how far a set of candidates shows it.

Counts are small when they, or in the last release the people behind them, are below the threshold.
For every masked cell of every release that is still public, and for every remainder of a total
without one of its parts, that truly is small, somebody who knows all that is published must find
possible

- that it is 0, and that it is the greatest count that is small (the edge);
- each again when they are in the data and know their own record: a count with them in it may then
  have nobody else, or as many as the edge.

A cell that is masked for another's sake, or because it is nearly all of a total, has nothing to
hide but that: its range must be no narrower than that of a mask, and reach the edge. So must the
range of every small remainder of a count within another that is no total of it, as of those who
fell out between two stages; and that of every small cell of one segment alone, where releases
overlap: the joiners of a quarter, or those who dropped out.

A candidate shows what it is an example of, and stays possible when more is masked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.system import Change, System
from governance.disclosure.tally import Counts

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Target:
    """A count that is not to be told.

    Attributes:
        segments: Over which segments it counts.
        atoms: Which atoms it counts.
        cell: The published cell it is, or is a part of.
        strict: Whether it truly is small, and so must be able to be 0 and the edge.
    """

    segments: Flags
    atoms: Flags
    cell: int
    strict: bool


@dataclass(frozen=True)
class Claim:
    """A value that no candidate shows yet.

    Attributes:
        target: Of what.
        value: What it should be able to be.
        keep: By segment and atom: the insiders for whom it should be.
        alone: One of those insiders, for when it cannot be shown for all of them at once.
    """

    target: Target
    value: int
    keep: Flags
    alone: Flags


def targets(system: System) -> Iterator[tuple[tuple[object, ...], Target]]:
    """Every count of a system that is not to be told, each with a key that stays its own."""
    population, rule = system.population, system.rule
    matrix, masked = population.matrix, system.masked()
    for release, window in enumerate(system.windows):
        counts, is_last = system.base_cells[release], release == len(system.windows) - 1
        few, few_left = (system.few, system.few_left) if is_last else (frozenset(), frozenset())
        for cell in np.flatnonzero(masked[release]):
            strict = bool(counts[cell] < rule.threshold) or int(cell) in few
            yield ("cell", release, int(cell)), Target(window, matrix[cell], int(cell), strict)
        for part, total, strict in population.remainders:
            rest = matrix[total] & ~matrix[part]
            left = counts[total] - counts[part]
            if (left < rule.threshold or (part, total) in few_left) and rest.any():
                of_total = "rest of a total" if strict else "rest"
                yield (of_total, release, rest.tobytes()), Target(window, rest, part, strict)
    if len(system.windows) > 1:
        small = (system.base_segments < rule.threshold) & population.possible
        for segment, cell in np.argwhere(small):
            only = np.arange(len(system.base)) == segment
            key = ("segment", int(segment), int(cell))
            yield key, Target(only, matrix[cell], int(cell), strict=False)


class Pool:
    """The candidates found so far, and what they show. The base of the system is the first.

    Args:
        system: The system that they are candidates of.
        insiders: Segment and atom of everyone who may know their own record.
    """

    def __init__(self, system: System, insiders: NDArray[np.int64]) -> None:
        self.system = system
        self.insiders = insiders
        self.changes: list[Change] = [{}]
        self.targets: list[Target] = []
        self._keys: set[tuple[object, ...]] = set()
        self._shown = _Shown.of([], system, insiders)
        self.look()

    def look(self) -> None:
        """Take in the targets there are since more was masked."""
        new: dict[tuple[object, ...], Target] = {}
        for key, target in targets(self.system):
            if key not in self._keys:
                new.setdefault(key, target)
        self._keys.update(new)
        found = _Shown.of(list(new.values()), self.system, self.insiders)
        for change in self.changes:
            found.note(self.system, change, self.insiders)
        self.targets.extend(new.values())
        self._shown = self._shown.joined(found)

    def add(self, change: Change) -> None:
        """Take in another candidate, as a change from the base."""
        self.changes.append(change)
        self._shown.note(self.system, change, self.insiders)

    def missing(self) -> Claim | None:
        """The next thing that is not shown of a small count; None when all is shown."""
        shown, edge = self._shown, self.system.rule.most_masked
        for place in np.flatnonzero(shown.strict & ~shown.done):
            inside, nought_for = shown.inside[place], shown.nought_for[place]
            edge_for = shown.edge_for[place]
            wanted = (
                (0, shown.nought[place], np.flatnonzero(~nought_for & ~inside)),
                (edge, shown.edge[place], np.flatnonzero(~edge_for & ~inside)),
                (1, True, np.flatnonzero(~nought_for & inside)[:1]),
                (edge, True, np.flatnonzero(~edge_for & inside)[:edge]),
            )
            for value, is_shown, who in wanted:
                if not is_shown or len(who):
                    target = self.targets[place]
                    return Claim(target, value, self._held(who), self._held(who[:1]))
            shown.done[place] = True
        return None

    def narrow(self) -> int | None:
        """The place of a target whose range is not shown to be wide enough yet."""
        edge, shown = self.system.rule.most_masked, self._shown
        narrow = (shown.most < edge) | (shown.most - shown.least < edge)
        found = np.flatnonzero(narrow & ~shown.strict)
        return int(found[0]) if len(found) else None

    def least(self, place: int) -> int:
        """The least value that a candidate gives a target."""
        return int(self._shown.least[place])

    def base(self, place: int) -> int:
        """What a target truly is."""
        return int(self._shown.base[place])

    def _held(self, who: NDArray[np.int64]) -> Flags:
        """Some insiders, by segment and atom."""
        held = np.zeros(self.system.base.shape, dtype=bool)
        held[tuple(self.insiders[who].T)] = True
        return held


@dataclass
class _Shown:
    """How far candidates show that targets are safe: an entry a target, and an insider."""

    segments: Flags
    atoms: Flags
    strict: Flags
    base: Counts
    inside: Flags
    least: Counts
    most: Counts
    done: Flags
    nought: Flags
    edge: Flags
    nought_for: Flags
    edge_for: Flags

    @classmethod
    def of(cls, found: list[Target], system: System, insiders: NDArray[np.int64]) -> _Shown:
        """Nothing, as yet, of some targets."""
        many, (length, width) = len(found), system.base.shape
        segments = np.array([one.segments for one in found], dtype=bool).reshape(many, length)
        atoms = np.array([one.atoms for one in found], dtype=bool).reshape(many, width)
        by_segment = atoms.astype(np.int64) @ system.base.T
        segment, atom = insiders.T
        none = np.zeros(many, dtype=bool)
        return cls(
            segments=segments,
            atoms=atoms,
            strict=np.array([one.strict for one in found], dtype=bool),
            base=(by_segment * segments).sum(axis=1),
            inside=segments[:, segment] & atoms[:, atom],
            least=np.full(many, np.iinfo(np.int64).max),
            most=np.full(many, -1, dtype=np.int64),
            done=none,
            nought=none.copy(),
            edge=none.copy(),
            nought_for=np.zeros((many, len(insiders)), dtype=bool),
            edge_for=np.zeros((many, len(insiders)), dtype=bool),
        )

    def joined(self, other: _Shown) -> _Shown:
        """The same of more targets."""
        pairs = ((getattr(self, one.name), getattr(other, one.name)) for one in fields(self))
        return _Shown(*(np.concatenate(pair) for pair in pairs))

    def note(self, system: System, change: Change, insiders: NDArray[np.int64]) -> None:
        """Take account of what a candidate shows."""
        values = self.base.copy()
        present = np.ones(len(insiders), dtype=bool)
        for (segment, atom), by in change.items():
            values += by * (self.segments[:, segment] & self.atoms[:, atom])
            if system.base[segment, atom] + by == 0:
                present &= (insiders != (segment, atom)).any(axis=1)
        self.least, self.most = np.minimum(self.least, values), np.maximum(self.most, values)
        is_nought, is_one, is_edge = (values == v for v in (0, 1, system.rule.most_masked))
        self.nought |= is_nought
        self.edge |= is_edge
        asked = self.strict & ~self.done
        for found, told, who in (
            (is_nought, self.nought_for, ~self.inside),
            (is_one, self.nought_for, self.inside),
            (is_edge, self.edge_for, np.ones_like(self.inside)),
        ):
            rows = np.flatnonzero(found & asked)
            told[rows] |= present & who[rows]
