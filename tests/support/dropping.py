"""A proxy that drops a connection at a request: before it arrives, or before it is answered.

The second is the harder of the two: the server has done what it was asked, and who asked does not
know. What is counted is what a client sends at a time, over all its connections.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

LOOPBACK = "127.0.0.1"

How = Literal["unsent", "unanswered"]


@dataclass
class Dropper:
    """What stands between.

    Attributes:
        port: Where it listens.
        target: The port that it passes on to.
        at: The request that it drops, counted from 1; none if 0.
        how: Whether that is passed on before the connection is dropped.
        away: Whether nothing gets through after that.
        taken: How many requests came.
    """

    port: int
    target: int
    at: int = 0
    how: How = "unsent"
    away: bool = False
    taken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def let(self, at: int = 0, how: How = "unsent", *, away: bool = False) -> None:
        """Count anew, and drop that request."""
        with self._lock:
            self.at, self.how, self.away, self.taken = at, how, away, 0

    def passed_on(self, near: socket.socket) -> None:
        """Pass a connection on until either end ends it, or it is dropped."""
        silent = threading.Event()
        with suppress(OSError), near:
            if self.away and self.at and self.taken >= self.at:
                return
            with socket.create_connection((LOOPBACK, self.target)) as far:
                down = threading.Thread(target=_answers, args=(far, near, silent), daemon=True)
                down.start()
                while part := near.recv(1 << 16):
                    if self._is_it():
                        if self.how == "unsent":
                            break
                        silent.set()
                    far.sendall(part)
                _end(far)
                down.join(5)

    def _is_it(self) -> bool:
        with self._lock:
            self.taken += 1
            return self.taken == self.at


def _answers(far: socket.socket, near: socket.socket, silent: threading.Event) -> None:
    """Pass answers back; the first that nobody is to hear ends the connection."""
    with suppress(OSError):
        while part := far.recv(1 << 16):
            if silent.is_set():
                break
            near.sendall(part)
    _end(near)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def dropping(target: int) -> Iterator[Dropper]:
    """A proxy in front of a port of this machine."""
    listener = socket.create_server((LOOPBACK, 0))
    dropper = Dropper(listener.getsockname()[1], target)

    def serve() -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                threading.Thread(target=dropper.passed_on, args=(near,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield dropper
    finally:
        _end(listener)
        listener.close()
