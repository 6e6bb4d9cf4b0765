"""Rates, medians and survival curves, from published counts alone.

Nothing here sees a true count, so a reader with the published counts could work out the same, and
nothing can be worked back from it that they do not have.
"""

from __future__ import annotations

from collections.abc import Sequence

from governance.disclosure.rules import MASKED, NOT_APPLICABLE, NOT_AVAILABLE, DisclosureError

_SHORTHAND = (MASKED, NOT_AVAILABLE, NOT_APPLICABLE)


def percentage(numerator: str, denominator: str) -> str:
    """Return a whole percentage of two published counts.

    Args:
        numerator: A published count.
        denominator: A published count.

    Returns:
        The percentage as text, or the shorthand that says why there is none: without a denominator
        ``[z]``; else a masked count gives ``[c]``, else ``[x]``; a denominator of 0 gives ``[z]``.
    """
    return rate(numerator, denominator, per=100)


def rate(numerator: str, denominator: str, *, per: int = 1000) -> str:
    """Return how many of a published count there are to so many of another, in whole numbers.

    Args:
        numerator: A published count.
        denominator: A published count.
        per: To how many.

    Returns:
        The rate as text, or shorthand as for ``percentage``.
    """
    if denominator == NOT_APPLICABLE:
        return NOT_APPLICABLE
    for shorthand in _SHORTHAND:
        if shorthand in (numerator, denominator):
            return shorthand
    above, below = _count(numerator), _count(denominator)
    if below == 0:
        return NOT_APPLICABLE
    # Halves go up, as a reader with a calculator expects.
    return str((2 * per * above + below) // (2 * below))


def median_band(bands: Sequence[tuple[str, str]]) -> str:
    """Return the band that the median lies in.

    Args:
        bands: Label and published count of each band, in order.

    Returns:
        The label; ``[c]`` when any band is masked, since it may then be another; ``[z]`` when
        nobody is counted.
    """
    if any(shown == MASKED for _, shown in bands):
        return MASKED
    counts = [_count(shown) for _, shown in bands]
    half, passed = sum(counts) / 2, 0
    for (label, _), count in zip(bands, counts, strict=True):
        passed += count
        if passed and passed >= half:
            return label
    return NOT_APPLICABLE


def survival(remaining: Sequence[str]) -> tuple[str, ...]:
    """Return the percentage that remains at each of some fixed times.

    Args:
        remaining: Published counts of those who remain, everyone first.

    Returns:
        A percentage of the first for each, never above the one before it, which rounding could make
        it; shorthand where there is none.
    """
    shares: list[str] = []
    lowest = 100
    for shown in remaining:
        share = percentage(shown, remaining[0])
        if share not in _SHORTHAND:
            lowest = min(lowest, int(share))
            share = str(lowest)
        shares.append(share)
    return tuple(shares)


def _count(shown: str) -> int:
    """A published count as a number.

    Raises:
        DisclosureError: If it is not one.
    """
    if not (shown.isascii() and shown.isdigit()):
        raise DisclosureError(
            "A rate was asked of something that is not a published count.",
            "Work rates out from what the gate returned.",
        )
    return int(shown)
