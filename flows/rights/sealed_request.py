"""A rights request that a partner encoded on its own machine: sealed there and opened at the hub.

It is sealed as an extract is (`governance.sealing`), so that only the hub opens it and knows whose
it is. What is inside is marks by key epoch and line, as JSON.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flows.clock import local_day
from flows.keys.bundles import read_issued
from flows.keys.rings import key_check, ring_of
from flows.rights.asked import LARGEST, MOST_PEOPLE, Asked, read_request
from flows.safe_errors import guarded
from flows.settings import Settings
from governance.agreements import check_purpose, parse_agreement
from governance.keys.bundle import Bundle
from governance.sealing import (
    MAGIC,
    Manifest,
    payload_digest,
    read_manifest,
    recipient_of,
    seal,
    unseal,
)
from schemas.encoded import ENCODING_VERSION
from schemas.errors import ExtractRejected, KeyProblem
from schemas.marks import GROUNDS, MARKS_VERSION

if TYPE_CHECKING:
    import polars as pl

TABLE = "request"
FORM = "sha256:" + hashlib.sha256(f"rights request, marks {MARKS_VERSION}".encode()).hexdigest()
"""What a manifest has for a contract: no extract has it, so neither is taken for the other."""

Line = Annotated[int, Field(ge=1, le=MOST_PEOPLE)]
Mark = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class _Marks(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    line: list[Line]
    marks: dict[str, list[Mark | None]]


class _Inside(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    people: Line
    epochs: dict[Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")], _Marks]


def seal_request(bundle: Bundle, partner: str, path: Path, now: datetime) -> tuple[Manifest, bytes]:
    """Read a request on the partner's machine, mark it in every epoch of the bundle and seal it.

    Returns:
        What the file says of itself, and the file.

    Raises:
        ExtractRejected: The request cannot be read.
        KeyProblem: The bundle is another partner's.
    """
    if bundle.partner != partner:
        raise KeyProblem(
            f"The bundle is not that of {partner}.", "Use the one that the hub made for you."
        )
    agreement = parse_agreement(bundle.documents["agreement.yaml"], "the bundle's agreement")
    check_purpose(agreement, partner, bundle.purpose)
    today = local_day(now)
    asked = guarded("read", read_request, path, agreement, bundle.keys, today)
    payload = _packed(asked)
    manifest = Manifest(
        delivery=secrets.token_hex(16),
        partner=partner,
        made_at=now,
        purpose=bundle.purpose,
        epochs={epoch: key_check(key) for epoch, key in bundle.keys.items()},
        encoding_version=ENCODING_VERSION,
        program=version("cohort-journeys"),
        contract=FORM,
        agreement=agreement.treatment_digest,
        recipient=recipient_of(bundle.hub),
        data_as_at=today,
        rows={TABLE: dict.fromkeys(("received", "kept"), asked.people) | _NONE},
        digest=payload_digest(payload),
        size=len(payload),
    )
    return manifest, seal(payload, manifest, hub=bundle.hub, signing=bundle.signing)


_NONE = {"quarantined": 0, "withheld": 0}


def is_sealed(path: Path) -> bool:
    """Whether a file begins as a sealed one does."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def open_request(settings: Settings, partner: str, path: Path) -> tuple[str, Asked]:
    """Open a sealed request at the hub.

    Returns:
        Its random id, and who it is of.

    Raises:
        ExtractRejected: It was cut short or changed, or is not this partner's request.
        KeyProblem: It was made with another bundle than the partner's last.
    """
    from schemas.reading.guard import require_file

    part = settings.partner(partner)
    if part.encodes_with is None:
        raise ExtractRejected(
            f"The request is sealed, and {partner} does not encode at source.",
            f"Give `encodes_with` for {partner} in partnership.yaml, or the request as a file.",
        )
    issued = read_issued(part.encodes_with)
    require_file(path, "The sealed request", LARGEST)
    content = path.read_bytes()
    manifest = read_manifest(content, issued.verifying)
    if (manifest.partner, manifest.purpose, manifest.contract) != (partner, settings.purpose, FORM):
        raise ExtractRejected(
            f"The sealed file is no rights request of {partner} for this purpose.",
            "Ask the partner for what `journeys rights seal` made with this hub's kit.",
        )
    if manifest.epochs != issued.epochs:
        raise KeyProblem(
            f"{partner} sealed its request with another bundle than the one it was given last.",
            "Ask it to seal the request again with that bundle, or give it a new one.",
        )
    payload = unseal(content, manifest, ring_of(settings, "seal"))
    asked = _unpacked(payload, manifest.epochs)
    if asked is None:
        raise ExtractRejected(
            "A sealed request does not hold what one holds.",
            "Ask the partner to seal it again with the program that the hub gave it.",
        )
    return manifest.delivery, asked


def _packed(asked: Asked) -> bytes:
    said = {
        "people": asked.people,
        "epochs": {
            str(epoch): {
                "line": frame["line"].to_list(),
                "marks": {ground: frame[ground].to_list() for ground in GROUNDS},
            }
            for epoch, frame in asked.marks.items()
        },
    }
    return json.dumps(said, sort_keys=True).encode()


def _unpacked(payload: bytes, epochs: Iterable[int]) -> Asked | None:
    """Who a request is of; None where it is not in its form."""
    try:
        inside = _Inside.model_validate_json(payload)
        marks = {int(epoch): _frame(said) for epoch, said in inside.epochs.items()}
    except (ValidationError, ValueError, KeyError):
        return None
    lines = {tuple(frame["line"]) for frame in marks.values()}
    asked = {tuple(sorted(set(one))) for one in lines}
    alike = len(lines) == 1 and asked == {tuple(range(1, inside.people + 1))}
    return Asked(inside.people, marks) if alike and marks.keys() == set(epochs) else None


def _frame(said: _Marks) -> pl.DataFrame:
    """The marks of one epoch.

    Raises:
        ValueError: A column is missing, strange, or of another length.
    """
    import polars as pl

    columns: Mapping[str, Any] = said.marks
    if set(columns) != set(GROUNDS) or {len(one) for one in columns.values()} != {len(said.line)}:
        raise ValueError("not the form of marks")
    return pl.DataFrame(
        {"line": said.line, **{ground: columns[ground] for ground in GROUNDS}},
        schema={"line": pl.Int32, **dict.fromkeys(GROUNDS, pl.Int64)},
    )
