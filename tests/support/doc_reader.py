"""A reader who types what a page says, in a folder of their own, and looks whether it is so.

`journeys` is called in this process. Of `make` it is looked whether there is such a target. A few
small programs that every machine has are run as they are. Anything else is refused: a page marks
it as not run. Ids that a page uses as examples are taken as what stands for them here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from doc_pages import ROOT, Block, Command
from officers_page import RUN_ID, matches, plain, shown
from slight import MARTS, in_this_process, make_slight
from typer.testing import CliRunner

from flows.cli import app

SMALL = frozenset({"cat", "cp", "head", "ls", "mkdir", "mv", "rm", "sed", "sha256sum", "wc"})
SHORT_ID = re.compile(r"(?<![\w-])[0-9a-f]{8}(?![\w-])")
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
SECONDS = 60
Examples = dict[str, str | Callable[[], str]]
SENT = frozenset({".bundle", ".csv", ".passphrase", ".request", ".sealed"})


@contextmanager
def quick() -> Iterator[None]:
    """Runs that build few tables and encode in this process, and go without Prefect."""
    with pytest.MonkeyPatch.context() as patched:
        make_slight(patched, MARTS | {"linkage_quality", "treatment_journey"})
        in_this_process(patched)
        yield


@dataclass
class Reader:
    """Somebody at a desk.

    Args:
        home: The folder in which they begin.
        examples: What stands here for the examples of a page, or how it is told when it is needed.
        account: The account of the computer they use.
    """

    home: Path
    examples: Examples = field(default_factory=dict)
    account: str = "journeys"
    last_id: str = ""

    def at_the_desk(self) -> ExitStack:
        """Do everything by one account, but for what `sudo -u` says."""
        return self._as(self.account)

    def follow(self, block: Block) -> list[str]:
        """Do what a block says, where it is to be done, and tell what is otherwise than it says."""
        before = Path.cwd()
        if block.at_partner:
            desk = self.home.parent / "partner"
            _send(before, desk)
            os.chdir(desk)
        wrong = [said for one in block.commands if (said := self._try(one, block.place))]
        if block.at_partner:
            _send(desk, before)
            os.chdir(before)
        return wrong

    def _try(self, command: Command, place: str) -> str | None:
        try:
            answer = self._do(list(command.words))
        except LookupError as error:
            return f"{place}: {command.line}\n  {error}"
        if ids := SHORT_ID.findall(answer):
            self.last_id = ids[0]
        if command.answer is None:
            failed = answer.splitlines()[-1:] if "(exit code " in answer else []
            return f"{place}: {command.line}\n{answer}" if failed else None
        (said, code), (found, ended) = _parted(command.answer), _parted(answer)
        if code == ended and matches(shown(said), found):
            return None
        return f"{place}: {command.line}\nsays\n{command.answer}\nand is\n{shown(answer)}"

    def _do(self, words: list[str]) -> str:
        program, *rest = [self._here(word) for word in words]
        if program == "sudo" and rest[:1] == ["-u"]:
            with self._as(rest[1]):
                return self._do(rest[2:])
        if Path(program).name == "journeys":
            return self._journeys(rest)
        if program == "make":
            return self._make(rest)
        if program == "cd":
            os.chdir(rest[0])
            return ""
        if program in SMALL:
            return self._run([program, *rest])
        raise LookupError(f"Nobody runs {program} here: mark the block as not run, and say why.")

    def _journeys(self, words: list[str]) -> str:
        given = [one for word in words for one in _as_a_shell_takes(word)]
        if given[:1] == ["run"]:
            with quick():
                done = CliRunner().invoke(app, [*given, "--no-server"])
        else:
            done = CliRunner().invoke(app, given, prog_name="journeys")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        ending = f"(exit code {done.exit_code})\n" if done.exit_code else ""
        return plain(plain(done.stdout + done.stderr, self.home), Path.cwd().parent) + ending

    def _make(self, words: list[str]) -> str:
        targets = set(TARGET.findall((ROOT / "Makefile").read_text("utf-8")))
        wanted = {word for word in words if "=" not in word}
        if not wanted or wanted - targets:
            raise LookupError(f"The Makefile has no {', '.join(sorted(wanted - targets))}.")
        return ""

    def _run(self, words: list[str]) -> str:
        given = [one for word in words for one in _as_a_shell_takes(word)]
        done = subprocess.run(given, capture_output=True, text=True, timeout=SECONDS, check=False)
        ending = f"(exit code {done.returncode})\n" if done.returncode else ""
        return plain(done.stdout + done.stderr, self.home) + ending

    def _here(self, word: str) -> str:
        """A word with what stands here for the examples in it."""
        stands = []
        for example, real in self.examples.items():
            if example in word:
                stands.append(real if isinstance(real, str) else real())
                word = word.replace(example, stands[-1])
        if self.last_id:
            word = SHORT_ID.sub(self.last_id, word)
        if (publications := self.home / "publications").is_dir():
            newest = max((one.name for one in publications.iterdir()), default="")
            word = RUN_ID.sub(lambda at: at[0] if at[0] in stands else newest or at[0], word)
        return word

    def _as(self, account: str) -> ExitStack:
        """Be at the desk with an account."""
        stack = ExitStack()
        who = SimpleNamespace(pw_name=account)
        stack.enter_context(patch("flows.context.pwd.getpwuid", lambda _: who))
        return stack


def _parted(answer: str) -> tuple[str, str]:
    """What a command prints, without blank lines around it, and how it ended."""
    said, bar, code = answer.partition("(exit code ")
    return said.strip("\n"), bar + code.strip("\n")


def _send(here: Path, there: Path) -> None:
    """Have the files that a hub and a partner send each other, which are of few kinds."""
    there.mkdir(exist_ok=True)
    for file in here.iterdir():
        if file.suffix in SENT:
            shutil.copy(file, there / file.name)


def _as_a_shell_takes(word: str) -> list[str]:
    """A pattern as the files that it fits."""
    found = sorted(str(one) for one in Path().glob(word)) if "*" in word else []
    return found or [word]
