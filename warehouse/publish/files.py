"""Drafts and publications as folders: built beside their place, made durable, then renamed in.

A draft's ``draft.json`` holds the SHA-256 of every file and one digest of them all. Approvers
approve that digest, so what is published is, byte for byte, what they saw.
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

from schemas.errors import StoreError
from warehouse.publish.page import render
from warehouse.publish.tables import Draft

DRAFT_FILE = "draft.json"
PUBLICATION_FILE = "publication.json"
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
) -> str:
    """Write a draft's tables, page and digests to a new folder.

    Args:
        draft: From ``draft_tables``; it holds only gated counts.
        folder: Where; it must not exist yet.
        partnership: The partnership's name, for the page.
        contact: Whom to ask, for the page.

    Returns:
        The draft's digest, which approvals name.

    Raises:
        StoreError: The folder is already there.
    """
    files = {f"{name}.csv": table.write_csv().encode() for name, table in draft.tables.items()}
    files["index.html"] = render(draft, partnership=partnership, contact=contact).encode()
    digests = {name: _sha256(content) for name, content in sorted(files.items())}
    record = {
        "run_id": draft.run_id,
        "data_as_at": draft.as_at,
        "files": digests,
        "digest": _digest_of(digests),
        "notes": list(draft.notes),
    }
    files[DRAFT_FILE] = _json(record)
    _write_folder(folder, files)
    return str(record["digest"])


def draft_digest(folder: Path) -> str:
    """Return the digest of a draft, having checked every file against it.

    Raises:
        StoreError: A file is missing, changed or not the draft's, or the record cannot be read.
    """
    return _digest_of(_checked(folder)["files"])


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
    digest = _digest_of(record["files"])
    good = [approval for approval in approvals if approval.digest == digest]
    if len({approval.officer.strip().casefold() for approval in good}) < APPROVERS:
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
            and _digest_of(found) == record["digest"]
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


def _digest_of(digests: Mapping[str, str]) -> str:
    """Return one digest of the names and digests of some files."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    return _sha256(lines.encode())


def _sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _json(record: Mapping[str, Any]) -> bytes:
    """Return a record as readable JSON."""
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()
