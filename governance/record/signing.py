"""Signing texts with the record key, and checking them with its public half (Ed25519, RFC 8032).

A signature is kept as text that survives an e-mail: short lines, and nothing to be escaped.

    signature: cohort-journeys-signature-1
    key: epoch 1, 0123456789abcdef
    <64 hexadecimal characters>
    <64 hexadecimal characters>

What is signed begins with what the text is for, so that a receipt can never pass for a checkpoint.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.keys.ring import KeyRing
from schemas.errors import RecordProblem

FORMAT = "cohort-journeys-signature-1"
KEY_FORMAT = "cohort-journeys-record-key-1"

Meant = Literal["text", "checkpoint", "public key", "backup"]
"""What a signed text is for."""

BLOCK = re.compile(
    rf"signature: {FORMAT}\s+key: epoch (?P<epoch>[1-9][0-9]{{0,3}}), (?P<mark>[0-9a-f]{{16}})\s+"
    r"(?P<first>[0-9a-f]{64})\s+(?P<second>[0-9a-f]{64})"
)

KEY = re.compile(
    rf"{KEY_FORMAT}\nepoch: (?P<epoch>[1-9][0-9]{{0,3}})\nmade: (?P<made>\d{{4}}-\d\d-\d\d)\n"
    r"key: (?P<key>[0-9a-f]{64})\n(?:\n(?P<block>signature: .*))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class Signature:
    """A signature, and by which key it says it was made."""

    epoch: int
    mark: str
    value: bytes

    def text(self) -> str:
        """As it is written: four lines."""
        coded = self.value.hex()
        return (
            f"signature: {FORMAT}\nkey: epoch {self.epoch}, {self.mark}\n"
            f"{coded[:64]}\n{coded[64:]}\n"
        )


@dataclass(frozen=True)
class PublicKey:
    """The public half of the record key in one epoch.

    Args:
        epoch: Its epoch.
        made: The day it was made.
        key: 32 bytes (RFC 8032).
        vouched: The signature of the epoch before it, if there is one.
    """

    epoch: int
    made: date
    key: bytes
    vouched: Signature | None = None

    @property
    def mark(self) -> str:
        """Sixteen characters that tell it from another: the beginning of its SHA-256."""
        return hashlib.sha256(self.key).hexdigest()[:16]

    def said(self) -> str:
        """What the epoch before it signs."""
        return (
            f"{KEY_FORMAT}\nepoch: {self.epoch}\nmade: {self.made.isoformat()}\n"
            f"key: {self.key.hex()}\n"
        )

    def text(self) -> str:
        """As a file."""
        return self.said() + (f"\n{self.vouched.text()}" if self.vouched else "")

    def is_vouched_by(self, before: PublicKey) -> bool:
        """Whether the key of an earlier epoch signed it."""
        return self.vouched is not None and is_signed(
            before, self.said(), self.vouched, meant="public key"
        )


def public_key(ring: KeyRing, epoch: int) -> PublicKey:
    """The public half of an epoch of the record key, vouched for by the epoch before where it is.

    Raises:
        KeyProblem: The ring has no such epoch.
    """
    key = PublicKey(epoch, ring.made[epoch], _private(ring, epoch).public_key().public_bytes_raw())
    before = max((one for one in ring.epochs if one < epoch), default=None)
    if before is None:
        return key
    vouched = _signature(ring, before, key.said(), "public key")
    return PublicKey(key.epoch, key.made, key.key, vouched)


def sign(ring: KeyRing, text: str, *, meant: Meant) -> Signature:
    """Sign a text with the newest epoch of the record key."""
    return _signature(ring, ring.newest, text, meant)


def is_signed(key: PublicKey, text: str, signature: Signature, *, meant: Meant) -> bool:
    """Whether a signature is that of a key over a text."""
    try:
        Ed25519PublicKey.from_public_bytes(key.key).verify(signature.value, _signed(text, meant))
    except (InvalidSignature, ValueError):
        return False
    return (signature.epoch, signature.mark) == (key.epoch, key.mark)


def read_signature(text: str) -> Signature | None:
    """The signature in a text; None where there is none that is whole."""
    found = BLOCK.search(text)
    if found is None:
        return None
    value = bytes.fromhex(found["first"] + found["second"])
    return Signature(int(found["epoch"]), found["mark"], value)


def read_public_key(text: str, name: str) -> PublicKey:
    """Read what `PublicKey.text` wrote.

    Args:
        text: The text of the file.
        name: What to call it in a message.

    Raises:
        RecordProblem: It is not a public key of ours.
    """
    found = KEY.fullmatch(text.replace("\r\n", "\n").strip() + "\n")
    try:
        if found is not None:
            made, key = date.fromisoformat(found["made"]), bytes.fromhex(found["key"])
            vouched = read_signature(found["block"] or "")
            return PublicKey(int(found["epoch"]), made, key, vouched)
    except ValueError:
        pass
    raise RecordProblem(
        f"{name} is not the public half of a record key.",
        "Take the file as `journeys` made it in `checkpoints/`, or ask the partnership for it.",
    )


def unvouched(keys: Mapping[int, PublicKey]) -> tuple[int, ...]:
    """The epochs that the nearest epoch before them, of those that are known, did not sign."""
    epochs = sorted(keys)
    return tuple(
        later for earlier, later in pairwise(epochs) if not keys[later].is_vouched_by(keys[earlier])
    )


def _signature(ring: KeyRing, epoch: int, text: str, meant: Meant) -> Signature:
    private = _private(ring, epoch)
    mark = hashlib.sha256(private.public_key().public_bytes_raw()).hexdigest()[:16]
    return Signature(epoch, mark, private.sign(_signed(text, meant)))


def _private(ring: KeyRing, epoch: int) -> Ed25519PrivateKey:
    secret = ring.root(epoch).derive("signing", purpose="record", epoch=epoch)
    return Ed25519PrivateKey.from_private_bytes(secret)


def _signed(text: str, meant: Meant) -> bytes:
    """What is signed, with lines ended as we end them: an e-mail may end them otherwise."""
    return f"cohort-journeys {meant}\n{text}".replace("\r\n", "\n").encode()
