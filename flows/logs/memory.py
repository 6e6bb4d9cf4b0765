"""How much memory a step takes, its child processes included: looked at ten times a second."""

from __future__ import annotations

import os
import threading
from pathlib import Path

PROC = Path("/proc")
EVERY_SECONDS = 0.1


class Peak:
    """Watches how much memory this process and its children hold, as a context.

    What comes and goes between two looks is not seen. Where the system does not tell, `bytes` is
    None.
    """

    def __init__(self) -> None:
        self.bytes: int | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        self._look()
        while not self._over.wait(EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        found = resident()
        if found is not None:
            self.bytes = max(found, self.bytes or 0)


def resident() -> int | None:
    """Bytes that this process and its children hold in memory; None where nobody tells."""
    try:
        return _of(os.getpid()) + sum(map(_of_a_child, _children()))
    except (OSError, ValueError, IndexError):
        return None


def _children() -> list[int]:
    """Children of this process and theirs."""
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        for told in (PROC / str(waiting.pop()) / "task").glob("*/children"):
            try:
                own = [int(one) for one in told.read_text("ascii").split()]
            except OSError:
                continue
            found += own
            waiting += own
    return found


def _of_a_child(process: int) -> int:
    """A child's, and nothing where it has ended meanwhile."""
    try:
        return _of(process)
    except (OSError, IndexError):
        return 0


def _of(process: int) -> int:
    pages = (PROC / str(process) / "statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
