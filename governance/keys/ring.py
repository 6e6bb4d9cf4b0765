"""A key ring: the root keys of one kind, one for each epoch, and the text they are kept in.

    cohort-journeys-key 1 identifier epoch=2 made=2026-11-22 <64 hexadecimal characters>

One line an epoch. Rotation adds a line, destruction takes one out.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from governance.keys.root import ROOT_BYTES, RootKey
from schemas.errors import KeyProblem

Kind = Literal["identifier", "store", "release", "seal", "record", "backup"]
KINDS: tuple[Kind, ...] = ("identifier", "store", "release", "seal", "record")
"""What a ring is for.

`identifier`  encodings and surrogate keys; a hub fed by encoded extracts never holds it.
`store`       the identity and staging stores.
`release`     the warehouse that analysts read: all that an analyst is given.
`seal`        opening what partners encoded and sealed on their own machines.
`record`      signing checkpoints of the audit record, receipts and evidence.

A ring of the kind `backup` opens backups. It is none of these, since no partnership.yaml names it:
its custodian has it, and the hub only its public half.
"""

Form = Literal["key", "half-1", "half-2", "wrapped"]
"""What a line holds: a root, one of two halves, or a root wrapped by a key service."""

LINE = re.compile(
    r"cohort-journeys-(?P<form>key|half-[12]|wrapped) 1 (?P<kind>[a-z]+) "
    r"epoch=(?P<epoch>[1-9][0-9]{0,3}) made=(?P<made>[0-9]{4}-[0-9]{2}-[0-9]{2}) "
    r"(?P<secret>(?:[0-9a-f]{2}){32,4096})"
)

LATER = re.compile(r"cohort-journeys-(?:key|half-[12]|wrapped) (?:[2-9]|[1-9][0-9]+) ")
"""What a line begins with that a later version of this program wrote."""

MARK = "cohort-journeys-"
"""What every line begins with."""

STRUCK = "#"
"""What a destroyed line is written over with, each character by one."""

WRITTEN_LINE = re.compile(r"[^\n;]+")

PUBLISHED = frozenset(
    hashlib.sha256(secret).digest()
    for secret in (bytes(range(32)), bytes(range(31, -1, -1)), bytes(range(1, 33)))
)
"""Digests of keys that stand in documents and tests; with one of them anybody could encode."""


@dataclass(frozen=True)
class Line:
    """One line of a ring's text."""

    form: Form
    kind: str
    epoch: int
    made: date
    secret: bytes

    def __repr__(self) -> str:
        return f"Line({self.form}, {self.kind}, epoch {self.epoch})"

    def text(self) -> str:
        """The line as it is written."""
        return (
            f"cohort-journeys-{self.form} 1 {self.kind} epoch={self.epoch} "
            f"made={self.made.isoformat()} {self.secret.hex()}"
        )


@dataclass(frozen=True)
class KeyRing:
    """The roots of one kind by epoch, and the day each was made.

    Raises:
        KeyProblem: It is empty, or holds one root twice or one that was published.
    """

    kind: Kind
    roots: Mapping[int, RootKey]
    made: Mapping[int, date]

    def __post_init__(self) -> None:
        if not self.roots:
            raise KeyProblem(
                f"The {self.kind} key has no epoch.",
                "Put it back from its custodian; keys are made only by `journeys keys`.",
            )
        refuse_reused(self.kind, [root.secret for root in self.roots.values()])

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs there are, oldest first."""
        return tuple(sorted(self.roots))

    @property
    def newest(self) -> int:
        """The epoch that new data are encoded in."""
        return self.epochs[-1]

    def root(self, epoch: int) -> RootKey:
        """The root of an epoch.

        Raises:
            KeyProblem: There is none.
        """
        if epoch not in self.roots:
            raise KeyProblem(
                f"There is no {self.kind} key of epoch {epoch}.",
                "Put it back from its custodian; `journeys keys status` lists what is there.",
            )
        return self.roots[epoch]

    def fingerprint(self, epoch: int) -> str:
        """Sixteen characters that tell one root from another and give nothing else away."""
        root = self.root(epoch)
        return root.derive("fingerprint", purpose=self.kind, epoch=epoch, length=8).hex()


def refuse_reused(name: str, found: Iterable[bytes]) -> None:
    """Refuse a secret that is there twice or that stands in a document.

    Raises:
        KeyProblem: If one is.
    """
    secrets_found = list(found)
    if len(set(secrets_found)) < len(secrets_found):
        raise KeyProblem(
            f"One secret is used twice for the {name} key.",
            "Each kind, epoch and half needs a key of its own; make it with `journeys keys new`.",
        )
    if any(hashlib.sha256(secret).digest() in PUBLISHED for secret in secrets_found):
        raise KeyProblem(
            f"The {name} key is one that was published as an example.",
            "Make a new one with `journeys keys new`.",
        )


def refuse_shared(rings: Iterable[KeyRing]) -> None:
    """Refuse rings that share a root: whoever holds one would then hold the other.

    Raises:
        KeyProblem: If two do.
    """
    seen: dict[bytes, str] = {}
    for ring in rings:
        for root in ring.roots.values():
            other = seen.setdefault(root.secret, ring.kind)
            if other != ring.kind:
                raise KeyProblem(
                    f"The {ring.kind} key and the {other} key are the same.",
                    "Each needs a key of its own; make it with `journeys keys new`.",
                )


def new_secret() -> bytes:
    """32 fresh random bytes."""
    return secrets.token_bytes(ROOT_BYTES)


def read_lines(text: str, kind: Kind, name: str, forms: Collection[str]) -> tuple[Line, ...]:
    """Read the text of a ring.

    Args:
        text: One line an epoch; blank lines and those struck out are passed over. A semicolon ends
            a line too, since an environment variable seldom holds more than one.
        kind: What the ring should be for.
        name: What to call it in a message.
        forms: What its lines may hold.

    Raises:
        KeyProblem: A line is not one that we wrote, is of another kind, or an epoch comes twice.
    """
    found = []
    for written in WRITTEN_LINE.findall(text):
        if not written.strip() or STRUCK in written:
            continue
        parts = LINE.fullmatch(written.strip())
        if LATER.match(written.strip()):
            raise KeyProblem(
                f"{name} was made by a later version of this program.", "Use that version."
            )
        if parts is None or parts["form"] not in forms:
            raise _not_whole(name)
        if parts["kind"] != kind:
            raise KeyProblem(
                f"{name} is not the {kind} key but another.",
                "Put the right one in its place; each kind of key has a file of its own.",
            )
        found.append(_line(parts, name))
    if len({line.epoch for line in found}) < len(found) or not found:
        raise _not_whole(name)
    return tuple(sorted(found, key=lambda line: line.epoch))


def struck(text: str, epochs: Collection[int] | None) -> str:
    """The text of a ring, as long as it was, with the lines of epochs struck out; None for all."""

    def stroke(written: re.Match[str]) -> str:
        line = written.group()
        parts = LINE.fullmatch(line.strip())
        # A line that was being struck out when the power went is finished.
        gone = STRUCK in line or (parts is not None and int(parts["epoch"]) in (epochs or ()))
        return STRUCK * len(line) if gone or epochs is None else line

    return WRITTEN_LINE.sub(stroke, text)


def is_struck_out(text: str) -> bool:
    """Whether a ring's text once held lines and every one is struck out."""
    lines = [line for line in WRITTEN_LINE.findall(text) if line.strip()]
    return bool(lines) and all(STRUCK in line for line in lines)


def _line(parts: re.Match[str], name: str) -> Line:
    try:
        made = date.fromisoformat(parts["made"])
    except ValueError:
        raise _not_whole(name) from None
    form: Form = parts["form"]  # type: ignore[assignment]
    return Line(form, parts["kind"], int(parts["epoch"]), made, bytes.fromhex(parts["secret"]))


def _not_whole(name: str) -> KeyProblem:
    return KeyProblem(
        f"{name} does not hold a whole key.",
        "Put it back from its custodian; keys are made only by `journeys keys`.",
    )
