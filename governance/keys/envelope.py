"""Envelope encryption: every store and release has a random key of its own, wrapped by a root.

What lies beside a store is its data keys, each encrypted under a key that is derived from a root
(AES-256-GCM, with the place it belongs to as associated data). So a root can be rotated without
writing a store anew, and taking the wrapped key away makes a store unreadable.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from governance.keys.ring import KeyRing
from schemas.errors import KeyProblem, StoreError

FORMAT = "cohort-journeys-data-keys-1"
NONCE_BYTES = 12


@dataclass(frozen=True)
class DataKeys:
    """The data keys of one place, as 64 hexadecimal characters each, as DuckDB's ATTACH takes it.

    Args:
        place: What they belong to, such as ``stores/<run id>``: in another place they are refused.
        keys: Name of the store or release → its key.
    """

    place: str
    keys: Mapping[str, str] = field(repr=False)


def new_data_keys(place: str, names: Iterable[str]) -> DataKeys:
    """A fresh random key for each name."""
    return DataKeys(place, {name: secrets.token_bytes(32).hex() for name in names})


def wrap(data_keys: DataKeys, ring: KeyRing) -> str:
    """The data keys as text to keep beside what they open, wrapped by the ring's newest root."""
    epoch = ring.newest
    cipher = _cipher(ring, epoch)
    wrapped = {}
    for name, key in data_keys.keys.items():
        nonce = secrets.token_bytes(NONCE_BYTES)
        bound = _bound(ring.kind, epoch, data_keys.place, name)
        wrapped[name] = (nonce + cipher.encrypt(nonce, bytes.fromhex(key), bound)).hex()
    said = {"format": FORMAT, "kind": ring.kind, "epoch": epoch, "keys": wrapped}
    return json.dumps(said, indent=2) + "\n"


def unwrap(text: str, place: str, ring: KeyRing) -> DataKeys:
    """Open what `wrap` made.

    Raises:
        KeyProblem: It is damaged, was made for another place or with another root, or its epoch
            has been destroyed.
        StoreError: It was made by a later version.
    """
    try:
        said = json.loads(text)
        epoch, wrapped = int(said["epoch"]), dict(said["keys"])
        sound = said["format"] == FORMAT and said["kind"] == ring.kind
        blobs = {str(name): bytes.fromhex(blob) for name, blob in wrapped.items()}
    except (ValueError, KeyError, TypeError):
        raise _refused(place) from None
    if _is_later(said["format"]):
        raise StoreError(
            f"What is kept in {place} was made by a later version of this program.",
            "Use that version, or restore a backup that this one made.",
        )
    if not sound:
        raise _refused(place)
    cipher = _cipher(ring, epoch)
    try:
        keys = {
            name: cipher.decrypt(
                blob[:NONCE_BYTES], blob[NONCE_BYTES:], _bound(ring.kind, epoch, place, name)
            ).hex()
            for name, blob in blobs.items()
        }
    except (InvalidTag, ValueError):
        raise _refused(place) from None
    return DataKeys(place, keys)


def _is_later(said: object) -> bool:
    """Whether a format is one of ours that this version does not know yet."""
    name, _, number = FORMAT.rpartition("-")
    found, _, later = str(said).rpartition("-")
    return found == name and later.isdecimal() and int(later) > int(number)


def wrapped_in(text: str) -> int:
    """The epoch that data keys are wrapped in.

    Raises:
        KeyProblem: The text is damaged.
    """
    try:
        return int(json.loads(text)["epoch"])
    except (ValueError, KeyError, TypeError):
        raise _refused("a store") from None


def encrypt(content: bytes, data_keys: DataKeys, name: str) -> bytes:
    """Content under one of the data keys of a place, bound to the place and the name."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    cipher = AESGCM(bytes.fromhex(data_keys.keys[name]))
    return nonce + cipher.encrypt(nonce, content, _named(data_keys.place, name))


def decrypt(content: bytes, data_keys: DataKeys, name: str) -> bytes:
    """Open what `encrypt` made.

    Raises:
        KeyProblem: It is damaged, or was made for another place or name.
    """
    if name not in data_keys.keys:
        raise _refused(data_keys.place)
    cipher = AESGCM(bytes.fromhex(data_keys.keys[name]))
    try:
        return cipher.decrypt(
            content[:NONCE_BYTES], content[NONCE_BYTES:], _named(data_keys.place, name)
        )
    except (InvalidTag, ValueError):
        raise _refused(data_keys.place) from None


def _named(place: str, name: str) -> bytes:
    return "\x1f".join((FORMAT, place, name)).encode()


def _cipher(ring: KeyRing, epoch: int) -> AESGCM:
    root = ring.root(epoch)
    return AESGCM(root.derive("data-keys", purpose=ring.kind, epoch=epoch))


def _bound(kind: str, epoch: int, place: str, name: str) -> bytes:
    return "\x1f".join((FORMAT, kind, str(epoch), place, name)).encode()


def _refused(place: str) -> KeyProblem:
    return KeyProblem(
        f"The data keys of {place} cannot be opened with this root key.",
        "Put the right key back from its custodian, or restore the folder from its backup.",
    )
