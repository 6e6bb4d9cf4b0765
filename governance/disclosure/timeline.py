"""How the periods of successive releases share days.

The days that any release covers are cut into segments wherever a period begins or ends. A unit is
counted by its own day, so each release counts a run of whole segments, and what two releases say
can be set side by side: a cumulative count adds segments, a rolling one drops the oldest as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.rules import DisclosureError


@dataclass(frozen=True)
class Period:
    """The first and the last day on which a unit is counted.

    Raises:
        DisclosureError: If it ends before it begins.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise DisclosureError("A period ends before it begins.", "Give its first day first.")


def shares_days(one: Period, other: Period) -> bool:
    """Whether two periods have a day in common."""
    return one.first <= other.last and other.first <= one.last


def check_relation(name: str, relation: str, periods: Sequence[Period]) -> None:
    """Raise DisclosureError unless successive periods relate as the population declares.

    Args:
        name: The population, for the message.
        relation: cumulative, rolling or apart.
        periods: One a release, oldest first.
    """
    pairs = list(pairwise(periods))
    broken = {
        "cumulative": any(a.first != b.first or b.last <= a.last for a, b in pairs),
        "rolling": any(b.first < a.first or b.last <= a.last for a, b in pairs),
        "apart": any(b.first <= a.last for a, b in pairs),
    }[relation]
    if broken:
        raise DisclosureError(
            f"The periods of the population {name} do not relate as it declares ({relation}).",
            "Choose a period that does, or withdraw the earlier release.",
        )


def segments(periods: Sequence[Period]) -> tuple[Period, ...]:
    """The runs of days that no period divides, oldest first; days in no period are left out."""
    day = timedelta(days=1)
    cuts = sorted({one.first for one in periods} | {one.last + day for one in periods})
    runs = [Period(a, b - day) for a, b in pairwise(cuts)]
    return tuple(
        run for run in runs if any(p.first <= run.first and run.last <= p.last for p in periods)
    )


def windows(periods: Sequence[Period]) -> NDArray[np.bool_]:
    """Which segments each period is made of: periods by segments."""
    runs = segments(periods)
    return np.array(
        [[p.first <= run.first and run.last <= p.last for run in runs] for p in periods], dtype=bool
    )
