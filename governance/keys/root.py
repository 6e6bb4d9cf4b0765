"""A root key, and every key that is derived from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import KeyProblem

ROOT_BYTES = 32
# 32 random bytes hold about 30 distinct values; fewer than 18 has a chance near 10^-13, so such a
# key was typed, padded or repeated.
LEAST_DISTINCT_BYTES = 18


@dataclass(frozen=True)
class RootKey:
    """A root secret. It never shows itself; it only derives.

    Args:
        secret: Exactly 32 unpredictable bytes.

    Raises:
        KeyProblem: The secret is short, or too regular to have been drawn at random.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != ROOT_BYTES or len(set(self.secret)) < LEAST_DISTINCT_BYTES:
            raise KeyProblem(
                "A root key is too short or too regular to be safe.",
                "Put the right one back from its custodian; only a partnership that has never run "
                "makes a new one, with `journeys keys new`.",
            )

    def purpose_key(self, purpose: str, epoch: int) -> PurposeKey:
        """The key of one purpose in one epoch, from which its working keys come.

        It is what a partner that encodes on its own machine is given: it opens one purpose for
        one epoch and gives no other key away.
        """
        return PurposeKey(_hkdf(self.secret, "purpose", purpose, str(epoch)))

    def derive(self, label: str, *, purpose: str, epoch: int, length: int = 32) -> bytes:
        """One working key, of a purpose in an epoch: `PurposeKey.derive`."""
        return self.purpose_key(purpose, epoch).derive(label, length)


@dataclass(frozen=True)
class PurposeKey:
    """The key of one purpose in one epoch. It never shows itself; it only derives."""

    secret: bytes = field(repr=False)

    def derive(self, label: str, length: int = ROOT_BYTES) -> bytes:
        """Derive one working key.

        Args:
            label: What the key is for, such as ``encoding/2/filter/forename``.
            length: Bytes wanted.

        Returns:
            ``length`` bytes, the same for the same label and the same key.
        """
        return _hkdf(self.secret, "working", label, length=length)


def _hkdf(secret: bytes, *parts: str, length: int = ROOT_BYTES) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt; its info is each part behind its length in two bytes."""
    info = b"".join(
        len(part).to_bytes(2, "big") + part
        for part in (b"cohort-journeys", *(part.encode() for part in parts))
    )
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(secret)
