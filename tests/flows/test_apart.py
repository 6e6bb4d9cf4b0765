"""Names are held by a child process only: whatever ends it, none is left on the disk."""

from __future__ import annotations

import base64
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import for_a_child
import pytest
from canaries import CANARY, KEYS, NEEDLES, plant
from for_a_child import chatters, dies, fails, hungers, limits, sleeps, squared
from leak_scan import scan_tree

import flows.refresh
from flows.context import open_control
from flows.intake import apart
from flows.intake.apart import ChildEnded, Limits, TookTooLong, in_a_child, in_a_child_within
from flows.refresh import run_refresh
from flows.safe_errors import Rejected, StepFailed
from schemas.errors import ConfigError, ExtractRejected, JourneysError

if TYPE_CHECKING:
    from conftest import Partnership

pytestmark = pytest.mark.usefixtures("real_child", "slight")

# Long words of the canaries, as a crash could leave them. The scan of leaks knows more forms.
WORDS = sorted({*CANARY.values(), *KEYS.values()} - {CANARY["postcode"]})


def forms(word: str) -> Iterator[bytes]:
    """A word in every coding that a search of the disk looks for, in both cases."""
    for text in (word, word.upper(), word[::-1], word.upper()[::-1]):
        plain = text.encode()
        yield from (plain, text.encode("utf-16-le"), text.encode("utf-32-le"))
        yield from (plain.hex().encode(), plain.hex().upper().encode())
        # Base64 of it at each of three places in what surrounds it, without the ends that change.
        for before in range(3):
            coded = base64.b64encode(b"\0" * before + plain)
            start = (0, 2, 3)[before]
            yield coded[start + (0, 1, 1)[before] : (len(coded) - 4)]


PATTERNS = sorted({form for word in WORDS for form in forms(word) if len(form) >= 7})


def found_on_disk(*folders: Path) -> list[str]:
    """Files below some folders that hold a canary in any form."""
    return [
        path.name
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "inbox" not in path.parts and "truth" not in path.parts
        if any(form in path.read_bytes() for form in PATTERNS)
    ]


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    surname = CANARY["surname"]
    for content in (
        surname.encode(),
        surname.upper().encode("utf-16-le"),
        surname[::-1].encode(),
        surname.encode().hex().encode(),
        base64.b64encode(b"a" + surname.encode() + b"zz"),
        base64.b64encode(b"ab" + surname.encode() + b"zz"),
        base64.b64encode(b"abc" + surname.encode() + b"zz"),
    ):
        (tmp_path / "core").write_bytes(b"\0" * 50 + content + b"\0" * 50)
        assert found_on_disk(tmp_path) == ["core"]


# What the child is


@pytest.fixture(autouse=True)
def _found_by_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is asked to do, as a module that the child can import."""
    paths = [str(Path(for_a_child.__file__).parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))


def test_a_child_keeps_within_its_limits(tmp_path: Path) -> None:
    with pytest.raises(TookTooLong):
        in_a_child_within(Limits(seconds=1), sleeps, str(tmp_path / "marker"))
    with pytest.raises(StepFailed, match="MemoryError"):
        in_a_child_within(Limits(memory=1 << 30), hungers, 2 << 30)
    assert in_a_child_within(Limits(60, 1 << 30), hungers, 1 << 20) == 1 << 20


def test_a_child_gives_back_what_it_made(capfd: pytest.CaptureFixture[str]) -> None:
    assert in_a_child(squared, 7) == 49
    assert in_a_child(squared, 10**7) == 10**14
    assert in_a_child(chatters, CANARY["surname"]) == "done"
    assert "".join(capfd.readouterr()) == ""


def test_a_child_leaves_no_core_and_no_look_inside() -> None:
    assert in_a_child(limits) == (0, 0, True)


def test_what_a_child_raises_has_lost_its_values() -> None:
    with pytest.raises(ExtractRejected, match=r"A problem\. A remedy\."):
        in_a_child(fails, "ours", CANARY["surname"])
    with pytest.raises(StepFailed, match="ValueError") as caught:
        in_a_child(fails, "theirs", CANARY["surname"])
    assert CANARY["surname"] not in repr(vars(caught.value)) + str(caught.value)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_that_dies_is_one_clear_sentence(how: int) -> None:
    with pytest.raises(ChildEnded, match=f"was killed \\(signal {int(how)}\\)"):
        in_a_child(dies, how)


def is_alive(number: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def ended(number: int) -> bool:
    return until(lambda: not is_alive(number))


def until(happened: Callable[[], object], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.02)
    return False


def test_a_wish_to_stop_ends_the_child(tmp_path: Path) -> None:
    marker = tmp_path / "started"

    def interrupt() -> None:
        until(lambda: marker.exists() and marker.read_text())
        os.kill(os.getpid(), signal.SIGINT)

    waiting, began = threading.Thread(target=interrupt), time.monotonic()
    waiting.start()
    with pytest.raises(KeyboardInterrupt):
        in_a_child(sleeps, str(marker))
    waiting.join()
    assert time.monotonic() - began < 30  # it would sleep for a minute
    assert ended(int(marker.read_text()))


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    marker = tmp_path / "started"
    program = (
        "import sys, for_a_child; from flows.intake.apart import in_a_child; "
        "in_a_child(for_a_child.sleeps, sys.argv[1])"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(marker)])
    try:
        assert until(lambda: marker.exists() and marker.read_text(), 60)
    finally:
        parent.kill()
        parent.wait()
    assert ended(int(marker.read_text()))


# The journey


def test_one_partners_fault_does_not_hide_anothers(ran: Partnership) -> None:
    for partner, table in (("police", "custody"), ("probation", "sentence")):
        ran.inbox(partner, table).write_text("nothing\n1\n")
    with pytest.raises(Rejected) as caught:
        run_refresh(ran.settings)
    assert set(caught.value.problems) == {"police", "probation"}


@pytest.fixture
def planted(ran: Partnership, monkeypatch: pytest.MonkeyPatch) -> Partnership:
    """A partnership that has run and has new extracts with canaries; every folder is its own."""
    plant(ran.folder / "inbox")
    for name in ("tmp", "work"):
        (ran.folder / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(ran.folder / "tmp"))
    return ran


def killed_within(partnership: Partnership, step: str, *, whole_run: bool) -> str:
    """Kill the child that encodes, or the whole run, once it has done a step; what the run said."""
    marker = partnership.folder.parent / "at-work"
    held = f"import for_a_child; for_a_child.run_held({step!r}, {str(marker)!r})"
    run = subprocess.Popen(
        [sys.executable, "-c", held, "run", "--no-server", "--config", str(partnership.config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=partnership.folder / "work",
    )
    assert until(lambda: written(marker) or run.poll() is not None, 120)
    child = int(written(marker))
    assert child != run.pid and is_alive(child)
    os.kill(run.pid if whole_run else child, signal.SIGKILL)
    _, told = run.communicate(timeout=60)
    assert ended(child)
    return told.decode()


def written(marker: Path) -> str:
    return marker.read_text() if marker.exists() else ""


ENCODES = "governance.encoding.anchored"


@pytest.mark.parametrize(
    ("step", "whole_run"),
    [
        pytest.param("flows.intake.encoding.read_extract", False, marks=pytest.mark.slow),
        ("governance.pseudonymise.without_crowds", False),
        (f"{ENCODES}.anchored_filters", True),
        pytest.param(f"{ENCODES}._stand_ins", False, marks=pytest.mark.slow),
        pytest.param("governance.pseudonymise.in_keyed_order", True, marks=pytest.mark.slow),
    ],
)
def test_killing_it_while_it_encodes_leaves_no_name_on_the_disk(
    planted: Partnership, step: str, whole_run: bool
) -> None:
    before = planted.kept()
    told = killed_within(planted, step, whole_run=whole_run)
    assert found_on_disk(planted.folder) == []
    assert scan_tree(planted.folder, NEEDLES, ("inbox", "truth")) == {}
    assert planted.kept() == before
    if not whole_run:
        assert told.count("was killed (signal 9)") == 1 and "Traceback" not in told
        with open_control(planted.settings) as control:
            last = control.last_run()
        assert last is not None and last.state == "failed"


def test_a_file_left_by_encoding_would_be_found(
    planted: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search above is worth nothing unless it can fail."""
    import governance.pseudonymise

    whole = governance.pseudonymise.pseudonymise

    def careless(validated, *args):  # type: ignore[no-untyped-def]
        frame = next(iter(validated.frames.values()))
        (planted.folder / "tmp" / "spill").write_bytes(frame.write_csv().encode("utf-16-le"))
        return whole(validated, *args)

    monkeypatch.setattr("governance.pseudonymise.pseudonymise", careless)

    @functools.wraps(flows.refresh.stage)
    def enough(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(apart, "in_a_child", lambda function, *args: function(*args))
    monkeypatch.setattr(flows.refresh, "stage", enough)
    with pytest.raises(StepFailed):
        run_refresh(planted.settings)
    assert found_on_disk(planted.folder) == ["spill"]


def test_errors_survive_the_pipe() -> None:
    import pickle

    for error in (ConfigError("a", "b"), ChildEnded("c", "d"), JourneysError("e", "f")):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))
