"""The page of officers' questions: its commands run for real, and what they answered held to it.

A block of the page is a command of `journeys` and its answer. What differs from one made-up
partnership to another (ids, dates, digests, places, and what hangs on how keys encode: links, and
people made of them) is left out of account when answers are compared. What the seed of the made-up
data and the history of the partnership settle is compared to the last digit: see `SETTLED`. The
page itself shows what was answered when it was last renewed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "governance" / "officers-questions.md"
BLOCK = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n(?P<answer>.*?)```", re.DOTALL)
QUESTION = re.compile(r"^### (\d+)\. (.+)$", re.MULTILINE)
RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
MORE = "…"
MOST_LINES, LONGEST_LINE = 12, 118

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"

SETTLED = re.compile(
    r"(?<![\d.,-])\d[\d,]*(?= (?:entries|of them erased|checkpoints|of witnesses|rows(?!  )|files"
    r"|question\(s\)|request\(s\)|waiting for|late to|thing\(s\)|are due|column\(s\)|release\(s\)"
    r"|people asked|known here|time\(s\)|approval)(?!\w))"
    r"|(?<=Entry )\d+|(?<=epoch )\d+|(?<=version )\d+"
    r"|^[a-z_]+(?: +[\d,]+){4}$"
)
"""Numbers that the same seed and the same history always give."""

KEPT = str.maketrans("0123456789", "".join(chr(0xE000 + n) for n in range(10)))
"""Digits that are compared, written so that what leaves out the others passes them over."""


@dataclass(frozen=True)
class Block:
    """A command and what the page says it answers."""

    command: str
    answer: str

    @property
    def words(self) -> list[str]:
        """The words after `journeys`."""
        words = shlex.split(self.command)
        assert words[0] == "journeys", self.command
        return words[1:]


def blocks(page: str) -> list[Block]:
    """Every block of the page."""
    return [Block(one["command"], one["answer"]) for one in BLOCK.finditer(page)]


def renewed(page: str, answers: Callable[[Block], str]) -> str:
    """The page with the answer of each block made anew."""

    def answer(found: re.Match[str]) -> str:
        block = Block(found["command"], found["answer"])
        return f"```console\n$ {block.command}\n{shown(answers(block))}```"

    return BLOCK.sub(answer, page)


def shown(answer: str) -> str:
    """An answer as the page shows it: its first lines, none of them too long."""
    lines = [line.rstrip() for line in answer.splitlines()]
    cut = [line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + MORE for line in lines]
    kept = cut if len(cut) <= MOST_LINES else [*cut[: MOST_LINES - 1], MORE]
    return "".join(f"{line}\n" for line in kept)


def plain(answer: str, folder: Path) -> str:
    """An answer without where it was made."""
    return answer.replace(f"{folder}/", "").replace(str(folder), "demo")


def shape(answer: str) -> list[str]:
    """The lines of an answer without ids, dates, digests, and counts that are not settled."""
    lines = []
    for line in answer.splitlines():
        text = RUN_ID.sub("#", line)
        text = SETTLED.sub(lambda found: found[0].translate(KEPT), text)
        text = re.sub(rf"\b({MONTHS})\b", "#", text)
        text = re.sub(r"\b[0-9a-f]{8,}\b", "#", text)
        text = re.sub(r"[0-9][0-9,.:/-]*", "#", text)
        text = re.sub(r"(?:#[ ,:-]*)+", "#", text)
        lines.append(re.sub(r"[\s─]+", " ", text).strip())
    return lines


def matches(said: str, answered: str) -> bool:
    """Whether an answer has the shape that the page shows, as far as it shows it."""
    wanted, found = shape(said), shape(shown(answered))
    if wanted and wanted[-1] == MORE:
        wanted, found = wanted[:-1], found[: len(wanted) - 1]
    return len(wanted) == len(found) and all(
        one == other or (one.endswith(MORE) and _begin_alike(one[:-1].split("#")[0], other))
        for one, other in zip(wanted, found, strict=True)
    )


def _begin_alike(said: str, other: str) -> bool:
    """Whether a line begins as another that was cut; where columns are wider, it is cut earlier."""
    return other.startswith(said) or (other.endswith(MORE) and said.startswith(other[:-1]))
