"""What the hub keeps of a delivery, written again from docs/reference/encoding.md, pair by pair.

As `encoding_by_hand`, it shares nothing with the product.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, pairwise

from encoding_by_hand import COMPOSITES, FILTERS, STRONG_IDS, in_place_of

Row = dict[str, int | None]
ONE_PERSON = ("t_date_names_either", *(f"t_{name}" for name in STRONG_IDS))
TOKENS = tuple(f"t_{name}" for name in COMPOSITES)
WORDS = {
    (f"f_{field}_{anchor}_0", f"f_{field}_{anchor}_1"): f"t_{anchor}" for field, anchor in FILTERS
}
"""The two words of each filter, and the token with which it goes."""

DATES = [f"t_{name}" for name, parts in COMPOSITES.items() if "date" in parts]
POSTCODES = ("t_postcode_initials", "t_postcode_surname", "t_postcode_forename")
NAMES = ("t_names_year", "t_names_daymonth", "t_names_lone", "t_names_either_sector")
SECTOR, INITIAL, EXCHANGED = "t_date_sector", "t_date_initial_sex", "t_initials_date_either"
UNDATED = ("forename", "surname", "dob")
"""What two records without a date of birth in common are told apart by."""
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
    values = {(token,): token for token in TOKENS} | WORDS
    left = []
    for at, row in enumerate(rows):
        made = dict(row)
        for columns, token in values.items():
            own = [row[column] for column in columns]
            if (at, token) in shared and None not in own:
                stand_in = in_place_of(columns[0].removesuffix("_0"), words[stands_for[at]], own)
                made |= dict(zip(columns, stand_in, strict=True))
        left.append(made)
    return left


def decided(rows: list[Row]) -> tuple[set[tuple[int, str]], list[int]]:
    """Which records do not keep which tokens, and which record stands for each's person."""
    joined = surely_one(rows)
    sure = [joined.of(at) for at in range(len(rows))]
    for one, other in of_one(rows, set(compared(rows, sure))):
        joined.join(one, other)
    person = [joined.of(at) for at in range(len(rows))]
    several = {
        (at, token)
        for token in TOKENS
        for alike in having(rows, token)
        if len({person[at] for at in alike}) > 1
        for at in alike
    }
    lowest = {person[at]: at for at in sorted(range(len(rows)), key=id_of(rows), reverse=True)}
    return several, [lowest[who] for who in person]


def surely_one(rows: list[Row]) -> Joined:
    """The records of one person by an id or by names and date: point 1."""
    joined = Joined()
    for column in ONE_PERSON:
        for alike in having(rows, column):
            for one, other in pairwise(alike):
                joined.join(one, other)
    return joined


def compared(rows: list[Row], sure: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs of records of different persons that share a value, one record of each person."""
    for token in TOKENS:
        for alike in having(rows, token):
            first = {sure[at]: at for at in sorted(alike, key=id_of(rows), reverse=True)}
            if len(first) in COMPARED:
                yield from combinations(first.values(), 2)


def of_one(rows: list[Row], pairs: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs of places that join two persons, of all that were compared."""
    told = [(at, Pair(rows[at[0]], rows[at[1]])) for at in pairs]
    undecided = [pair for _, pair in told if pair.by_chance() and not pair.other_ids()]
    unlike = sum(pair.unlike("forename") for pair in undecided)
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

    def apart(self, field: str) -> int | None:
        """The least distance under the anchors that both share; None where there is none."""
        told = [
            bits(self.one, self.other, columns)
            for columns, token in WORDS.items()
            if columns[0].split("_")[1] == field and self.same(token)
        ]
        return min((distance for distance in told if distance is not None), default=None)

    def unlike(self, field: str) -> bool:
        apart = self.apart(field)
        return apart is not None and apart > FAR[field]

    def alike(self, field: str) -> bool:
        apart = self.apart(field)
        return apart is not None and apart <= FAR[field]

    def elsewhere(self) -> bool:
        """Of unlike surnames, at no postcode and in no sector that both share."""
        return self.unlike("surname") and not self.same(*POSTCODES, SECTOR)

    def other_sex(self) -> bool:
        masks = ("date_surname", "initials_either_date")
        return any(self.same(f"t_{name}") and self.differ(f"sex_{name}") for name in masks)

    def other_ids(self) -> bool:
        return any(self.differ(f"t_{name}") for name in STRONG_IDS if name != "local_id")

    def of_two(self) -> bool:
        """Whether the two by themselves are shown to be of two people."""
        if self.same(*DATES):
            return self.of_two_on_a_date()
        return any(map(self.unlike, UNDATED)) or self.other_ids_apart()

    def of_two_on_a_date(self) -> bool:
        """Whether two that share a date of birth are shown to be of two people."""
        near = self.same(*POSTCODES) or self.alike("postcode")
        besides = self.other_ids() or self.other_sex() or (self.unlike("surname") and not near)
        return (self.unlike("forename") and besides) or (self.elsewhere() and self.other_ids())

    def other_ids_apart(self) -> bool:
        """Of two ids, and not at one home with a name or a date that is alike."""
        at_home = self.same(*POSTCODES) and (self.same(*NAMES) or self.alike("dob"))
        return self.other_ids() and not at_home

    def by_chance(self) -> bool:
        return self.same(INITIAL) and self.elsewhere()

    def thin(self) -> bool:
        """By chance, or of nothing in common that can be told but initials and exchanged dates."""
        others = (*DATES, *POSTCODES, *NAMES)
        exchanged = self.same(EXCHANGED) and not self.same(*others)
        return self.by_chance() or (exchanged and self.apart("forename") is None)


def bits(one: Row, other: Row, columns: tuple[str, str]) -> int | None:
    """In how many of 128 bits two filters differ; None where either is missing."""
    if None in (*(one[c] for c in columns), *(other[c] for c in columns)):
        return None
    return sum(((one[c] ^ other[c]) % 2**64).bit_count() for c in columns)


def having(rows: list[Row], column: str) -> Iterable[list[int]]:
    """The records of each value of a column."""
    found = defaultdict(list)
    for at, row in enumerate(rows):
        if row[column] is not None:
            found[row[column]].append(at)
    return found.values()


def id_of(rows: list[Row]) -> Callable[[int], int | None]:
    """The id of the record at a place, to sort by."""
    return lambda at: rows[at]["record_id"]
