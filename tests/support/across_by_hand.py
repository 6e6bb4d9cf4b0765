"""What the hub keeps of a delivery beside other partners, again from docs/reference/encoding.md.

Point 7 of "What the hub keeps", pair by pair; `sharing_by_hand` has those before and
`consistency_by_hand` those after. As `encoding_by_hand`, it shares nothing with the product.
"""

from __future__ import annotations

from collections.abc import Iterator

import sharing_by_hand
from encoding_by_hand import in_place_of
from sharing_by_hand import (
    DATES,
    POSTCODES,
    TOKENS,
    UNDATED,
    WORDS,
    Joined,
    Pair,
    Row,
    surely_one,
)

Delivery = tuple[list[Row], list[list[int]]]
"""The rows of a partner after points 1 to 6, and the two stand-in words of each."""


def beside_each_other(
    coming: dict[str, Delivery], held: list[Row], before: dict[str, Delivery] | None = None
) -> list[Row]:
    """All rows once deliveries are put in at once, partner by partner in the order of names.

    Args:
        coming: Of each partner that delivers.
        held: What the store has of all partners.
        before: Of each partner what it delivered last.
    """
    now = [row for row in held if row["partner"] not in coming]
    for partner in sorted(coming):
        standing = stand(coming[partner], (before or {}).get(partner, ([], [])))
        stay = [row for row in held if row["partner"] == partner and row["record_id"] in standing]
        fresh = [
            (row, pair)
            for row, pair in zip(*coming[partner], strict=True)
            if row["record_id"] not in standing
        ]
        rows, words = [row for row, _ in fresh], [pair for _, pair in fresh]
        now += stay + beside(rows, words, now + stay)
    return now


def stand(coming: Delivery, before: Delivery) -> set[int | None]:
    """The ids of records that are delivered as before, and all that share values with them."""
    was = {row["record_id"]: (row, pair) for row, pair in zip(*before, strict=True)}
    rows = coming[0]
    same = [was.get(row["record_id"]) == (row, pair) for row, pair in zip(*coming, strict=True)]
    joined = Joined()
    for token in (*TOKENS, *sharing_by_hand.ONE_PERSON):
        for sharing in sharing_by_hand.having(rows, token):
            for other in sharing[1:]:
                joined.join(sharing[0], other)
    changed = {joined.of(at) for at in range(len(rows)) if not same[at]}
    return {row["record_id"] for at, row in enumerate(rows) if joined.of(at) not in changed}


def beside(rows: list[Row], words: list[list[int]], held: list[Row]) -> list[Row]:
    """The fresh rows of a delivery beside what is held, in their order.

    Args:
        rows: What is fresh of the delivery after points 1 to 6.
        words: The two stand-in words of each record.
        held: The rows of all other partners and those of this one that stand.
    """
    left = [dict(row) for row in rows]
    for token, having in of_somebody_else(rows, held):
        stand_in = words[lowest(rows, having)]
        for columns in [(token,), *(of for of, anchor in WORDS.items() if anchor == token)]:
            for at in having:
                own = [rows[at][column] for column in columns]
                if None not in own:
                    made = in_place_of(columns[0].removesuffix("_0"), stand_in, own)
                    left[at] |= dict(zip(columns, made, strict=True))
    return left


def of_somebody_else(rows: list[Row], held: list[Row]) -> Iterator[tuple[str, list[int]]]:
    """Each value that is not kept: of which composite, and the records of the delivery with it."""
    every = rows + held
    joined = surely_one(every)
    theirs: dict[str, list[int]] = {}
    for at in range(len(rows), len(every)):
        if every[at]["partner"] not in {row["partner"] for row in rows}:
            theirs.setdefault(every[at]["partner"], []).append(at)
    for token in TOKENS:
        for value in {row[token] for row in rows} - {None}:
            having = [at for at, row in enumerate(rows) if row[token] == value]
            one = lowest(every, having)
            others = [[at for at in of if every[at][token] == value] for of in theirs.values()]
            met = [lowest(every, alike) for alike in others if alike]
            if any(
                joined.of(one) != joined.of(other) and of_two(Pair(every[one], every[other]))
                for other in met
            ):
                yield token, having


def of_two(pair: Pair) -> bool:
    """Whether records of two partners, of no one person by point 1, are of two people."""
    if pair.same(*DATES):
        return pair.of_two_on_a_date()
    no_home = not pair.same(*POSTCODES, "t_names_either_sector")
    return (
        sum(map(pair.unlike, UNDATED)) >= 2
        or (no_home and pair.unlike("dob"))
        or pair.other_ids_apart()
    )


def lowest(rows: list[Row], places: list[int]) -> int:
    """The place of the record of the lowest id, of some."""
    return min(places, key=lambda at: rows[at]["record_id"])
