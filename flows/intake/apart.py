"""Work on identifiable data is done in a child process that ends with it.

What a process has held stays in its memory, in its swap and in what it leaves when it crashes. So
files of partners are read in a child that lives for one call. It leaves no core dump, no debugger
may look into it, it says nothing on a terminal, and it ends as soon as its parent has gone or wants
to stop. What it was asked to do and what it gives back go through two pipes and through no file.

What swap keeps is not prevented: have the hub's swap encrypted or off.
"""

from __future__ import annotations

import io
import os
import pickle
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from flows.safe_errors import guarded
from flows.stopping import heed
from schemas.errors import JourneysError

Given = ParamSpec("Given")
Result = TypeVar("Result")

LENGTH_BYTES = 8
CHUNK_BYTES = 1 << 20
LOOK_UP_SECONDS = 0.2
ENDING_SECONDS = 30
PR_SET_DUMPABLE = 4


@dataclass(frozen=True)
class Limits:
    """For how many seconds a child may work, and how many bytes of memory it may ask for."""

    seconds: float | None = None
    memory: int | None = None


class ChildEnded(JourneysError):
    """The child that works on identifiable data ended before it was done."""


class TookTooLong(ChildEnded):
    """The child was ended: it had worked for as long as it may."""


def in_a_child(
    function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> Result:
    """Call a function in a child process of its own.

    Args:
        function: A function of a module; it and what follows have to survive pickling.

    Returns:
        What the function returned.

    Raises:
        JourneysError: As the function raised it, or `StepFailed` in place of any other exception.
        ChildEnded: The child was killed, or ended before it was done.
        KeyboardInterrupt: The run was asked to stop; the child has ended by then.
    """
    return in_a_child_within(Limits(), function, *args, **kwargs)


def in_a_child_within(
    limits: Limits,
    function: Callable[Given, Result],
    *args: Given.args,
    **kwargs: Given.kwargs,
) -> Result:
    """The same, for no longer and with no more memory than is said.

    A child that asks for more memory has a `MemoryError` where it does, on POSIX.

    Raises:
        TookTooLong: It was not done in time, and was ended.
        JourneysError: As `in_a_child` does.
    """
    work = (limits.memory, function, args, kwargs)
    asked = pickle.dumps(work, protocol=pickle.HIGHEST_PROTOCOL)
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "flows.intake.apart"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a library may quote a value where it complains
        start_new_session=True,  # Ctrl-C is heard by the parent alone
    )
    try:
        answer = _asked(child, asked, limits.seconds)
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):
                cast(Any, pipe).close()
    if child.returncode != 0:
        raise _ended(child.returncode)
    # Our own child wrote it, as the same user and from the same program.
    done, made = pickle.loads(answer)  # noqa: S301
    if not done:
        raise cast(JourneysError, made)
    return cast(Result, made)


def _keep_within(memory: int) -> None:
    """Have this process ask for no more memory than so many bytes."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (memory, hard))


def keep_to_itself() -> None:
    """Have this process leave no core dump and no other look into its memory."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def _asked(child: subprocess.Popen[bytes], asked: bytes, seconds: float | None) -> bytes:
    """Give the child its work and wait for the answer, heeding a wish to stop meanwhile.

    Raises:
        TookTooLong: None came in time.
    """
    until = None if seconds is None else time.monotonic() + seconds
    give, take = cast(Any, child.stdin), cast(Any, child.stdout)
    with suppress(BrokenPipeError):
        give.write(len(asked).to_bytes(LENGTH_BYTES, "big") + asked)
        give.flush()
    answer = bytearray()
    while True:
        heed()
        if until is not None and time.monotonic() > until:
            raise TookTooLong(
                "What works on identifiable data was not done in the time that it may take.",
                "Nothing was changed; look at what it works on, then run again.",
            )
        if select.select([take], [], [], LOOK_UP_SECONDS)[0]:
            part = os.read(take.fileno(), CHUNK_BYTES)
            if not part:
                break
            answer += part
    with suppress(subprocess.TimeoutExpired):
        child.wait(ENDING_SECONDS)
    return bytes(answer)


def _ended(code: int) -> ChildEnded:
    how = f"was killed (signal {-code})" if code < 0 else f"ended with code {code}"
    return ChildEnded(
        f"The process that reads and encodes extracts {how} before it was done.",
        "Check that the machine has memory enough, then run again; nothing was changed.",
    )


def _serve() -> None:
    """Be the child: do what the parent asks, answer, and end."""
    keep_to_itself()
    answer = os.dup(1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    asked = io.FileIO(0, closefd=False)
    content = _read(asked, int.from_bytes(_read(asked, LENGTH_BYTES), "big"))
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    memory, function, args, kwargs = pickle.loads(content)  # noqa: S301
    if memory is not None:
        _keep_within(memory)
    told: tuple[bool, object]
    try:
        told = True, guarded("encode", function, *args, **kwargs)
    except JourneysError as error:
        told = False, error
    with os.fdopen(answer, "wb") as out:
        pickle.dump(told, out, protocol=pickle.HIGHEST_PROTOCOL)
    os._exit(0)


def _read(file: io.FileIO, length: int) -> bytes:
    content = bytearray()
    while len(content) < length:
        part = file.read(min(CHUNK_BYTES, length - len(content)))
        if not part:
            os._exit(1)
        content += part
    return bytes(content)


def _end_with_the_parent() -> None:
    """End when the other end of the pipe is gone: the parent was killed."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    _serve()
