"""The `journeys` command in a process of its own, with a slight warehouse and a small draft.

It does one command after another, each when it is asked to, so that Prefect is imported once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO, Any


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


class Process:
    """The process, as a context at whose end it has to end well."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(
            [sys.executable, __file__],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.communicate(timeout=60)
        assert self._child.returncode == 0

    def journeys(self, *words: str) -> Done:
        """Do a command there."""
        child: Any = self._child
        print(json.dumps(words), file=child.stdin, flush=True)
        return Done(*json.loads(child.stdout.readline()))


def _exit_of(words: Sequence[str]) -> int:
    """Do a command; its exit code."""
    from flows.cli import main

    sys.argv = ["journeys", *words]
    try:
        main()
    except SystemExit as done:
        return int(done.code or 0)
    return 0


@contextmanager
def _taken_from(number: int) -> Iterator[IO[bytes]]:
    """What is written to standard output or error, by whatever means, goes to a file meanwhile."""
    kept = os.dup(number)
    with TemporaryFile() as file:
        os.dup2(file.fileno(), number)
        try:
            yield file
        finally:
            os.dup2(kept, number)
            os.close(kept)


def _done(words: Sequence[str]) -> tuple[int, str, str]:
    with ExitStack() as both:
        files = [both.enter_context(_taken_from(number)) for number in (1, 2)]
        code = _exit_of(words)
        sys.stdout.flush()
        sys.stderr.flush()
        told = []
        for file in files:
            file.seek(0)
            told.append(file.read().decode())
    return code, told[0], told[1]


if __name__ == "__main__":
    import deeds
    from slight import MARTS

    deeds.prepare({*MARTS, "linkage_quality"})
    for line in sys.stdin:
        print(json.dumps(_done(json.loads(line))), flush=True)
