"""What a partner that encodes on its own machine is given: keys, the agreement, and the hub's key.

A bundle holds the key of one purpose in each epoch in use, never a root: it opens nothing else. It
is encrypted under a passphrase that travels another way (scrypt, RFC 7914, and AES-256-GCM).
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from governance.keys.ring import KeyRing
from governance.keys.root import ROOT_BYTES, PurposeKey
from schemas.errors import KeyProblem

FORMAT = "cohort-journeys-bundle-1"
# Interactive use, RFC 7914: 64 MiB and about a fifth of a second (2026-11).
SCRYPT = {"n": 1 << 16, "r": 8, "p": 1}
SALT_BYTES = NONCE_BYTES = 12
PASSPHRASE_BYTES = 20
SHORTEST_PASSPHRASE = 20


@dataclass(frozen=True)
class Bundle:
    """A partner's bundle, opened.

    Args:
        partner: Who encodes with it.
        purpose: The purpose of its keys.
        made: The day it was made.
        keys: Epoch → the key of the purpose in that epoch.
        hub: The hub's 32-byte X25519 public key, to seal to.
        signing: The partner's 32-byte Ed25519 private key, to sign with.
        documents: File name → text of what the encoding is held to: the agreement, and the
            partnership's own code lists, mappings and policy.
    """

    partner: str
    purpose: str
    made: date
    keys: Mapping[int, PurposeKey] = field(repr=False)
    hub: bytes
    signing: bytes = field(repr=False)
    documents: Mapping[str, str] = field(repr=False)

    @property
    def newest(self) -> int:
        """The newest epoch it holds."""
        return max(self.keys)

    @property
    def verifying(self) -> bytes:
        """The 32-byte Ed25519 public key by which the hub knows the partner."""
        private = Ed25519PrivateKey.from_private_bytes(self.signing)
        return private.public_key().public_bytes_raw()


def new_bundle(
    partner: str,
    purpose: str,
    identifier: KeyRing,
    hub: bytes,
    documents: Mapping[str, str],
    today: date,
) -> Bundle:
    """Make a bundle with a fresh signing key.

    Args:
        partner: Who will encode with it.
        purpose: The purpose of the agreement.
        identifier: The identifier ring: a key of each of its epochs is given.
        hub: The hub's public key.
        documents: What the encoding is held to.
        today: The day.
    """
    return Bundle(
        partner=partner,
        purpose=purpose,
        made=today,
        keys={n: identifier.root(n).purpose_key(purpose, n) for n in identifier.epochs},
        hub=hub,
        signing=Ed25519PrivateKey.generate().private_bytes_raw(),
        documents=dict(documents),
    )


def new_passphrase() -> str:
    """A passphrase of 160 random bits in groups of four letters and digits."""
    drawn = secrets.token_hex(PASSPHRASE_BYTES)
    return "-".join(drawn[at : at + 4] for at in range(0, len(drawn), 4))


def lock_bundle(bundle: Bundle, passphrase: str) -> bytes:
    """A bundle as the bytes of a file, encrypted under a passphrase.

    Raises:
        KeyProblem: The passphrase is too short.
    """
    said = {
        "partner": bundle.partner,
        "purpose": bundle.purpose,
        "made": bundle.made.isoformat(),
        "keys": {str(epoch): key.secret.hex() for epoch, key in bundle.keys.items()},
        "hub": bundle.hub.hex(),
        "signing": bundle.signing.hex(),
        "documents": dict(bundle.documents),
    }
    salt, nonce = os.urandom(16), os.urandom(NONCE_BYTES)
    sealed = _cipher(passphrase, salt).encrypt(nonce, json.dumps(said).encode(), FORMAT.encode())
    outer = {
        "format": FORMAT,
        "salt": salt.hex(),
        "nonce": nonce.hex(),
        "sealed": sealed.hex(),
    }
    return (json.dumps(outer) + "\n").encode()


def open_bundle(content: bytes, passphrase: str) -> Bundle:
    """Open what `lock_bundle` made.

    Raises:
        KeyProblem: It is damaged, of another version, or the passphrase is not its own.
    """
    try:
        outer = json.loads(content)
        version = outer["format"]
        salt, nonce, sealed = (bytes.fromhex(outer[part]) for part in ("salt", "nonce", "sealed"))
    except (ValueError, KeyError, TypeError):
        raise KeyProblem(
            "The bundle is not whole.", "Ask the hub's key custodian for it again."
        ) from None
    if version != FORMAT:
        raise KeyProblem(
            "The bundle is of another version.", "Ask the hub's key custodian for a new one."
        )
    try:
        return _read(json.loads(_cipher(passphrase, salt).decrypt(nonce, sealed, FORMAT.encode())))
    except (InvalidTag, ValueError, KeyError, TypeError):
        raise KeyProblem(
            "The bundle does not open with this passphrase.",
            "Check the passphrase that came with this bundle; if it is right, the bundle is "
            "damaged and the hub's key custodian can send it again.",
        ) from None


def _read(said: dict[str, Any]) -> Bundle:
    return Bundle(
        partner=said["partner"],
        purpose=said["purpose"],
        made=date.fromisoformat(said["made"]),
        keys={
            int(epoch): PurposeKey(bytes.fromhex(secret)) for epoch, secret in said["keys"].items()
        },
        hub=bytes.fromhex(said["hub"]),
        signing=bytes.fromhex(said["signing"]),
        documents=dict(said["documents"]),
    )


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise KeyProblem(
            f"The passphrase has fewer than {SHORTEST_PASSPHRASE} characters.",
            "Use the one that was made with the bundle.",
        )
    return AESGCM(Scrypt(salt=salt, length=ROOT_BYTES, **SCRYPT).derive(passphrase.encode()))
