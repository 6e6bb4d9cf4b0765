"""Certificates: why a draft may be published. The truth is in them, so they are kept encrypted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.clock import Clock, utc_now
from flows.files import private_folder, write_private
from flows.keys.rings import CERTIFICATE, certificate_keys, new_certificate_keys
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


def consult_certificates(
    settings: Settings, paths: Sequence[Path], clock: Clock = utc_now
) -> list[bytes]:
    """Certificates opened for an officer, which is recorded: true counts are in them.

    Raises:
        KeyProblem: As for `open_certificate`.
        StoreError: As for `open_certificate`, or the record cannot be written.
    """
    from flows.context import actor, open_control
    from governance.audit import Recorder

    opened = [open_certificate(settings, path) for path in paths]
    recorder = Recorder(actor(), settings.purpose)
    with open_control(settings) as control:
        detail: dict[str, int | str] = {"certificates": len(opened)}
        control.add_audit(recorder.entry("consultation", clock(), detail=detail))
    return opened


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
