"""Published numbers: how they read, what they say of the truth, and what may be added up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from governance.disclosure import MASKED, NOT_APPLICABLE, NOT_AVAILABLE, percentage

CLOSE = 10  # points that rounding may leave open where one percentage is said
IN_WORDS = {
    MASKED: "confidential",
    NOT_AVAILABLE: "not available",
    NOT_APPLICABLE: "not applicable",
}


@dataclass(frozen=True)
class Window:
    """One window of days in which things were counted, in order of its days.

    Attributes:
        start: Its first day.
        end: Its last day.
        label: As readers know it, such as ``April to June 2026``.
    """

    start: date
    end: date
    label: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Window:
        """The window of a row of one of a pack's tables."""
        return cls(row["period_start"], row["period_end"], row["period"])

    def follows(self, earlier: Window) -> bool:
        """Whether this window begins on the day after another that is about as long."""
        return (self.start - earlier.end).days == 1 and self.months == earlier.months

    @property
    def in_a_sentence(self) -> Window:
        """The same days, called as in the middle of a sentence: the twelve months to June 2026."""
        if not self.label.startswith("Twelve"):
            return self
        return replace(self, label=f"the {lower(self.label)}")

    @property
    def months(self) -> int:
        """How many calendar months it touches."""
        return 12 * (self.end.year - self.start.year) + self.end.month - self.start.month + 1


@dataclass(frozen=True)
class Figure:
    """One published figure: a count, or a share of one.

    Attributes:
        above: The published numerator, or a plain count.
        below: The published denominator; ``[z]`` for a plain count.
        base: What published counts are rounded to.
        parts: How many published counts each of the two is a sum of.
        linkage: By how much it may move with the link threshold, either way, in its unit.
    """

    above: str
    below: str = NOT_APPLICABLE
    base: int = 5
    parts: int = 1
    linkage: float = 0

    @property
    def is_share(self) -> bool:
        """Whether it is told as a percentage."""
        return self.below != NOT_APPLICABLE

    @property
    def shown(self) -> str:
        """The percentage, or the plain count, as published."""
        return percentage(self.above, self.below) if self.is_share else self.above

    @property
    def value(self) -> int | None:
        """The percentage or plain count as a number; nothing where shorthand stands."""
        return number(self.shown)

    @property
    def said(self) -> str:
        """In words: 46%, about 1,310, or between 25% and 43% if rounding leaves much open.

        The range that is said is that of the tables, which allows for linkage too.
        """
        if not self.is_share or self.bounds is None or self.span is None:
            return f"{self.shown}%" if self.is_share else f"about {thousands(self.shown)}"
        low, high = (f"{end}%" for end in self.span)
        is_close = math.ceil(self.bounds[1]) - math.floor(self.bounds[0]) <= CLOSE
        return f"{self.shown}%" if is_close else f"between {low} and {high}"

    @property
    def span(self) -> tuple[int, int] | None:
        """Where the truth may be, by rounding and by linkage, in whole numbers of its unit."""
        if self.bounds is None:
            return None
        low, high = self.bounds[0] - self.linkage, self.bounds[1] + self.linkage
        most = math.ceil(high)
        return max(math.floor(low), 0), min(most, 100) if self.is_share else most

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The lowest and highest that the truth may be, by rounding alone; in the figure's unit."""
        above, below = number(self.above), number(self.below)
        if above is None or (self.is_share and not below):
            return None
        low, high = self._truth(above)
        if below is None or not self.is_share:
            return low, high
        least, most = self._truth(below)
        return 100 * low / max(most, 1), min(100.0, 100 * high / max(least, 1))

    def _truth(self, shown: int) -> tuple[float, float]:
        """What a published count may stand for; a published 0 counts nobody."""
        down, up = self.base // 2, (self.base - 1) // 2
        if shown == 0:
            return 0, 0
        return max(shown - self.parts * down, 0), shown + self.parts * up


def number(shown: str) -> int | None:
    """A published number, or nothing where there is shorthand."""
    return int(shown) if shown.isascii() and shown.isdigit() else None


def thousands(shown: str) -> str:
    """A published count with a comma for thousands, and shorthand as it is."""
    return f"{int(shown):,}" if shown.isascii() and shown.isdigit() else shown


def share(figure: Figure) -> str:
    """The percentage of a figure, or its shorthand."""
    return figure.shown if figure.is_share else NOT_APPLICABLE


def plain(value: str | None) -> str:
    """A cell as it reads: names of columns without underscores, counts with a comma."""
    return thousands((value or "").replace("_", " "))


def lower(title: str) -> str:
    """A title inside a sentence; abbreviations keep their capitals."""
    return title if title[:2].isalpha() and title[:2].isupper() else title[:1].lower() + title[1:]


def day(value: date | None) -> str:
    """A date as 30 June 2026."""
    return "not known" if value is None else f"{value.day} {value:%B %Y}"


def listed(words: Iterable[str]) -> str:
    """Some words as a list in a sentence."""
    said = list(words)
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def by_chance(before: Figure, now: Figure) -> float:
    """How far two figures may differ by chance alone: twice the standard error, in their unit.

    Counts of events vary by about their square root, shares by the usual two-proportion formula.
    """
    if not now.is_share:
        return 2 * math.sqrt(max(int(before.above) + int(now.above), 1))
    below = int(before.below), int(now.below)
    pooled = (int(before.above) + int(now.above)) / max(sum(below), 1)
    error = math.sqrt(max(pooled * (1 - pooled), 0) * sum(1 / max(n, 1) for n in below))
    return 200 * error
