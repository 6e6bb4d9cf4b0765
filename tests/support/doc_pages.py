"""The pages of the documentation as a reader follows them: blocks, commands and what these print.

Every block between fences names its language. What is typed is `sh` (commands alone) or `console`
(commands after `$ `, each with what it prints); both are run. What is in another shell, needs
another machine or takes minutes stands under a comment that says so:

    <!-- not run: needs a Windows machine -->
    <!-- slow: two minutes -->

What a partner does on its own machine stands under `<!-- at the partner -->`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = frozenset({"sh", "console"})
OTHER_SHELLS = frozenset({"powershell", "text"})  # never run: each says why
DATA = frozenset(
    {*("csv", "dockerfile", "ini", "json", "jsonl"), *("python", "r", "sql", "toml", "xml", "yaml")}
)
BLOCK = re.compile(
    r"(?:^ *<!-- (?:(?P<mark>not run|slow): (?P<why>[^\n]+?)|(?P<partner>at the partner)) -->\n"
    r"\s*)?"
    r"^(?P<indent> *)```(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=indent)```[ ]*$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Command:
    """One command of a page: its words, and what the page says it prints, if it says so."""

    line: str
    words: tuple[str, ...]
    answer: str | None


@dataclass(frozen=True)
class Block:
    """What stands between two fences.

    Args:
        page: The page, by its path in the repository.
        line: The line on which it begins, from 1.
        language: What the fence says.
        text: Without the indent.
        mark: `not run` or `slow`, where a comment above says so.
        why: The reason that the comment gives.
        at_partner: Whether it is done on a partner's own machine.
    """

    page: str
    line: int
    language: str
    text: str
    mark: str | None
    why: str | None
    at_partner: bool = False

    @property
    def place(self) -> str:
        """Where to look, for a message."""
        return f"{self.page}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether its commands are to be run."""
        return self.language in RUN and self.mark != "not run"

    @property
    def commands(self) -> list[Command]:
        """Its commands, in their order."""
        return _typed(self.text) if self.language == "sh" else _told(self.text)


def pages() -> list[str]:
    """Every page that a reader is given, by its path in the repository."""
    named = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [
        path.relative_to(ROOT).as_posix()
        for path in [*named, *sorted((ROOT / "docs").rglob("*.md"))]
        if path.is_file()
    ]


def blocks(page: str, text: str | None = None) -> list[Block]:
    """Every block of a page."""
    whole = (ROOT / page).read_text("utf-8") if text is None else text
    return [
        Block(
            page,
            whole.count("\n", 0, found.start("language")) + 1,
            found["language"].strip(),
            re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
            found["mark"],
            found["why"],
            found["partner"] is not None,
        )
        for found in BLOCK.finditer(whole)
    ]


def problem(block: Block) -> str | None:
    """What is wrong with how a block is given, if anything."""
    if not block.language:
        return "names no language"
    if block.language not in RUN | OTHER_SHELLS | DATA:
        return f"is in a language that nobody reads here: {block.language}"
    if block.language in OTHER_SHELLS and block.mark != "not run":
        return "is not run, and no comment says why"
    if block.language == "console" and not block.text.startswith("$ "):
        return "does not begin with a command after `$ `"
    return None


def _typed(text: str) -> list[Command]:
    """Commands alone; a comment after one is the reader's."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    parts = [(line, tuple(shlex.split(line, comments=True))) for line in lines]
    return [Command(line.strip(), words, None) for line, words in parts if words]


def _told(text: str) -> list[Command]:
    """Commands after `$ `, each with the lines that it prints."""
    found = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        typed = 1
        while lines[typed - 1].endswith("\\\n"):
            typed += 1
        line = re.sub(r"\\\n\s*", " ", "".join(lines[:typed])).strip()
        words = tuple(shlex.split(line, comments=True))
        found.append(Command(line, words, "".join(lines[typed:]).strip("\n")))
    return found
