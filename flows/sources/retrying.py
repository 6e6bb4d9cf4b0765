"""Trying again what may pass: longer waits each time, by chance, and not for ever."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from flows.sources.problems import SourceAway

Made = TypeVar("Made")

FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0
"""Seconds, before and at the most that chance makes of them."""


def retried(
    attempt: Callable[[], Made],
    attempts: int,
    wait: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = random.random,
) -> Made:
    """Call until it does not raise `SourceAway`, so many times at most.

    The wait doubles; half of it is left to chance, so that two that failed together do not come
    back together.

    Raises:
        SourceAway: It was raised every time.
    """
    for number in range(attempts):
        try:
            return attempt()
        except SourceAway as error:
            if number + 1 == attempts:
                raise
            del error
        wait(min(FIRST_WAIT * 2**number, LONGEST_WAIT) * (0.5 + chance() / 2))
    raise ValueError("attempts is less than one")
