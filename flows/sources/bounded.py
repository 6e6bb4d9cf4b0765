"""Working with sources within bounds: each in a child of its own, and all of them in one time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from flows.intake import apart
from flows.sources.fetching import Asked
from flows.sources.limits import MOST_MEMORY, TOGETHER_MINUTES
from flows.sources.problems import no_time_left, took_all_the_time, took_too_long, was_ended

Made = TypeVar("Made")

MINUTE = 60
"""Seconds."""


@dataclass(frozen=True)
class Together:
    """What several sources may take together.

    Attributes:
        minutes: How long.
        until: When that is over, in seconds of the monotonic clock.
    """

    minutes: int
    until: float

    @property
    def left(self) -> float:
        """The seconds that are left; nothing or less once there are none."""
        return self.until - time.monotonic()


def together(minutes: int) -> Together:
    """The time that work with several sources may take together, from now on."""
    return Together(minutes, time.monotonic() + minutes * MINUTE)


def to_pull(asked: Iterable[Asked]) -> Together:
    """The time that pulls may take together, from now on: no less than one alone may take."""
    return together(max((TOGETHER_MINUTES, *(one.source.longest_minutes for one in asked))))


def in_time(among: Together, asked: Asked, work: Callable[[Asked], Made]) -> Made:
    """Work with one source, in a child of its own: what ends or hangs is that source's alone.

    Raises:
        NotReached: The sources before it took all the time.
        BrokenOff: The child was ended, or was not done in time.
        JourneysError: As the work raises it.
    """
    left = among.left
    if left <= 0:
        raise no_time_left(among.minutes)
    own = asked.source.longest_minutes * MINUTE
    try:
        return apart.in_a_child_within(apart.Limits(min(own, left), MOST_MEMORY), work, asked)
    except apart.TookTooLong:
        problem = (
            took_too_long(asked.source.longest_minutes)
            if own <= left
            else took_all_the_time(among.minutes)
        )
    except apart.ChildEnded:
        problem = was_ended()
    raise problem
