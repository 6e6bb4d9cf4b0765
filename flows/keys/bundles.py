"""Bundles: what a partner is given so that it can encode on its own machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from flows.clock import utc_now
from flows.files import is_kept, write_private
from flows.keys.rings import key_check, ring_of
from flows.settings import Settings
from governance.keys.bundle import Bundle, lock_bundle, new_bundle, new_passphrase, open_bundle
from governance.keys.ring import refuse_shared
from governance.sealing import hub_public_key
from schemas.errors import ConfigError, KeyProblem

if TYPE_CHECKING:
    from governance.control import AuditEntry

LONGEST = 1 << 24
PUBLIC = "cohort-journeys-partner-2"


@dataclass(frozen=True)
class Issued:
    """What the hub keeps of a bundle: by what it knows the partner, and what it gave it.

    Args:
        verifying: The partner's 32-byte Ed25519 public key.
        epochs: Key epoch → what tells the key of the purpose in it from another.
    """

    verifying: bytes
    epochs: Mapping[int, str]

    def text(self) -> str:
        """As a file: one line of words."""
        epochs = [f"{epoch}:{check}" for epoch, check in sorted(self.epochs.items())]
        return " ".join([PUBLIC, self.verifying.hex(), *epochs]) + "\n"


@dataclass(frozen=True)
class Bundled:
    """Where a bundle, its passphrase and the partner's public key were written.

    `renewed` says that the partner had a bundle before: what it seals with that one is refused now.
    """

    bundle: Path
    passphrase: Path
    public_key: Path
    epochs: tuple[int, ...]
    renewed: bool


def make_bundle(settings: Settings, partner: str, out: Path, today: date) -> Bundled:
    """Make a partner's bundle.

    The bundle and its passphrase are two files, to be sent two ways. The public key stays at the
    hub, which by it knows what the partner sealed. That it was made is in the audit record first.

    Raises:
        ConfigError: The partnership has no such partner, or the bundle would lie among its keys.
        KeyProblem: The identifier or seal key cannot be used, they are the same, or a file is there
            already.
        Busy: Another command is at work.
    """
    if partner not in settings.partners:
        raise ConfigError(
            f"The partnership has no partner {partner}.",
            f"Name one of {', '.join(settings.partners)}.",
        )
    # A partner's kit opens bundles and has no control database.
    from flows.context import open_control, run_lock

    beside, public = passphrase_path(out), public_key_path(settings, partner)
    for path in (out, beside):
        if is_kept(path):
            raise ConfigError(
                "The bundle would lie among the files that the partnership keeps.",
                "Name a file in another folder: it is to be sent and then removed.",
            )
        if os.path.lexists(path):
            raise KeyProblem(
                f"There is a file at {path} already.", "Bundles overwrite nothing; name another."
            )
    with run_lock(settings), open_control(settings) as control:
        identifier, seal = ring_of(settings, "identifier"), ring_of(settings, "seal")
        refuse_shared([identifier, seal])
        bundle = new_bundle(
            partner,
            settings.purpose,
            identifier,
            hub_public_key(seal),
            documents_of(settings, partner, today),
            today,
        )
        passphrase = new_passphrase()
        content = lock_bundle(bundle, passphrase)
        made = Bundled(out, beside, public, tuple(sorted(bundle.keys)), public.exists())
        control.add_audit(_entry(settings, partner, made, content))
        write_private(out, content)
        write_private(beside, f"{passphrase}\n".encode())
        epochs = {epoch: key_check(key) for epoch, key in bundle.keys.items()}
        write_private(public, Issued(bundle.verifying, epochs).text().encode())
    return made


def passphrase_path(bundle: Path) -> Path:
    """Where the passphrase of a bundle is written."""
    return bundle.with_name(f"{bundle.name}.passphrase")


def public_key_path(settings: Settings, partner: str) -> Path:
    """Where the hub keeps the public key of a partner that encodes at source."""
    return settings.folder / "keys" / "partners" / f"{partner}.pub"


def documents_of(settings: Settings, partner: str, today: date) -> dict[str, str]:
    """What a partner's encoding is held to, as file name → text.

    The agreement, and the partnership's own policy, code lists and mapping where it has any.
    """
    from governance.agreements import file_of_day

    part = settings.partner(partner)
    found = {"agreement.yaml": file_of_day(part.agreement, today)}
    if settings.policy.is_file():
        found["policy.yaml"] = settings.policy
    if settings.codes is not None:
        found |= {f"codes/{path.name}": path for path in sorted(settings.codes.glob("*.csv"))}
    if settings.mappings is not None:
        named = sorted(settings.mappings.glob("*.yaml"))
        found |= {f"mappings/{path.name}": path for path in named}
    try:
        documents = {name: path.read_text("utf-8") for name, path in found.items()}
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"The agreement or a list of {partner} cannot be read.",
            "Check the files beside partnership.yaml.",
        ) from None
    if part.system is not None:
        documents["system"] = part.system
    return documents


def read_bundle(path: Path, passphrase: str) -> Bundle:
    """Open a bundle file that nobody else may read.

    Raises:
        KeyProblem: It is missing, may be read by others, is damaged, or the passphrase is wrong.
    """
    from governance.keys.files import read_private

    return open_bundle(read_private(path, "bundle", LONGEST), passphrase)


def read_issued(path: Path) -> Issued:
    """What the hub kept when it made a partner's bundle.

    Raises:
        KeyProblem: It is missing, damaged or of another version.
    """
    issued = _issued(path)
    if issued is None:
        raise KeyProblem(
            f"The partner's public key {path.name} is missing, not whole or of another version.",
            "Put back the file that `journeys keys bundle` made with the partner's bundle, or "
            "make a new bundle.",
        )
    return issued


def read_public_key(path: Path) -> bytes:
    """The public key by which a partner's sealed files are known.

    Raises:
        KeyProblem: It is missing, damaged or of another version.
    """
    return read_issued(path).verifying


def _issued(path: Path) -> Issued | None:
    try:
        version, key, *epochs = path.read_text("ascii").split()
        verifying = bytes.fromhex(key)
        given = {int(epoch): check for epoch, check in (one.split(":") for one in epochs)}
    except (OSError, ValueError):
        return None
    return Issued(verifying, given) if version == PUBLIC and len(verifying) == 32 else None


def _entry(settings: Settings, partner: str, made: Bundled, content: bytes) -> AuditEntry:
    from flows.context import actor
    from governance.audit import Recorder

    return Recorder(actor(), settings.purpose).entry(
        "disclosure",
        utc_now(),
        recipients=partner,
        partner=partner,
        detail={
            "bundle": "sha256:" + hashlib.sha256(content).hexdigest(),
            "epochs": ", ".join(str(epoch) for epoch in made.epochs),
            "renewed": int(made.renewed),
        },
    )
