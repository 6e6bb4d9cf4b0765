"""Root keys: make one, load one, derive every working key from it.

There are two roots with two custodians in mind: the *identifier* root, from which encodings and
surrogate keys come and which a hub fed by encoded extracts never holds, and the *store* root, from
which the keys of the encrypted stores and releases come.
"""

from __future__ import annotations

import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import KeyProblem

ROOT_BYTES = 32
# 32 random bytes hold about 30 distinct values; fewer than 16 has a chance below 10^-15, so such
# a key was typed, padded or repeated.
LEAST_DISTINCT_BYTES = 16
KEY_FORMAT = "cohort-journeys-root-1:"
OTHERS_MAY_ACCESS = stat.S_IRWXG | stat.S_IRWXO


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
                "Make a new one with `journeys keys new`.",
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


def store_key(root: RootKey, name: str) -> str:
    """The key of one encrypted store as 64 hexadecimal characters, as DuckDB's ATTACH takes it."""
    return root.derive(f"store/{name}", purpose="stores", epoch=1).hex()


def new_root(path: Path) -> None:
    """Write a fresh random root key to ``path`` with mode 0600, never over an existing file.

    Raises:
        KeyProblem: A file is there already, or the folder cannot be written.
    """
    line = KEY_FORMAT + secrets.token_bytes(ROOT_BYTES).hex() + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise KeyProblem(
            "There is a key file in that place already.",
            "Keys are never overwritten; choose another file name.",
        ) from None
    except OSError:
        raise KeyProblem(
            "The key file could not be created.", "Check that its folder exists and is writable."
        ) from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def load_root(path: Path) -> RootKey:
    """Read a root key, refusing any that others could have read or that is not a whole key.

    Raises:
        KeyProblem: Missing, not a plain file, open to group or others, or not a key we wrote.
    """
    try:
        with path.open("rb") as file:
            # The open file is what is judged, so it cannot be exchanged after the check.
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(4096)
    except FileNotFoundError:
        raise KeyProblem(
            f"The key file {path.name} is missing.",
            "Put it back from its custodian, or for a new partnership run `journeys keys new`.",
        ) from None
    except OSError:
        raise KeyProblem(
            f"The key file {path.name} cannot be read.", "Check its owner and permissions."
        ) from None
    if not stat.S_ISREG(mode) or mode & OTHERS_MAY_ACCESS:
        raise KeyProblem(
            f"The key file {path.name} can be read by others.",
            f"Run `chmod 600 {path.name}` in its folder, and consider whether the key has leaked.",
        )
    return RootKey(_parse(content, path.name))


def _parse(content: bytes, name: str) -> bytes:
    text = content.decode("ascii", errors="replace").strip()
    try:
        if not text.startswith(KEY_FORMAT):
            raise ValueError
        return bytes.fromhex(text.removeprefix(KEY_FORMAT))
    except ValueError:
        raise KeyProblem(
            f"The key file {name} does not hold a whole root key.",
            "Put it back from its custodian; keys are made only by `journeys keys new`.",
        ) from None
