"""One part of an evidence folder, and how one is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from flows.clock import LOCAL_TIME
from flows.settings import Settings

State = Literal["found", "failed", "missing"]
Cell = str | int | None


@dataclass(frozen=True)
class Asked:
    """Files that were given beside the partnership.

    Args:
        attack: What `journeys attack --json` wrote.
        tests: What `pytest --junitxml` wrote.
    """

    attack: Path | None = None
    tests: Path | None = None


@dataclass(frozen=True)
class Part:
    """One part: what it says in sentences, and its table.

    Attributes:
        name: The name of its file.
        title: What it is called.
        state: `found`; `failed` where a check of it did; `missing` where there is nothing to tell.
        said: Sentences, the most important first.
        columns: The heads of its table.
        rows: The rows.
    """

    name: str
    title: str
    state: State
    said: tuple[str, ...]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()


Find = Callable[[Settings, Asked, date], Part]


TITLES = {
    "agreements": "Agreements",
    "record": "The record, verified today",
    "acts": "What was done with the data",
    "glass": "Looks into stores",
    "rights": "Rights requests",
    "retention": "Retention",
    "keys": "Keys",
    "roles": "Who may open what",
    "runs": "Runs",
    "extracts": "What the partners sent last",
    "releases": "Releases",
    "publications": "Publications, verified today",
    "attack": "Attacks on the encoding",
    "tests": "Tests of leaks",
    "configuration": "Configuration",
    "versions": "Versions",
    "controls": "Lists of controls",
}
"""What each part is called, in the order of the page."""


def missing(name: str, why: str, *, failed: bool = False) -> Part:
    """A part that there is nothing of, and why."""
    return Part(name, TITLES[name], "failed" if failed else "missing", (why,))


def part(
    name: str,
    state: State,
    said: Sequence[str],
    heads: str,
    rows: Iterable[tuple[Cell, ...]],
) -> Part:
    """A part with a table.

    Args:
        name: Its name, of `TITLES`.
        state: Its state.
        said: Its sentences, the most important first.
        heads: The heads of its table, parted by commas; `what is` for names and what they are.
        rows: Its rows.
    """
    columns = ("what", "is") if heads == "what is" else tuple(heads.split(", "))
    return Part(name, TITLES[name], state, tuple(said), columns, tuple(rows))


def at(moment: datetime) -> str:
    """A moment as people in the partnership would say it."""
    return f"{moment.astimezone(LOCAL_TIME):%Y-%m-%d %H:%M}"
