"""Checking without a solver that populations of the same people tell nothing of each other.

It shares no code with the comparison that the gate makes. The certificate says who is in which
population, by number. Each published count is laid out as the sorted numbers of its units; how many
units two counts share is added up unit by unit, so that the work grows with the units and with the
counts that each is in, and not with all pairs of counts. What adds up is then looked for by size.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.certificate import People
from governance.disclosure.release import Published
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.timeline import Period

Cell = tuple[int, int]  # the place of a population, and of a cell in it
Terms = tuple[tuple[int, ...], tuple[int, ...]]  # the places of counts
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(eq=False)
class _Count:
    """All the cells that count the same units.

    Attributes:
        units: The units, ascending.
        seconds: How many of them are somebody's second unit, or a later one.
        cells: Where they are counted.
    """

    units: Numbers
    seconds: int
    cells: list[Cell] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many units they are."""
        return len(self.units)


def check_together(
    people: People, new: Sequence[Published], public: Sequence[Published], rule: Rule
) -> int:
    """Check that no count of some populations is told by counts of others.

    Args:
        people: Who is in which.
        new: What is to be published.
        public: What is public already.
        rule: The threshold and base.

    Returns:
        How many sums of counts that leave a few were looked at.

    Raises:
        DisclosureError: If something is told, or a population is not among those published.
    """
    return _Together(people, new, public, rule).check()


class _Together:
    def __init__(
        self, people: People, new: Sequence[Published], public: Sequence[Published], rule: Rule
    ) -> None:
        self.people, self.rule = people, rule
        self.published = _of(people, [*new, *public])
        self.is_public = [all(one is not other for other in new) for one in self.published]
        _check_all_there(self.published, people.on_their_word, new, public)
        self.days = [
            None if on_its_word else one.period
            for one, on_its_word in zip(self.published, people.on_their_word, strict=True)
        ]
        self.meanings = [
            [
                (meaning, one.period) if meaning else (place, cell)
                for cell, meaning in enumerate(all_of)
            ]
            for place, one in enumerate(self.published)
            for all_of in [one.population.meanings]
        ]
        self.most = 1  # units of one person in one population
        self.sets = list(self._sets())

    def check(self) -> int:
        """Raise DisclosureError if something is told; return how many sums were looked at."""
        if len(self.published) < 2:
            return 0  # what is public is of other days
        self._check_meanings()
        for count in self.counts:
            self._check_elsewhere(count)
            self._check_by_chance(count)
        looked_at = 0
        for more, less in self._sums():
            self._check_sum(more, less)
            looked_at += 1
        return looked_at

    @cached_property
    def counts(self) -> list[_Count]:
        """The counts that are not small."""
        by_units: dict[bytes, _Count] = {}
        for place, sets in enumerate(self.sets):
            for cell, units in enumerate(sets):
                seconds = int((units % self.most > 0).sum())
                count = by_units.setdefault(_same(units), _Count(units, seconds))
                count.cells.append((place, cell))
        return [one for one in by_units.values() if one.size >= self.rule.threshold]

    def _sets(self) -> Iterator[list[Numbers]]:
        """By population: the units in each cell."""
        most = max((int(np.bincount(r[:, 0]).max()) for r in self.people.rows if len(r)), default=0)
        self.most = max(most, 1)
        for one, rows in zip(self.published, self.people.rows, strict=True):
            if len(rows) and int(rows[:, 1].max()) >= len(one.population.atoms):
                raise _refused("it has somebody in what cannot be")
            ordered = rows[np.argsort(rows[:, 0], kind="stable")]
            yield [
                _units(ordered[:, 0][held[ordered[:, 1]]], self.most)
                for held in one.population.matrix
            ]

    def _shown(self, count: _Count, *, public: bool = True) -> dict[Cell, str]:
        """What is shown of a count, by cell."""
        return {
            (place, cell): value
            for place, cell in count.cells
            if (value := self.published[place].shown[cell]) not in (MASKED, "0")
            and (public or not self.is_public[place])
        }

    def _share_days(self, one: int, other: int) -> bool:
        a, b = self.days[one], self.days[other]
        return a is None or b is None or _overlap(a, b)

    def _check_elsewhere(self, count: _Count) -> None:
        """Raise DisclosureError if a cell that is masked for another's sake is shown elsewhere."""
        shown = self._shown(count, public=False)
        if not shown:
            return
        for place, cell in count.cells:
            for_another = self.published[place].shown[cell] == MASKED and not self._nearly_all(
                place, cell
            )
            if for_another and any(
                other != place
                and self._share_days(place, other)
                and not self._may_hide_nobody(value, (place, cell), (other, there))
                for (other, there), value in shown.items()
            ):
                raise _refused("a count that is masked for another's sake is shown elsewhere")

    def _may_hide_nobody(self, value: str, masked: Cell, shown: Cell) -> bool:
        """Whether a count may be masked so that nobody learns that it is another one, by chance."""
        return self._is_narrow(value) and self._means(masked) != self._means(shown)

    def _is_narrow(self, value: str) -> bool:
        """Whether two counts that are shown as this leave fewer between them than a mask."""
        least, most = self.rule.says(value)
        return most - least < self.rule.most_masked

    def _means(self, cell: Cell) -> object:
        return self.meanings[cell[0]][cell[1]]

    def _check_meanings(self) -> None:
        """Raise DisclosureError if counts that are declared to be of the same units are not."""
        first: dict[object, Numbers] = {}
        for place, sets in enumerate(self.sets):
            for cell, units in enumerate(sets) if not self.is_public[place] else ():
                means = self._means((place, cell))
                if not np.array_equal(first.setdefault(means, units), units):
                    raise _refused("counts are declared to be of the same units, and are not")

    def _check_by_chance(self, count: _Count) -> None:
        """Raise DisclosureError if two counts say that they are of the same units, by chance."""
        by_meaning: dict[object, dict[Cell, str]] = defaultdict(dict)
        for cell, value in self._shown(count).items():
            by_meaning[self._means(cell)][cell] = value
        for some, others in combinations(by_meaning.values(), 2):
            one, other = ({place for place, _ in cells} for cells in (some, others))
            old = all(self.is_public[place] for place in one | other)
            beside = any(self._share_days(a, b) for a in one for b in other)
            is_narrow = self._is_narrow(next(iter(some.values())))
            if is_narrow and beside and not old and not one & other:
                raise _refused("two counts say that nobody is in one of them alone")

    def _nearly_all(self, place: int, cell: int) -> bool:
        """Whether a cell holds all of a total but a few."""
        sets = self.sets[place]
        return any(
            len(sets[total]) - len(sets[part]) < self.rule.threshold
            for part, total in self.published[place].population.totals
            if part == cell
        )

    def _sums(self) -> Iterator[Terms]:
        """What adds up to all but a few: the counts added, and those taken away."""
        if not self.counts:
            return
        size = np.array([one.size for one in self.counts], dtype=np.int64)
        order = np.argsort(size, kind="stable")
        shared = _shared(self.counts)
        parts_of = (shared == size[:, None]) & self._bears()
        np.fill_diagonal(parts_of, val=False)
        ends = [self.rule.says(self.rule.rounded(int(one))) for one in size]
        for whole in range(len(size)):
            parts = order[parts_of[order, whole]]
            yield from (((whole,), (int(a),)) for a in parts if self._few(size[whole] - size[a]))
            least = np.array([ends[one][0] for one in parts], dtype=np.int64)
            inside = _Inside(
                size[parts], least, shared[np.ix_(parts, parts)], int(size[whole]), self.rule
            )
            for some in inside.left_by(int(ends[whole][1])):
                yield (whole,), tuple(parts[list(some)].tolist())
            for some in inside.filled():
                yield tuple(parts[list(some)].tolist()), (whole,)

    def _few(self, left: int) -> bool:
        return 0 < left < self.rule.threshold

    def _bears(self) -> Flags:
        """Which counts may be of the same days, and of one unit, or only people are left.

        Where as many of each are somebody's second unit, all who are left are in one alone.
        """
        many = len(self.published)
        days = np.array([[self._share_days(a, b) for b in range(many)] for a in range(many)])
        units = np.array(
            [[self._unit(a) == self._unit(b) for b in range(many)] for a in range(many)]
        )
        counted = np.zeros((len(self.counts), many), dtype=np.float32)
        for number, one in enumerate(self.counts):
            counted[number, [place for place, _ in one.cells]] = 1
        seconds = np.array([one.seconds for one in self.counts])
        of_days, of_both = (
            counted @ one.astype(np.float32) @ counted.T > 0 for one in (days, days & units)
        )
        return np.asarray(of_both | (of_days & (seconds[:, None] == seconds[None, :])))

    def _unit(self, place: int) -> str:
        return self.published[place].population.unit

    def _check_sum(self, more: Sequence[int], less: Sequence[int]) -> None:
        """Raise DisclosureError if shown counts say too much of the few that are left."""
        shown = [self._shown(self.counts[one]) for one in (*more, *less)]
        places = [{place for place, _ in some} for some in shown]
        if not all(shown) or set.intersection(*places):
            return  # what one population shows by itself, its own tables have to answer for
        if all(any(self.is_public[place] for place in some) for some in places):
            return  # it was public before
        says = [self.rule.says(next(iter(some.values()))) for some in shown]
        low = sum(a for a, _ in says[: len(more)]) - sum(b for _, b in says[len(more) :])
        high = sum(b for _, b in says[: len(more)]) - sum(a for a, _ in says[len(more) :])
        if low > 0 or high < self.rule.most_masked:
            raise _refused("several counts say of a few who is left between them how many they are")


@dataclass(frozen=True)
class _Inside:
    """The counts inside another, smallest first.

    Attributes:
        size: Units in each.
        least: The least that each can be for what is shown of it.
        shared: Units that two share.
        whole: Units in the other.
        rule: What is few.
    """

    size: Numbers
    least: Numbers
    shared: Numbers
    whole: int
    rule: Rule

    def left_by(self, most: int) -> Iterator[tuple[int, ...]]:
        """Two or three that share nobody and leave a few, or nobody where what is shown says so.

        Args:
            most: The most that the other can be for what is shown of it.
        """
        a, b = np.nonzero(np.triu(self.shared == 0, 1))
        left = self.whole - self.size[a] - self.size[b]
        telling = self._tells(left, most - self.least[a] - self.least[b])
        yield from zip(a[telling].tolist(), b[telling].tolist(), strict=True)
        # A third that is no smaller than the second, and of a size that leaves a few.
        start = np.maximum(np.searchsorted(self.size, left - self.rule.threshold, "right"), b + 1)
        many = np.maximum(np.searchsorted(self.size, left, "right") - start, 0)
        a, b, left = (np.repeat(one, many) for one in (a, b, left))
        c = _ranges(start, many)
        apart = (self.shared[a, c] == 0) & (self.shared[b, c] == 0)
        could_be = most - self.least[a] - self.least[b] - self.least[c]
        telling = apart & self._tells(left - self.size[c], could_be)
        yield from zip(*(one[telling].tolist() for one in (a, b, c)), strict=True)

    def filled(self) -> Iterator[tuple[int, int]]:
        """Two that share a few and have everybody of the other."""
        few = (self.shared > 0) & (self.shared < self.rule.threshold)
        a, b = np.nonzero(np.triu(few, 1))
        full = self.size[a] + self.size[b] - self.shared[a, b] == self.whole
        yield from zip(a[full].tolist(), b[full].tolist(), strict=True)

    def _tells(self, left: Numbers, could_be: Numbers) -> Flags:
        few = (left > 0) & (left < self.rule.threshold)
        return np.asarray(few | ((left == 0) & (could_be < self.rule.most_masked)))


def _units(people: Numbers, most: int) -> Numbers:
    """A number for each unit: the first of a person, the second and so on. People are in order."""
    first = np.concatenate([np.ones(min(len(people), 1), dtype=bool), people[1:] != people[:-1]])
    starts = np.flatnonzero(first)
    number = np.arange(len(people)) - np.repeat(starts, np.diff([*starts, len(people)]))
    return people * most + number


def _same(units: Numbers) -> bytes:
    """What only the same units have in common."""
    return hashlib.sha256(units.tobytes()).digest()


def _shared(counts: Sequence[_Count]) -> Numbers:
    """How many units two counts share, of all of them: through the counts that each unit is in."""
    units = np.concatenate([one.units for one in counts])
    number = np.repeat(np.arange(len(counts)), [one.size for one in counts])
    by_unit = np.argsort(units, kind="stable")
    number, units = number[by_unit], units[by_unit]
    found = np.zeros((len(counts), len(counts)), dtype=np.int64)
    for place, one in enumerate(counts):
        start = np.searchsorted(units, one.units, "left")
        many = np.searchsorted(units, one.units, "right") - start
        found[place] = np.bincount(number[_ranges(start, many)], minlength=len(counts))
    return found


def _ranges(start: Numbers, many: Numbers) -> Numbers:
    """Runs of whole numbers, one after the other: from a start, so many."""
    before = np.cumsum(many) - many
    return np.repeat(start - before, many) + np.arange(many.sum())


def _of(people: People, all_of: Sequence[Published]) -> list[Published]:
    """What is published of each population that the certificate says the people of.

    Raises:
        DisclosureError: If one is not published, or is named twice.
    """
    found = [
        [one for one in all_of if one.population.name == name and days in (None, one.period)]
        for name, days in zip(people.names, people.periods, strict=True)
    ]
    if any(len(some) != 1 for some in found) or len({id(one) for (one,) in found}) < len(found):
        raise _refused("it does not say who is in what is published")
    return [one for (one,) in found]


def _check_all_there(
    there: Sequence[Published],
    on_their_word: Sequence[bool],
    new: Sequence[Published],
    public: Sequence[Published],
) -> None:
    """Raise DisclosureError unless each new population is beside all that may count its days.

    What is public under its own name is part of its audit.
    """
    unsure = [one for one, word in zip(there, on_their_word, strict=True) if word]
    for one in new:
        others = [
            *(other for other in new if other is not one),
            *(other for other in public if other.population.name != one.population.name),
        ]
        beside = [
            other
            for other in others
            if any(some is one or some is other for some in unsure)
            or _overlap(one.period, other.period)
        ]
        if beside and any(all(some is not other for some in there) for other in (one, *beside)):
            raise _refused("it does not say who is in each population of the same days")


def _overlap(one: Period, other: Period) -> bool:
    return one.first <= other.last and other.first <= one.last


def _refused(why: str) -> DisclosureError:
    return DisclosureError(
        f"The release is not certified: {why}.", "Publish nothing; put it through the gate again."
    )
