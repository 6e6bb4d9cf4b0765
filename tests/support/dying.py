"""Do something in a child process that is killed on the way, as a power cut would."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable


def killed_before(
    number: int, steps: Iterable[tuple[object, str]], act: Callable[[], object]
) -> bool:
    """Act in a child that is killed before the step of that number; whether it was.

    Args:
        number: Which of the steps, counted from 1 as they are taken.
        steps: What is a step: (home, name) of functions, replaced in the child alone.
        act: What to do. A failure of its own is a failure of the test.
    """
    child = os.fork()
    if child == 0:
        # What the parent has left to collect may belong to threads that the child has not.
        gc.disable()
        taken = 0

        def mortal(step: Callable[..., object]) -> Callable[..., object]:
            def counted(*args: object, **kwargs: object) -> object:
                nonlocal taken
                taken += 1
                if taken == number:
                    os._exit(9)
                return step(*args, **kwargs)

            return counted

        for home, name in steps:
            setattr(home, name, mortal(getattr(home, name)))
        try:
            act()
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), code
    return code == 9
