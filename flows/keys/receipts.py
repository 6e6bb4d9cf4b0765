"""Receipts of destroyed keys: numbered files beside partnership.yaml, none of which is replaced.

Those of what was deleted (`flows.retention.receipts`) are numbered with them.

A receipt is written before anything is destroyed and says so (`begun`); when all is destroyed it is
completed. So a destruction that was cut short is known, and finished by the same command.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from flows.files import private_folder, write_text
from flows.settings import Settings
from schemas.errors import StoreError

RECEIPTS = "receipts"
FORMAT = "cohort-journeys-receipt-1"
NAME = re.compile(r"([0-9]{4,})-(?:key-[a-z]+|retention)\.json")
RETENTION = "-retention"
"""How the name ends of a receipt of what was deleted."""

State = Literal["begun", "destroyed"]


@dataclass(frozen=True)
class Receipt:
    """That a key is being destroyed or was, and what can no longer be read or made for it.

    Args:
        number: Its own among the partnership's receipts.
        kind: Which key.
        epochs: Epoch → the fingerprint of its root.
        everything: Whether all epochs go that there are.
        state: `begun`, or `destroyed`.
        begun_at: When it was begun, as ISO 8601.
        destroyed_at: When nothing was left; empty until then.
        by: Who did it.
        why: The reason that was given.
        consequence: What is lost with it.
    """

    number: int
    kind: str
    epochs: Mapping[int, str]
    everything: bool
    state: State
    begun_at: str
    destroyed_at: str
    by: str
    why: str
    consequence: str

    def text(self) -> str:
        """The receipt as JSON."""
        epochs = {str(epoch): mark for epoch, mark in self.epochs.items()}
        said = {"format": FORMAT, **vars(self), "epochs": epochs}
        return json.dumps(said, indent=2, sort_keys=True) + "\n"

    @property
    def digest(self) -> str:
        """What the audit record knows it by."""
        return "sha256:" + hashlib.sha256(self.text().encode()).hexdigest()


def receipt_path(settings: Settings, receipt: Receipt) -> Path:
    """Where a receipt is kept."""
    return settings.folder / RECEIPTS / f"{receipt.number:04d}-key-{receipt.kind}.json"


def write_receipt(settings: Settings, receipt: Receipt) -> Path:
    """Write a receipt, or its next state, whole or not at all.

    Raises:
        StoreError: It cannot be written.
    """
    path = receipt_path(settings, receipt)
    private_folder(path.parent)
    write_text(path, receipt.text())
    return path


def next_number(settings: Settings) -> int:
    """The number of the next receipt: one more than the highest there is."""
    return 1 + max((number for number, _ in found(settings)), default=0)


def receipts(settings: Settings) -> list[Receipt]:
    """The receipts there are, in their order.

    Raises:
        StoreError: One cannot be read.
    """
    return [_read(path) for _, path in found(settings) if not path.stem.endswith(RETENTION)]


def readable(settings: Settings, kind: str) -> tuple[list[Receipt], list[StoreError]]:
    """The receipts of a key that can be read, in their order, and what is wrong with others."""
    read: list[Receipt] = []
    faults: list[StoreError] = []
    for _, path in found(settings):
        if path.stem.endswith(f"-key-{kind}"):
            try:
                read.append(_read(path))
            except StoreError as error:
                faults.append(error)
    return read, faults


def found(settings: Settings) -> list[tuple[int, Path]]:
    """The number and file of every receipt, in their order."""
    folder = settings.folder / RECEIPTS
    named = [(NAME.fullmatch(path.name), path) for path in folder.glob("*.json")]
    return sorted((int(match[1]), path) for match, path in named if match is not None)


def _read(path: Path) -> Receipt:
    try:
        said = json.loads(path.read_text("utf-8"))
        said["epochs"] = {int(epoch): mark for epoch, mark in said["epochs"].items()}
        if said.pop("format") == FORMAT:
            return Receipt(**cast("dict[str, object]", said))  # type: ignore[arg-type]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise StoreError(
        f"The receipt {path.name} cannot be read.",
        "Restore it from the backup of the partnership folder; the audit record knows its digest.",
    ) from None
