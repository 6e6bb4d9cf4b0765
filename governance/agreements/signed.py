"""Cryptographic signatures over an agreement, for controllers that want to give one.

Whoever has an Ed25519 key names its public half in the terms (`signing_keys`), which both
controllers sign, and signs the text of the document digest, for instance with OpenSSL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from governance.agreements.parts import Controller, Signature
from schemas.errors import AgreementError


def check_key_signatures(
    partner: str, keys: Mapping[Controller, str], signatures: Sequence[Signature]
) -> None:
    """Check every cryptographic signature that was given.

    Args:
        partner: Whose agreement it is.
        keys: By role, the public keys that the terms name, in hexadecimal.
        signatures: The signatures.

    Raises:
        AgreementError: One does not verify, or is of a key that the terms do not name.
    """
    for given in signatures:
        if given.ed25519 is None:
            continue
        role, key = given.role.replace("_", " "), keys.get(given.role)
        if key is None:
            raise AgreementError(
                f"The {partner} agreement has a cryptographic signature of the {role}, and "
                "`signing_keys` names no key of it.",
                "Have the public key put into the terms and signed with them, or leave it out.",
                rule="signature",
            )
        if not _verifies(key, given.ed25519, given.document_digest):
            raise AgreementError(
                f"The cryptographic signature of the {role} on the {partner} agreement does not "
                "verify.",
                "Have the digest of the agreement signed with the key that `signing_keys` names.",
                rule="signature",
            )


def _verifies(key: str, signature: str, text: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), text.encode("ascii"))
    except (InvalidSignature, ValueError):
        return False
    return True
