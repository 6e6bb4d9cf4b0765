"""Checkpoints of the audit record: made after each run, kept, and held against the record.

A checkpoint is a file in `checkpoints/` that anybody may copy. A copy that the partnership cannot
change is a witness: with it, rewriting or taking back the record cannot go unseen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.clock import Clock, utc_now
from flows.context import open_control
from flows.files import private_folder, write_text
from flows.readers.reasons import checked_reason
from flows.record.signing import can_sign, public_keys, read_key_file, sign_text
from flows.settings import Settings
from governance.audit import Recorder
from governance.control import Control, Restore
from governance.record.leaves import CLOCK_BACK, CLOCK_RIGHT, CLOCK_TOLERANCE
from schemas.errors import RecordProblem

if TYPE_CHECKING:
    from governance.record.judge import Named
    from governance.record.verify import Walk

NAME = "checkpoint-{size:09d}.txt"
NUMBERED = re.compile(r"checkpoint-([0-9]{9,18})\.txt")
LONGEST = 1 << 24

NO_KEY = (
    "Checkpoints of the audit record are not signed: partnership.yaml names no record key. Add "
    "`record: keys/record.key` under `keys` and run `journeys keys new`."
)


@dataclass(frozen=True)
class Verified:
    """What verifying the record found.

    Args:
        walk: What going through it found.
        checkpoints: How many checkpoints of our own it was held against.
        witnesses: How many that somebody kept elsewhere.
        faults: What is wrong, in sentences; none where the record is sound.
        notes: What is to be known though it is no fault.
    """

    walk: Walk
    checkpoints: int
    witnesses: int
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def report(self) -> dict[str, Any]:
        """As plain values: counts and sentences."""
        return {
            "sound": self.sound,
            "entries": self.walk.size,
            "erased": len(self.walk.erased),
            "checkpoints": self.checkpoints,
            "witnesses": self.witnesses,
            "faults": self.faults,
            "notes": self.notes,
        }


def make_checkpoint(settings: Settings, control: Control, clock: Clock = utc_now) -> Path:
    """Make a checkpoint of the record as it is, unless there is one of so many entries.

    Args:
        settings: The partnership.
        control: Its control database.
        clock: The clock.

    Returns:
        Where it is.

    Raises:
        RecordProblem: The record is empty or not whole, or is not the one of the last checkpoint.
        KeyProblem: The record key cannot be used.
        StoreError: It cannot be written.
    """
    from governance.record.checkpoint import Checkpoint, as_file
    from governance.record.signing import read_signature

    refuse_taken_back(settings, control)
    head = control.head()
    if head is None:
        raise RecordProblem(
            "Nothing has been recorded yet, so there is nothing to make a checkpoint of.",
            "Run `journeys run` first.",
        )
    path = settings.checkpoints / NAME.format(size=head.size)
    if path.exists():
        kept = [one.checkpoint for one in read_checkpoint_files([path])]
        if [(one.log, one.size, one.root) for one in kept] == [(head.log, head.size, head.root)]:
            return path
        raise RecordProblem(
            f"{path.name} is there already and is not a checkpoint of the record as it is.",
            "Run `journeys audit verify` and tell the information-governance officer.",
        )
    made = Checkpoint(head.log, head.size, head.root, clock())
    if can_sign(settings):
        signed = sign_text(settings, made.said(), meant="checkpoint")
        made = made.signed(read_signature(signed))
    private_folder(path.parent)
    write_text(path, as_file(made, settings.partnership))
    return path


def refuse_taken_back(settings: Settings, control: Control) -> None:
    """Refuse a record that is not the one our last checkpoint was made of.

    Only its head and leaves are looked at; the entries are for `verify_record`.

    Raises:
        RecordProblem: It is not whole, has fewer entries, or other ones.
    """
    paths = checkpoint_paths(settings)
    if not paths:
        return
    try:
        last = read_checkpoint_files(paths[-1:])[-1].checkpoint
    except RecordProblem as error:
        raise RecordProblem(
            error.problem,
            "Put `checkpoints/` back from its backup, then run `journeys audit verify`.",
        ) from None
    head = control.head()
    size = head.size if head is not None else 0
    if size < last.size or control.root_at(last.size) != last.root:
        raise RecordProblem(
            f"The record of what was done has {size:,} entries and is not the one whose "
            f"{last.size:,} entries the last checkpoint was made of: an earlier copy of the "
            "control database was put in its place, or entries were changed or taken away.",
            "Run `journeys audit verify`, then put back the control database that belongs to this "
            "folder, or the whole folder from one backup; nothing was changed.",
        )


def refuse_early_clock(control: Control, recorder: Recorder, clock: Clock) -> None:
    """Refuse to run on a clock that lies before what was recorded, and record the refusal.

    Raises:
        RecordProblem: It does, by more than clocks are set by.
    """
    now, latest = clock(), control.latest_moment()
    if latest is None or latest - now <= CLOCK_TOLERANCE:
        return
    behind = int((latest - now).total_seconds())
    detail: dict[str, int | str] = {"refused": "run", CLOCK_BACK: behind}
    control.add_audit(recorder.entry("oversight", now, detail=detail))
    raise RecordProblem(
        f"The clock of this machine is {_told(behind)} before the last entry of the audit record.",
        "Set the clock right and run again; if it was wrong before and is right now, say so with "
        "`journeys audit clock --why TEXT`. Nothing was changed.",
    )


def accept_clock(settings: Settings, why: str, clock: Clock = utc_now) -> None:
    """Record that the clock is right now, though entries lie ahead of it.

    Raises:
        ConfigError: What was wrong may not be recorded as it is said.
        StoreError: The control database cannot be written.
    """
    from flows.context import actor

    said = checked_reason(why)
    with open_control(settings) as control:
        recorder = Recorder(actor(), settings.purpose)
        detail: dict[str, int | str] = {CLOCK_RIGHT: 1, "why": said}
        control.add_audit(recorder.entry("oversight", clock(), detail=detail))


def verify_record(
    settings: Settings, witnesses: Sequence[Path] = (), public_key: Path | None = None
) -> Verified:
    """Compute the whole record anew and hold it against every checkpoint.

    Args:
        settings: The partnership.
        witnesses: Files with checkpoints that somebody kept where the partnership cannot change
            them: copies of ours, or e-mails that hold some.
        public_key: The public half of the record key, as somebody kept it.

    Raises:
        RecordProblem: A file that was given cannot be read, or holds none.
        StoreError: The control database cannot be read.
    """
    from governance.record.judge import PutBack, of_keys, of_our_own, of_witness
    from governance.record.verify import walk
    from governance.record.young import erased_too_soon

    given = read_checkpoint_files(witnesses)
    pinned = read_key_file(public_key) if public_key is not None else None
    ours, faults = _our_own(settings)
    try:
        keys = public_keys(settings)
    except RecordProblem as error:
        keys, faults = {}, [*faults, error.problem]
    wanted = {one.checkpoint.size for one in (*ours, *given)}
    with open_control(settings) as control, control.snapshot() as kept:
        found = walk(kept.rows(), kept.size, kept.peaks, kept.outside, wanted)
        key_made, restores = control.record_key_made(), control.restores()
    put_back = [PutBack(one.at, one.entries) for one in restores]
    faults += [*_of_triggers(kept.triggers), *_of_tables(kept.altered)]
    faults += _of_taking_in(found, (*ours, *given))
    faults += [*found.faults, *of_our_own(ours, found, keys, key_made), *of_keys(keys, pinned)]
    faults += [fault for one in given
               for fault in of_witness(one, found, keys, key_made, put_back)]  # fmt: skip
    met = [(one.size, one.made_at) for one in (each.checkpoint for each in (*ours, *given))
           if found.roots.get(one.size) == one.root]  # fmt: skip
    keep = _kept_for(settings)
    faults += erased_too_soon(found, keep, met) if keep is not None else []
    notes = [*_notes(settings, found, ours, given), *map(_told_of_restore, restores)]
    return Verified(found, len(ours), len(given), faults, notes)


def _kept_for(settings: Settings) -> timedelta | None:
    """For how long what entries say has to be kept: the shorter of what anybody laid down."""
    from governance.retention import own_terms

    laid_down = [own_terms(over)["audit", ""].days for over in ({}, settings.retention.days)]
    days = [one for one in laid_down if one is not None]
    return timedelta(days=min(days)) if days else None


def _told_of_restore(one: Restore) -> str:
    return (
        f"Entry {one.number:,} says that the record was put back on {one.at:%-d %B %Y} from a "
        f"backup of {one.entries:,} entries: what was recorded between is not in it."
    )


def _of_triggers(count: int) -> list[str]:
    if not count:
        return []
    return [
        f"The control database holds {count:,} triggers, and this program makes none: what is "
        "recorded may be changed or swallowed as it is written."
    ]


def _of_tables(altered: Sequence[str]) -> list[str]:
    return [
        f"The table {name} is not as this program makes it: what is recorded may be changed or "
        "swallowed as it is written or read."
        for name in altered
    ]


def _of_taking_in(found: Walk, known: Sequence[Named]) -> list[str]:
    """No checkpoint can be older than the taking in of what an earlier version recorded."""
    before = [one for one in known if one.checkpoint.size <= found.taken_in]
    if not before:
        return []
    return [
        f"An entry says that the {found.taken_in:,} before it are an earlier version's, and "
        f"{before[0].name} was made of fewer: it was written to excuse them."
    ]


def checkpoint_paths(settings: Settings) -> list[Path]:
    """The files of our own checkpoints, the smallest first."""
    return sorted(settings.checkpoints.glob("checkpoint-*.txt"))


def read_checkpoint_files(paths: Sequence[Path]) -> list[Named]:
    """Read every checkpoint that files hold.

    Raises:
        RecordProblem: One cannot be read, or holds none.
    """
    from governance.record.checkpoint import read_checkpoints
    from governance.record.judge import Named

    found = []
    for path in paths:
        # A mail program may send the same lines as plain text and as a page.
        held = list(dict.fromkeys(read_checkpoints(_text(path))))
        if not held:
            raise RecordProblem(
                f"{path.name} cannot be read or holds no whole checkpoint.",
                "Give a file that `journeys audit checkpoint` made, or an e-mail with its text.",
            )
        found += [Named(path.name, one) for one in held]
    return found


def _our_own(settings: Settings) -> tuple[list[Named], list[str]]:
    """Our own checkpoints, and which of them cannot be read."""
    ours, faults = [], []
    for path in checkpoint_paths(settings):
        try:
            held = read_checkpoint_files([path])
        except RecordProblem as error:
            faults.append(error.problem)
            continue
        ours += held
        named = NUMBERED.fullmatch(path.name)
        if named and [int(named[1])] != [one.checkpoint.size for one in held]:
            faults.append(f"{path.name} does not hold the checkpoint that its name says.")
    return ours, faults


def _text(path: Path) -> str:
    """What a file says; nothing where it cannot be read.

    Raises:
        RecordProblem: It is of a form that is not read.
    """
    from governance.record.mail import is_outlook, text_of

    try:
        with path.open("rb") as file:
            data = file.read(LONGEST)
    except OSError:
        return ""
    if is_outlook(data):
        raise RecordProblem(
            f"{path.name} is a message as Outlook saves it (.msg), which is not read.",
            "Save the message as .eml or as plain text, or copy its text into a file.",
        )
    return text_of(data)


def _notes(
    settings: Settings, found: Walk, ours: Sequence[Named], given: Sequence[Named]
) -> list[str]:
    from governance.record.verify import sentence

    said = []
    if not can_sign(settings):
        said.append(NO_KEY)
    if found.size and not ours:
        said.append(
            "There is no checkpoint in checkpoints/, where every run leaves one: there has been "
            "none since this version is used, or they were taken away."
        )
    unsigned = sum(one.checkpoint.signature is None for one in ours)
    if unsigned:
        said.append(
            f"{unsigned:,} checkpoints are not signed: they are of a time without record key."
        )
    if found.taken_in:
        said.append(
            f"{found.taken_in:,} entries were recorded by an earlier version; the record proves "
            "them from when they were taken in."
        )
    if found.erased and not found.faults:
        said.append(
            sentence(found.erased, "was erased, as a later entry says",
                     "were erased, as later entries say")
            + " `journeys audit list --action erasure` says who did so."
        )  # fmt: skip
    said += [
        f"{one.name} bears no signature: its entries are in the record as it says, but it may "
        "have been written by anybody."
        for one in given
        if one.checkpoint.signature is None
    ]
    said += [
        f"Entry {number:,} says that the clock was right though entries lie {_told(behind)} ahead "
        "of it; whether it was is for whoever said so: `journeys audit list --action oversight`."
        for number, behind in found.clock_accepted
    ]
    if found.set_back:
        said.append(f"{found.set_back:,} entries were written while the clock was set back.")
    latest = max((one.checkpoint.size for one in (*ours, *given)), default=0)
    if found.size > latest:
        said.append(f"{found.size - latest:,} entries are later than the last checkpoint.")
    if not given:
        said.append(
            "Without a witness only what is kept in this folder was compared: give --witness with "
            "a checkpoint that a partner kept."
        )
    return said


def _told(seconds: int) -> str:
    """A time in the largest unit that it has two of."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:,} {unit}"
    return f"{seconds:,} seconds"
