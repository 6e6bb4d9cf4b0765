"""Publication windows: runs of days that never overlap, so that nothing can be differenced.

Every published unit belongs to one window and no published count spans two. A window is a quarter,
a half-year or a year, anchored on 1 April; a stock, whose days are those of a year, is published
once a financial year.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from governance.disclosure.timeline import Period
from schemas.errors import ConfigError

QUARTER, HALF_YEAR, YEAR = "quarter", "half-year", "year"
MONTHS = {QUARTER: 3, HALF_YEAR: 6, YEAR: 12}
ANCHOR = 4  # April


@dataclass(frozen=True, order=True)
class Window:
    """A run of whole quarters.

    Attributes:
        first: Its first day.
        last: Its last day.
    """

    first: date
    last: date

    @property
    def label(self) -> str:
        """The window in words: April to June 2026, or April 2025 to March 2026."""
        years = "" if self.first.year == self.last.year else f" {self.first.year}"
        return f"{self.first:%B}{years} to {self.last:%B} {self.last.year}"

    @property
    def period(self) -> Period:
        """The window, as the gate takes it."""
        return Period(self.first, self.last)

    def overlaps(self, other: Window | Period) -> bool:
        """Whether the two share a day."""
        return self.first <= other.last and other.first <= self.last


def window_of(day: date, length: str) -> Window:
    """The window that a day is in.

    Args:
        day: The day.
        length: quarter, half-year or year.

    Raises:
        ConfigError: If the length is none of them.
    """
    if length not in MONTHS:
        raise ConfigError(
            "The publication period is not one that is known.",
            f"Set publication_period to {', '.join(MONTHS)}.",
        )
    months = MONTHS[length]
    passed = (12 * day.year + day.month - ANCHOR) // months * months
    first, after = (_month(passed + ANCHOR + more) for more in (0, months))
    return Window(first, after - timedelta(days=1))


def whole_windows(quarters: Sequence[Window], length: str) -> list[Window]:
    """The windows all of whose quarters are given, oldest first.

    Args:
        quarters: Quarters, none of them twice.
        length: quarter, half-year or year.
    """
    found: dict[Window, int] = {}
    for quarter in quarters:
        window = window_of(quarter.first, length)
        found[window] = found.get(window, 0) + 1
    return sorted(window for window, many in found.items() if 3 * many == MONTHS[length])


def twelve_months(windows: Sequence[Window]) -> list[tuple[Window, tuple[Window, ...]]]:
    """Every run of windows that fills twelve months: the twelve months, and the windows in them."""
    found = []
    for last in windows:
        first = _month(12 * last.last.year + last.last.month - 11)
        parts = tuple(
            sorted(one for one in windows if first <= one.first and one.last <= last.last)
        )
        filled = sum((one.last - one.first).days + 1 for one in parts)
        if len(parts) > 1 and filled == (last.last - first).days + 1:
            found.append((Window(first, last.last), parts))
    return found


def _month(number: int) -> date:
    """The first day of a month that is counted from the year nought, January being 1."""
    year, month = divmod(number - 1, 12)
    return date(year, month + 1, 1)
