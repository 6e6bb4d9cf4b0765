"""The warm process that does jobs in children of its own (`plug.py`)."""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import pickle
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import deeds
from plug import HOWS, Done, Job, give, take

LONGEST = 60.0
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
HEAVY = (
    *("cryptography.fernet", "filelock", "jinja2", "numpy", "pandera.polars", "polars"),
    *("psycopg", "pyarrow", "scipy.optimize", "splink", "sqlalchemy.dialects.postgresql"),
    *("sqlalchemy.dialects.sqlite", "sqlglot"),
)
"""What takes long to import. Nothing of ours: some of it sets polars to work as it is imported,
and the threads of that survive no fork."""


def serve() -> None:
    """Do what is asked on the standard input, several jobs of one asking at once, until it ends."""
    # Whatever is printed is not an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    deeds.prepare()
    for name in HEAVY:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()
    while True:
        try:
            jobs = take(sys.stdin.buffer)
        except EOFError:
            return
        begun = [(job, *_begun(job)) for job in jobs]
        give(answers, [_ended(*one) for one in begun])


def _begun(job: Job) -> tuple[int, int, float]:
    """A child at work: its process, where its answer comes from, and when it began."""
    hear, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hear)
        os.setsid()
        _be(job, tell)
    os.close(tell)
    return child, hear, time.monotonic()


def _be(job: Job, tell: int) -> None:
    """Be the child: do the deed, tell of it, and end."""
    # A server that is killed leaves nobody at work, who would hold what locks it had.
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    gc.disable()
    temporary = job.home / "tmp"
    if job.home.is_dir():
        temporary.mkdir(exist_ok=True)
        temporary.chmod(0o777)
        os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    if job.largest is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (job.largest, job.largest))
    if job.user is not None:
        os.setgroups([])
        os.setgid(job.user)
        os.setuid(job.user)
    plug: Any = ctypes.CDLL(os.environ["PLUG"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    record = os.open(job.record, flags, 0o600) if job.record is not None else -1
    home = str(job.home.resolve()).encode()
    plug.plug_set(home, HOWS.index(job.how), ctypes.c_long(job.at), record)
    done = _done(job)
    taken = int(plug.plug_taken())
    plug.plug_set(home, 0, ctypes.c_long(0), -1)
    content = pickle.dumps(Done(**{**vars(done), "taken": taken}))
    with os.fdopen(tell, "wb") as pipe:
        pipe.write(content)
    os._exit(0)


def _done(job: Job) -> Done:
    from schemas.errors import JourneysError

    try:
        return Done(False, made=getattr(deeds, job.deed)(job.home / "p", **job.given))
    except JourneysError as error:
        return Done(False, problem=str(error))
    except KeyboardInterrupt:
        return Done(False, problem="Interrupted.")
    except BaseException:
        return Done(False, crashed=traceback.format_exc(limit=-8))


def _ended(job: Job, child: int, hear: int, began: float) -> Done:
    """What became of a child that was begun; it is killed when its time is up."""
    until = began + (LONGEST if job.after is None else job.after)
    answer = bytearray()
    while True:
        left = until - time.monotonic()
        if left <= 0 or not select.select([hear], [], [], left)[0]:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            break
        part = os.read(hear, 1 << 20)
        if not part:
            break
        answer += part
    os.close(hear)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left_behind = _left_behind(child)
    if code == -signal.SIGKILL and (job.after is not None or job.how in ("kill", "torn")):
        return Done(killed=True, left=left_behind)
    if code != 0 or not answer:
        return Done(killed=code < 0, crashed=f"the child ended with {code}", left=left_behind)
    return Done(**{**vars(pickle.loads(bytes(answer))), "left": left_behind})


def _left_behind(child: int) -> int:
    """Processes of the child's session that are still there a moment after it has ended."""
    for _ in range(20):
        if not (found := _of_session(child)):
            return 0
        time.sleep(0.1)
    for one in found:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    return len(found)


def _of_session(session: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            # Its own child has a session of its own, and this server for a grandparent.
            if fields[0] != "Z" and session in (int(fields[3]), int(fields[1])):
                found.append(int(path.name))
    return found
