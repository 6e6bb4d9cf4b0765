"""An evidence folder: what an officer would ask for, gathered on one day, signed and checkable.

Parts are gathered one by one; a part that cannot be gathered is told as missing, never left out,
and hides no other. Nothing here certifies anything.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.clock import LOCAL_TIME, Clock, local_day, utc_now
from flows.context import actor, open_control
from flows.evidence.part import Asked, Part, missing
from flows.evidence.parts import GATHERED
from flows.files import flush, flush_folder, is_kept, make_folder, remove_folder, write_text
from flows.settings import Settings
from flows.spreadsheets import csv_text
from governance.audit import Recorder
from schemas.errors import ConfigError, JourneysError, StoreError

MANIFEST, SIGNATURE, PUBLIC_KEY = "MANIFEST.txt", "MANIFEST.signature.txt", "record-key.pub"
CHECKPOINT = "checkpoint.txt"
UNSIGNED = frozenset({MANIFEST, SIGNATURE, PUBLIC_KEY})
LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._/-]+)")
LARGEST = 1 << 26


class NotAsMade(JourneysError):
    """An evidence folder that is not as it was made."""


@dataclass(frozen=True)
class Evidence:
    """What was gathered, when, and for whom."""

    partnership: str
    demonstration: bool
    made_at: datetime
    parts: tuple[Part, ...]

    def named(self, state: str) -> list[Part]:
        """The parts in a state: `found`, `failed` or `missing`."""
        return [part for part in self.parts if part.state == state]

    @property
    def day(self) -> str:
        """The moment as people say it."""
        return f"{self.made_at.astimezone(LOCAL_TIME):%-d %B %Y, %H:%M}"

    def as_json(self) -> dict[str, Any]:
        """The same, as JSON has it."""
        return {
            "partnership": self.partnership,
            "demonstration": self.demonstration,
            "made_at": self.made_at.isoformat(),
            "parts": [asdict(part) for part in self.parts],
        }


@dataclass(frozen=True)
class Checked:
    """What checking an evidence folder found.

    Attributes:
        files: How many files there are, each as listed.
        signed: Whether the list is signed; an early partnership has no record key.
        key: The mark of the key that signed it.
        known: Whether that key was given by the reader, and not taken from the folder itself.
    """

    files: int
    signed: bool
    key: str
    known: bool


def gather(settings: Settings, asked: Asked, clock: Clock = utc_now) -> Evidence:
    """Gather every part there is.

    Args:
        settings: The partnership.
        asked: Files that were given beside it.
        clock: The clock.
    """
    from flows.safe_errors import guarded

    now = clock()
    parts = []
    for name, find in GATHERED.items():
        try:
            parts.append(guarded(f"evidence of {name}", find, settings, asked, local_day(now)))
        except JourneysError as error:
            parts.append(missing(name, str(error), failed=True))
    return Evidence(settings.partnership, settings.demonstration, now, tuple(parts))


def make_evidence(
    settings: Settings, out: Path, asked: Asked, clock: Clock = utc_now
) -> tuple[Evidence, Path]:
    """Gather the evidence and write it into a new folder of `out`, whole or not at all.

    That it was made, and the digest of its list of files, is entered into the audit record.

    Returns:
        The evidence, and its folder, such as ``evidence-20261122-183000``.

    Raises:
        ConfigError: The folder would lie among what the partnership keeps.
        StoreError: It cannot be written, or is there already; or it was written and the record
            does not take it in.
    """
    from flows.evidence.page import as_markdown, as_page
    from flows.record.signing import can_sign, public_keys, sign_text

    if is_kept(out / "evidence"):
        raise ConfigError(
            "The evidence would lie among files that the partnership keeps.",
            "Name another folder with --out.",
        )
    made = gather(settings, asked, clock)
    folder = out / f"evidence-{made.made_at.astimezone(LOCAL_TIME):%Y%m%d-%H%M%S}"
    files = {
        "index.html": as_page(made),
        "evidence.md": as_markdown(made),
        "evidence.json": json.dumps(made.as_json(), indent=2, default=str) + "\n",
        **{
            f"parts/{part.name}.csv": csv_text([part.columns, *part.rows])
            for part in made.parts
            if part.rows
        },
        **_beside(settings, clock),
    }
    manifest = "".join(f"{_digest(text)}  {name}\n" for name, text in sorted(files.items()))
    files[MANIFEST] = manifest
    if can_sign(settings):
        files[SIGNATURE] = sign_text(settings, manifest)
        files[PUBLIC_KEY] = next(reversed(public_keys(settings).values())).text()
    _write(folder, files)
    said: dict[str, int | str] = {
        "evidence": _digest(manifest),
        "failed": len(made.named("failed")),
    }
    entry = Recorder(actor(), settings.purpose).entry(
        "oversight", made.made_at, recipients="the information-governance officer", detail=said
    )
    try:
        with open_control(settings) as control:
            control.add_audit(entry)
    except JourneysError as error:
        # Where the record is not whole the evidence is needed most.
        raise StoreError(
            f"The evidence is in {folder}, but that it was made cannot be recorded. "
            f"{error.problem}",
            error.remedy,
        ) from None
    return made, folder


def _beside(settings: Settings, clock: Clock) -> dict[str, str]:
    """Documents that go with the parts, as far as they can be made.

    The checkpoint makes whoever keeps the folder a witness of the record; the others are what the
    agreements in force oblige a partnership to write down.
    """
    from flows.agreements.forms import as_markdown
    from flows.agreements.notices import (
        agreements_told,
        data_flow,
        record_of_processing,
    )
    from flows.agreements.privacy import privacy_notice
    from flows.record.checkpoints import make_checkpoint

    found = {}
    with suppress(JourneysError), open_control(settings) as control:
        found[CHECKPOINT] = make_checkpoint(settings, control, clock).read_text("utf-8")
    with suppress(JourneysError):
        told, _ = agreements_told(settings, local_day(clock()))
        for notice in (record_of_processing, data_flow, privacy_notice):
            name = notice.__name__.replace("_", "-")
            found[f"documents/{name}.md"] = as_markdown(notice(settings, told))
    return found


def verify_evidence(
    folder: Path, key_file: Path | None = None, *, unsigned: bool = False
) -> Checked:
    """Check that an evidence folder is as it was made.

    Args:
        folder: The folder, wherever it is now.
        key_file: The public half of the partnership's record key, as the reader was given it; by
            default the folder's own, which shows only that the folder agrees with itself.
        unsigned: Whether a folder without a signature is taken too, as one of a partnership that
            has no record key: anybody can make one, or take the signature away.

    Raises:
        NotAsMade: A file is another, is missing or was added, or the signature does not hold or is
            not there.
        RecordProblem: The public half cannot be read.
    """
    from flows.record.signing import check_signature, read_key_file

    manifest = _read(folder, MANIFEST)
    listed = {}
    for line in manifest.splitlines():
        parts = LINE.fullmatch(line)
        if parts is None or ".." in parts[2].split("/"):
            raise NotAsMade(f"{MANIFEST} is not a list of files.", AGAIN)
        listed[parts[2]] = parts[1]
    there = {
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if not path.is_dir() or path.is_symlink()
    }
    wrong = sorted((there - UNSIGNED) ^ listed.keys()) or sorted(
        name for name, digest in listed.items() if _digest(_read(folder, name)) != digest
    )
    if wrong:
        raise NotAsMade(f"{len(wrong)} file(s) are not as listed, such as {wrong[0]}.", AGAIN)
    if SIGNATURE not in there:
        if key_file is not None or not unsigned:
            raise NotAsMade(
                "The folder is NOT signed, so anybody may have made it or changed it.",
                "Ask the partnership for the folder with its signature; only if it has no record "
                "key, check it with --unsigned.",
            )
        return Checked(len(listed), False, "", False)
    key = own = read_key_file(folder / PUBLIC_KEY)
    if key_file is not None:
        known = read_key_file(key_file)
        # After a rotation the folder's key is a later one, which the one before it signed.
        key = own if own.is_vouched_by(known) else known
    if not check_signature(key, manifest, _read(folder, SIGNATURE)):
        raise NotAsMade(
            f"The signature is not of that key over that list of files; the folder says that it "
            f"was signed in epoch {own.epoch} of the record key.",
            f"If the key that you gave is of another epoch, ask for record-key-{own.epoch}.pub; "
            "else ask the partnership for the folder again, whole and unchanged.",
        )
    return Checked(len(listed), True, key.mark, key_file is not None)


AGAIN = "Ask the partnership for the folder again, whole and unchanged."


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(folder: Path, name: str) -> str:
    path, text = folder / name, None
    try:
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST:
            text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        text = None
    if text is None:
        raise NotAsMade(f"{name} is not there or cannot be read.", AGAIN)
    return text


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files beside where they go, then rename the folder into its place."""
    if os.path.lexists(folder):
        raise StoreError(f"{folder} is there already.", "Wait a second, then try again.")
    make_folder(folder.parent)
    beside = folder.with_name(f".{folder.name}.part")
    remove_folder(beside)
    failed = False
    try:
        for name, text in files.items():
            write_text(beside / name, text)
        flush(_files(beside))
        beside.rename(folder)
        flush_folder(folder.parent)
    except OSError:
        failed = True
    finally:
        remove_folder(beside)
    if failed:
        raise StoreError(
            f"{folder} cannot be written.",
            "Check the permissions of its folder and the space left on its disk.",
        )


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
