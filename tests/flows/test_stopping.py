"""A run under Prefect that is told to stop, or is killed, leaves no server behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flows.orchestration.prefect_settings import OWNER_VARIABLE, prepare, stop_leftovers
from flows.stopping import Stopped, stoppable

if TYPE_CHECKING:
    from conftest import Partnership

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

CLEARED = ("PREFECT_HOME", "PREFECT_API_URL", "PREFECT_PROFILE", "JOURNEYS_CONFIG")
RUN = "from flows.cli import main; main()"
SERVER = ("-m", "uvicorn", "--factory", "prefect.server.api.server:create_app")
# A child that outlives its parent, and whose command line is as given.
PARENT = (
    "import os, subprocess, sys; os.environ.update(JOURNEYS_PID=str(os.getpid()))\n"
    "asleep = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
    "child = subprocess.Popen([*asleep, *sys.argv[2:]])\n"
    "print(child.pid, flush=True)\n"
    "child.wait() if sys.argv[1] == 'stays' else None\n"
)


def servers(home: Path) -> list[int]:
    """The processes whose PREFECT_HOME is this one and that serve Prefect."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"prefect.server" in words and f"PREFECT_HOME={home}".encode() in environment:
            found.append(int(folder.name))
    return found


def wait_for(condition: object, seconds: float) -> bool:
    assert callable(condition)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.1)
    return False


def begin(partnership: Partnership) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, "run", "--config", str(partnership.config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if name not in CLEARED},
        start_new_session=True,
    )


def is_running(partnership: Partnership) -> bool:
    return any(path.is_dir() for path in (partnership.folder / "stores").glob("*"))


def told_to_stop(partnership: Partnership, run: subprocess.Popen[str], number: int) -> None:
    """Tell a run to stop: it says so once, and neither its server nor anything of it is left."""
    home = partnership.folder / ".prefect"
    try:
        run.send_signal(number)
        out, said = run.communicate(timeout=60)
    finally:
        run.kill()
    assert "Traceback" not in said
    assert wait_for(lambda: not servers(home), 10)
    assert run.returncode == 128 + number, said
    assert out == ""
    assert said.count("last committed run stands") == 1
    assert not is_running(partnership)


@pytest.mark.slow  # the next test stops a run too, as it starts
def test_a_run_told_to_stop_takes_its_server_with_it(fresh: Partnership) -> None:
    run = begin(fresh)
    try:
        # A machine that is busy takes its time; a run that ended says why.
        assert wait_for(lambda: is_running(fresh) or run.poll() is not None, 240)
    except BaseException:
        run.kill()
        raise
    assert servers(fresh.folder / ".prefect")
    told_to_stop(fresh, run, signal.SIGHUP)


def test_what_a_killed_run_left_is_stopped_by_the_next_which_may_be_stopped_as_it_starts(
    fresh: Partnership,
) -> None:
    home = fresh.folder / ".prefect"
    run = begin(fresh)
    assert wait_for(lambda: servers(home), 60)
    (left,) = servers(home)
    run.kill()
    run.wait()
    run = begin(fresh)
    try:
        assert wait_for(lambda: left not in servers(home), 60)
        assert wait_for(lambda: servers(home), 60)
    except BaseException:
        run.kill()
        raise
    told_to_stop(fresh, run, signal.SIGTERM)


@pytest.fixture
def started() -> Iterator[list[int]]:
    pids: list[int] = []
    yield pids
    for pid in pids:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)


def child(home: Path, started: list[int], *words: str, parent: str = "goes") -> int:
    """Start a process as a run would its server; its parent goes or stays."""
    made = subprocess.Popen(
        [sys.executable, "-c", PARENT, parent, *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PREFECT_HOME": str(home)},
    )
    assert made.stdout is not None
    pid = int(made.stdout.readline())
    started.append(pid)
    if parent == "goes":
        made.wait()
    else:
        started.append(made.pid)
    return pid


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_only_a_server_of_ours_whose_run_has_gone_is_stopped(
    tmp_path: Path, started: list[int]
) -> None:
    left = child(tmp_path, started, *SERVER)
    at_work = child(tmp_path, started, *SERVER, parent="stays")
    elsewhere = child(tmp_path / "elsewhere", started, *SERVER)
    another = child(tmp_path, started, "-m", "uvicorn", "mine:create_app")
    assert stop_leftovers(tmp_path) == 1
    assert wait_for(lambda: not alive(left), 10)
    assert alive(at_work) and alive(elsewhere) and alive(another)


def test_a_server_knows_whose_it_is(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    prepare(tmp_path / ".prefect", tmp_path / "partnership.yaml", environment)
    assert environment[OWNER_VARIABLE] == str(os.getpid())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_wish_to_stop_that_a_library_swallowed_is_still_one(
    number: signal.Signals, request: pytest.FixtureRequest
) -> None:
    # A shell that runs the tests in the background has SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    with pytest.raises(KeyboardInterrupt) as caught, stoppable():
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None
    assert (number == signal.SIGINT) != isinstance(caught.value, Stopped)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_failure_that_nobody_asked_for_stays_one() -> None:
    with pytest.raises(RuntimeError), stoppable():
        raise RuntimeError


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
