"""Certificates: why a draft may be published. The truth is in them, so they are kept encrypted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flows.files import private_folder, write_private
from flows.keys import CERTIFICATE, certificate_keys, new_certificate_keys
from flows.settings import Settings
from schemas.errors import StoreError

SUFFIX = ".certificate"


def keep_certificates(settings: Settings, draft_id: str, made: Mapping[str, bytes]) -> None:
    """Keep the certificates of a draft, encrypted under a key of their own.

    Args:
        settings: The partnership.
        draft_id: The draft.
        made: Digest of a release → its certificate.

    Raises:
        KeyProblem: The release key cannot be used.
        StoreError: One cannot be written.
    """
    from governance.keys.envelope import encrypt

    folder = settings.certificates / draft_id
    private_folder(settings.certificates)
    private_folder(folder)
    keys = new_certificate_keys(settings, draft_id)
    for digest, content in made.items():
        write_private(folder / f"{digest}{SUFFIX}", encrypt(content, keys, CERTIFICATE))


def certificates_of(settings: Settings, draft_id: str) -> list[Path]:
    """The certificates of a draft."""
    return sorted((settings.certificates / draft_id).glob(f"*{SUFFIX}"))


def open_certificate(settings: Settings, path: Path) -> bytes:
    """A certificate as the gate wrote it. It stays in memory.

    Raises:
        KeyProblem: The release key cannot be used or does not open it.
        StoreError: It is missing, or is not where the partnership keeps certificates.
    """
    from governance.keys.envelope import decrypt

    try:
        content = path.read_bytes()
    except OSError:
        raise StoreError(
            "The certificate cannot be read.",
            "Name a file of the partnership's certificates/ folder.",
        ) from None
    return decrypt(content, certificate_keys(settings, path.absolute().parent.name), CERTIFICATE)
