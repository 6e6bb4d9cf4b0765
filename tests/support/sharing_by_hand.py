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
    for one, other in compared(rows, sure):
        if not of_two(rows[one], rows[other]):
            joined.join(one, other)
    person = [joined.of(at) for at in range(len(rows))]
    several = {
        (at, columns)
        for columns in VALUES
        for alike in having(rows, columns).values()
        if len({person[at] for at in alike}) > 1
        for at in alike
    }
    lowest = {person[at]: at for at in sorted(range(len(rows)), key=id_of(rows), reverse=True)}
    return several, [lowest[who] for who in person]


def compared(rows: list[Row], sure: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs of records of different persons that share a value, one record of each person."""
    for columns in VALUES:
        for alike in having(rows, columns).values():
            first = {sure[at]: at for at in sorted(alike, key=id_of(rows), reverse=True)}
            if len(first) in COMPARED:
                yield from combinations(first.values(), 2)


def of_two(one: Row, other: Row) -> bool:
    """Whether two records are shown to be of two people."""

    def same(*columns: str) -> bool:
        return any(one[c] is not None and one[c] == other[c] for c in columns)

    def differ(column: str) -> bool:
        return None not in (one[column], other[column]) and one[column] != other[column]

    def unlike(field: str, anchor: str) -> bool:
        apart = bits(one, other, field, anchor)
        return apart is not None and apart > FAR[field]

    postcode = "t_postcode_initials"
    if same(*DATES):
        apart = bits(one, other, "postcode", "date")
        near = same(postcode) or (apart is not None and apart <= FAR["postcode"])
        ids = any(differ(f"t_{name}") for name in STRONG_IDS)
        besides = ids or differ("sex_date") or (unlike("surname", "date") and not near)
        return unlike("forename", "date") and besides
    return (same(postcode) and unlike("dob", "postcode_initials")) or (
        same(*NAMES) and unlike("dob", "names")
    )


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
