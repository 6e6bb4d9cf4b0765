"""Drafts and publications as folders: built beside their place, made durable, then renamed in.

A draft's ``draft.json`` holds the SHA-256 of every file and one digest of all that it says.
Approvers approve that digest, so what is published is, byte for byte, what they saw.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from governance.disclosure import DisclosureError
from governance.disclosure.officers import officer_key
from schemas.errors import StoreError
from warehouse.publish.page import render
from warehouse.publish.tables import Draft

DRAFT_FILE = "draft.json"
PUBLICATION_FILE = "publication.json"
COUNTS = frozenset({"people", "numerator", "denominator"})
PLACES = frozenset({"step_number"})  # numbers that count nobody
GATED = r"^(0|[0-9]*[05]|\[[cxz]\])$"
APPROVERS = 2  # two different people, by the partnership's rule


@dataclass(frozen=True)
class Approval:
    """One person's approval of one draft.

    Attributes:
        officer: Who approved, as the control database names them.
        digest: The draft's digest when they approved it.
        approved_at: When.
    """

    officer: str
    digest: str
    approved_at: datetime


def write_draft(
    draft: Draft,
    folder: Path,
    *,
    partnership: str = "Combating Drugs Partnership",
    contact: str = "the partnership's data lead",
    demonstration: bool = False,
) -> str:
    """Write a draft's tables, page and digests to a new folder.

    Args:
        draft: From ``draft_tables``; it holds only gated counts.
        folder: Where; it must not exist yet.
        partnership: The partnership's name, for the page.
        contact: Whom to ask, for the page.
        demonstration: Whether the people in it are made up, which the page and the records say.

    Returns:
        The draft's digest, which approvals name.

    Raises:
        DisclosureError: A table holds a number that did not come from the gate.
        StoreError: The folder is already there.
    """
    _check_gated(draft.tables)
    files = {f"{name}.csv": table.write_csv().encode() for name, table in draft.tables.items()}
    page = render(draft, partnership=partnership, contact=contact, demonstration=demonstration)
    files["index.html"] = page.encode()
    digests = {name: _sha256(content) for name, content in sorted(files.items())}
    record = {
        "run_id": draft.run_id,
        "data_as_at": draft.as_at,
        "demonstration": demonstration,
        "files": digests,
        "notes": list(draft.notes),
    }
    record["digest"] = _digest_of(record)
    files[DRAFT_FILE] = _json(record)
    _write_folder(folder, files)
    return str(record["digest"])


def draft_digest(folder: Path) -> str:
    """Return the digest of a draft, having checked every file against it.

    Raises:
        StoreError: A file is missing, changed or not the draft's, or the record cannot be read.
    """
    return str(_checked(folder)["digest"])


def write_publication(
    draft_folder: Path,
    folder: Path,
    approvals: Sequence[Approval],
    *,
    publication_id: str,
    published_at: datetime,
) -> str:
    """Publish a draft that two different people approved as it stands.

    Args:
        draft_folder: The draft.
        folder: Where; it must not exist yet.
        approvals: At least two, by different people, all of this draft's digest.
        publication_id: The publication's id.
        published_at: When, from the caller.

    Returns:
        The digest of what was published.

    Raises:
        StoreError: The draft is not what was approved, too few people approved it, or the folder
            is already there. Nothing is then published.
    """
    record = _checked(draft_folder)
    digest = str(record["digest"])
    good = [approval for approval in approvals if approval.digest == digest]
    if len({officer_key(approval.officer) for approval in good}) < APPROVERS:
        raise StoreError(
            f"The draft has not been approved as it stands by {APPROVERS} different people.",
            "Ask for the missing approval, or draft again if the draft has changed.",
        )
    files = {name: (draft_folder / name).read_bytes() for name in record["files"]}
    if {name: _sha256(content) for name, content in files.items()} != record["files"]:
        raise StoreError("The draft changed while it was being published.", "Try again.")
    files[PUBLICATION_FILE] = _json(
        {
            "publication_id": publication_id,
            "published_at": published_at.isoformat(),
            "run_id": record["run_id"],
            "data_as_at": record["data_as_at"],
            "demonstration": record.get("demonstration", False),
            "files": record["files"],
            "digest": digest,
            "approvals": [
                {"officer": a.officer, "approved_at": a.approved_at.isoformat()} for a in good
            ],
            "notes": record["notes"],
        }
    )
    _write_folder(folder, files)
    return digest


def _checked(folder: Path) -> dict[str, Any]:
    """Return a draft's record, once every file has been found to be as recorded."""
    record: dict[str, Any] = {}
    try:
        record = json.loads((folder / DRAFT_FILE).read_text("utf-8"))
        found = {
            path.name: _sha256(path.read_bytes())
            for path in folder.iterdir()
            if path.name != DRAFT_FILE
        }
        intact = (
            found == record["files"]
            and _digest_of(record) == record["digest"]
            and {"run_id", "data_as_at", "notes"} <= record.keys()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        intact = False
    if not intact:
        raise StoreError(
            "The draft is missing, incomplete or not as it was recorded.",
            "Draft it again from the current release.",
        )
    return record


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder of files, wholly or not at all."""
    if folder.exists():
        raise StoreError(
            f"The folder {folder.name} is already there, and is never overwritten.",
            "Use another id, or remove the folder if it was left by mistake.",
        )
    building = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    try:
        for name, content in files.items():
            with (building / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _fsync_folders([building])
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    _fsync_folders([folder.parent])


def _fsync_folders(folders: Iterable[Path]) -> None:
    """Wait until folders' own entries are on disk."""
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _digest_of(record: Mapping[str, Any]) -> str:
    """Return the digest of all that a draft's record says, its files' digests among it."""
    said = {name: value for name, value in record.items() if name != "digest"}
    return _sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode())


def _check_gated(tables: Mapping[str, pl.DataFrame]) -> None:
    """Raise DisclosureError unless every number in some tables could have come from the gate."""
    for name, table in tables.items():
        for column, kind in table.schema.items():
            if column in COUNTS:
                gated = kind == pl.String and table[column].str.contains(GATED).all()
            else:
                gated = not kind.is_numeric() or column in PLACES
            if not gated:
                raise DisclosureError(
                    f"The column {column} of the table {name} has not been through the gate.",
                    "Count it in warehouse.publish.tables, which gates every count.",
                )


def _sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _json(record: Mapping[str, Any]) -> bytes:
    """Return a record as readable JSON."""
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()
