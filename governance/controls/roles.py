"""Who may open which store by which key and which file, as packaged data.

A role opens an encrypted zone only with both: its files and its key. So the table says of each role
which keys it uses and which files its account may read, and what it opens follows from the two.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

ANSWERS = {
    "key": frozenset({"uses", "keeps", "no"}),
    "zone": frozenset({"yes", "no"}),
    "command": frozenset({"yes", "approves", "no"}),
}
"""What may be said of a role, by the kind of thing: a key may be used, or only kept in custody; a
command may be given, or approved by an officer whom it names."""


@dataclass(frozen=True)
class Role:
    """A role: its name, what people call it and who has it."""

    name: str
    title: str
    who: str


@dataclass(frozen=True)
class Right:
    """A key, zone or command, and what each role may do with it.

    Attributes:
        kind: `key`, `zone` or `command`.
        thing: Its name.
        where: The files, from the partnership's folder; a pattern.
        keys: The kinds of key without which a zone or command is of no use.
        may: Role → one of `ANSWERS`.
        note: What else there is to know.
    """

    kind: str
    thing: str
    where: str
    keys: tuple[str, ...]
    may: Mapping[str, str]
    note: str


@cache
def roles() -> tuple[Role, ...]:
    """The roles there are."""
    return tuple(Role(row["role"], row["title"], row["who"]) for row in _rows("roles.csv"))


@cache
def rights() -> tuple[Right, ...]:
    """Every key, zone and command, in the order of the table."""
    names = [role.name for role in roles()]
    return tuple(
        Right(
            row["kind"],
            row["thing"],
            row["where"],
            tuple(row["keys"].split()),
            {name: row[name] for name in names},
            row["note"],
        )
        for row in _rows("rights.csv")
    )


def keys_of(role: str) -> frozenset[str]:
    """The kinds of key that a role uses in its work. What it only keeps is not among them."""
    return frozenset(one.thing for one in rights() if one.kind == "key" and one.may[role] == "uses")


def may_read(role: str, zone: Right) -> bool:
    """Whether a role can read what is in a zone: it has the files and, if need be, the key."""
    return zone.may[role] == "yes" and keys_of(role) >= set(zone.keys)


def _rows(name: str) -> list[dict[str, str]]:
    text = resources.files("governance.controls").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
