"""The certificate of a release: whole tables that show that nothing masked can be told.

It holds the truth and tables near it, so it is as confidential as the data. A release carries its
SHA-256, and its salt keeps anybody from trying tables against that.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from governance.disclosure.catalogue import LARGEST
from governance.disclosure.rules import DisclosureError
from governance.disclosure.system import Change
from governance.disclosure.tally import Counts
from governance.disclosure.timeline import Period

FORMAT = 1
SALT_BYTES = 32


@dataclass(frozen=True)
class Evidence:
    """What shows that one population is safe.

    Attributes:
        base: A possible table, by segment and atom: the truth.
        changes: What makes each of the other tables of it.
        insiders: Whether they show it of people who know their own record, too.
    """

    base: Counts
    changes: tuple[Change, ...]
    insiders: bool


@dataclass(frozen=True)
class People:
    """Who is in which populations, without saying who: what shows that none tells of another.

    Attributes:
        names: The populations.
        periods: The days that each counts; None in certificates that did not say them yet.
        on_their_word: Which of them only say which days they count.
        rows: By population: a row a unit, with the number of the person behind it and its atom.
    """

    names: tuple[str, ...]
    periods: tuple[Period | None, ...]
    on_their_word: tuple[bool, ...]
    rows: tuple[Counts, ...]


@dataclass(frozen=True)
class Contents:
    """What a certificate says.

    Attributes:
        release: The digest of the release it is of.
        evidence: By population.
        people: Who is in which of them, and of those that they are compared with.
        linked: Whether they may be of the same people. Where they were said not to be, nothing was
            compared.
    """

    release: str
    evidence: Mapping[str, Evidence]
    people: People
    linked: bool = True


NOBODY = People((), (), (), ())


def pack(contents: Contents) -> bytes:
    """Write a certificate."""
    people = contents.people
    document = {
        "format": FORMAT,
        "salt": secrets.token_hex(SALT_BYTES),
        "release": contents.release,
        "linked": contents.linked,
        "populations": {
            name: {
                "shape": list(one.base.shape),
                "base": [[int(s), int(a), int(one.base[s, a])] for s, a in np.argwhere(one.base)],
                "changes": [[[s, a, by] for (s, a), by in c.items()] for c in one.changes],
                "insiders": one.insiders,
            }
            for name, one in contents.evidence.items()
        },
        "people": [
            {
                "name": name,
                "period": None if days is None else [days.first.isoformat(), days.last.isoformat()],
                "on_its_word": word,
                "rows": rows.tolist(),
            }
            for name, days, word, rows in zip(
                people.names, people.periods, people.on_their_word, people.rows, strict=True
            )
        ],
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def fingerprint(certificate: bytes) -> str:
    """The SHA-256 by which a release names its certificate."""
    return hashlib.sha256(certificate).hexdigest()


def unpack(certificate: bytes) -> Contents:
    """Read a certificate.

    Raises:
        DisclosureError: If it cannot be read.
    """
    try:
        document = json.loads(certificate)
        if document["format"] != FORMAT or len(document["salt"]) != 2 * SALT_BYTES:
            raise ValueError("format")
        return Contents(
            str(document["release"]),
            {str(name): _evidence(one) for name, one in document["populations"].items()},
            # Certificates from before populations were compared have none.
            _people(document.get("people") or ()),
            _yes_or_no(document.get("linked", True)),
        )
    except (
        *(ValueError, KeyError, TypeError, IndexError, AttributeError),
        *(OverflowError, MemoryError, RecursionError),
    ):
        raise DisclosureError(
            "The certificate of a release cannot be read.",
            "Use the one that the gate wrote, unchanged.",
        ) from None


def _evidence(document: Mapping[str, Any]) -> Evidence:
    """The evidence of one population."""
    segments, atoms = document["shape"]
    if not 0 <= int(segments) * int(atoms) <= LARGEST:
        raise ValueError("shape")
    base = np.zeros((int(segments), int(atoms)), dtype=np.int64)
    for (segment, atom), count in _entries(document["base"]).items():
        base[segment, atom] = count
    changes = tuple(_entries(change) for change in document["changes"])
    return Evidence(base, changes, _yes_or_no(document["insiders"]))


def _people(document: Sequence[Mapping[str, Any]]) -> People:
    """Who is in which populations."""
    rows = []
    for one in document:
        pairs = [(person, atom) for person, atom in one["rows"]]
        if any(type(n) is not int or n < 0 for pair in pairs for n in pair):
            raise ValueError("rows")
        rows.append(np.array(pairs, dtype=np.int64).reshape(-1, 2))
    if any((some[:, 0] > sum(map(len, rows))).any() for some in rows):
        raise ValueError("people")  # they are numbered, so that no number is beyond the rows
    return People(
        tuple(str(one["name"]) for one in document),
        tuple(_days(one.get("period")) for one in document),
        tuple(_yes_or_no(one["on_its_word"]) for one in document),
        tuple(rows),
    )


def _days(given: Sequence[str] | None) -> Period | None:
    """The days of a population."""
    return None if given is None else Period(*(date.fromisoformat(day) for day in given))


def _yes_or_no(given: object) -> bool:
    if not isinstance(given, bool):
        raise TypeError("neither yes nor no")
    return given


def _entries(given: Sequence[Sequence[int]]) -> dict[tuple[int, int], int]:
    """Whole numbers by segment and atom, each named once."""
    entries = {(segment, atom): number for segment, atom, number in given}
    whole = all(type(n) is int for key, number in entries.items() for n in (*key, number))
    if len(entries) < len(given) or not whole or any(min(key) < 0 for key in entries):
        raise ValueError("entries")
    return entries
