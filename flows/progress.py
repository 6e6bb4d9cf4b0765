"""Telling a person how far the work is: a spinner on a terminal, plain lines elsewhere.

Everything goes to standard error, so that standard output holds results only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Narrator(Protocol):
    """Something that tells of one step while it runs."""

    def telling(self, number: int, of: int, title: str) -> AbstractContextManager[None]:
        """Tell of a step until the context ends."""

    def note(self, text: str) -> None:
        """Tell how far the step is."""


class Silent:
    """Tells nothing."""

    @contextmanager
    def telling(self, number: int, of: int, title: str) -> Iterator[None]:
        """Say nothing of the step."""
        yield

    def note(self, text: str) -> None:
        """Say nothing of that either."""


class Plain:
    """Tells each step as one line when it ends."""

    @contextmanager
    def telling(self, number: int, of: int, title: str) -> Iterator[None]:
        """Write `[2/9] title … 1.2 s` on standard error; `failed` where it did."""
        started = time.monotonic()
        outcome = "failed"
        try:
            yield
            outcome = f"{time.monotonic() - started:.1f} s"
        finally:
            sys.stderr.write(f"[{number}/{of}] {title} … {outcome}\n")
            sys.stderr.flush()

    def note(self, text: str) -> None:
        """Write a line of its own, set in."""
        sys.stderr.write(f"      {text}\n")
        sys.stderr.flush()


class Terminal:
    """Tells each step with a spinner and its time so far, then a tick or a cross."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)

    @contextmanager
    def telling(self, number: int, of: int, title: str) -> Iterator[None]:
        """Spin on standard error while the step runs."""
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        started = time.monotonic()
        mark = "[red]✗[/]"
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        try:
            with Progress(*columns, console=self._console, transient=True) as progress:
                progress.add_task(f"[{number}/{of}] {title}", total=None)
                yield
            mark = "[green]✓[/]"
        finally:
            took = f"{time.monotonic() - started:.1f} s"
            self._console.print(f"{mark} [dim]{number}/{of}[/] {title} [dim]{took}[/]")

    def note(self, text: str) -> None:
        """Write a line of its own, set in."""
        self._console.print(f"      [dim]{text}[/]")


def narrator() -> Narrator:
    """The narrator that suits standard error."""
    return Terminal() if sys.stderr.isatty() else Plain()
