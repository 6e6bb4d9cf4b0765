"""Bundles: what a partner is given so that it can encode on its own machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flows.files import write_private
from flows.keys import ring_of
from flows.settings import Settings
from governance.keys.bundle import Bundle, lock_bundle, new_bundle, new_passphrase, open_bundle
from governance.sealing import hub_public_key
from schemas.errors import ConfigError, KeyProblem

LONGEST = 1 << 24
PUBLIC = "cohort-journeys-partner-1 "


@dataclass(frozen=True)
class Bundled:
    """Where a bundle, its passphrase and the partner's public key were written."""

    bundle: Path
    passphrase: Path
    public_key: Path
    epochs: tuple[int, ...]


def make_bundle(settings: Settings, partner: str, out: Path, today: date) -> Bundled:
    """Make a partner's bundle.

    The bundle and its passphrase are two files, to be sent two ways. The public key stays at the
    hub, which by it knows what the partner sealed.

    Raises:
        ConfigError: The partnership has no such partner.
        KeyProblem: The identifier or seal key cannot be used, or a file is there already.
    """
    if partner not in settings.partners:
        raise ConfigError(
            f"The partnership has no partner {partner}.",
            f"Name one of {', '.join(settings.partners)}.",
        )
    bundle = new_bundle(
        partner,
        settings.purpose,
        ring_of(settings, "identifier"),
        hub_public_key(ring_of(settings, "seal")),
        documents_of(settings, partner),
        today,
    )
    passphrase = new_passphrase()
    beside = out.with_name(f"{out.name}.passphrase")
    public = settings.folder / "keys" / "partners" / f"{partner}.pub"
    for path in (out, beside):
        if path.exists():
            raise KeyProblem(
                f"There is a file at {path} already.", "Bundles overwrite nothing; name another."
            )
    write_private(out, lock_bundle(bundle, passphrase))
    write_private(beside, f"{passphrase}\n".encode())
    write_private(public, (PUBLIC + bundle.verifying.hex() + "\n").encode())
    return Bundled(out, beside, public, tuple(sorted(bundle.keys)))


def documents_of(settings: Settings, partner: str) -> dict[str, str]:
    """What a partner's encoding is held to, as file name → text.

    The agreement, and the partnership's own policy, code lists and mapping where it has any.
    """
    part = settings.partner(partner)
    found = {"agreement.yaml": part.agreement}
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
    from governance.keys.custody import read_private

    return open_bundle(read_private(path, "bundle", LONGEST), passphrase)


def read_public_key(path: Path) -> bytes:
    """The public key by which a partner's sealed files are known.

    Raises:
        KeyProblem: It is missing or damaged.
    """
    try:
        text = path.read_text("ascii").strip()
        key = bytes.fromhex(text.removeprefix(PUBLIC)) if text.startswith(PUBLIC) else b""
    except (OSError, ValueError):
        key = b""
    if len(key) != 32:
        raise KeyProblem(
            f"The partner's public key {path.name} is missing or is not whole.",
            "Put back the file that `journeys keys bundle` made with the partner's bundle.",
        )
    return key
