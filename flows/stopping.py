"""A wish to stop: noted as it comes, and heeded where stopping leaves nothing half done.

SIGTERM, a terminal that closes (SIGHUP) and Ctrl-C (SIGINT) ask a run to stop. Their handlers
raise `KeyboardInterrupt`, which ends the work at once, as a rule. But DuckDB makes its own error
of what a handler raises while it works, Prefect handles SIGTERM in its own way, and what a handler
raises inside a callback is lost. So every such signal is noted beside the handlers as well:

- Between two steps, and just before the commit, the run stops if one was noted (`heed`).
- While the row that commits the run is written, none breaks in (`past_turning_back`).
- One that comes after that is too late: the run is whole, and says so.

So a run that is told to stop either ends with 128 and the signal's number, and has changed
nothing, or it ends with 0 and is committed.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# Windows has no SIGHUP.
STOPPING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
)


class Stopped(KeyboardInterrupt):
    """A wish to stop that came as another signal than that of Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class _Ear:
    """Notes every signal as it reaches the process, whatever its handler makes of it."""

    def __init__(self) -> None:
        self._hear, self._tell = socket.socketpair()
        self._hear.setblocking(False)
        self._tell.setblocking(False)
        self._before = signal.set_wakeup_fd(self._tell.fileno(), warn_on_full_buffer=False)
        self._first: int | None = None

    def wish(self) -> KeyboardInterrupt | None:
        """The first wish to stop that came, if any did."""
        with suppress(BlockingIOError):
            for number in self._hear.recv(1024):
                if self._first is None and number in STOPPING:
                    self._first = number
        if self._first is None:
            return None
        return KeyboardInterrupt() if self._first == signal.SIGINT else Stopped(self._first)

    def close(self) -> None:
        signal.set_wakeup_fd(self._before)
        self._hear.close()
        self._tell.close()


_ears: list[_Ear] = []
"""One while `stoppable` is at work: signals are of the process, so there is no more to have."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Have a wish to stop end the work as Ctrl-C does, with everything cleared away.

    Left to themselves these signals end Python at once. Whatever the work raises once a wish was
    noted is told as that wish. Inside another `stoppable` it does nothing.

    Raises:
        KeyboardInterrupt: `Stopped` where it was another signal than that of Ctrl-C.
    """
    # Outside the main thread no signal can be handled.
    if _ears or threading.current_thread() is not threading.main_thread():
        yield
        return
    ear = _Ear()
    _ears.append(ear)
    # What `nohup` has ignored stays ignored, and Ctrl-C has Python's own handler.
    ours = [number for number in STOPPING if signal.getsignal(number) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, _stop)
    wish: KeyboardInterrupt | None = None
    try:
        yield
    except BaseException:
        wish = ear.wish()
        if wish is None:
            raise
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
        _ears.remove(ear)
        ear.close()
    if wish is not None:
        raise wish


def wished() -> KeyboardInterrupt | None:
    """The wish to stop that was noted, if any was."""
    return _ears[0].wish() if _ears else None


def heed() -> None:
    """Stop here if that was asked for.

    Raises:
        KeyboardInterrupt: If it was.
    """
    wish = wished()
    if wish is not None:
        raise wish


@contextmanager
def past_turning_back() -> Iterator[None]:
    """Stop before this if that was asked for; what is asked from here on is noted and no more.

    Raises:
        KeyboardInterrupt: If a wish came before.
    """
    if not _ears or threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in STOPPING}
    handled = {number: one for number, one in handlers.items() if callable(one)}
    try:
        for number in handled:
            signal.signal(number, _note)
        heed()
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt if number == signal.SIGINT else Stopped(number)


def _note(number: int, frame: object) -> None:
    """Nothing more: the ear has heard it."""
