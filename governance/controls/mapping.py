"""Which outcomes of others' lists of controls are met here, by what, and what is not.

No list's owner has looked at this; it certifies nothing. `shown by` names parts of an evidence
folder, so that an officer can follow a line to what was found on the day.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

ANSWERS = ("met", "in part", "not met", "outside")
"""`outside`: it is for the partnership or its machine, and no software could answer it."""

PACKAGED_ATTACK = "attack.json"


@dataclass(frozen=True)
class Scheme:
    """A list of controls: whose it is, which edition, and how it applies."""

    scheme: str
    title: str
    version: str
    dated: str
    owner: str
    note: str


@dataclass(frozen=True)
class Mapped:
    """One outcome of a list.

    Attributes:
        scheme: The list.
        ref: The outcome's mark there.
        outcome: What it asks.
        answer: One of `ANSWERS`.
        here: What here meets it, as far as it does.
        parts: The parts of an evidence folder that show it.
        more: The page, file or test to read.
        remains: What is not met, or is for others to do.
        status: `confirmed` where the outcome's mark and name were read in public text of the list,
            else `unconfirmed`. Of the answer it says nothing.
        source: The title of that text.
    """

    scheme: str
    ref: str
    outcome: str
    answer: str
    here: str
    parts: tuple[str, ...]
    more: str
    remains: str
    status: str
    source: str


@cache
def schemes() -> tuple[Scheme, ...]:
    """The lists of controls that are answered."""
    return tuple(Scheme(**row) for row in _rows("schemes.csv"))


@cache
def mapped() -> tuple[Mapped, ...]:
    """Every outcome that is answered, in the order of the lists."""
    return tuple(
        Mapped(**{**row, "parts": tuple(filter(None, row["parts"].split("; ")))})
        for row in _rows("controls.csv")
    )


def packaged_attack() -> dict[str, Any]:
    """The results of `journeys attack` that came with this version, with the day and command."""
    found: dict[str, Any] = json.loads(_text(PACKAGED_ATTACK))
    return found


def _rows(name: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(_text(name).splitlines()))


def _text(name: str) -> str:
    return resources.files("governance.controls").joinpath(name).read_text("utf-8")
