"""What a child process is asked to do by tests of what it may do.

A child imports the module that holds its function: this one needs next to nothing, so a child is
begun in a fraction of what it takes with the tests themselves.
"""

from __future__ import annotations

import functools
import importlib
import os
import time
from pathlib import Path
from typing import Any

from schemas.errors import ExtractRejected


def squared(number: int) -> int:
    return number * number


def fails(kind: str, value: str) -> None:
    if kind == "ours":
        raise ExtractRejected("A problem.", "A remedy.")
    raise ValueError(value)


def dies(how: int) -> None:
    os.kill(os.getpid(), how)
    time.sleep(30)


def chatters(value: str) -> str:
    """Say a value in every way there is."""
    os.write(1, value.encode())
    os.write(2, value.encode())
    print(value)
    return "done"


def limits() -> tuple[int, int, bool]:
    """The size of a core dump, whether one may look inside, and whether it leads a session."""
    import ctypes
    import resource

    dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
    return resource.getrlimit(resource.RLIMIT_CORE)[1], dumpable, os.getpid() == os.getsid(0)


def sleeps(marker: str) -> None:
    """Write down its process and wait for a minute."""
    Path(marker).write_text(str(os.getpid()))
    time.sleep(60)


def hungers(bytes_: int) -> int:
    return len(bytearray(bytes_))


def run_held(step: str, marker: str) -> None:
    """Be `journeys`, with the words of this process, whose child waits within a step of encoding.

    Args:
        step: Module and name of a function that encoding calls.
        marker: The file in which the child writes down its process once that is done.
    """
    import flows.ingest
    from flows.cli import main

    flows.ingest.encode_each = functools.partial(encodes_until, step, marker)  # type: ignore[assignment]
    main()


def encodes_until(step: str, marker: str, jobs: Any) -> Any:
    """Encode, and wait for a minute where the step has been done once."""
    from flows.intake.encoding import encode_each

    home, _, name = step.rpartition(".")
    module = importlib.import_module(home)
    done = getattr(module, name)

    def held(*args: Any, **kwargs: Any) -> Any:
        made = done(*args, **kwargs)
        sleeps(marker)
        return made

    setattr(module, name, held)
    return encode_each(jobs)
