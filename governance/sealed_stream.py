"""Sealed streams: a file of any size, sealed to public keys and opened in order, a chunk at a time.

    magic ‖ length of the opening (4 bytes, big-endian) ‖ opening ‖ chunks

The opening is JSON: for each recipient the file's key, sealed with HPKE (RFC 9180; the suite of
`governance.sealing`) with the magic as `info`. The chunks are AES-256-GCM under that key, each with
the digest of the opening as associated data and a nonce of its number (11 bytes) and of whether it
is the last (1 byte). This is the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, 2015)
as age lays it out: a chunk that is changed, moved, doubled or taken away, from the end too, does
not open.
"""

from __future__ import annotations

import hashlib
import io
import json
import secrets
from collections.abc import Collection
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from governance.keys.ring import KeyRing
from governance.sealing import LENGTH_BYTES, SUITE, recipient_of
from schemas.errors import KeyProblem, StoreError

MAGIC = b"cohort-journeys-sealed-stream-1\n"
CHUNK = 1 << 20
TAG_BYTES = 16
NUMBER_BYTES = 11
KEY_BYTES = 32
LONGEST_OPENING = 1 << 16


class Readable(Protocol):
    """What is read on from."""

    def read(self, count: int = ..., /) -> bytes:
        """The next bytes."""


class SealingStream(io.RawIOBase):
    """Takes what is written, seals it and writes it on; `finish` writes the last chunk.

    Args:
        file: Where to. It is not closed.
        recipients: The public keys (32 bytes each) of which any one opens it.
    """

    def __init__(self, file: BinaryIO, recipients: Collection[bytes]) -> None:
        key = secrets.token_bytes(KEY_BYTES)
        sealed = {
            recipient_of(one): SUITE.encrypt(
                key, X25519PublicKey.from_public_bytes(one), info=MAGIC
            ).hex()
            for one in recipients
        }
        opening = json.dumps({"chunk": CHUNK, "keys": sealed}, sort_keys=True).encode()
        self._file, self._cipher, self._number = file, AESGCM(key), 0
        self._bound, self._waiting = hashlib.sha256(MAGIC + opening).digest(), bytearray()
        self._digest, self.size = hashlib.sha256(), 0
        self._put(MAGIC + len(opening).to_bytes(LENGTH_BYTES, "big") + opening)

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, content: object) -> int:
        """Take some bytes."""
        taken = memoryview(content).cast("B")  # type: ignore[arg-type]
        self._waiting += taken
        # One chunk is always held back: the last is sealed as such.
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(taken)

    def finish(self) -> None:
        """Seal what is left as the last chunk; without it the stream does not open to its end."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    @property
    def digest(self) -> str:
        """SHA-256 of all that was written to the file."""
        return self._digest.hexdigest()

    def _seal(self, content: bytes, *, last: bool) -> None:
        self._put(self._cipher.encrypt(_nonce(self._number, last), content, self._bound))
        self._number += 1

    def _put(self, content: bytes) -> None:
        self._file.write(content)
        self._digest.update(content)
        self.size += len(content)


class OpenedStream(io.RawIOBase):
    """What was sealed, read in its order.

    Args:
        file: A file that stands at the beginning of a sealed stream.
        size: Of how many bytes the sealed stream is.
        ring: The key of any one recipient, in every epoch.

    Raises:
        KeyProblem: None of them is.
        StoreError: Here or while it is read: it is not whole, or was changed.
    """

    def __init__(self, file: BinaryIO | Readable, size: int, ring: KeyRing) -> None:
        opening = read_opening(file)
        self._file, self._number, self._waiting = file, 0, b""
        self._left = size - len(MAGIC) - LENGTH_BYTES - len(opening)
        self._bound = hashlib.sha256(MAGIC + opening).digest()
        self._cipher = AESGCM(_file_key(opening, ring))
        if self._left < TAG_BYTES:
            raise _not_whole()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object) -> int:
        """Give what comes next; nothing at the end, which is reached only if the end is whole."""
        into = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._waiting and self._left:
            self._waiting = self._next()
        count = min(len(into), len(self._waiting))
        into[:count] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        return count

    def _next(self) -> bytes:
        wanted = min(CHUNK + TAG_BYTES, self._left)
        sealed, self._left = self._file.read(wanted), self._left - wanted
        try:
            content = self._cipher.decrypt(
                _nonce(self._number, not self._left), sealed, self._bound
            )
        except (InvalidTag, ValueError):
            raise _not_whole() from None
        self._number += 1
        return content


def public_half(ring: KeyRing) -> bytes:
    """The 32 bytes to seal to, of the newest epoch of a ring."""
    return _private_key(ring, ring.newest).public_key().public_bytes_raw()


def _private_key(ring: KeyRing, epoch: int) -> X25519PrivateKey:
    secret = ring.root(epoch).derive("sealed streams", purpose=ring.kind, epoch=epoch)
    return X25519PrivateKey.from_private_bytes(secret)


def read_opening(file: BinaryIO | Readable) -> bytes:
    """The opening of the sealed stream that a file stands at the beginning of.

    Raises:
        StoreError: It is none.
    """
    begins = file.read(len(MAGIC) + LENGTH_BYTES)
    length = int.from_bytes(begins[len(MAGIC) :], "big")
    if not begins.startswith(MAGIC) or length > LONGEST_OPENING:
        raise _not_whole()
    opening = file.read(length)
    if len(opening) < length:
        raise _not_whole()
    return opening


def _file_key(opening: bytes, ring: KeyRing) -> bytes:
    sealed = _sealed_keys(opening)
    for key in (_private_key(ring, epoch) for epoch in ring.epochs):
        own = sealed.get(recipient_of(key.public_key().public_bytes_raw()))
        if own is not None:
            try:
                return SUITE.decrypt(own, key, info=MAGIC)
            except (InvalidTag, ValueError):
                raise _not_whole() from None
    raise KeyProblem(
        "What was sealed is not sealed to the key that was given.",
        "Give the key that it was made for, in the epoch of that day; its custodian has it.",
    )


def _sealed_keys(opening: bytes) -> dict[str, bytes]:
    try:
        said = json.loads(opening)
        if said["chunk"] == CHUNK:
            return {str(name): bytes.fromhex(key) for name, key in said["keys"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise _not_whole()


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(NUMBER_BYTES, "big") + bytes([last])


def _not_whole() -> StoreError:
    return StoreError(
        "What was sealed is cut short or was changed, and does not open.",
        "Take another copy of it; nothing was changed.",
    )
