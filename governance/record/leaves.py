"""What a leaf of the record holds: a commitment to an entry, which says nothing of it by itself.

The commitment is SHA-256 over 32 random bytes, the salt, and the entry. Without the salt nobody can
try entries on it; when entry and salt are erased the commitment stays and every proof still holds.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from json.encoder import encode_basestring_ascii as quoted

SALT_BYTES = 32

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far an entry may lie before the one before it: clocks are set by seconds, and writers wait
for one another (2026-11)."""

CLOCK_BACK = "clock_back_seconds"
"""In an entry's detail: by how much its time lies before that of an earlier entry."""
CLOCK_RIGHT = "clock_set_right"
"""In the detail of the entry that says the clock is right now, though entries lie ahead of it."""
TAKEN_IN = "taken_in"
"""In the detail of the entry that took in what an earlier version had recorded: how many."""
ERASED = "erased_entries"
"""In the detail of an entry on the erasure of others: their numbers, such as `3 7-9`."""

RESTORED = "restored_backup"
"""In the detail of the entry that says the record was put back from a backup: which."""
RESTORED_AT = "entries_then"
"""Beside it: how many entries that backup had; what was recorded after them is lost."""

RECEIPT = "receipt"
"""In the detail of an entry on a receipt: its digest. Receipts are kept for good."""

LASTING = (ERASED, TAKEN_IN, CLOCK_RIGHT, RESTORED, RECEIPT)
"""What explains other entries or receipts: an entry with one of these in its detail is never
erased."""

RANGE = re.compile(r"([1-9][0-9]{0,17})(?:-([1-9][0-9]{0,17}))?")


def new_salt() -> bytes:
    """32 fresh random bytes."""
    return secrets.token_bytes(SALT_BYTES)


def content(
    at: str,
    actor: str,
    action: str,
    purpose: str,
    recipients: str,
    run_id: str | None,
    partner: str | None,
    detail: str,
) -> bytes:
    """An entry as it is committed to: a JSON list of its eight texts.

    Args:
        at: When, as `moment` writes it.
        actor: Who.
        action: What was done.
        purpose: Why.
        recipients: For whom.
        run_id: In which run.
        partner: Whose data.
        detail: How much, as the JSON text that is kept.

    Raises:
        TypeError: One is no text.
    """
    said = (at, actor, action, purpose, recipients, run_id, partner, detail)
    # What json.dumps makes of a list of texts, in a third of the time: a million are verified.
    return f"[{', '.join(['null' if one is None else quoted(one) for one in said])}]".encode()


def commitment(salt: bytes, said: bytes) -> bytes:
    """The commitment to what an entry says.

    Raises:
        ValueError: The salt is not of its one length, which is what parts it from the entry.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has 32 bytes")
    return hashlib.sha256(salt + said).digest()


def moment(at: datetime) -> str:
    """A moment as it is committed to, in UTC, such as 2026-11-22 02:00:11.000000."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def as_moment(text: str) -> datetime:
    """The moment that `moment` wrote.

    Raises:
        ValueError: It did not.
    """
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def as_ranges(numbers: Iterable[int]) -> str:
    """Numbers as text, those in a row as a range: `3 7-9`."""
    ordered = enumerate(sorted(set(numbers)))
    runs = ([n for _, n in run] for _, run in groupby(ordered, lambda pair: pair[1] - pair[0]))
    return " ".join(f"{run[0]}-{run[-1]}" if run[1:] else str(run[0]) for run in runs)


def ranges(text: str) -> Iterator[range]:
    """The numbers that `as_ranges` wrote; what it did not write is passed over."""
    for found in (RANGE.fullmatch(word) for word in text.split()):
        if found is not None:
            yield range(int(found[1]), int(found[2] or found[1]) + 1)
