"""What partners keep of one person agrees wherever the rest of it shows that it must.

A value that two people of a delivery share is replaced (`shared`), delivery by delivery. So a
partner that knows a person's kin keeps a stand-in where another keeps the value. As composites
imply each other, whoever holds the store would see that one of the two is a stand-in, and so that
this person has kin there (docs/adr/0050).

Here the two are given one value. Within one partner's records nothing is told by it: those that
shared a value share the new one, those that did not do not, and filters that hang on it lie as far
apart as before. Nobody's key is needed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from governance.encoding.implied import (
    FIELD_PARTS,
    NAMES,
    Bits,
    Numbers,
    Pairs,
    Records,
    Truths,
    Words,
    implied,
)
from schemas.encoded import (
    FILTER_BITS,
    FILTERS,
    SEX_MASKS,
    filter_columns,
    sex_column,
    token_column,
)


def consistent(kept: pl.DataFrame) -> pl.DataFrame:
    """Give records of two partners one value of each composite that they must share.

    Args:
        kept: The columns of ``encoded_schema()``, of several partners and one epoch, each
            partner's as :func:`~governance.encoding.shared.without_shared` gives them or as they
            were made consistent before.

    Returns:
        The same rows in the same order.
    """
    if kept["partner"].n_unique() < 2:
        return kept
    place = kept.select(pl.arg_sort_by("partner", "record_id")).to_series()
    records = Records.of(kept[place])
    pairs, must = implied(records)
    made: dict[str, NDArray[np.signedinteger]] = {}
    for name, needed in zip(NAMES, must.T, strict=True):
        values = records.values[name]
        both = (values[pairs.one] != 0) & (values[pairs.other] != 0)
        made |= _agreed(records, name, pairs[needed & both])
    columns = [
        pl.Series(column, held, dtype=kept.schema[column]).set(records.kept[column].is_null(), None)
        for column, held in made.items()
    ]
    return records.kept.with_columns(columns)[place.arg_sort()]


@dataclass(frozen=True)
class _Holdings:
    """Each value of a composite as one partner has it, which is one person's.

    Args:
        of_row: The holding of each record, -1 where it is not asked.
        value: The value of each holding; of shape (holdings,).
        becomes: The value that it is to take; its own if it stays.
    """

    of_row: Numbers
    value: Numbers
    becomes: Numbers


@dataclass(frozen=True)
class _Moved:
    """What becomes of one composite and of all that hangs on it.

    Args:
        name: The composite.
        words: The words of each filter that hangs on it.
        sexes: The bits of sex that it masks, if it does.
    """

    name: str
    words: dict[tuple[str, str], Words]
    sexes: Bits | None


def _agreed(records: Records, name: str, pairs: Pairs) -> dict[str, NDArray[np.signedinteger]]:
    """The columns of a composite, and of what hangs on it, once pairs share what they must."""
    values = records.values[name]
    if (values[pairs.one] == values[pairs.other]).all():
        return {}
    holdings = _holdings(records, values, pairs)
    moved = _Moved(
        name,
        {pair: records.filter(pair).copy() for pair in FILTERS if pair[1] == name},
        records.sexes(name).copy() if name in SEX_MASKS else None,
    )
    settled = holdings.value == holdings.becomes
    mine, theirs = holdings.of_row[pairs.one], holdings.of_row[pairs.other]
    of_one = holdings.becomes[mine] == holdings.becomes[theirs]
    while True:
        there = pairs[of_one & settled[theirs] & ~settled[mine]]
        back = pairs[of_one & settled[mine] & ~settled[theirs]].turned()
        followed = _move(records, moved, there + back, holdings)
        if not len(followed):
            break
        settled[followed] = True
    named = np.append(np.where(settled, holdings.becomes, holdings.value), 0)[holdings.of_row]
    made = {token_column(name): np.where(holdings.of_row < 0, values, named)}
    for pair, words in moved.words.items():
        made |= dict(zip(filter_columns(*pair), words.view(np.int64).T, strict=True))
    return made if moved.sexes is None else made | {sex_column(name): moved.sexes}


def _holdings(records: Records, values: Numbers, pairs: Pairs) -> _Holdings:
    """What is asked of pairs, and the value that each is to take.

    It is one of the group's that nobody else has, and of those the one that stands first.
    """
    asked = pl.Series(values[np.concatenate([pairs.one, pairs.other])]).unique().implode()
    rows = pl.DataFrame({"partner": records.partner, "value": values}).with_row_index("row")
    rows = rows.filter(pl.col("value").is_in(asked))
    held = rows.unique(["partner", "value"], keep="first", maintain_order=True)
    numbered = held.select("partner", "value").with_row_index("holding")
    of_each = rows.join(numbered, on=["partner", "value"], maintain_order="left")["holding"]
    of_row = np.full(len(values), -1, dtype=np.int64)
    of_row[rows["row"].to_numpy()] = of_each.to_numpy()
    ends = of_row[pairs.one], of_row[pairs.other]
    group = pl.Series("group", _groups(ends, held["partner"].to_numpy()))
    grouped = held.select("value", group)
    own = pl.len().over("group", "value") == pl.len().over("value")
    first = grouped.filter(own).unique("group", keep="first", maintain_order=True)
    both = grouped.join(first, on="group", how="left", suffix="_own", maintain_order="left")
    return _Holdings(
        of_row,
        held["value"].to_numpy(),
        both.select(pl.coalesce("value_own", "value")).to_series().to_numpy(),
    )


def _groups(ends: tuple[Numbers, Numbers], partner: Numbers) -> Numbers:
    """Which holdings are one person's, of whom a partner has one holding.

    Where a partner would come to have two, pairs are joined in their order until it would.
    """
    size = len(partner)
    graph = coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    clashes = (
        pl.DataFrame({"group": group, "partner": partner})
        .filter(pl.len().over("group", "partner") > 1)["group"]
        .unique()
    )
    within = np.isin(group[ends[0]], clashes.to_numpy())
    group = group.astype(np.int64)
    if within.any():
        lone = np.isin(group, clashes.to_numpy())
        group[lone] = size + np.flatnonzero(lone)
        _join_in_order(group, partner, ends[0][within], ends[1][within])
    return group


def _join_in_order(group: Numbers, partner: Numbers, one: Numbers, other: Numbers) -> None:
    """Join holdings of pairs, one pair after another, where no partner comes to have two."""
    asked = np.unique(np.concatenate([one, other]))
    members = {int(group[at]): [int(at)] for at in asked}
    for left, right in dict.fromkeys(zip(one.tolist(), other.tolist(), strict=True)):
        into, out_of = int(group[left]), int(group[right])
        if into == out_of:
            continue
        both = members[into] + members[out_of]
        if len({int(partner[at]) for at in both}) == len(both):
            group[members[out_of]] = into
            members[into] = both
            del members[out_of]


def _move(records: Records, moved: _Moved, pairs: Pairs, holdings: _Holdings) -> Numbers:
    """Let each holding that is first in a pair have the filters of the other's value.

    Returns the holdings that were moved: all but those of which nothing shows how far apart their
    filters should lie.
    """
    apart = np.array([_apart(records, pair, pairs) for pair in moved.words], dtype=np.int64)
    apart = apart.reshape(len(moved.words), len(pairs.one))
    chosen = _first_of_each(holdings.of_row[pairs.one], np.all(apart >= 0, axis=0))
    pairs, apart = pairs[chosen], apart[:, chosen]
    followed = holdings.of_row[pairs.one]
    rows, of_row = _rows_of(followed, holdings.of_row)
    for words, bits in zip(moved.words.values(), apart, strict=True):
        shifts = _shifts(words, pairs, bits, holdings.value[followed])
        has = words[rows].any(axis=1)
        words[rows[has]] ^= shifts[of_row[has]]
    if moved.sexes is not None:
        turns = _turns(records, moved.name, moved.sexes, pairs)
        has = moved.sexes[rows] >= 0
        moved.sexes[rows[has]] ^= turns[of_row[has]]
    return followed


def _first_of_each(holding: Numbers, can: Truths) -> Numbers:
    """The place of the first pair of each holding that can be followed."""
    places = np.flatnonzero(can)
    return places[np.unique(holding[places], return_index=True)[1]]


def _rows_of(some: Numbers, of_row: Numbers) -> tuple[Numbers, Numbers]:
    """The rows of some holdings, and the place among these of each row's."""
    place = np.full(int(of_row.max(initial=-1)) + 2, -1, dtype=np.int64)
    place[some] = np.arange(len(some))
    rows = np.flatnonzero(place[of_row] >= 0)
    return rows, place[of_row[rows]]


def _apart(records: Records, pair: tuple[str, str], pairs: Pairs) -> Numbers:
    """How far apart the filters of two records should lie under an anchor that they are to share.

    0 where they have one value of the field; else as far as under the first other anchor that they
    share; -1 if there is none. Where either has no filter there is nothing to ask.
    """
    of, anchor = pair
    apart = np.where(pairs.known[:, list(FIELD_PARTS).index(of)], 0, -1)
    for each in FILTERS:
        if each[0] == of and each[1] != anchor:
            apart = np.where(apart < 0, records.apart(each, pairs.one, pairs.other), apart)
    return np.where(_both(records.filter(pair), pairs), apart, 0)


def _both(words: Words, pairs: Pairs) -> Truths:
    """Whether both records of pairs have a filter."""
    return np.logical_and(words[pairs.one].any(axis=1), words[pairs.other].any(axis=1))


def _shifts(words: Words, pairs: Pairs, apart: Numbers, before: Numbers) -> Words:
    """The bits to turn in every filter that hangs on a value which is replaced.

    The record that is followed comes to lie as far from the other as it should, and all that share
    the value are shifted alike.
    """
    mine, theirs, both = words[pairs.one], words[pairs.other], _both(words, pairs)
    shifts: Words = np.where(both[:, None], mine ^ theirs, 0).astype(np.uint64)
    for at in np.flatnonzero(both & (apart > 0)):
        shifts[at] ^= _differing(before[at].tobytes() + mine[at].tobytes(), int(apart[at]))
    return shifts


def _differing(secret: bytes, apart: int) -> Words:
    """Bits in which filters of two values differ, as if another key had drawn them.

    Args:
        secret: What the draw hangs on: what stood there, which is kept nowhere.
        apart: How far apart the two are under another anchor.
    """
    drawn = np.frombuffer(hashlib.shake_128(secret).digest(2 * FILTER_BITS), dtype="<u2")
    return np.packbits(drawn < (apart << 16) // FILTER_BITS).view(np.uint64)


def _turns(records: Records, name: str, sexes: Bits, pairs: Pairs) -> Bits:
    """Whether masked bits of sex are turned: to show one sex, or two if another mask does."""
    turns = np.zeros(len(pairs.one), dtype=np.int8)
    for mask in SEX_MASKS:
        bits = sexes if mask == name else records.sexes(mask)
        one, other = bits[pairs.one], bits[pairs.other]
        compares = (one >= 0) & (other >= 0)
        if mask != name:
            compares &= records.share(mask, pairs.one, pairs.other)
        turns ^= np.where(compares, one ^ other, 0).astype(np.int8)
    return turns
