"""What made room in an inbox, set aside until what took its place has passed its checks.

A journal tells which files landed since the last extract that was taken in, and which lay there
before. If the run takes the extract in, what was set aside is removed. If it refuses it, all is put
back as it was: the last good delivery is not displaced by one that fails its checks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.files import flush_folder, remove_folder, write_json
from flows.sources.moving import ARRIVING, moved
from flows.sources.places import Places
from flows.sources.problems import disk_full
from governance.control import Control, FailedCheck, Pull

JOURNAL = "journal.json"
REFUSAL = "refused.json"

COARSEST = 2_000_000_000
"""Nanoseconds: how coarsely the coarsest file systems keep times."""


@dataclass(frozen=True)
class Journal:
    """What landed in an inbox since the last extract that was taken in from it.

    Attributes:
        partner: Whose inbox it is.
        staged: The run that took in the last extract; empty without one.
        kept: Each name that had a file before → what that is called where it was set aside.
        landed: Each name that has another file now → that file's size and time, in nanoseconds.
        deliveries: The period and the digest of each delivery that landed.
        stood: The digest of what had landed before for each of those periods.
    """

    partner: str
    staged: str
    kept: dict[str, str]
    landed: dict[str, list[int]]
    deliveries: list[list[str]]
    stood: dict[str, str]


def journal_of(
    places: Places,
    control: Control,
    moves: Mapping[str, str],
    gone: Sequence[str],
    pulls: Sequence[Pull],
) -> Journal:
    """The journal as it is once what lies in the hidden folder has landed.

    Args:
        places: The folders.
        control: The ledger, before it.
        moves: Each file of the hidden folder → what it is called in the inbox.
        gone: What makes room there.
        pulls: What is entered in the ledger of it.
    """
    partner = pulls[0].partner
    before = _read(places) or Journal(partner, _staged(control, partner), {}, {}, [], {})
    kept, landed, stood = dict(before.kept), dict(before.landed), dict(before.stood)
    new = [row for row in pulls if row.state == "landed"]
    for name in [*moves.values(), *gone]:
        if name not in kept and name not in landed and (places.inbox / name).is_file():
            kept[name] = str(len(kept))
    for at, name in moves.items():
        found = (places.pulling / at).stat()
        landed[name] = [found.st_size, found.st_mtime_ns]
    for name in gone:
        landed.pop(name, None)
    touched = {period for period, _ in before.deliveries}
    stands = {row.period: row.digest for row in control.pulls(partner) if row.state == "landed"}
    stood |= {
        row.period: stands[row.period]
        for row in new
        if row.period in stands and row.period not in touched
    }
    deliveries = [*before.deliveries, *([row.period, row.digest] for row in new)]
    return Journal(partner, before.staged, kept, landed, deliveries, stood)


def let_go(places: Places) -> None:
    """Remove what was set aside: what took its place was taken in."""
    # Without its journal nobody would put back what is left of it, were this cut short.
    (places.aside / JOURNAL).unlink(missing_ok=True)
    remove_folder(places.aside)


def put_back(places: Places, control: Control, under: str, at: datetime) -> bool:
    """Put back what was set aside: what took its place failed its checks.

    Args:
        places: The folders.
        control: The ledger, in which what failed is entered.
        under: A digest of the terms under which it failed.
        at: The moment.

    Returns:
        Whether it was. Where a file that landed was touched by hand since, nothing is.

    Raises:
        DiskFull: A file cannot be moved; the next who tries does it.
        StoreError: It cannot be recorded; the next who tries does it.
    """
    journal = _read(places)
    if journal is None or not _is_as_it_landed(places, journal):
        return False
    failed = False
    try:
        write_json(places.aside / REFUSAL, {"under": under, "at": at.isoformat()})
        places.aside.rename(places.putting_back)
        flush_folder(places.inbox.parent)
    except OSError:
        failed = True
    if failed:
        raise disk_full()
    settle(places, control)
    return True


def settle(places: Places, control: Control) -> None:
    """Finish what was being put back, and let go what was set aside for an extract taken in since.

    Raises:
        DiskFull: A file cannot be moved.
        StoreError: It cannot be recorded.
    """
    journal = _read(places)
    if journal is not None and journal.staged != _staged(control, journal.partner):
        let_go(places)
    if not places.putting_back.is_dir():
        return
    failed, told = False, None
    try:
        # Without its journal the folder was emptied, and was being removed.
        if (places.putting_back / JOURNAL).exists():
            told = _carried_out(places)
    except (OSError, ValueError, KeyError, TypeError):
        failed = True
    if failed:
        raise disk_full()
    if told is not None:
        control.refuse_landed(*told)
    remove_folder(places.putting_back)


def _carried_out(places: Places) -> tuple[list[FailedCheck], dict[str, str]]:
    """Put every file back; what there is to be recorded of it."""
    back = places.putting_back
    journal = Journal(**json.loads((back / JOURNAL).read_text("utf-8")))
    refusal: dict[str, Any] = json.loads((back / REFUSAL).read_text("utf-8"))
    for name, at in journal.kept.items():
        # What is no longer there was put back by an earlier attempt.
        if (back / at).exists():
            moved(back / at, places.inbox / name)
    for name, stamp in journal.landed.items():
        # Under a name of what was kept lies that again, which may be as large and as old.
        if name not in journal.kept and _is(places.inbox / name, stamp):
            (places.inbox / name).unlink(missing_ok=True)
    (places.inbox / ARRIVING).unlink(missing_ok=True)
    flush_folder(places.inbox)
    when = datetime.fromisoformat(refusal["at"])
    failed = {
        (period, digest): FailedCheck(journal.partner, period, digest, refusal["under"], when)
        for period, digest in journal.deliveries
    }
    return list(failed.values()), journal.stood


def _is_as_it_landed(places: Places, journal: Journal) -> bool:
    return all(_is(places.inbox / name, stamp) for name, stamp in journal.landed.items())


def _is(path: Path, stamp: Sequence[int]) -> bool:
    """Whether a file is the one that landed; a share may keep its time less exactly."""
    try:
        found = path.stat()
    except OSError:
        return False
    size, written = stamp
    return found.st_size == size and abs(found.st_mtime_ns - written) <= COARSEST


def _read(places: Places) -> Journal | None:
    with suppress(OSError, ValueError, TypeError):
        return Journal(**json.loads((places.aside / JOURNAL).read_text("utf-8")))
    return None


def _staged(control: Control, partner: str) -> str:
    staged = control.staged_extracts().get(partner)
    return staged.run_id if staged is not None else ""
