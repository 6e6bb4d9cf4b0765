"""Signing with the partnership's record key, and the public halves that anybody checks with.

The public half of every epoch is kept in `checkpoints/`, each vouched for by the epoch before it,
so what was signed can be checked when the key itself is gone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flows.files import private_folder, write_text
from flows.keys.rings import ring_of
from flows.settings import Settings
from schemas.errors import RecordProblem

if TYPE_CHECKING:
    from governance.record.signing import Meant, PublicKey, Signature

NAME = "record-key-{epoch}.pub"


def can_sign(settings: Settings) -> bool:
    """Whether partnership.yaml names a record key; one of an earlier version does not."""
    return settings.keys.record is not None


def sign_text(settings: Settings, text: str, *, meant: Meant = "text") -> str:
    """Sign a text with the newest epoch of the record key.

    Args:
        settings: The partnership.
        text: What is signed. Whoever calls this has made it: never sign what was given.
        meant: What it is for.

    Returns:
        A detached signature as four lines of text: its format, the key's epoch and mark, the value.

    Raises:
        KeyProblem: partnership.yaml names no record key, or it cannot be used.
        StoreError: The public half cannot be written.
    """
    from governance.record.signing import sign

    keep_public_keys(settings)
    return sign(ring_of(settings, "record"), text, meant=meant).text()


def check_signature(
    key: PublicKey, text: str, signature: str | Signature, *, meant: Meant = "text"
) -> bool:
    """Whether a signature, as `sign_text` gave it, is that of a key over a text.

    The lines of the text may have been ended as another system does.
    """
    from governance.record.signing import is_signed, read_signature

    found = read_signature(signature) if isinstance(signature, str) else signature
    return found is not None and is_signed(key, text, found, meant=meant)


def is_ours(settings: Settings, text: str, signature: str, *, meant: Meant = "text") -> bool:
    """Whether a text was signed with any epoch of this partnership's record key.

    Raises:
        RecordProblem: A public half cannot be read.
    """
    keys = public_keys(settings).values()
    return any(check_signature(key, text, signature, meant=meant) for key in keys)


def keep_public_keys(settings: Settings) -> None:
    """Write the public half of each epoch that has none yet; none is ever replaced.

    Raises:
        KeyProblem: partnership.yaml names no record key, or it cannot be used.
        StoreError: A file cannot be written.
    """
    from governance.record.signing import public_key

    ring = ring_of(settings, "record")
    for epoch in ring.epochs:
        path = public_key_path(settings, epoch)
        if not path.exists():
            private_folder(path.parent)
            write_text(path, public_key(ring, epoch).text())


def public_keys(settings: Settings) -> dict[int, PublicKey]:
    """The public halves that are kept, by epoch.

    Raises:
        RecordProblem: One cannot be read, or bears another epoch than its name.
    """
    found = {}
    for path in sorted(settings.checkpoints.glob(NAME.format(epoch="*"))):
        key = read_key_file(path)
        if path != public_key_path(settings, key.epoch):
            raise RecordProblem(
                f"{path.name} is the public half of another epoch.",
                "Put `checkpoints/` back from its backup.",
            )
        found[key.epoch] = key
    return dict(sorted(found.items()))


def public_key_path(settings: Settings, epoch: int) -> Path:
    """Where the public half of an epoch is kept."""
    return settings.checkpoints / NAME.format(epoch=epoch)


def read_key_file(path: Path) -> PublicKey:
    """Read the public half of a record key from a file.

    Raises:
        RecordProblem: It cannot be read, or is none.
    """
    from governance.record.signing import read_public_key

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    return read_public_key(text, path.name)
