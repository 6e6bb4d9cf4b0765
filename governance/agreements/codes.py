"""The law that agreements name, as packaged and dated lists that advisers can read and correct.

`governance/law/gateways.csv` has the powers and duties to share, `conditions.csv` the conditions
under which data may be processed, `categories.csv` what the law asks for each kind of data, and
`columns.csv` which kind every column of every contract is.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

OPT_OUTS_APPLY = ("applied_here", "applied_by_the_provider")
"""The stances on the national data opt-out under which it applies."""


@dataclass(frozen=True)
class Provision:
    """One entry of a list of law.

    Attributes:
        code: What an agreement names it by.
        provision: Where it stands.
        label: What it says, in a few words.
        needs: What has to be named beside it.
    """

    code: str
    provision: str
    label: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Category:
    """One kind of data, and what the law asks of whoever processes it."""

    name: str
    label: str
    needs: tuple[str, ...]


@cache
def conditions(clause: str) -> Mapping[str, Provision]:
    """The conditions that a clause of `law` may name, by code."""
    return {
        row["code"]: Provision(
            row["code"], row["provision"], row["label"], tuple(row["needs"].split())
        )
        for row in _rows("conditions")
        if row["clause"] == clause
    }


@cache
def gateways() -> Mapping[str, Provision]:
    """The powers and duties to share that an agreement may name, by code."""
    return {
        row["gateway"]: Provision(
            row["gateway"],
            f"{row['enactment']}, {row['provision']}",
            f"a {row['kind']} {row['label']}",
        )
        for row in _rows("gateways")
    }


@cache
def categories() -> Mapping[str, Category]:
    """Every kind of data, by name."""
    return {
        row["category"]: Category(row["category"], row["label"], tuple(row["needs"].split()))
        for row in _rows("categories")
    }


@cache
def columns(partner: str) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """The kinds of data that each column of a partner's tables is: {(table, column): kinds}."""
    return {
        (row["table"], row["column"]): tuple(row["categories"].split())
        for row in _rows("columns")
        if row["partner"] == partner
    }


@cache
def _rows(name: str) -> list[dict[str, str]]:
    listed = resources.files("governance").joinpath("law", f"{name}.csv")
    return list(csv.DictReader(listed.read_text("utf-8").splitlines()))
