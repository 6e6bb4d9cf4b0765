"""Who is whom, told by how near each filter of each two records lies.

The attacker takes every two people of its list who share an anchor, encodes the list under keys of
its own, and so knows how far apart each filter of the two should lie under any key. It then asks of
every two records of the store that may be theirs, by what staging tells of each, how much likelier
their distances are if they are those two than if they are any two, and adds up over all the people
that somebody on the list shares an anchor with. No pair has to be found first, as in a graph of
tokens: filters that compare without a token showing it are weighed like any others. A reviewer
showed that this gained one to two points on version 8, whose filters hung on dates and on both
names (docs/adr/0048, 0049).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from governance.attacks.bits import Indices, Words, words_of
from governance.attacks.form import Anchor, anchor_values
from governance.attacks.nearness import Usual, likelihoods, usual_of
from governance.attacks.token_graph import MOST_SHARING, TOKENS, colours

Reals = NDArray[np.float64]
Truths = NDArray[np.bool_]

NAME: Final = "insider, weighing distances"
KEYS: Final = 5  # under which the attacker encodes its list
MOST_RECORDS: Final = 20_000  # beyond, candidates are those that share a token: the rest is noise
AT_ONCE: Final = 400_000  # candidates
SHOWN: Final = 12.0  # logarithm of what a token is worth that both share, or only the store's two
MEET: Final = 1e-3  # the share of two classes' pairs that share an anchor by chance
SUREST: Final = 0.999  # that somebody on the list is in the store at all
BEYOND: Final = 2.0  # times as likely as by staging, from which on a guess is made
LEAST, HIGHEST = -50.0, 40.0  # bounds of logarithms


@dataclass(frozen=True)
class Listed:
    """The attacker's list.

    Args:
        people: In plain.
        own: Encoded under keys of the attacker's own, and kept as the hub would.
        overlap: The share of it that the attacker takes to be in the store.
    """

    people: pl.DataFrame
    own: Sequence[pl.DataFrame]
    overlap: float


@dataclass(frozen=True)
class Side:
    """Encoded records as the attack takes them.

    Args:
        words: The words of each filter.
        has: Whether a record has the filter, filter by filter.
        tokens: A code for each record, 0 for none, token by token.
    """

    words: list[Words]
    has: list[Truths]
    tokens: list[Indices]


@dataclass(frozen=True)
class Pairs:
    """Pairs of people of the list who share something.

    Args:
        one: The first's row of the list.
        other: The second's.
        shares: Whether they share an anchor, of shape (anchors, pairs).
        apart: How far apart their filters should lie, in bits, of shape (filters, pairs).
    """

    one: Indices
    other: Indices
    shares: Truths
    apart: Reals


class Classes(NamedTuple):
    """The records of the store that may be each person's, by what staging tells.

    Args:
        records: The store's records, class by class.
        of_record: Where the class of each record begins in it.
        first: Where the class of each person of the list begins in it.
        size: How many records the class has.
    """

    records: Indices
    of_record: Indices
    first: Indices
    size: Indices


class Candidates(NamedTuple):
    """Two records of the store that may be the two of a pair, for many pairs in their order.

    Args:
        pair: Which pair.
        first: The place of the one record in its class.
        second: That of the other.
        one: The one record.
        other: The other.
    """

    pair: Indices
    first: Indices
    second: Indices
    one: Indices
    other: Indices


def weigh(
    target: pl.DataFrame,
    listed: Listed,
    staging: tuple[pl.DataFrame, pl.DataFrame],
    anchors: Sequence[Anchor],
    persons: Indices,
) -> pl.Series:
    """The likeliest person of the list for each record of which more is told than by staging.

    Args:
        target: The store.
        listed: The attacker's list.
        staging: What is known of each record of the store, and of each person of the list.
        anchors: On which filters hang.
        persons: Which records seem to be one person's.

    Returns:
        A row of the list for each record, null for no guess.
    """
    classes, overlap = _classes(*staging), min(listed.overlap, SUREST)
    pairs = _list_pairs(listed, anchors)
    pairs = _some(pairs, np.flatnonzero(classes.size[pairs.one] * classes.size[pairs.other]))
    scales = Scales(target, listed.own[0], anchors, pairs, persons)
    start = np.cumsum(classes.size) - classes.size
    gained = np.zeros(int(classes.size.sum()))
    for some, found in _candidates(target, pairs, classes):
        worth = scales.weigh(some, found)
        for people, others, place in (
            (some.one, some.other, found.first),
            (some.other, some.one, found.second),
        ):
            key, at = np.unique(found.pair * target.height + place, return_inverse=True)
            pair, held = np.divmod(key, target.height)
            # Of all that may be the other, what is not among the candidates counts as 1.
            more = np.bincount(at, worth - 1) / classes.size[others[pair]]
            np.add.at(gained, start[people[pair]] + held, np.log1p(overlap * more))
    return _told(gained, classes, overlap, target.height)


def _classes(store: pl.DataFrame, listed: pl.DataFrame) -> Classes:
    """Which records of the store look like each person of the list."""
    both = pl.concat([colours(frame, frame.columns) for frame in (store, listed)])
    code = both.rank("dense").cast(pl.Int64).to_numpy() - 1
    here, there = code[: store.height], code[store.height :]
    held = np.bincount(here, minlength=int(code.max(initial=-1)) + 1)
    first = np.cumsum(held) - held
    return Classes(np.argsort(here, kind="stable"), first[here], first[there], held[there])


def _list_pairs(listed: Listed, anchors: Sequence[Anchor]) -> Pairs:
    """The pairs of people of the list who share an anchor or a token, and their distances."""
    own = listed.own
    shared = [_anchor_codes(listed, anchor) for anchor in anchors]
    codes = [*shared, *_tokens(own[0])]
    found = pl.concat(_sharing(code) for code in codes).unique().sort("one", "other")
    one, other = (found[end].cast(pl.Int64).to_numpy() for end in ("one", "other"))
    shares = [_equal(_codes(code), one, other) for code in shared]
    apart = [
        np.mean([_bits(words_of(each, columns), one, other) for each in own], axis=0)
        for columns in _filters(anchors)
    ]
    return Pairs(one, other, np.stack(shares), np.stack(apart))


def _anchor_codes(listed: Listed, anchor: Anchor) -> pl.Series:
    """Who on the list shares an anchor: by the token that goes with it, else in plain."""
    if anchor.token is None:
        return anchor_values(listed.people, anchor.parts)
    return listed.own[0][anchor.token]


def _sharing(code: pl.Series) -> pl.DataFrame:
    """The pairs of rows of one code, of classes that are not too large."""
    rows = code.alias("code").to_frame().with_row_index("one").drop_nulls()
    some = rows.filter(pl.len().over("code").is_between(2, MOST_SHARING))
    return (
        some.join(some.rename({"one": "other"}), on="code")
        .filter(pl.col("one") < pl.col("other"))
        .select("one", "other")
    )


def _tokens(encoded: pl.DataFrame) -> list[pl.Series]:
    return [encoded[token] for token in TOKENS if token in encoded.columns]


def _codes(code: pl.Series) -> Indices:
    return code.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()


def _equal(code: Indices, one: Indices, other: Indices) -> Truths:
    return (code[one] == code[other]) & (code[one] > 0)


def _bits(words: Words, one: Indices, other: Indices) -> Reals:
    return np.bitwise_count(words[one] ^ words[other]).sum(axis=1, dtype=np.float64)


def _filters(anchors: Sequence[Anchor]) -> list[tuple[str, ...]]:
    return [columns for anchor in anchors for columns in anchor.filters]


def _side(encoded: pl.DataFrame, anchors: Sequence[Anchor]) -> Side:
    filters = _filters(anchors)
    return Side(
        [words_of(encoded, columns) for columns in filters],
        [encoded[columns[0]].is_not_null().to_numpy() for columns in filters],
        [_codes(token) for token in _tokens(encoded)],
    )


def _some(pairs: Pairs, rows: Indices) -> Pairs:
    return Pairs(pairs.one[rows], pairs.other[rows], pairs.shares[:, rows], pairs.apart[:, rows])


def _candidates(
    target: pl.DataFrame, pairs: Pairs, classes: Classes
) -> Iterator[tuple[Pairs, Candidates]]:
    """The pairs in parts, and what may be each: all of two classes, or what shares a token."""
    if target.height > MOST_RECORDS:
        yield pairs, _meeting(target, pairs, classes)
        return
    each = classes.size[pairs.one] * classes.size[pairs.other]
    part = (np.cumsum(each) - each) // AT_ONCE
    for rows in np.split(np.arange(len(each)), np.flatnonzero(np.diff(part)) + 1):
        some = _some(pairs, rows)
        yield some, _all(some, classes)


def _all(pairs: Pairs, classes: Classes) -> Candidates:
    """Every record of the first's class beside every one of the second's."""
    wide = classes.size[pairs.other]
    each = classes.size[pairs.one] * wide
    pair = np.repeat(np.arange(len(each)), each)
    place = np.arange(len(pair)) - (np.cumsum(each) - each)[pair]
    first, second = place // wide[pair], place % wide[pair]
    return Candidates(
        pair,
        first,
        second,
        classes.records[classes.first[pairs.one][pair] + first],
        classes.records[classes.first[pairs.other][pair] + second],
    )


def _meeting(target: pl.DataFrame, pairs: Pairs, classes: Classes) -> Candidates:
    """Those records of the two classes that share a token."""
    met = pl.concat(_sharing(token) for token in _tokens(target)).unique()
    both = pl.concat([met, met.select(one="other", other="one")]).sort("one", "other")
    one, other = (both[end].cast(pl.Int64).to_numpy() for end in ("one", "other"))
    place = np.argsort(classes.records)
    begin = classes.of_record
    edges = pl.DataFrame(
        {
            "these": begin[one],
            "those": begin[other],
            "first": place[one] - begin[one],
            "second": place[other] - begin[other],
            "one": one,
            "other": other,
        }
    )
    sought = pl.DataFrame(
        {"these": classes.first[pairs.one], "those": classes.first[pairs.other]}
    ).with_columns(pair=pl.int_range(pl.len(), dtype=pl.Int64))
    found = sought.join(edges, on=["these", "those"], maintain_order="left_right")
    return Candidates(*(found[name].to_numpy() for name in Candidates._fields))


class Scales:
    """What candidates are weighed by: the store, the list, and what is usual."""

    def __init__(
        self,
        target: pl.DataFrame,
        own: pl.DataFrame,
        anchors: Sequence[Anchor],
        pairs: Pairs,
        persons: Indices,
    ) -> None:
        self._store, self._own = _side(target, anchors), _side(own, anchors)
        self._anchors, self._persons = anchors, persons
        self._usual = _usual(pairs, anchors)

    def weigh(self, pairs: Pairs, found: Candidates) -> Reals:
        """How much likelier each candidate is than any two records."""
        log = self._by_tokens(pairs, found)
        at = 0
        for shares, anchor in zip(pairs.shares, self._anchors, strict=True):
            filters = range(at, at + len(anchor.filters))
            at += len(anchor.filters)
            rows = np.flatnonzero(shares[found.pair])
            some = Candidates(*(column[rows] for column in found))
            theirs, noise, others = sum(
                (self._by_distance(of, pairs, some) for of in filters), np.zeros((3, len(rows)))
            )
            log[rows] += theirs - np.logaddexp(np.log1p(-MEET) + noise, np.log(MEET) + others)
        worth = np.exp(np.clip(log, LEAST, HIGHEST))
        return np.where(self._persons[found.one] == self._persons[found.other], 0, worth)

    def _by_tokens(self, pairs: Pairs, found: Candidates) -> Reals:
        """What tokens say. What the list's two share and the store's do not may be a stand-in."""
        both = np.zeros(len(found.pair), dtype=bool)
        only = np.zeros(len(found.pair))
        for code, listed in zip(self._store.tokens, self._own.tokens, strict=True):
            shown = _equal(code, found.one, found.other)
            expected = _equal(listed, pairs.one, pairs.other)[found.pair]
            both |= shown & expected
            only += shown & ~expected
        return SHOWN * (both - only)

    def _by_distance(self, of: int, pairs: Pairs, found: Candidates) -> Reals:
        """The likelihoods of one filter's distances, 0 where any of the four lacks the filter."""
        listed = self._own.has[of][pairs.one] & self._own.has[of][pairs.other]
        has = self._store.has[of]
        both = listed[found.pair] & has[found.one] & has[found.other]
        bits = _bits(self._store.words[of], found.one, found.other)
        return np.where(both, likelihoods(bits, pairs.apart[of][found.pair], self._usual[of]), 0)


def _usual(pairs: Pairs, anchors: Sequence[Anchor]) -> list[Usual]:
    """What is usual of each filter's distance where the anchor is shared and values differ."""
    made: list[Usual] = []
    for shares, anchor in zip(pairs.shares, anchors, strict=True):
        for _ in anchor.filters:
            bits = pairs.apart[len(made)]
            made.append(usual_of(bits[shares & (bits > 0)]))
    return made


def _told(gained: Reals, classes: Classes, overlap: float, records: int) -> pl.Series:
    """The person of the highest probability for each record, where that is beyond staging's."""
    people = len(classes.size)
    person = np.repeat(np.arange(people), classes.size)
    place = np.arange(len(gained)) - (np.cumsum(classes.size) - classes.size)[person]
    top = np.zeros(people)
    np.maximum.at(top, person, gained)
    odds = np.exp(gained - top[person])
    none = (1 - overlap) / overlap * classes.size * np.exp(-top)
    likely = odds / (np.bincount(person, odds, people) + none)[person]
    beyond = likely * classes.size[person] / overlap > BEYOND
    record = classes.records[classes.first[person] + place]
    best = (
        pl.DataFrame({"record": record, "person": person, "likely": likely})
        .filter(pl.Series(beyond))
        .sort("likely", "person", descending=[True, False])
        .unique("record", keep="first", maintain_order=True)
    )
    rows = pl.DataFrame({"record": np.arange(records)})
    return rows.join(best, on="record", how="left", maintain_order="left")["person"]
