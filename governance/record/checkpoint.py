"""Checkpoints: what a record was at a moment, in a few lines that anybody can keep as a witness.

    cohort-journeys-checkpoint-1
    log: <32 hexadecimal characters, of the first entry>
    entries: 1234
    root: <64 hexadecimal characters>
    made: 2026-11-22 02:00:11.000000

Then comes the signature of the record key over those lines. It follows the notes of transparency
logs in what it says and not in how: a file or an e-mail has to do, whatever a mail program makes
of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from governance.record.leaves import as_moment, moment
from governance.record.signing import BLOCK, Signature, read_signature

FORMAT = "cohort-journeys-checkpoint-1"

SAID = (
    rf"{FORMAT}\nlog: (?P<log>[0-9a-f]{{32}})\nentries: (?P<size>[1-9][0-9]{{0,17}})\n"
    r"root: (?P<root>[0-9a-f]{64})\nmade: (?P<made>[0-9: .-]{26})\n"
)
FOUND = re.compile(rf"{SAID}(?P<block>{BLOCK.pattern})?")
QUOTED = re.compile(r"^[>\s]+|[ \t\r]+$", re.MULTILINE)


@dataclass(frozen=True)
class Checkpoint:
    """What the record was when it had so many entries.

    Args:
        log: Which record: the beginning of the hash of its first leaf.
        size: How many entries it had, at least one.
        root: The root over them.
        made_at: When the checkpoint was made.
        signature: By the record key; None where the partnership had none.
    """

    log: str
    size: int
    root: bytes
    made_at: datetime
    signature: Signature | None = None

    def said(self) -> str:
        """What is signed."""
        return (
            f"{FORMAT}\nlog: {self.log}\nentries: {self.size}\nroot: {self.root.hex()}\n"
            f"made: {moment(self.made_at)}\n"
        )

    def signed(self, signature: Signature | None) -> Checkpoint:
        """The same with a signature."""
        return replace(self, signature=signature)

    def text(self) -> str:
        """Its lines and the signature's."""
        return self.said() + (self.signature.text() if self.signature else "")


def as_file(checkpoint: Checkpoint, partnership: str) -> str:
    """A checkpoint as a file, with what a person has to know before it."""
    unsigned = "" if checkpoint.signature else "It is not signed: there is no record key.\n"
    return (
        f"The record of what {partnership} did with people's data,\n"
        "as it was when this was made. Keep it where the partnership cannot\n"
        "change it: with it anybody can see later whether the record was changed\n"
        "(journeys audit verify --witness FILE).\n"
        f"{unsigned}\n{checkpoint.text()}"
    )


def read_checkpoints(text: str) -> list[Checkpoint]:
    """Every checkpoint in a text, such as a file of ours or an e-mail that quotes some."""
    plain = re.sub(r"\n{2,}", "\n", QUOTED.sub("", text.replace("\r\n", "\n")))
    found = []
    for part in FOUND.finditer(plain + "\n"):
        try:
            made_at = as_moment(part["made"])
        except ValueError:
            continue
        signature = read_signature(part["block"] or "")
        root = bytes.fromhex(part["root"])
        found.append(Checkpoint(part["log"], int(part["size"]), root, made_at, signature))
    return found
