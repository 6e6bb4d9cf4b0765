"""Entries that were erased before they were old enough: what went so soon was not retention.

When an erased entry was made is gone with it. But it was made after whatever stands before it, and
after every checkpoint of a smaller record: it is not older than the latest of those.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from governance.record.leaves import as_moment
from governance.record.verify import Walk, sentence


def erased_too_soon(
    found: Walk, keep: timedelta, made: Iterable[tuple[int, datetime]]
) -> list[str]:
    """Tell entries that were erased when they had been kept for less than they have to be.

    Args:
        found: The record, walked through.
        keep: For how long what entries say is kept.
        made: Checkpoints that the record goes on from: how many entries there were, and when.

    Returns:
        A sentence, or nothing.
    """
    after = _not_before(found, made)
    young: set[int] = set()
    for by, at, span in found.erasures:
        limit = as_moment(at) - keep
        for (first, moment), (following, _) in pairwise([*after, (by, limit)]):
            if moment > limit:
                start, stop = max(first, span.start), min(following, span.stop, by)
                young.update(_between(found.erased, start, stop))
    if not young:
        return []
    told = "was erased before it was old enough", "were erased before they were old enough"
    return [sentence(sorted(young), *told)]


def _not_before(found: Walk, made: Iterable[tuple[int, datetime]]) -> list[tuple[int, datetime]]:
    """From which number on entries are not older than which moment, by number."""
    known = [(number, as_moment(at)) for number, at in found.since if at]
    known += [(size + 1, moment) for size, moment in made]
    return sorted(known)


def _between(numbers: Sequence[int], start: int, stop: int) -> Sequence[int]:
    return numbers[bisect_left(numbers, start) : bisect_left(numbers, stop)]
