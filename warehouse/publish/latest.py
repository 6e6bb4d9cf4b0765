"""The newest twelve months of each measure, added up from what is published and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from governance.disclosure import NOT_APPLICABLE, Rule, percentage

WHOLE = "All"
"""The split and the category that hold everyone."""
MONTHS = 12


@dataclass(frozen=True)
class Latest:
    """What is published of a measure for everyone, in its newest twelve months or window.

    Attributes:
        first: The first day that is counted.
        last: The last day that is counted.
        numerator: How many, as published or the sum of what is published.
        denominator: Of how many; ``[z]`` for a plain count.
        percent: The share of the two; ``[z]`` for a plain count.
        numerator_range: The least and the greatest true count that rounding leaves possible; None
            where no count is shown.
        denominator_range: The same of the denominator.
        months: How many months are counted.
    """

    first: date
    last: date
    numerator: str
    denominator: str
    percent: str
    numerator_range: tuple[float, float] | None
    denominator_range: tuple[float, float] | None

    @property
    def months(self) -> int:
        """How many calendar months are counted."""
        return _months(self.first, self.last)

    @property
    def is_share(self) -> bool:
        """Whether it is a share of something, not a plain count."""
        return self.denominator != NOT_APPLICABLE

    @property
    def value(self) -> str:
        """The figure that is read: the share in per cent, or the plain count."""
        return self.percent if self.is_share else self.numerator

    @property
    def value_range(self) -> tuple[float, float] | None:
        """The least and the greatest figure that rounding leaves possible."""
        if not self.is_share:
            return self.numerator_range
        if self.numerator_range is None or self.denominator_range is None:
            return None
        if self.denominator_range[0] == 0:
            return None
        low = 100 * self.numerator_range[0] / self.denominator_range[1]
        high = 100 * self.numerator_range[1] / self.denominator_range[0]
        return low, min(high, 100.0)


def latest(outcomes: pl.DataFrame, rule: Rule) -> dict[tuple[str, str], Latest]:
    """The newest figure of each measure.

    Where windows that follow on each other make up the newest twelve months, and every count in
    them is shown, it is their sum; else it is the newest window alone.

    Args:
        outcomes: The table ``outcomes`` of a pack.
        rule: The threshold and base that its counts were published by.

    Returns:
        By metric and measure.
    """
    whole = outcomes.filter((pl.col("split") == WHOLE) & (pl.col("category") == WHOLE))
    found = whole.sort("period_end").partition_by("metric", "measure", as_dict=True)
    return {
        (str(metric), str(measure)): _latest(rows.to_dicts(), rule)
        for (metric, measure), rows in found.items()
    }


def _latest(windows: Sequence[Mapping[str, Any]], rule: Rule) -> Latest:
    """The newest twelve months of some windows of one measure, oldest first."""
    # A sum of other windows that are shown is no window: its rounding errors are theirs together.
    windows = [one for one in windows if not any(_holds(one, other) for other in windows)]
    taken: list[Mapping[str, Any]] = []
    for window in reversed(windows):
        if taken and window["period_end"] + timedelta(days=1) != taken[0]["period_start"]:
            break
        taken.insert(0, window)
        if _months(taken[0]["period_start"], taken[-1]["period_end"]) >= MONTHS:
            break
    year = _sum(taken, rule)
    whole = _months(year.first, year.last) == MONTHS
    return year if whole and year.value_range else _sum(taken[-1:], rule)


def _holds(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether all days of another window, and more, are of this one."""
    days = (one["period_start"], one["period_end"])
    within = days[0] <= other["period_start"] and other["period_end"] <= days[1]
    return within and days != (other["period_start"], other["period_end"])


def _sum(windows: Sequence[Mapping[str, Any]], rule: Rule) -> Latest:
    """Add up windows that follow on each other."""
    above = [str(window["numerator"]) for window in windows]
    below = [str(window["denominator"]) for window in windows]
    numerator, denominator = _added(above), _added(below)
    return Latest(
        windows[0]["period_start"],
        windows[-1]["period_end"],
        numerator,
        denominator,
        percentage(numerator, denominator),
        _range(above, rule),
        _range(below, rule),
    )


def _added(shown: Sequence[str]) -> str:
    """The sum of published counts, or the first shorthand among them."""
    instead = [one for one in shown if not one.isdigit()]
    return instead[0] if instead else str(sum(int(one) for one in shown))


def _range(shown: Sequence[str], rule: Rule) -> tuple[float, float] | None:
    """The least and greatest sum of the true counts behind published ones."""
    if not all(one.isdigit() for one in shown):
        return None
    said = [rule.says(one) for one in shown]
    return sum(low for low, _ in said), sum(high for _, high in said)


def _months(first: date, last: date) -> int:
    """How many calendar months whole months take, both ends counted."""
    return (last.year - first.year) * 12 + last.month - first.month + 1
