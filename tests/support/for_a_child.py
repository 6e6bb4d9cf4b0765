"""What a child process is asked to do by tests of what it may do.

A child imports the module that holds its function: this one needs next to nothing, so a child is
begun in a fraction of what it takes with the tests themselves.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

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
