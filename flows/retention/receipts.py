"""Receipts of what was deleted because it had been kept long enough: numbered, signed, kept.

A receipt is written before anything is deleted and says so (`begun`); when all is done it is
completed, signed and entered into the audit record by its digest. So an application that was cut
short is known, and the next one finishes it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from flows.files import private_folder, write_text
from flows.keys.receipts import RECEIPTS, RETENTION, found, next_number
from flows.record.signing import can_sign, sign_text
from flows.settings import Settings
from governance.retention import Line, line_of
from schemas.errors import StoreError

FORMAT = "cohort-journeys-retention-receipt-1"

State = Literal["begun", "done"]


@dataclass(frozen=True)
class Receipt:
    """What is being deleted or was, by whom, when and under which terms.

    Attributes:
        number: Its own among the partnership's receipts.
        state: `begun`, or `done`.
        on: The day that things were due on.
        begun_at: When it was begun, as ISO 8601.
        done_at: When nothing of it was left; empty until then.
        by: Who did it.
        lines: What goes, each with the terms it was kept under.
    """

    number: int
    state: State
    on: date
    begun_at: str
    done_at: str
    by: str
    lines: tuple[Line, ...]

    def text(self) -> str:
        """The receipt as JSON."""
        said = {"format": FORMAT, **vars(self), "on": self.on.isoformat()}
        said["lines"] = [line.as_json() for line in self.lines]
        return json.dumps(said, indent=2, sort_keys=True) + "\n"

    @property
    def digest(self) -> str:
        """What the audit record knows it by."""
        return "sha256:" + hashlib.sha256(self.text().encode()).hexdigest()


def begin_receipt(
    settings: Settings, on: date, at: str, by: str, lines: tuple[Line, ...]
) -> Receipt:
    """Write down what is going to be deleted.

    Raises:
        StoreError: It cannot be written; nothing may be deleted then.
    """
    receipt = Receipt(next_number(settings), "begun", on, at, "", by, lines)
    write_receipt(settings, receipt)
    return receipt


def write_receipt(settings: Settings, receipt: Receipt) -> Path:
    """Write a receipt, or its next state, whole or not at all; one that is done is signed.

    Raises:
        StoreError: It cannot be written.
        KeyProblem: The record key cannot be used.
    """
    path = settings.folder / RECEIPTS / f"{receipt.number:04d}{RETENTION}.json"
    private_folder(path.parent)
    write_text(path, receipt.text())
    if receipt.state == "done" and can_sign(settings):
        write_text(path.with_suffix(".sig"), sign_text(settings, receipt.text()))
    return path


def retention_receipts(settings: Settings) -> list[Receipt]:
    """The receipts of what was deleted, in their order.

    Raises:
        StoreError: One cannot be read.
    """
    return [_read(path) for _, path in found(settings) if path.stem.endswith(RETENTION)]


def _read(path: Path) -> Receipt:
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if said.pop("format") == FORMAT:
            lines = tuple(line_of(one) for one in said.pop("lines"))
            return Receipt(**{**said, "on": date.fromisoformat(said["on"])}, lines=lines)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise StoreError(
        f"The receipt {path.name} cannot be read.",
        "Restore it from the backup of the partnership folder; the audit record knows its digest.",
    ) from None
