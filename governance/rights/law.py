"""Which rights there are in which part of the law, why one may be refused, and by when to answer.

What the law says is data with a source, a date and a status, for the controllers' advisers to
confirm. A ground is a code, so that no refusal can hold a value.
"""

from __future__ import annotations

import calendar
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Final, Literal, cast

Regime = Literal["part_2", "part_3"]
Standing = Literal["exists", "restricted", "none"]

MONTHS: Final = 1
"""UK GDPR Article 12(3) and DPA 2018 section 54(2)."""

MONTHS_MORE: Final = 2
"""By how much the time may be extended: UK GDPR Article 12(3); Part 3 as amended by the Data (Use
and Access) Act 2025, section 76 (unconfirmed)."""

WARN_DAYS: Final = 7
"""How many days before a request has to be answered it is warned of (policy, 2026-11-22)."""

SATURDAY: Final = 5

IN_WORDS: Final[Mapping[Regime, str]] = {
    "part_2": "UK GDPR and Part 2",
    "part_3": "Part 3 of the Data Protection Act 2018",
}


@dataclass(frozen=True)
class Route:
    """How a right stands in one part of the law.

    Attributes:
        regime: The part.
        standing: Whether the right is there, restricted, or there is none.
        provision: Where that is said.
        label: What it is, in words.
    """

    regime: Regime
    standing: Standing
    provision: str
    label: str


@dataclass(frozen=True)
class Ground:
    """A statutory ground on which a right may be refused.

    Attributes:
        code: Its code.
        regime: The part of the law that it is of.
        rights: The rights that it may be held against.
        provision: Where it is said.
        label: What it says, in words.
    """

    code: str
    regime: Regime
    rights: frozenset[str]
    provision: str
    label: str


def regime_of(*, under_part_3: bool) -> Regime:
    """The part of the law that an agreement's data stay under."""
    return "part_3" if under_part_3 else "part_2"


def route(right: str, regime: Regime) -> Route:
    """How a right stands in a part of the law.

    Raises:
        KeyError: There is no such right.
    """
    return _routes()[right, regime]


@cache
def grounds() -> Mapping[str, Ground]:
    """Every ground of refusal by its code."""
    return {
        row["ground"]: Ground(
            row["ground"],
            cast(Regime, row["regime"]),
            frozenset(row["rights"].split()),
            row["provision"],
            row["label"],
        )
        for row in _listed("rights_grounds.csv")
    }


def grounds_for(right: str, regime: Regime) -> tuple[str, ...]:
    """The codes of the grounds on which a right may be refused in a part of the law."""
    return tuple(
        code for code, one in grounds().items() if one.regime == regime and right in one.rights
    )


def due_on(received: date, *, extended: bool = False) -> date:
    """The last day on which the person may be told: the same day of a later month, or its last.

    Args:
        received: The day on which the request came.
        extended: Whether the time was extended.
    """
    months = received.month - 1 + MONTHS + (MONTHS_MORE if extended else 0)
    year, month = received.year + months // 12, months % 12 + 1
    return date(year, month, min(received.day, calendar.monthrange(year, month)[1]))


def last_working_day(due: date) -> date:
    """The day itself, or the last before it that is no weekend and no bank holiday.

    The law's day stands where it is (`due_on`); who answers by this one answers while people work.

    Args:
        due: The last day on which the person may be told.
    """
    while due.weekday() >= SATURDAY or due in _bank_holidays():
        due -= timedelta(days=1)
    return due


def by_when(due: date) -> str:
    """The last day on which the person may be told, in words."""
    working = last_working_day(due)
    if working == due:
        return f"{due}"
    return f"{due}, which is no working day (the last before it is {working})"


@cache
def _bank_holidays() -> frozenset[date]:
    """Those of England and Wales, as far as they are listed."""
    return frozenset(date.fromisoformat(row["day"]) for row in _listed("bank_holidays.csv"))


@cache
def _routes() -> Mapping[tuple[str, str], Route]:
    return {
        (row["right"], row["regime"]): Route(
            cast(Regime, row["regime"]),
            cast(Standing, row["standing"]),
            row["provision"],
            row["label"],
        )
        for row in _listed("rights.csv")
    }


def _listed(name: str) -> list[dict[str, str]]:
    text = resources.files("governance").joinpath("law", name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
