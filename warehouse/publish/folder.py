"""Drafts and publications as folders: built beside their place, made durable, then renamed in.

A draft holds the pack, byte for byte as it would be published, and beside it what approvers alone
may see: why each count is masked. Its ``draft.json`` has the SHA-256 of every file and one digest
of all that it says. Approvers approve that digest, so what is published is what they saw.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.disclosure.officers import officer_key
from governance.disclosure.release import Release
from governance.disclosure.rules import DisclosureError
from schemas.errors import StoreError
from warehouse.publish.pack import Pack
from warehouse.publish.release_file import RELEASE_FILE, is_on_its_own, releases_document

if TYPE_CHECKING:
    from governance.disclosure.certify import Certified

DRAFT_FILE = "draft.json"
PUBLICATION_FILE = "publication.json"
PACK, FOR_APPROVERS, SALT_FILE = "pack", "for-approvers", "salt"
APPROVERS = 2  # two different people, by the partnership's rule

# What a draft's record says of the pack, and a publication's says again.
SAID = ("draft_id", "title", "data_as_at", "demonstration", "files", "for_approvers")


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
    folder: Path,
    pack: Pack,
    certified: Sequence[Certified],
    public: Sequence[Release],
    files: Mapping[str, bytes],
    for_approvers: Mapping[str, bytes],
    *,
    title: str,
) -> str:
    """Write a draft as a new folder.

    Args:
        folder: Where; it must not exist yet, and its name is the draft's id.
        pack: What would be published.
        certified: The releases that it adds to what is public, as the gate made them.
        public: Every release that is public already, in the order of publication.
        files: The pack as files, by name.
        for_approvers: Files that approvers see and nobody is given.
        title: What it is called.

    Returns:
        The draft's digest, which approvals name.

    Raises:
        DisclosureError: The pack shows counts of a release that neither the gate made now nor is
            public.
        StoreError: The folder is already there.
    """
    _refuse_uncertified(pack, certified, public)
    releases = [*public, *(one.release for one in certified)]
    new = [one.release.digest for one in certified]
    shown = [one.digest for one in pack.releases if one.digest in new or not is_on_its_own(one)]
    document = releases_document(releases, new, shown)
    public_files = {**files, RELEASE_FILE: _json(document, compact=True)}
    # Without the salt, the digest of what approvers see could be guessed at, and the masks told.
    kept = {**for_approvers, SALT_FILE: secrets.token_hex(32).encode()}
    record: dict[str, Any] = {
        "draft_id": folder.name,
        "title": title,
        "data_as_at": {partner: day.isoformat() for partner, day in pack.as_at.items()},
        "demonstration": pack.demonstration,
        "files": _digests(public_files),
        "for_approvers": _sha256(_json(_digests(kept))),
    }
    record["digest"] = digest_of(record)
    _write_folder(
        folder,
        {
            **{f"{PACK}/{name}": content for name, content in public_files.items()},
            **{f"{FOR_APPROVERS}/{name}": content for name, content in kept.items()},
            DRAFT_FILE: _json(record),
        },
    )
    return str(record["digest"])


def read_draft(folder: Path) -> Mapping[str, Any]:
    """A draft's record, once every file has been found to be as recorded.

    Raises:
        StoreError: A file is missing, changed or not the draft's, or the record cannot be read.
    """
    record: dict[str, Any] = {}
    try:
        record = json.loads((folder / DRAFT_FILE).read_text("utf-8"))
        kept = found_in(folder / FOR_APPROVERS)
        intact = (
            found_in(folder / PACK) == record["files"]
            and _sha256(_json(kept)) == record["for_approvers"]
            and digest_of(record) == record["digest"]
            and {one.name for one in folder.iterdir()} == {PACK, FOR_APPROVERS, DRAFT_FILE}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        intact = False
    if not intact:
        raise StoreError(
            "The draft is missing, incomplete or not as it was recorded.",
            "Draft it again from the current release.",
        )
    return record


def draft_digest(folder: Path) -> str:
    """The digest of a draft, having checked every file against it; raises as `read_draft`."""
    return str(read_draft(folder)["digest"])


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
    record = read_draft(draft_folder)
    good = [approval for approval in approvals if approval.digest == record["digest"]]
    if len({officer_key(approval.officer) for approval in good}) < APPROVERS:
        raise StoreError(
            f"The draft has not been approved as it stands by {APPROVERS} different people.",
            "Ask for the missing approval, or draft again if the draft has changed.",
        )
    files = {name: (draft_folder / PACK / name).read_bytes() for name in record["files"]}
    if _digests(files) != record["files"]:
        raise StoreError("The draft changed while it was being published.", "Try again.")
    said = {
        "publication_id": publication_id,
        "published_at": published_at.isoformat(),
        **{name: record[name] for name in (*SAID, "digest")},
        "approvals": [
            {"officer": a.officer, "approved_at": a.approved_at.isoformat()} for a in good
        ],
    }
    _write_folder(folder, {**files, PUBLICATION_FILE: _json(said)})
    return str(record["digest"])


def digest_of(record: Mapping[str, Any]) -> str:
    """The digest of all that a record says of a pack, its files' digests among it."""
    return _sha256(_json({name: record[name] for name in SAID}))


def found_in(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a folder, by its path in it.

    Raises:
        OSError: A file cannot be read.
        ValueError: Something in it is neither a file nor a folder.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ValueError("neither a file nor a folder")
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = _sha256(path.read_bytes())
    return found


def _refuse_uncertified(
    pack: Pack, certified: Sequence[Certified], public: Sequence[Release]
) -> None:
    """Raise DisclosureError unless all that a pack shows is the gate's, made now or before."""
    from governance.disclosure.certify import Certified  # it brings the solver

    made = [one.release.digest for one in certified if isinstance(one, Certified)]
    known = {*made, *(one.digest for one in public)}
    if (
        not made
        or len(made) < len(certified)
        or any(one.digest not in known for one in pack.releases)
    ):
        raise DisclosureError(
            "A pack was offered for publication with counts that did not come from the gate.",
            "Put its counts through governance.disclosure.certify.",
        )


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
            path = building / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _fsync_folders([building, *(path for path in building.rglob("*") if path.is_dir())])
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


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of files, by name."""
    return {name: _sha256(content) for name, content in files.items()}


def _sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _json(record: Mapping[str, Any], *, compact: bool = False) -> bytes:
    """Return a record as JSON that is the same whatever order it was made in."""
    layout: dict[str, Any] = {"separators": (",", ":")} if compact else {"indent": 2}
    return (json.dumps(record, sort_keys=True, ensure_ascii=False, **layout) + "\n").encode()
