"""Values made to be recognised wherever they turn up: as they are, reversed, in hex or base64."""

from __future__ import annotations

import base64
import binascii
import re
import traceback
from itertools import count

from canaries import CANARY, NEEDLES
from leak_scan import scan_bytes

_PLAIN = re.compile(rb"qz([0-9]{4,8})vanir")
_REVERSED = re.compile(rb"rinav([0-9]{4,8})zq")
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){6,}")
_NUMBERS = count(1)

TYPED = {
    "name": CANARY["surname"],
    "dob": CANARY["dob"],
    "postcode": CANARY["postcode"],
    "pnc_id": CANARY["pnc_id"],
    "cro_number": CANARY["cro_number"],
    "noms_number": CANARY["noms_number"],
    "nino": CANARY["nino"],
    "crn": CANARY["crn"],
    "nhs_number": CANARY["nhsno"],
    "uprn": CANARY["uprn"],
}
"""By kind of column, a value that is valid and that nothing else holds."""


def poison() -> str:
    """A word that nothing else holds, never the same twice."""
    return f"Qz{next(_NUMBERS):04d}Vanir"


def found_in(said: str | bytes) -> set[str]:
    """The poisoned values that a text gives away."""
    content = said.encode() if isinstance(said, str) else said
    return {word.decode() for word in _words(content)} | scan_bytes(content, NEEDLES)


def _words(content: bytes) -> set[bytes]:
    found: set[bytes] = set()
    for text in (content, content.replace(b"\x00", b""), *_decoded(content)):
        lowered = text.lower()
        found |= set(_PLAIN.findall(lowered)) | {n[::-1] for n in _REVERSED.findall(lowered)}
    return found


def _decoded(content: bytes) -> list[bytes]:
    made = [bytes.fromhex(run.decode()[at:][: (len(run) - at) // 2 * 2])
            for run in _HEX.findall(content) for at in (0, 1)]  # fmt: skip
    for run in _RUN.findall(content):
        for at in range(4):
            part = run[at:] if (len(run) - at) % 4 != 1 else run[at:-1]
            part += b"=" * (-len(part) % 4)
            try:
                made.append(base64.b64decode(part, altchars=b"-_" if b"-" in part or b"_" in part
                                             else None))  # fmt: skip
            except (binascii.Error, ValueError):
                continue
    return made


def told_by(error: BaseException) -> str:
    """All that an error could tell: its chain, its arguments and what it carries."""
    said = "".join(traceback.format_exception(error))
    at: BaseException | None = error
    while at is not None:
        said += repr(at) + repr(vars(at)) + repr(at.args)
        at = at.__cause__ or at.__context__
    return said
