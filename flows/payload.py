"""What is inside a sealed file: an encoded extract and what is told of it, as a zip file.

    facts.json
    <epoch>/encoded.arrow            encodings, by record id
    <epoch>/<table>.arrow            events of a staging table

The same extract makes the same bytes, so the hub can tell a delivery that brings nothing new.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from flows.encoding import Encoded
from flows.reading import Facts
from schemas.errors import ExtractRejected

if TYPE_CHECKING:
    from governance.pseudonymise import Pseudonymised

FACTS = "facts.json"
ENCODINGS = "encoded"
BROKEN = (ValueError, KeyError, OSError, RuntimeError)
MADE = (1980, 1, 1, 0, 0, 0)

# What a partner's program says is shown at the hub, so it can be a name or a code and no more.
Name = Annotated[str, Field(pattern=r"^[a-z0-9_.*|-]{1,120}$")]
Code = Annotated[str, Field(pattern=r"^[ -~]{0,40}$")]
Rule = dict[Name, Name | NonNegativeInt]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Rows(_Part):
    received: NonNegativeInt
    kept: NonNegativeInt
    quarantined: NonNegativeInt
    withheld: NonNegativeInt


class _TableProfile(_Part):
    rows: NonNegativeInt
    empty: dict[Name, NonNegativeInt]
    codes: dict[Name, dict[Code, NonNegativeInt]]


class _Facts(_Part):
    rows: dict[Name, _Rows]
    over_shared: NonNegativeInt
    data_as_at: Annotated[date, Field(strict=False)]
    profile: dict[Name, _TableProfile]
    missing: list[Name]
    top_rules: list[Rule]
    noted: list[Rule]
    other_files: NonNegativeInt
    not_taken: dict[Name, NonNegativeInt]


def pack(encoded: Encoded) -> bytes:
    """An encoded extract as the bytes that are sealed."""
    facts = asdict(encoded.facts) | {"data_as_at": encoded.facts.data_as_at.isoformat()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, FACTS, json.dumps(facts, sort_keys=True).encode())
        for epoch, part in sorted(encoded.parts.items()):
            _put(archive, _name(epoch, ENCODINGS), _arrow(part.encoded))
            for table, frame in part.events.items():
                _put(archive, _name(epoch, table), _arrow(frame))
    return packed.getvalue()


def unpack(content: bytes) -> Encoded:
    """What `pack` made, if it has that form; what is in the tables is for the caller to check.

    Raises:
        ExtractRejected: It has not.
    """
    found = _unpacked(content)
    if found is None:
        raise not_as_said()
    return found


def not_as_said() -> ExtractRejected:
    """A sealed file whose inside is not what an encoded extract looks like."""
    return ExtractRejected(
        "A sealed file does not hold an encoded extract in the form agreed.",
        "Ask the partner to encode again with the program that the hub gave it.",
    )


def _unpacked(content: bytes) -> Encoded | None:
    from governance.pseudonymise import Pseudonymised
    from schemas.extract import POLARS_ERRORS

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(one.file_size for one in archive.infolist()) > len(content):
                return None  # what is stored as it is does not unpack to more
            members = {one.filename: archive.read(one) for one in archive.infolist()}
        facts = _Facts.model_validate_json(members.pop(FACTS))
        frames: dict[int, dict[str, pl.DataFrame]] = {}
        for name, member in members.items():
            epoch, _, table = name.removesuffix(".arrow").partition("/")
            frames.setdefault(int(epoch), {})[table] = pl.read_ipc(io.BytesIO(member))
        parts = {
            epoch: Pseudonymised(tables.pop(ENCODINGS), tables) for epoch, tables in frames.items()
        }
    except (zipfile.BadZipFile, ValidationError, *BROKEN, *POLARS_ERRORS):
        return None
    return Encoded(parts, _facts(facts))


def _facts(said: _Facts) -> Facts:
    plain = said.model_dump()
    return Facts(**plain | {"missing": tuple(said.missing)})


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, MADE), content)


def _name(epoch: int, table: str) -> str:
    return f"{epoch}/{table}.arrow"


def _arrow(frame: pl.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.write_ipc(written, compression="zstd")
    return written.getvalue()


def same_events(parts: Mapping[int, Pseudonymised]) -> bool:
    """Whether the epochs tell the same events in the same order, under keys of their own."""
    told = [
        {
            table: frame.select(pl.exclude("record_id", "^.*_key$"))
            for table, frame in sorted(part.events.items())
        }
        for part in parts.values()
    ]
    first = told[0]
    return all(
        one.keys() == first.keys() and all(one[name].equals(first[name]) for name in one)
        for one in told[1:]
    )
