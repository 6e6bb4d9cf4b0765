"""Checking without a solver that populations of the same people tell nothing of each other.

It shares no code with the comparison that the gate makes. The certificate says who is in which
population, by number; each published count is laid out as one whole number with a bit a unit, so
that what is the same, inside or apart is a matter of a few operations on bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.certificate import People
from governance.disclosure.release import Published
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.timeline import Period

Cell = tuple[int, int]  # the place of a population, and of a cell in it
Terms = tuple[tuple["_Count", ...], tuple["_Count", ...]]


@dataclass(eq=False)
class _Count:
    """All the cells that count the same units.

    Attributes:
        bits: The units.
        size: How many they are.
        seconds: How many of them are somebody's second unit, or a later one.
        cells: Where they are counted.
    """

    bits: int
    size: int
    seconds: int
    cells: list[Cell] = field(default_factory=list)


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
        names = {one.population.name: one for one in (*public, *new)}
        if not {one.population.name for one in new} <= set(people.names) <= names.keys():
            raise _refused("it does not say who is in what is published")
        self.people, self.rule = people, rule
        self.published = [names[name] for name in people.names]
        self.is_public = [name not in {one.population.name for one in new} for name in people.names]
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
        self.again = 0  # the bits of people's second units and later
        self.sets = list(self._sets())

    def check(self) -> int:
        """Raise DisclosureError if something is told; return how many sums were looked at."""
        by_units: dict[int, _Count] = {}
        for place, sets in enumerate(self.sets):
            for cell, bits in enumerate(sets):
                seconds = (bits & self.again).bit_count()
                count = by_units.setdefault(bits, _Count(bits, bits.bit_count(), seconds))
                count.cells.append((place, cell))
        counts = [one for one in by_units.values() if one.size >= self.rule.threshold]
        self._check_meanings()
        for count in counts:
            self._check_elsewhere(count)
            self._check_by_chance(count)
        looked_at = 0
        for more, less in self._sums(counts):
            self._check_sum(more, less)
            looked_at += 1
        return looked_at

    def _sets(self) -> Iterator[list[int]]:
        """By population: the units in each cell, a bit each."""
        every = np.concatenate([np.empty(0, dtype=np.int64), *(r[:, 0] for r in self.people.rows)])
        most = max((int(np.bincount(r[:, 0]).max()) for r in self.people.rows if len(r)), default=0)
        width = most * (int(every.max(initial=-1)) + 1)
        self.again = _number(np.arange(width) % max(most, 1) > 0)
        for one, rows in zip(self.published, self.people.rows, strict=True):
            if len(rows) and int(rows[:, 1].max()) >= len(one.population.atoms):
                raise _refused("it has somebody in what cannot be")
            ordered = rows[np.argsort(rows[:, 0], kind="stable")]
            yield [
                _bits(ordered[:, 0][held[ordered[:, 1]]], most, width)
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
        units: dict[object, int] = {}
        for place, sets in enumerate(self.sets):
            for cell, bits in enumerate(sets) if not self.is_public[place] else ():
                if units.setdefault(self._means((place, cell)), bits) != bits:
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
            sets[total].bit_count() - sets[part].bit_count() < self.rule.threshold
            for part, total in self.published[place].population.totals
            if part == cell
        )

    def _sums(self, counts: Sequence[_Count]) -> Iterator[Terms]:
        """What adds up to all but a few: the counts added, and those taken away."""
        few = range(1, self.rule.threshold)
        ends = {id(one): self.rule.says(self.rule.rounded(one.size)) for one in counts}

        def tells(left: int, whole: _Count, *parts: _Count) -> bool:
            """Whether a few are left, or nobody where what is shown would say so."""
            most = ends[id(whole)][1] - sum(ends[id(part)][0] for part in parts)
            return left in few or (left == 0 and most < self.rule.most_masked)

        for whole in counts:
            parts = [
                one
                for one in counts
                if one is not whole
                and one.bits & whole.bits == one.bits
                and self._bears(one, whole)
            ]
            of_size: Mapping[int, list[_Count]] = defaultdict(list)
            for one in parts:
                of_size[one.size].append(one)
                if whole.size - one.size in few:
                    yield (whole,), (one,)
            place = {id(one): number for number, one in enumerate(parts)}
            for a, b in combinations(parts, 2):
                both = (a.bits & b.bits).bit_count()
                left = whole.size - a.size - b.size
                if both in few and left + both == 0:
                    yield (a, b), (whole,)
                if both:
                    continue
                if tells(left, whole, a, b):
                    yield (whole,), (a, b)
                for c in (c for rest in (0, *few) for c in of_size.get(left - rest, ())):
                    apart = place[id(c)] > place[id(b)] and not c.bits & (a.bits | b.bits)
                    if apart and tells(left - c.size, whole, a, b, c):
                        yield (whole,), (a, b, c)

    def _bears(self, one: _Count, other: _Count) -> bool:
        """Whether two counts may be of the same days, and of one unit, or only people are left.

        Where as many of each are somebody's second unit, all who are left are in one alone.
        """
        return any(
            self._share_days(a, b)
            and (one.seconds == other.seconds or self._unit(a) == self._unit(b))
            for a, _ in one.cells
            for b, _ in other.cells
        )

    def _unit(self, place: int) -> str:
        return self.published[place].population.unit

    def _check_sum(self, more: Sequence[_Count], less: Sequence[_Count]) -> None:
        """Raise DisclosureError if shown counts say too much of the few that are left."""
        shown = [self._shown(one) for one in (*more, *less)]
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


def _bits(people: NDArray[np.int64], most: int, width: int) -> int:
    """A bit for each unit: the first of a person, the second and so on."""
    first = np.concatenate([np.ones(min(len(people), 1), dtype=bool), people[1:] != people[:-1]])
    starts = np.flatnonzero(first)
    number = np.arange(len(people)) - np.repeat(starts, np.diff([*starts, len(people)]))
    held = np.zeros(width, dtype=bool)
    held[people * most + number] = True
    return _number(held)


def _number(held: NDArray[np.bool_]) -> int:
    """Flags as one whole number."""
    return int.from_bytes(np.packbits(held).tobytes())


def _overlap(one: Period, other: Period) -> bool:
    return one.first <= other.last and other.first <= one.last


def _refused(why: str) -> DisclosureError:
    return DisclosureError(
        f"The release is not certified: {why}.", "Publish nothing; put it through the gate again."
    )
