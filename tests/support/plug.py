"""The plug, and who pulls it: deeds done in children of a warm process, whose disk can be watched.

`plug.c` is preloaded into one server process. For each job the server forks a child, which counts
every change it makes below a folder and records them, dies at one of them, or finds no room from
one on. A fork costs nothing, where starting Python and importing everything costs seconds.
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import pytest

SOURCE = Path(__file__).with_name("plug.c")
LENGTH = 8

How = Literal["idle", "record", "kill", "torn", "full"]
HOWS: tuple[How, ...] = ("idle", "record", "kill", "torn", "full")


@dataclass(frozen=True)
class Job:
    """What a child is to do.

    Attributes:
        deed: The name of a function in `deeds`, which is given the partnership's settings.
        home: The folder below which changes count; the partnership is in `p` inside it.
        given: Arguments of the deed.
        how: What becomes of the changes.
        at: The change that it becomes of, counted from 1.
        record: The file that changes are recorded in.
        after: The child is killed after so many seconds, where it is still at work.
        user: Who the child is, by number; whoever runs the tests if None.
        largest: No file may grow beyond so many bytes.
    """

    deed: str
    home: Path
    given: Mapping[str, Any] = field(default_factory=dict)
    how: How = "idle"
    at: int = 0
    record: Path | None = None
    after: float | None = None
    user: int | None = None
    largest: int | None = None


@dataclass(frozen=True)
class Done:
    """What became of a job.

    Attributes:
        killed: Whether the child was killed.
        made: What the deed returned.
        problem: The sentence of ours that it ended with, if it did.
        crashed: Any other error, which is a fault of the product: its kind and where.
        taken: How many changes it made.
        left: Processes that the child left behind.
    """

    killed: bool
    made: Any = None
    problem: str | None = None
    crashed: str | None = None
    taken: int = 0
    left: int = 0


def _lacking() -> str:
    said = "NO PLUG WAS PULLED: there is no C compiler (`cc`) to build tests/support/plug.c with."
    if os.environ.get("CI"):
        pytest.fail(said)
    pytest.skip(said)


def built(folder: Path) -> Path:
    """The library that is preloaded, built from its source."""
    library = folder / "plug.so"
    if not library.exists():
        compiler = shutil.which("cc") or _lacking()
        beside = library.with_suffix(f".{os.getpid()}")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(beside), str(SOURCE)]
        subprocess.run([*command, "-ldl", "-lpthread"], check=True)
        beside.replace(library)
    return library


class Plug:
    """The server, as a test speaks to it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def do(self, deed: str, home: Path, **how: Any) -> Done:
        """Have a deed done, and wait for what becomes of it."""
        given = {name: how.pop(name) for name in list(how) if name not in Job.__annotations__}
        return self.both(Job(deed, home, given, **how))[0]

    def both(self, *jobs: Job) -> list[Done]:
        """Have deeds done at the same time."""
        give(self._process.stdin, jobs)
        return take(self._process.stdout)


@contextmanager
def plugged(folder: Path) -> Iterator[Plug]:
    """A server that is there for as long as it is needed.

    Args:
        folder: Where the library is built.
    """
    paths = os.pathsep.join([str(SOURCE.parent), *(path for path in sys.path if path)])
    env = {**os.environ, "LD_PRELOAD": str(built(folder)), "PYTHONPATH": paths}
    env |= {"POLARS_MAX_THREADS": "1", "PLUG": str(built(folder))}
    # Every child imports for itself; the first leaves to the others what it compiled.
    env |= {"PYTHONDONTWRITEBYTECODE": ""}
    process = subprocess.Popen(
        [sys.executable, "-c", "import plug_server; plug_server.serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
    )
    try:
        yield Plug(process)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def give(pipe: IO[bytes] | None, what: object) -> None:
    """Write an object to a pipe."""
    assert pipe is not None
    content = pickle.dumps(what)
    pipe.write(len(content).to_bytes(LENGTH, "big") + content)
    pipe.flush()


def take(pipe: IO[bytes] | None) -> Any:
    """Read an object from a pipe; EOFError where there is no more."""
    assert pipe is not None
    size = pipe.read(LENGTH)
    if len(size) < LENGTH:
        raise EOFError
    return pickle.loads(pipe.read(int.from_bytes(size, "big")))
