"""Verifying the record: every leaf and root computed anew, and held against what was signed before.

It is read once, a row at a time; what is held is a few hashes and what is found to be wrong.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from governance.record.leaves import (
    CLOCK_BACK,
    CLOCK_RIGHT,
    CLOCK_TOLERANCE,
    ERASED,
    TAKEN_IN,
    as_moment,
    as_ranges,
    commitment,
    content,
    ranges,
)
from governance.record.merkle import Frontier, leaf_hash

LOG_ID_BYTES = 16
"""How much of the hash of the first leaf tells one record from another."""

NOT_OURS = (TypeError, ValueError, AttributeError, RecursionError)
"""What an entry raises that this program did not write, when it is read."""

TOLD = 20
"""How many faults of one kind are told one by one."""

Row = Sequence[Any]
"""A leaf and its entry as they are kept: number, commitment, salt, whether the entry is there, and
the eight texts of the entry as `governance.record.leaves.content` takes them."""


@dataclass
class Walk:
    """What walking through the record found.

    Args:
        log: Which record it is; empty where it has no entry.
        size: How many leaves there are.
        roots: Size → the root that the record has at it, for the sizes that were asked for.
        erased: Entries whose content is gone; a fault where no later entry says it was erased.
        taken_in: Entries that an earlier version had recorded, without proof until then.
        set_back: Entries that say they were written with the clock set back.
        clock_accepted: Entries that say the clock was right, and by how many seconds they lie
            before an earlier entry.
        erasures: Entries that say others were erased: number, when, and which.
        since: By number of an erased entry, when the last that stands before it was made, from
            there on.
        faults: What is wrong, in sentences.
    """

    log: str = ""
    size: int = 0
    roots: dict[int, bytes] = field(default_factory=dict)
    erased: Sequence[int] = ()
    taken_in: int = 0
    set_back: int = 0
    clock_accepted: Sequence[tuple[int, int]] = ()
    erasures: Sequence[tuple[int, str, range]] = ()
    since: Sequence[tuple[int, str]] = ()
    faults: list[str] = field(default_factory=list)


def log_id(first: bytes) -> str:
    """What tells a record from another, by the commitment of its first entry."""
    return leaf_hash(first)[:LOG_ID_BYTES].hex()


def walk(
    rows: Iterable[Row], size: int, packed: bytes, outside: int, wanted: Collection[int]
) -> Walk:
    """Go through the record once, computing every leaf and root anew.

    Args:
        rows: The leaves with their entries, by number.
        size: How many leaves the head says there are.
        packed: The roots that the head holds.
        outside: How many entries there are that have no leaf.
        wanted: The sizes at which the root is wanted.

    Returns:
        What was found; nothing that the record says is in it but numbers of entries.
    """
    found, frontier, seen = Walk(), Frontier(), _Seen()
    for kept_as, committed, salt, is_there, *said in rows:
        held = committed if isinstance(committed, bytes) else b""
        if frontier.size == 0:
            found.log = log_id(held)
        frontier.add(held)
        number = seen.number(kept_as, frontier.size)
        if is_there:
            seen.entry(number, held, salt, said)
        else:
            seen.no_entry(number, salt)
        if frontier.size in wanted:
            found.roots[frontier.size] = frontier.root()
    found.size, found.taken_in, found.set_back = frontier.size, seen.taken_in, seen.set_back
    found.erased, found.clock_accepted = seen.gone, seen.clock_accepted
    found.erasures, found.since = seen.erasures, seen.since
    found.faults = [*seen.faults(), *_of_the_head(frontier, size, packed, outside)]
    return found


class _Seen:
    """What is remembered of the rows that went by."""

    def __init__(self) -> None:
        self.taken_in = self.set_back = 0
        self.gone = array("q")
        self.clock_accepted: list[tuple[int, int]] = []
        self._last = 0
        self._latest = ""
        self._out_of_order = 0
        self._changed = array("q")
        self._halved = array("q")
        self._early = array("q")
        self._again = array("q")
        self.erasures: list[tuple[int, str, range]] = []
        self.since: list[tuple[int, str]] = []
        self._reach = ""

    def number(self, number: Any, place: int) -> int:
        """Take the next number, which is one more than the last; the place where it is none."""
        if number != self._last + 1:
            self._out_of_order += 1
        self._last = number if isinstance(number, int) else place
        return self._last

    def entry(self, number: int, held: bytes, salt: Any, said: Sequence[Any]) -> None:
        """Take an entry: what it says must be what its leaf commits to."""
        try:
            if commitment(salt, content(*said)) == held:
                self._read(number, said[0], said[7])
                return
        except NOT_OURS:
            pass
        self._changed.append(number)

    def _read(self, number: int, at: str, detail: str) -> None:
        """Read what an entry says of its time and of other entries.

        Raises:
            NOT_OURS: It is not as this program writes it, though its leaf commits to it.
        """
        if CLOCK_BACK in detail or CLOCK_RIGHT in detail or at < self._latest:
            self._clock(number, at, detail)
        else:
            self._latest = at
        self._reach = self._latest or self._reach
        if TAKEN_IN in detail and json.loads(detail).get(TAKEN_IN) == number - 1:
            if self.taken_in:
                self._again.append(number)
            self.taken_in = self.taken_in or number - 1
        if ERASED in detail:
            self.erasures += [(number, at, span) for span in erased_by(detail)]

    def no_entry(self, number: int, salt: Any) -> None:
        """Take a leaf whose entry is not there: both it and its salt must have been erased."""
        (self.gone if salt is None else self._halved).append(number)
        if not self.since or self.since[-1][1] != self._reach:
            self.since.append((number, self._reach))
        self._latest = ""

    def faults(self) -> list[str]:
        """What is wrong with the entries."""
        early = [number for number in self._early if number > self.taken_in]
        self.set_back += len(self._early) - len(early)
        explained = [(by, span) for by, _, span in self.erasures]
        kinds = [
            (self._changed, "does not say what was recorded", "do not say what was recorded"),
            (unexplained(self.gone, explained), "is gone and no entry says it was erased",
             "are gone and no entry says they were erased"),
            (self._halved, "was taken out by hand: only its salt is left",
             "were taken out by hand: only their salts are left"),
            (early, "lies before the one before it and does not say so",
             "lie before those before them and do not say so"),
            (self._again, "takes in an earlier version's entries a second time",
             "take in an earlier version's entries a second time"),
        ]  # fmt: skip
        said = [sentence(numbers, one, several) for numbers, one, several in kinds if numbers]
        if self._out_of_order:
            said.append(
                f"Numbers of entries are left out or come twice in {self._out_of_order} places."
            )
        return said

    def _clock(self, number: int, at: str, detail: str) -> None:
        said = json.loads(detail)  # a reason may hold the same words
        if CLOCK_BACK in said:
            self.set_back += 1
            return
        behind = as_moment(self._latest) - as_moment(at) if self._latest else timedelta()
        if CLOCK_RIGHT in said:
            self.clock_accepted.append((number, max(0, int(behind.total_seconds()))))
        elif behind > CLOCK_TOLERANCE:
            self._early.append(number)
        self._latest = at


def erased_by(detail: str) -> list[range]:
    """The numbers of the entries that an entry of this detail says were erased.

    Raises:
        NOT_OURS: It is not the detail of an entry.
    """
    told = json.loads(detail).get(ERASED) if ERASED in detail else None
    return list(ranges(told)) if isinstance(told, str) else []


def unexplained(gone: Sequence[int], erasures: Iterable[tuple[int, range]]) -> list[int]:
    """Entries that are gone though no later entry says they were erased.

    Args:
        gone: Their numbers, in order.
        erasures: The number of an entry on erasures, and numbers that it names.
    """
    explained = bytearray(len(gone))
    for by, span in erasures:
        first = bisect_left(gone, span.start)
        last = bisect_left(gone, min(span.stop, by))
        explained[first:last] = b"\1" * (last - first)
    return [number for number, told in zip(gone, explained, strict=True) if not told]


def sentence(numbers: Sequence[int], one: str, several: str) -> str:
    """Which entries are at fault and how."""
    if len(numbers) == 1:
        return f"Entry {numbers[0]:,} {one}."
    told = as_ranges(numbers[:TOLD]).replace(" ", ", ")
    more = f" and {len(numbers) - TOLD:,} more" if len(numbers) > TOLD else ""
    return f"Entries {told}{more} {several}."


def _of_the_head(frontier: Frontier, size: int, packed: bytes, outside: int) -> list[str]:
    """What is wrong with how many entries there are, and with what the head says of them."""
    said = []
    if outside:
        said.append(f"{outside:,} entries stand outside the record: nothing in it commits to them.")
    if not isinstance(size, int):
        said.append("The record's head is not as this program writes it.")
    elif size != frontier.size:
        said.append(
            f"The record's head counts {size:,} entries and {frontier.size:,} are there: some were "
            "added or taken away."
        )
    elif packed != frontier.packed():
        said.append(
            "The entries are not those that the record's head was made of: some were changed, "
            "moved, put in or taken away."
        )
    return said
