"""What is inside a sealed file: an encoded extract and what is told of it, as a row of files.

    length of the list (4 bytes, big-endian) ‖ list: [[name, bytes], …] ‖ the files, in that order

    facts.json
    <epoch>/encoded.arrow            encodings, by record id
    <epoch>/marks.arrow              marks of the records, in the same order
    <epoch>/<table>.arrow            events of a staging table
    <epoch>/<...>.json               the texts of that table: each stands there once, by column

Nothing in it is compressed, and a text column is numbers into its list, so that a file takes up in
memory what it has in bytes. The same extract makes the same bytes, so the hub can tell a delivery
that brings nothing new.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, TypeAdapter, ValidationError

from flows.intake.encoding import Encoded
from flows.intake.reading import Facts
from schemas.errors import ExtractRejected

if TYPE_CHECKING:
    from governance.pseudonymise import Pseudonymised

FACTS = "facts.json"
ENCODINGS, MARKS = "encoded", "marks"
BROKEN = (ValueError, KeyError, OSError, RuntimeError)
LENGTH_BYTES = 4
LONGEST_LIST = 1 << 16
LONGEST_JSON = 1 << 22

MEMBER = re.compile(r"([1-9][0-9]{0,8})/([a-z_]{1,60})\.(arrow|json)")

MOST_ROWS = 10**9
"""More than any table has; counts up to it can be added and stored."""

BITS = {
    pl.Boolean: 1,
    pl.Int8: 8,
    pl.Int32: 32,
    pl.UInt32: 32,
    pl.Date: 32,
    pl.Int64: 64,
}
"""The types of column there are in a sealed file, and what a value of each takes."""

# Which names, rules and codes there are is for `flows.intake.inside` to say; this is how they look.
Name = Annotated[str, Field(pattern=r"^[a-z0-9_.|-]{1,120}$")]
Text = Annotated[str, Field(max_length=100)]
Count = Annotated[int, Field(ge=0, le=MOST_ROWS)]
Listed = TypeAdapter(list[tuple[Text, NonNegativeInt]], config=ConfigDict(strict=True))
Texts = TypeAdapter(dict[Name, list[Text]], config=ConfigDict(strict=True))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Rows(_Part):
    received: Count
    kept: Count
    quarantined: Count
    withheld: Count


class _TableProfile(_Part):
    rows: Count
    empty: dict[Name, Count]
    codes: dict[Name, dict[Text, Count]]


class _Rule(_Part):
    table: Name
    column: Name
    rule: Name
    count: Count


class _Facts(_Part):
    rows: dict[Name, _Rows]
    over_shared: Count
    data_as_at: Annotated[date, Field(strict=False)]
    profile: dict[Name, _TableProfile]
    missing: list[Name]
    top_rules: list[_Rule]
    noted: list[_Rule]
    other_files: Count
    not_taken: dict[Name, Count]


def pack(encoded: Encoded) -> bytes:
    """An encoded extract as the bytes that are sealed."""
    facts = asdict(encoded.facts) | {"data_as_at": encoded.facts.data_as_at.isoformat()}
    del facts["over_listed"]  # What the partner calls its columns is no business of the hub's.
    members = {FACTS: _json(facts)}
    for epoch, part in sorted(encoded.parts.items()):
        for table, frame in ({ENCODINGS: part.encoded} | part.events).items():
            members |= _members_of(f"{epoch}/{table}", frame)
    for epoch, frame in sorted(encoded.marks.items()):
        members |= _members_of(f"{epoch}/{MARKS}", frame)
    return packed(members.items())


def _members_of(name: str, frame: pl.DataFrame) -> dict[str, bytes]:
    """A table and the list of its texts."""
    texts = _texts(frame)
    return {f"{name}.arrow": _arrow(_numbered(frame, texts)), f"{name}.json": _json(texts)}


def packed(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Files by name as one string of bytes."""
    files = list(members)
    listed = _json([[name, len(content)] for name, content in files])
    contents = (content for _, content in files)
    return b"".join((len(listed).to_bytes(LENGTH_BYTES, "big"), listed, *contents))


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
    from schemas.extract import POLARS_ERRORS

    try:
        members = _members(content)
        if members is None or not _are_short(members):
            return None
        facts = _Facts.model_validate_json(members.pop(FACTS))
        found = _parts(members)
    except (ValidationError, *BROKEN, *POLARS_ERRORS):
        return None
    if found is None:
        return None
    parts, marks = found
    return Encoded(parts, _facts(facts), marks)


def _members(content: bytes) -> dict[str, bytes] | None:
    """The files by name; None where one comes twice or they are not all that is there."""
    head = int.from_bytes(content[:LENGTH_BYTES], "big")
    if head > LONGEST_LIST:
        return None
    at = LENGTH_BYTES + head
    found: dict[str, bytes] = {}
    listed = Listed.validate_json(content[LENGTH_BYTES:at])
    for name, size in listed:
        found[name], at = content[at : at + size], at + size
    return found if len(found) == len(listed) and at == len(content) else None


def _are_short(members: Mapping[str, bytes]) -> bool:
    """Whether what becomes Python's own objects, which are large, is short."""
    return all(len(one) <= LONGEST_JSON for name, one in members.items() if name.endswith(".json"))


def _parts(
    members: dict[str, bytes],
) -> tuple[dict[int, Pseudonymised], dict[int, pl.DataFrame]] | None:
    """Encodings and events, and marks, by epoch; None where a file is of no table or not whole."""
    from governance.pseudonymise import Pseudonymised

    named = [MEMBER.fullmatch(name) for name in members]
    if not all(named):
        return None
    frames: dict[int, dict[str, pl.DataFrame]] = {}
    for epoch, table in sorted({(int(one[1]), one[2]) for one in named if one}):
        arrow, texts = (members[f"{epoch}/{table}.{form}"] for form in ("arrow", "json"))
        frame = _table(arrow, texts)
        if frame is None:
            return None
        frames.setdefault(epoch, {})[table] = frame
    marks = {epoch: tables.pop(MARKS) for epoch, tables in frames.items()}
    parts = {
        epoch: Pseudonymised(tables.pop(ENCODINGS), tables) for epoch, tables in frames.items()
    }
    return parts, marks


def _table(arrow: bytes, texts: bytes) -> pl.DataFrame | None:
    """One table; None where it would come to more than its bytes.

    How many rows there are and what they are of stands at the end of an Arrow file, and no more
    rows are read than it says. It is asked before anything is unpacked.
    """
    types = pl.read_ipc_schema(io.BytesIO(arrow)).values()
    rows = pl.scan_ipc(io.BytesIO(arrow)).select(pl.len()).collect().item()
    if not set(types) <= set(BITS) or rows * sum(BITS[type(one)] for one in types) > 8 * len(arrow):
        return None
    frame = pl.read_ipc(io.BytesIO(arrow))
    lists = {
        name: pl.Series(name, listed, dtype=pl.String)
        for name, listed in Texts.validate_json(texts).items()
    }
    return frame.with_columns(listed.gather(frame[name]) for name, listed in lists.items())


def _texts(frame: pl.DataFrame) -> dict[str, list[str]]:
    """The different texts of each text column, in order."""
    return {
        column.name: column.drop_nulls().unique().sort().to_list()
        for column in frame.select(pl.col(pl.String))
    }


def _numbered(frame: pl.DataFrame, texts: dict[str, list[str]]) -> pl.DataFrame:
    """The frame with the place of each text in its list in the text's place."""
    return frame.with_columns(
        pl.col(name).replace_strict(listed, range(len(listed)), return_dtype=pl.UInt32)
        if listed
        else pl.lit(None, pl.UInt32).alias(name)
        for name, listed in texts.items()
    )


def _facts(said: _Facts) -> Facts:
    plain = said.model_dump()
    return Facts(**plain | {"missing": tuple(said.missing)})


def _json(said: object) -> bytes:
    return json.dumps(said, sort_keys=True).encode()


def _arrow(frame: pl.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.write_ipc(written, compression="uncompressed")
    return written.getvalue()
