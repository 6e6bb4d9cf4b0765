"""What the hub keeps of a delivery, written again from docs/reference/encoding.md, pair by pair.

As `encoding_by_hand`, it shares nothing with the product.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise

from encoding_by_hand import COMPOSITES, FILTERS, STRONG_IDS, in_place_of

Row = dict[str, int | None]
ONE_PERSON = ("t_date_names_either", *(f"t_{name}" for name in STRONG_IDS))
VALUES = (
    *((f"t_{name}",) for name in COMPOSITES),
    *((f"f_{field}_{anchor}_0", f"f_{field}_{anchor}_1") for field, anchor in FILTERS),
)
DATES = [f"t_{name}" for name, parts in COMPOSITES.items() if "date" in parts]
POSTCODE, SECTOR, INITIAL, EXCHANGED = (
    "t_postcode_initials",
    "t_date_sector",
    "t_date_initial_sex",
    "t_initials_date_either",
)
NAMES = ("t_names_year", "t_names_daymonth", "t_names_lone", "t_names_either_sector")
FAR = {"forename": 43, "surname": 43, "dob": 40, "postcode": 38}
COMPARED = range(2, 61)


class Joined:
    """Things of which some were joined: of what each is part."""

    def __init__(self) -> None:
        self.above: dict[int, int] = {}

    def of(self, one: int) -> int:
        while one in self.above:
            one = self.above[one]
        return one

    def join(self, one: int, other: int) -> None:
        if self.of(one) != self.of(other):
            self.above[self.of(one)] = self.of(other)


def kept(rows: list[Row], words: list[list[int]], decided_by: list[Row] | None = None) -> list[Row]:
    """The rows of a delivery as the hub keeps them.

    Args:
        rows: The delivery in one epoch.
        words: The two stand-in words of each record in that epoch.
        decided_by: The same records in the earliest epoch, where that is another.
    """
    shared, stands_for = decided(decided_by or rows)
    left = []
    for at, row in enumerate(rows):
        made = dict(row)
        for columns in VALUES:
            if (at, columns) in shared:
                own = [row[column] for column in columns]
                stand_in = in_place_of(columns[0].removesuffix("_0"), words[stands_for[at]], own)
                made |= dict(zip(columns, stand_in, strict=True))
        left.append(made)
    return left


def decided(rows: list[Row]) -> tuple[set, list[int]]:
    """Which values of which records are not kept, and which record stands for each's person."""
    joined = Joined()
    for column in ONE_PERSON:
        for alike in having(rows, (column,)).values():
            for one, other in pairwise(alike):
                joined.join(one, other)
    sure = [joined.of(at) for at in range(len(rows))]
    for one, other in of_one(rows, set(compared(rows, sure))):
        joined.join(one, other)
    person = [joined.of(at) for at in range(len(rows))]
    several = {
        (at, columns)
        for columns in VALUES
        for alike in having(rows, columns).values()
        if len({person[at] for at in alike}) > 1
        for at in alike
    }
    for field, anchor in FILTERS:
        columns = (f"f_{field}_{anchor}_0", f"f_{field}_{anchor}_1")
        hangs = {at for at, of in several if of == (f"t_{anchor}",)}
        several |= {(at, columns) for at in hangs if rows[at][columns[0]] is not None}
    lowest = {person[at]: at for at in sorted(range(len(rows)), key=id_of(rows), reverse=True)}
    return several, [lowest[who] for who in person]


def compared(rows: list[Row], sure: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs of records of different persons that share a value, one record of each person."""
    for columns in VALUES:
        for alike in having(rows, columns).values():
            first = {sure[at]: at for at in sorted(alike, key=id_of(rows), reverse=True)}
            if len(first) in COMPARED:
                yield from combinations(first.values(), 2)


def of_one(rows: list[Row], pairs: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs of places that join two persons, of all that were compared."""
    told = [(at, Pair(rows[at[0]], rows[at[1]])) for at in pairs]
    undecided = [pair for _, pair in told if pair.by_chance() and not pair.other_ids()]
    unlike = sum(pair.unlike("forename", "date") for pair in undecided)
    mostly = unlike > 0 and unlike >= 4 * (len(undecided) - unlike)
    return [at for at, pair in told if not pair.of_two() and not (mostly and pair.thin())]


class Pair:
    """Two records that share a value."""

    def __init__(self, one: Row, other: Row) -> None:
        self.one, self.other = one, other

    def same(self, *columns: str) -> bool:
        return any(self.one[c] is not None and self.one[c] == self.other[c] for c in columns)

    def differ(self, column: str) -> bool:
        held = self.one[column], self.other[column]
        return None not in held and held[0] != held[1]

    def unlike(self, field: str, anchor: str) -> bool:
        apart = bits(self.one, self.other, field, anchor)
        return apart is not None and apart > FAR[field]

    def alike(self, field: str, anchor: str) -> bool:
        apart = bits(self.one, self.other, field, anchor)
        return apart is not None and apart <= FAR[field]

    def elsewhere(self) -> bool:
        """Of unlike surnames, at no postcode and in no sector that both share."""
        return self.unlike("surname", "date") and not self.same(POSTCODE, SECTOR)

    def other_sex(self) -> bool:
        masks = ("date_surname", "initials_either_date")
        return any(self.same(f"t_{name}") and self.differ(f"sex_{name}") for name in masks)

    def other_ids(self) -> bool:
        return any(self.differ(f"t_{name}") for name in STRONG_IDS if name != "local_id")

    def of_two(self) -> bool:
        """Whether the two by themselves are shown to be of two people."""
        if self.same(*DATES):
            near = self.same(POSTCODE) or (
                self.same(SECTOR) and self.alike("postcode", "date_sector")
            )
            besides = (
                self.other_ids()
                or self.other_sex()
                or (self.unlike("surname", "date") and not near)
            )
            if self.unlike("forename", "date") and besides:
                return True
            return self.elsewhere() and self.other_ids()
        if self.same(POSTCODE) and self.unlike("dob", "postcode_initials"):
            return True
        if self.same(*NAMES) and self.unlike("dob", "names"):
            return True
        home = self.same(*NAMES) or self.alike("dob", "postcode_initials")
        return self.other_ids() and not (self.same(POSTCODE) and home)

    def by_chance(self) -> bool:
        return self.same(INITIAL) and self.elsewhere()

    def thin(self) -> bool:
        """By chance, or of nothing in common but initials and an exchanged date."""
        others = (*DATES, POSTCODE, *NAMES)
        return self.by_chance() or (self.same(EXCHANGED) and not self.same(*others))


def bits(one: Row, other: Row, field: str, anchor: str) -> int | None:
    """In how many of 128 bits two filters differ; None where either is missing."""
    columns = [f"f_{field}_{anchor}_{word}" for word in range(2)]
    if None in (*(one[c] for c in columns), *(other[c] for c in columns)):
        return None
    return sum(((one[c] ^ other[c]) % 2**64).bit_count() for c in columns)


def having(rows: list[Row], columns: tuple[str, ...]) -> dict[tuple, list[int]]:
    """Which records have each value."""
    found = defaultdict(list)
    for at, row in enumerate(rows):
        if row[columns[0]] is not None:
            found[tuple(row[column] for column in columns)].append(at)
    return found


def id_of(rows: list[Row]) -> Callable[[int], int | None]:
    """The id of the record at a place, to sort by."""
    return lambda at: rows[at]["record_id"]
