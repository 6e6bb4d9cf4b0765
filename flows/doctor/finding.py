"""A finding: how one thing stands, in one sentence, with a remedy and where more is said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from flows.clock import Clock
from flows.settings import Settings
from governance.control import Control

State = Literal["ok", "warn", "fail"]
RUNBOOK = "docs/how-to/runbook.md"


@dataclass(frozen=True)
class Finding:
    """How one thing stands.

    Args:
        code: What was looked at: a word of `CHECKS`, and the anchor of its part of the runbook.
        state: `ok`; `warn`, which nothing fails of yet; `fail`.
        said: One sentence.
        remedy: What to do; empty where it is ok.
    """

    code: str
    state: State
    said: str
    remedy: str = ""

    @property
    def anchor(self) -> str:
        """Where the runbook says more."""
        return f"{RUNBOOK}#{self.code}"

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self) | {"anchor": self.anchor}


@dataclass(frozen=True)
class Patient:
    """What is looked at: a partnership, its control database if that opens, and the clock.

    `digests` says whether files of releases are read to the end however large they are.
    """

    settings: Settings
    control: Control | None
    clock: Clock
    digests: bool = False


Check = Callable[[Patient], Iterator[Finding]]


def ok(code: str, said: str) -> Finding:
    """A thing that is right."""
    return Finding(code, "ok", said)


def warn(code: str, said: str, remedy: str) -> Finding:
    """A thing of which nothing fails yet."""
    return Finding(code, "warn", said, remedy)


def fail(code: str, said: str, remedy: str) -> Finding:
    """A thing of which runs fail, or by which data may leak or be lost."""
    return Finding(code, "fail", said, remedy)
