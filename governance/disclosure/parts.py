"""Masked parts of a published total: none may be worked out from the total and the other parts.

A published count r that was rounded to a base of 5 says that the true count lies in
[max(r - 2, threshold), r + 2]. A masked count says nothing but that it is a count. A part that is
masked alone can then be bounded from the total and its siblings. This finds such parts and masks
the smallest sibling too, until every masked part could be anything from 0 to threshold - 1.
It looks at one total and its parts; bounds across tables and over time need a joint audit.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance.disclosure.rules import BASE, MASKED, THRESHOLD


def bounds(shown: str, threshold: int = THRESHOLD, base: int = BASE) -> tuple[int, float]:
    """What a published count says of the true one: its least and its greatest value."""
    if shown == MASKED:
        return 0, float("inf")
    count = int(shown)
    if count == 0:
        return 0, 0
    return max(count - base // 2, threshold), count + (base - 1) // 2


def protect_parts(
    shown: Sequence[str],
    true: Sequence[int],
    total: str,
    threshold: int = THRESHOLD,
    base: int = BASE,
) -> list[str]:
    """Mask further parts until no masked one can be narrowed from the total.

    Args:
        shown: The gated parts: multiples of the base or the symbol of a masked count.
        true: Their true counts, which decide the sibling that is masked next: the smallest.
        total: The gated total; the true parts add up to the true total.
        threshold: As the gate was given.
        base: As the gate was given.

    Returns:
        The parts, some more of them masked.
    """
    parts = list(shown)
    while total != MASKED and _some_part_is_told(parts, total, threshold, base):
        open_parts = [place for place, part in enumerate(parts) if part not in (MASKED, "0")]
        if not open_parts:
            break
        parts[min(open_parts, key=lambda place: (true[place], place))] = MASKED
    return parts


def _some_part_is_told(parts: Sequence[str], total: str, threshold: int, base: int) -> bool:
    """Whether a masked part must be above 0, or must be below threshold - 1."""
    masked = parts.count(MASKED)
    if not masked:
        return False
    least_total, most_total = bounds(total, threshold, base)
    known = [bounds(part, threshold, base) for part in parts if part != MASKED]
    most = most_total - sum(least for least, _ in known)
    least = least_total - sum(greatest for _, greatest in known) if masked == 1 else 0
    return least > 0 or most < threshold - 1
