"""Sealed files: what a partner encoded on its own machine, for the hub alone, signed.

    magic ‖ length of the manifest (4 bytes, big-endian) ‖ manifest ‖ signature (64 bytes) ‖ body

The body is HPKE (RFC 9180; X25519, HKDF-SHA256, AES-256-GCM) to the hub's public key with the
manifest as `info`, so neither opens with another of the other. The signature is the partner's
Ed25519 over the magic and the manifest, which holds the SHA-256 of what was sealed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, BinaryIO

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from governance.keys.ring import KeyRing
from schemas.errors import ExtractRejected, KeyProblem, NotSigned

MAGIC = b"cohort-journeys-sealed-1\n"
LENGTH_BYTES = 4
SIGNATURE_BYTES = 64
LONGEST_MANIFEST = 1 << 20
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)

ASK_AGAIN = "Ask the partner to run `journeys encode` again and send the new file."


@dataclass(frozen=True)
class Manifest:
    """What a sealed file says of itself, before it is opened.

    Args:
        delivery: A random id; no delivery is taken in twice.
        partner: Who made it.
        made_at: When, in UTC.
        purpose: The purpose it was encoded for.
        epochs: Key epoch → what tells its key from another of the same epoch.
        encoding_version: The version of the encoding.
        program: The version of the program that made it.
        contract: Digest of the contract's tables and columns.
        agreement: Digest of what the agreement lets be done with each column.
        recipient: What tells the hub's key from another.
        data_as_at: The day the data reach to.
        rows: Table → rows received, kept, quarantined and withheld.
        digest: SHA-256 of what is sealed.
        size: Bytes of it.
    """

    delivery: str
    partner: str
    made_at: datetime
    purpose: str
    epochs: Mapping[int, str]
    encoding_version: int
    program: str
    contract: str
    agreement: str
    recipient: str
    data_as_at: date
    rows: Mapping[str, Mapping[str, int]]
    digest: str
    size: int

    def said(self) -> dict[str, Any]:
        """The manifest as plain values."""
        return asdict(self) | {
            "made_at": self.made_at.astimezone(UTC).isoformat(),
            "data_as_at": self.data_as_at.isoformat(),
            "epochs": {str(epoch): check for epoch, check in self.epochs.items()},
        }

    def content(self) -> bytes:
        """The manifest as bytes: JSON with sorted keys."""
        return json.dumps(self.said(), sort_keys=True, separators=(",", ":")).encode()


# What is in a manifest is shown and stored at the hub: it can be a name, a number or a digest that
# we might have written, and no more.
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,60}$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Check = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Number = Annotated[int, Field(ge=0, lt=1 << 40)]
Day = Annotated[date, Field(strict=False, ge=date(1850, 1, 1), lt=date(2150, 1, 1))]
MadeAt = Annotated[
    AwareDatetime,
    Field(strict=False, ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2150, 1, 1, tzinfo=UTC)),
]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Counts(_Strict):
    received: Number
    kept: Number
    quarantined: Number
    withheld: Number


class _Said(_Strict):
    """A manifest as it is written."""

    delivery: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    partner: Name
    made_at: MadeAt
    purpose: Name
    epochs: dict[Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")], Check]
    encoding_version: Annotated[int, Field(ge=1, lt=1000)]
    program: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,40}$")]
    contract: Digest
    agreement: Digest
    recipient: Check
    data_as_at: Day
    rows: dict[Name, _Counts]
    digest: Digest
    size: Number


def hub_private_key(ring: KeyRing, epoch: int) -> X25519PrivateKey:
    """The hub's private key of an epoch, from its `seal` ring."""
    secret = ring.root(epoch).derive("hub", purpose="seal", epoch=epoch)
    return X25519PrivateKey.from_private_bytes(secret)


def hub_public_key(ring: KeyRing) -> bytes:
    """The 32 bytes that partners seal to: the newest epoch's."""
    return hub_private_key(ring, ring.newest).public_key().public_bytes_raw()


def recipient_of(public_key: bytes) -> str:
    """Sixteen characters that tell one hub key from another."""
    return hashlib.sha256(b"cohort-journeys recipient" + public_key).hexdigest()[:16]


def payload_digest(payload: bytes) -> str:
    """What a manifest says of its payload."""
    return "sha256:" + hashlib.sha256(payload).hexdigest()


def seal(payload: bytes, manifest: Manifest, *, hub: bytes, signing: bytes) -> bytes:
    """Seal a payload.

    Args:
        payload: What to seal.
        manifest: What to say of it, its digest and size included.
        hub: The hub's public key.
        signing: The partner's private key.

    Returns:
        The bytes of the file.
    """
    said = manifest.content()
    signature = Ed25519PrivateKey.from_private_bytes(signing).sign(MAGIC + said)
    body = SUITE.encrypt(payload, X25519PublicKey.from_public_bytes(hub), info=said)
    return MAGIC + len(said).to_bytes(LENGTH_BYTES, "big") + said + signature + body


def read_manifest(content: bytes, verifying: bytes) -> Manifest:
    """What a sealed file says of itself, if the partner signed it.

    Args:
        content: The file, or at least its beginning.
        verifying: The partner's public key.

    Raises:
        ExtractRejected: It is no sealed file or is cut short.
        NotSigned: The partner did not sign it.
    """
    said, signature, _ = _parts(content)
    try:
        Ed25519PublicKey.from_public_bytes(verifying).verify(signature, MAGIC + said)
    except InvalidSignature:
        raise NotSigned(
            "A sealed file was not signed by the partner it should come from, or was changed.",
            "Do not use it; ask the partner whether it sent the file and, if its bundle is new, "
            "put its new public key in place. Where its bundle was renewed here, take out of its "
            "inbox what it sent before.",
        ) from None
    manifest = _manifest(said)
    if manifest is None:
        raise ExtractRejected("A sealed file has a manifest that does not read.", ASK_AGAIN)
    return manifest


def claimed_delivery(content: bytes) -> str | None:
    """The delivery that a sealed file says it is, whoever signed it; None where it says none.

    Nothing is to be believed for it: it tells only what may be passed over.
    """
    try:
        manifest = _manifest(_parts(content)[0])
    except ExtractRejected:
        return None
    return None if manifest is None else manifest.delivery


def beginning(file: BinaryIO) -> bytes:
    """As much of a sealed file as `read_manifest` needs."""
    return file.read(len(MAGIC) + LENGTH_BYTES + LONGEST_MANIFEST + SIGNATURE_BYTES)


def unseal(content: bytes, manifest: Manifest, ring: KeyRing) -> bytes:
    """Open a sealed file whose manifest was read.

    Raises:
        ExtractRejected: It was cut short or changed, or does not hold what its manifest says.
        KeyProblem: It was sealed to a key that is not in the hub's ring.
    """
    said, _, body = _parts(content)
    keys = [hub_private_key(ring, epoch) for epoch in ring.epochs]
    ours = [
        key
        for key in keys
        if recipient_of(key.public_key().public_bytes_raw()) == manifest.recipient
    ]
    if not ours:
        raise KeyProblem(
            "A sealed file was sealed to a key that this hub does not hold.",
            "Give the partner a bundle with this hub's key (`journeys keys bundle`) and ask it to "
            "encode again.",
        )
    try:
        payload = SUITE.decrypt(body, ours[0], info=said)
    except (InvalidTag, ValueError):
        raise ExtractRejected("A sealed file is cut short or was changed.", ASK_AGAIN) from None
    if (payload_digest(payload), len(payload)) != (manifest.digest, manifest.size):
        raise ExtractRejected("A sealed file does not hold what its manifest says.", ASK_AGAIN)
    return payload


def _parts(content: bytes) -> tuple[bytes, bytes, bytes]:
    """The manifest, the signature and the body."""
    start = len(MAGIC) + LENGTH_BYTES
    length = int.from_bytes(content[len(MAGIC) : start], "big")
    body = start + length + SIGNATURE_BYTES
    if not content.startswith(MAGIC) or length > LONGEST_MANIFEST or len(content) < body:
        raise ExtractRejected("A sealed file is cut short or is none of ours.", ASK_AGAIN)
    return content[start : start + length], content[start + length : body], content[body:]


def _manifest(said: bytes) -> Manifest | None:
    """The manifest, if it reads as one and in the one way in which it is written."""
    try:
        found = _Said.model_validate_json(said)
    except ValidationError:
        return None
    plain = {name: getattr(found, name) for name in _Said.model_fields}
    rows = {table: counts.model_dump() for table, counts in found.rows.items()}
    epochs = {int(epoch): check for epoch, check in found.epochs.items()}
    manifest = Manifest(**plain | {"rows": rows, "epochs": epochs})
    return manifest if manifest.content() == said else None
