"""What the distances inside a group say: are two records of the store two people of a list?

Inside an anchor the distance of two filters follows how alike the values are, under any key. So the
attacker encodes the people of its list who share an anchor under keys of its own, and knows how far
apart each two of them should be. One pair of records says little; a hostel has thousands of pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from governance.attacks.bits import Indices, Reals, words_of
from governance.attacks.form import Anchor, Form
from schemas.encoded import FILTER_BITS

KEYS: Final = 16  # under which the attacker encodes its list
NOISE: Final = (0.25 / FILTER_BITS * (1 + 1 / KEYS)) ** 0.5  # of a distance about what is expected
MOST_EVIDENCE: Final = 9.0  # of one pair of pairs, either way
PAIRS: Final = 600  # of each side, the most telling, among which seeds are looked for
BINS: Final = np.arange(FILTER_BITS + 1) / FILTER_BITS

Shown = NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """Some records under one anchor.

    Args:
        rows: Which.
        apart: Distances, or what they are expected to be, of shape (records, records, filters).
        shown: What each two share for certain: a bit for each filter and token that is equal.
    """

    rows: Indices
    apart: Reals
    shown: Shown


def store_group(encoded: pl.DataFrame, rows: Indices, anchor: Anchor) -> Group:
    """A group of the store as the attacker sees it."""
    apart, shown = _measured(encoded[rows], anchor)
    return Group(rows, apart, shown)


def list_groups(
    known: pl.DataFrame, groups: Sequence[Indices], form: Form, anchor: Anchor
) -> list[Group]:
    """Groups of the attacker's list, with the distances to be expected of them."""
    if not groups:
        return []
    everybody = known[np.concatenate(groups)]
    ends = np.cumsum([len(rows) for rows in groups])
    encodings = [form.encode(everybody) for _ in range(KEYS)]
    made = []
    for rows, end in zip(groups, ends, strict=True):
        seen = [_measured(coded[end - len(rows) : end], anchor) for coded in encodings]
        made.append(Group(rows, np.mean([apart for apart, _ in seen], axis=0), seen[0][1]))
    return made


def _measured(encoded: pl.DataFrame, anchor: Anchor) -> tuple[Reals, Shown]:
    """Distances and what is shared; where either lacks a filter, a distance of 0 not shared."""
    apart = []
    shown = np.zeros((encoded.height, encoded.height), dtype=np.int64)
    for at, columns in enumerate(anchor.filters):
        words = words_of(encoded, columns)
        differing = np.bitwise_count(words[:, None] ^ words).sum(axis=2, dtype=np.float32)
        has = encoded[columns[0]].is_not_null().to_numpy()
        both = has[:, None] & has
        apart.append(np.where(both, differing / np.float32(FILTER_BITS), 0))
        shown |= (both & (differing == 0)).astype(np.int64) << at
    for at, token in enumerate(anchor.tokens, len(anchor.filters)):
        code = encoded[token].rank("dense").fill_null(0).to_numpy()
        shown |= ((code[:, None] == code) & (code > 0)).astype(np.int64) << at
    return np.stack(apart, axis=2), shown


class Yardstick:
    """How telling distances and shared things are, measured on the attacker's own list."""

    def __init__(self, own: Sequence[Group]) -> None:
        apart = np.concatenate([group.apart[_others(group)] for group in own])
        shown = np.concatenate([group.shown[_others(group)] for group in own])
        blur = np.exp(-0.5 * ((BINS[:, None] - BINS) / NOISE) ** 2) / (NOISE * (2 * np.pi) ** 0.5)
        self._usual = []
        for of_filter in apart.T:
            counts = np.bincount(_bins(of_filter[of_filter > 0]), minlength=len(BINS))
            self._usual.append(np.log(blur @ counts / max(counts.sum(), 1) + 1e-6))
        kinds, often = np.unique(shown, return_counts=True)
        self._kinds, self._worth = kinds, -np.log(often / often.sum())

    def worth(self, shown: Shown) -> Reals:
        """What it is worth that two pairs share the same things; nothing where no pair does."""
        at = np.searchsorted(self._kinds, shown).clip(0, len(self._kinds) - 1)
        return np.where(self._kinds[at] == shown, self._worth[at], 0).astype(np.float32)

    def usual(self, apart: Reals) -> Reals:
        """The logarithm of how usual the distances of unequal values are, all filters together."""
        total = np.zeros(apart.shape[:-1], dtype=np.float32)
        for at, log in enumerate(self._usual):
            total += np.where(apart[..., at] > 0, log[_bins(apart[..., at])], 0)
        return total


def _others(group: Group) -> NDArray[np.bool_]:
    return ~np.eye(len(group.rows), dtype=bool)


def _bins(apart: Reals) -> Shown:
    return np.rint(apart * FILTER_BITS).astype(np.int64)


class Fit:
    """The evidence that two records of the store are two people of the list.

    The logarithm of a normal likelihood against what is usual is a sum of products of what is known
    of the store's pair with what is known of the list's, so one matrix product gives it for many.
    """

    def __init__(self, store: Group, own: Group, yardstick: Yardstick) -> None:
        self.shape = len(store.rows), len(own.rows)
        self._store, self._own = store, own
        self._worth = yardstick.worth(own.shown)
        seen, expected = store.apart / NOISE, own.apart / NOISE
        constant = np.log(NOISE * (2 * np.pi) ** 0.5) * (store.apart > 0).sum(axis=2)
        alone = -0.5 * (seen**2).sum(axis=2) - constant - yardstick.usual(store.apart)
        theirs = -0.5 * (expected**2).sum(axis=2)
        self._seen = _stacked(alone, seen, np.ones_like(alone))
        self._expected = _stacked(np.ones_like(theirs), expected, theirs)
        self._rare = (
            _rarest(store, yardstick.worth(store.shown) - yardstick.usual(store.apart)),
            _rarest(own, self._worth - yardstick.usual(own.apart)),
        )

    def evidence(self, record: int, person: int) -> Reals:
        """For a record and a person taken for one: what each other such pair then gains."""
        gained = self._evidence(
            (np.full(self.shape[0], record), np.arange(self.shape[0])),
            (np.full(self.shape[1], person), np.arange(self.shape[1])),
        )
        gained[record] = gained[:, person] = 0
        return gained

    def seeds(self, most: int) -> list[list[tuple[int, int]]]:
        """The pairs of pairs that fit best, each in both ways round."""
        here, there = self._rare
        fits = self._evidence(here, there)
        best = np.argsort(-fits, axis=None, kind="stable")[: most // 2]
        found = []
        for store, own in zip(*np.unravel_index(best, fits.shape), strict=True):
            records = here[0][store], here[1][store]
            people = there[0][own], there[1][own]
            found += [[*zip(records, way, strict=True)] for way in (people, people[::-1])]
        return found

    def _evidence(self, here: tuple[Shown, Shown], there: tuple[Shown, Shown]) -> Reals:
        """For pairs of records and pairs of people; shape (pairs of records, pairs of people)."""
        near = self._seen[here] @ self._expected[there].T + self._worth[there]
        alike = self._store.shown[here][:, None] == self._own.shown[there]
        return np.clip(np.where(alike, near, -MOST_EVIDENCE), -MOST_EVIDENCE, MOST_EVIDENCE)


def _stacked(first: Reals, middle: Reals, last: Reals) -> Reals:
    return np.concatenate([first[..., None], middle, last[..., None]], axis=2).astype(np.float32)


def _rarest(group: Group, rarity: Reals) -> tuple[Shown, Shown]:
    one, other = np.triu_indices(len(group.rows), 1)
    best = np.argsort(-rarity[one, other], kind="stable")[:PAIRS]
    return one[best], other[best]
