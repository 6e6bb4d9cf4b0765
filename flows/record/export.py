"""Giving entries of the audit record away: with proofs, for a spreadsheet, or on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from flows.clock import Clock, utc_now
from flows.context import actor, open_control
from flows.files import check_report_target, write_lines
from flows.record.checkpoints import checkpoint_paths, make_checkpoint, read_checkpoint_files
from flows.record.signing import check_signature, read_key_file
from flows.settings import Settings
from flows.spreadsheets import csv_text
from governance.audit import Recorder
from schemas.errors import RecordProblem

if TYPE_CHECKING:
    from governance.control import AuditEntry, Snapshot
    from governance.record.checkpoint import Checkpoint
    from governance.record.export import Checked, Selection
    from governance.record.judge import Named
    from governance.record.signing import PublicKey
    from governance.record.verify import Row

WHAT = "export of the record"
COLUMNS = ("number", "at", "actor", "action", "purpose", "recipients", "run_id", "partner",
           "detail")  # fmt: skip


@dataclass(frozen=True)
class Exported:
    """How many entries were written, and the checkpoint that their proofs lead to."""

    entries: int
    checkpoint: Path


def export_record(
    settings: Settings, out: Path, selection: Selection, clock: Clock = utc_now
) -> Exported:
    """Write entries to a file: as CSV where its name ends so, else as JSON lines with their proofs.

    That they are given away is recorded first, and a checkpoint made that covers it.

    Args:
        settings: The partnership.
        out: Where.
        selection: Which entries.
        clock: The clock.

    Raises:
        ConfigError: It cannot be written there.
        RecordProblem: The record is not sound; nothing is written then.
    """
    from governance.record import export
    from governance.record.merkle import Tree

    check_report_target(out, WHAT)
    with open_control(settings) as control:
        control.add_audit(_entry(settings, selection, clock))
        path = make_checkpoint(settings, control, clock)
        checkpoint = read_checkpoint_files([path])[0].checkpoint
        with control.snapshot() as kept:
            tree = Tree(row[1] for row in _first(kept, checkpoint))
            if tree.root() != checkpoint.root:
                raise RecordProblem(
                    "The record is not the one that its checkpoint was made of.",
                    "Run `journeys audit verify`; nothing was exported.",
                )
            wanted = _Counted(row for row in _first(kept, checkpoint) if selection.takes(row))
            if out.suffix.lower() == ".csv":
                write_lines(out, _as_csv(wanted))
            else:
                kept_before = read_checkpoint_files(checkpoint_paths(settings))
                earlier = [one.checkpoint.size for one in kept_before]
                whole = selection.everything
                write_lines(out, export.lines(checkpoint, tree, wanted, earlier, whole))
    return Exported(wanted.count, path)


def check_export(path: Path, witnesses: list[Path], public_key: Path | None = None) -> Checked:
    """Check an export against checkpoints that somebody kept, anywhere and without keys.

    Args:
        path: The export.
        witnesses: Files with checkpoints.
        public_key: The public half of the record key, to check the signatures of these by.

    Raises:
        RecordProblem: A file cannot be read, or a checkpoint, that of the export too, was not
            signed with that key.
    """
    from governance.record.export import check
    from governance.record.judge import Named

    given = read_checkpoint_files(witnesses)
    if public_key is not None:
        key = read_key_file(public_key)
        for one in (*given, Named(path.name, _checkpoint_of(path))):
            _refuse_unsigned(one, key)
    named = {f"{one.name} ({at})" if at else one.name: one.checkpoint
             for at, one in enumerate(given)}  # fmt: skip
    with _reading(path) as file:
        return check(file, named)


def entries_to_show(
    settings: Settings, selection: Selection, last: int
) -> list[tuple[object, ...]]:
    """The last entries of a selection, for the screen: number, and what each says."""
    from collections import deque

    with open_control(settings) as control, control.snapshot() as kept:
        wanted = deque((row for row in kept.rows() if selection.takes(row)), maxlen=last)
    return [_shown(row) for row in wanted]


@contextmanager
def _reading(path: Path) -> Iterator[TextIO]:
    """An export, opened.

    Raises:
        RecordProblem: It cannot be read.
    """
    try:
        with path.open(encoding="utf-8") as file:
            yield file
    except (OSError, UnicodeDecodeError):
        raise RecordProblem(
            f"{path.name} cannot be read.", "Check the file, or ask the partnership for it again."
        ) from None


def _checkpoint_of(export: Path) -> Checkpoint:
    from governance.record.export import head_of

    with _reading(export) as file:
        return head_of(file.readline())[0]


def _refuse_unsigned(one: Named, key: PublicKey) -> None:
    signature, said = one.checkpoint.signature, one.checkpoint.said()
    if signature is None or not check_signature(key, said, signature, meant="checkpoint"):
        raise RecordProblem(
            f"The checkpoint of {one.name} was not signed with the key that was given.",
            "Give the public half of the epoch that it names.",
        )


class _Counted(Iterator["Row"]):
    """Rows, counted as they go by."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self.count = 0
        self._rows = rows

    def __next__(self) -> Row:
        row = next(self._rows)
        self.count += 1
        return row


def _first(kept: Snapshot, checkpoint: Checkpoint) -> Iterator[Row]:
    """The rows that a checkpoint was made of."""
    return (row for row in kept.rows() if row[0] <= checkpoint.size)


def _shown(row: Row) -> tuple[object, ...]:
    number, _, _, is_there, *said = row
    if not is_there:
        return (number, None, None, "(erased)", None, None, None, None, None)
    return (number, said[0][:19], *said[1:])


def _as_csv(rows: Iterator[Row]) -> Iterator[str]:
    yield csv_text([COLUMNS])
    for row in rows:
        yield csv_text([_shown(row)])


def _entry(settings: Settings, selection: Selection, clock: Clock) -> AuditEntry:
    asked: Mapping[str, str | None] = vars(selection)
    detail = {"exported": "record", **{name: said for name, said in asked.items() if said}}
    return Recorder(actor(), settings.purpose).entry(
        "oversight",
        clock(),
        recipients=selection.partner or "the partnership",
        partner=selection.partner,
        detail=detail,
    )
