"""What the hub keeps of several partners, written again from docs/reference/encoding.md.

Points 8 to 14 of "What the hub keeps", pair by pair; `sharing_by_hand` has those before. As
`encoding_by_hand`, it shares nothing with the product.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from hashlib import shake_128
from itertools import combinations
from typing import NamedTuple

from encoding_by_hand import COMPOSITES, FILTERS
from sharing_by_hand import TOKENS, WORDS, Joined, Row, bits

Place = int
"""Of a record among all, in the order of partners' names and of ids."""

MEETING = range(2, 61)
PART_OF = {"dob": "date"}
LOWS_AND_HIGHS = {
    kind: frozenset({f"lower {kind}", f"higher {kind}"}) for kind in ("name", "initial")
}
SHOWS = (
    ({"date"}, {"year", "daymonth", "date_either"}),
    ({"date_either"}, {"year"}),
    ({"year", "daymonth"}, {"date"}),
    ({"postcode"}, {"home_sector"}),
    ({"home_sector"}, {"sector"}),
    ({"forename"}, {"initial"}),
    ({"surname"}, {"surname_initial"}),
    ({"forename", "surname"}, LOWS_AND_HIGHS["name"]),
    (LOWS_AND_HIGHS["name"], LOWS_AND_HIGHS["initial"]),
    (LOWS_AND_HIGHS["name"] | {"forename"}, {"surname"}),
    (LOWS_AND_HIGHS["name"] | {"surname"}, {"forename"}),
    ({"initial", "surname_initial"}, LOWS_AND_HIGHS["initial"]),
    (LOWS_AND_HIGHS["initial"] | {"initial"}, {"surname_initial"}),
    (LOWS_AND_HIGHS["initial"] | {"surname_initial"}, {"initial"}),
)
"""What parts that two records share show of others."""

SEX_BITS = {
    "t_date_surname": "sex_date_surname",
    "t_initials_either_date": "sex_initials_either_date",
}


class Holding(NamedTuple):
    """A value as one partner has it, of one composite."""

    partner: str
    value: int


class Meeting:
    """Two records of two partners that share a composite which not too many have."""

    def __init__(self, rows: list[Row], later: Place, earlier: Place) -> None:
        self.first, self.second = later, earlier
        self.one, self.other = rows[later], rows[earlier]

    @cached_property
    def order(self) -> tuple[int, Place, Place]:
        return -sum(map(self.same, TOKENS)), self.second, self.first

    def same(self, token: str) -> bool:
        return self.one[token] is not None and self.one[token] == self.other[token]

    def distance(self, columns: tuple[str, str]) -> int | None:
        return bits(self.one, self.other, columns)

    @cached_property
    def parts(self) -> frozenset[str]:
        alike = {part for name, of in COMPOSITES.items() if self.same(f"t_{name}") for part in of}
        for (field, _), (columns, token) in zip(FILTERS, WORDS.items(), strict=True):
            if self.same(token) and self.distance(columns) == 0:
                alike.add(PART_OF.get(field, field))
        return with_what_they_show(frozenset(alike))

    def must_share(self, token: str) -> bool:
        if None in (self.one[token], self.other[token]):
            return False
        return self.parts.issuperset(COMPOSITES[token.removeprefix("t_")])

    def apart(self, columns: tuple[str, str]) -> int | None:
        """How far the two have to be apart in a filter's field; None where it is not known."""
        field = field_of(columns)
        if PART_OF.get(field, field) in self.parts:
            return 0
        for others, token in WORDS.items():
            if others != columns and field_of(others) == field and self.same(token):
                distance = self.distance(others)
                if distance is not None:
                    return distance
        return None

    def tells_all(self, token: str) -> bool:
        """Whether it is known how far apart the two are in every filter under a composite."""
        return all(
            self.distance(columns) is None or self.apart(columns) is not None
            for columns in under(token)
        )


def consistent(rows: list[Row]) -> list[Row]:
    """The rows of all partners after points 8 to 14, in the order in which they came.

    Args:
        rows: What is kept of each partner's delivery by itself, ``partner`` among it.
    """
    before = sorted(rows, key=lambda row: (row["partner"], row["record_id"]))
    after = [dict(row) for row in before]
    pairs = sorted(meetings(before), key=lambda pair: pair.order)
    for token in TOKENS:
        bound = [pair for pair in pairs if pair.must_share(token)]
        if bound:
            One(token, before, bound).take_common_values(after)
    made = {(row["partner"], row["record_id"]): row for row in after}
    return [made[row["partner"], row["record_id"]] for row in rows]


def meetings(rows: list[Row]) -> Iterator[Meeting]:
    met = set()
    for token in TOKENS:
        for alike in places(rows, lambda row, token=token: row[token]).values():
            if len(alike) in MEETING:
                met |= set(combinations(alike, 2))
    for earlier, later in met:
        if rows[earlier]["partner"] != rows[later]["partner"]:
            yield Meeting(rows, later, earlier)


class One:
    """One composite of all partners."""

    def __init__(self, token: str, rows: list[Row], pairs: list[Meeting]) -> None:
        self.token, self.rows, self.pairs = token, rows, pairs
        self.having = places(rows, self.holding)
        self.group = grouped([(self.holding(p.one), self.holding(p.other)) for p in pairs])

    def holding(self, row: Row) -> Holding | None:
        value = row[self.token]
        return None if value is None else Holding(row["partner"], value)

    def common_values(self) -> dict[object, int]:
        """The common value of each group that has one."""
        groups_of = defaultdict(set)
        for held in self.having:
            groups_of[held.value].add(self.group.get(held, held))
        common: dict[object, int] = {}
        for held in sorted(self.having, key=lambda held: self.having[held][0]):
            if len(groups_of[held.value]) == 1 and held in self.group:
                common.setdefault(self.group[held], held.value)
        return common

    def take_common_values(self, after: list[Row]) -> None:
        common = self.common_values()
        settled = {held for held, group in self.group.items() if common.get(group) == held.value}
        open_ = {held for held, group in self.group.items() if group in common} - settled
        pairs = [pair for pair in self.pairs if pair.tells_all(self.token)]
        while True:
            told = {held: self.teller(held, settled, pairs) for held in open_}
            told = {held: ends for held, ends in told.items() if ends}
            for held, (pair, own, others) in told.items():
                self.turn(after, held, pair, own, others)
                for at in self.having[held]:
                    after[at][self.token] = common[self.group[held]]
            settled |= told.keys()
            open_ -= told.keys()
            if not told:
                return

    def teller(
        self, held: Holding, settled: set[Holding], pairs: list[Meeting]
    ) -> tuple[Meeting, Place, Place] | None:
        """The pair from which a holding takes the common value: it, its own record, the other."""
        for later in (True, False):
            for pair in pairs:
                own, others = (pair.first, pair.second) if later else (pair.second, pair.first)
                other = self.holding(self.rows[others])
                same = self.holding(self.rows[own]) == held
                if same and other in settled and self.group[other] == self.group[held]:
                    return pair, own, others
        return None

    def turn(
        self, after: list[Row], held: Holding, pair: Meeting, own: Place, others: Place
    ) -> None:
        """Turn the filters and the sex bit under the composite in all records of a holding."""
        for columns in under(self.token):
            if pair.distance(columns) is None:
                continue
            turned = [after[own][c] ^ after[others][c] for c in columns]
            had = [self.rows[own][c] for c in columns]
            noise = drawn(pair.apart(columns), held.value, had)
            for at in self.having[held]:
                for c, word, draw in zip(columns, turned, noise, strict=True):
                    if after[at][c] is not None:
                        after[at][c] ^= word ^ draw
        if self.token not in SEX_BITS:
            return
        (mask, other_bit), bit = other_than(self.token), SEX_BITS[self.token]
        pair_bits = after[own][bit], after[others][bit]
        turned = None not in pair_bits and pair_bits[0] != pair_bits[1]
        others_bits = pair.one[other_bit], pair.other[other_bit]
        if None not in others_bits and pair.same(mask) and others_bits[0] != others_bits[1]:
            turned = not turned
        for at in self.having[held]:
            if turned and after[at][bit] is not None:
                after[at][bit] ^= 1


def grouped(pairs: list[tuple[Holding, Holding]]) -> dict[Holding, int]:
    """The group of each holding of a pair, from the pairs in the order in which they join."""
    number = {held: at for at, held in enumerate(dict.fromkeys(h for pair in pairs for h in pair))}
    joined = Joined()
    members = {at: {held.partner} for held, at in number.items()}
    for one, other in pairs:
        ends = joined.of(number[one]), joined.of(number[other])
        if not members[ends[0]] & members[ends[1]]:
            joined.join(*ends)
            members[joined.of(ends[0])] = members[ends[0]] | members[ends[1]]
    return {held: joined.of(at) for held, at in number.items()}


def drawn(distance: int, value: int, words: list[int]) -> list[int]:
    """The bits of a filter's two words that are drawn to be turned."""
    message = b"".join(n.to_bytes(8, "little", signed=True) for n in (value, *words))
    stream = shake_128(message).digest(256)
    filter_ = bytearray(16)
    for at in range(128):
        if int.from_bytes(stream[2 * at : 2 * at + 2], "little") < distance * 512:
            filter_[at // 8] |= 128 >> at % 8
    return [int.from_bytes(filter_[at : at + 8], "little", signed=True) for at in (0, 8)]


@cache
def with_what_they_show(parts: frozenset[str]) -> frozenset[str]:
    shown = parts.union(*(told for of, told in SHOWS if parts >= of))
    return shown if shown == parts else with_what_they_show(shown)


@cache
def under(token: str) -> list[tuple[str, str]]:
    """The columns of the filters whose anchor is a composite."""
    return [columns for columns, anchor in WORDS.items() if anchor == token]


def field_of(columns: tuple[str, str]) -> str:
    return columns[0].split("_")[1]


def other_than(token: str) -> tuple[str, str]:
    """The composite that masks the other sex bit, and that bit."""
    return next(item for item in SEX_BITS.items() if item[0] != token)


def places(rows: Iterable[Row], of: Callable[[Row], object]) -> dict[object, list[Place]]:
    """The records that have the same, in their order; those that have nothing left out."""
    found = defaultdict(list)
    for at, row in enumerate(rows):
        if of(row) is not None:
            found[of(row)].append(at)
    return found
