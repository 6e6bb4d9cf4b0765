"""Deleting what is due, and taking out a partner that has left, with a signed receipt.

It is never done by a nightly run, which only tells: a wrong clock or a slip in an agreement would
delete what no backup should bring back. Every step may be done twice. So an application that was
cut short is finished by the next, which begins with the lines of the receipt that was begun.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from flows.backup.named import own_backups
from flows.clock import LOCAL_TIME, Clock, local_day, utc_now
from flows.committed import rewritten
from flows.context import actor, open_control, run_lock
from flows.files import flush_folder, remove_files, remove_folder
from flows.housekeeping import recover
from flows.keys.rings import store_keys
from flows.logs.run_log import SUFFIX as LOG_SUFFIX
from flows.orchestration.prefect_record import forget as forget_of_prefect
from flows.readers.reasons import checked_reason
from flows.record.checkpoints import refuse_early_clock, refuse_taken_back
from flows.retention.contribution import (
    PERIOD,
    Comes,
    comes_to,
    extract_files,
    inbox_files,
    remove_draft,
    take_out,
)
from flows.retention.due import due, planned, to_delete
from flows.retention.held import reports_needed
from flows.retention.receipts import Receipt, begin_receipt, retention_receipts, write_receipt
from flows.rights.register import enter, put_in_line
from flows.settings import Settings
from flows.sources.naming import SEALED
from governance.audit import Recorder
from governance.control import Control
from governance.retention import GO_TOGETHER, Line
from schemas.errors import ConfigError, JourneysError

PREFECT_FOLDER: Final = ".prefect"
"""What is called so of the class `logs` is Prefect's own record; all else is a log of a run."""

LONGEST_SILENCE: Final = timedelta(days=31)
"""After so long without an entry in the record the clock may be wrong: today has to be given."""


class ClockInDoubt(JourneysError):
    """Today's date may be wrong, and what is deleted cannot be brought back."""


@dataclass(frozen=True)
class Applied:
    """What was due on a day, and the receipt of its deletion; none where nothing was deleted."""

    on: date
    lines: tuple[Line, ...]
    receipt: Path | None


def apply(
    settings: Settings,
    on: date | None = None,
    *,
    dry_run: bool = False,
    clock: Clock = utc_now,
) -> Applied:
    """Delete what is due today, finish what an earlier application began, and write a receipt.

    Args:
        settings: The partnership.
        on: Today's date, where it was given; any other day only to try out.
        dry_run: Only tell.
        clock: The clock.

    Raises:
        ConfigError: Another day than today was given.
        ClockInDoubt: Nothing was recorded for so long that the clock may be ahead.
        RecordProblem: The clock is behind the record, or that was put back from a backup.
        StoreError: A store cannot be opened, or there is no room to write it anew.
        Busy: A run is at work.
    """
    if dry_run:
        day = on or local_day(clock())
        return Applied(day, tuple(to_delete(due(settings, day, clock))), None)
    with run_lock(settings), open_control(settings) as control:
        refuse_taken_back(settings, control)
        day = _today(settings, control, on, clock)
        recover(settings, control, clock)
        put_in_line(settings, control, clock)
        _audit_late(settings, control, clock)
        begun = [one for one in retention_receipts(settings) if one.state == "begun"]
        lines = _once([*(x for one in begun for x in one.lines),
                       *to_delete(planned(settings, control, day))])  # fmt: skip
        if not lines:
            return Applied(day, (), None)
        at, by = clock().isoformat(), actor()
        new = begin_receipt(settings, day, at, by, lines) if not begun else None
        receipt = new or replace(begun[0], lines=lines)
        write_receipt(settings, receipt)
        _carry_out(settings, control, lines, day, clock)
        enter(settings, control)
        path = write_receipt(settings, replace(receipt, state="done", done_at=clock().isoformat()))
        _audit_late(settings, control, clock)
    return Applied(day, lines, path)


def remove_partner(
    settings: Settings, partner: str, reason: str, *, preview: bool = False, clock: Clock = utc_now
) -> Comes:
    """Take out a partner that partnership.yaml no longer names, or tell what that comes to.

    Args:
        settings: The partnership.
        partner: A partner whose extract is staged.
        reason: Why, for the record.
        preview: Only tell.
        clock: The clock.

    Raises:
        ConfigError: partnership.yaml still names it, or nothing of it is staged.
        StoreError: A store cannot be opened, or there is no room to write it anew.
        Busy: A run is at work.
    """
    said = checked_reason(reason)
    with run_lock(settings), open_control(settings) as control:
        recover(settings, control, clock)
        put_in_line(settings, control, clock)
        current = control.current_run()
        if partner in settings.partners:
            raise ConfigError(
                f"partnership.yaml still names {partner}, so its data are in use.",
                "Take it out under `partners` and `roles` first; what its agreement lets be kept "
                "no longer, `journeys retention apply` deletes.",
            )
        if current is None or partner not in control.staged_extracts():
            raise ConfigError(
                "Nothing is staged of such a partner.",
                "`journeys status` lists the partners whose data there are.",
            )
        comes = comes_to(settings, control, current, partner)
        if not preview:
            take_out(settings, control, partner, said, clock)
            enter(settings, control)
    return comes


def _once(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Each thing once, as it was first said."""
    found: dict[tuple[str, str, tuple[str, ...]], Line] = {}
    for line in lines:
        found.setdefault((line.held.kind, line.held.what, line.held.partners), line)
    return tuple(found.values())


def _today(settings: Settings, control: Control, on: date | None, clock: Clock) -> date:
    """Today, once it is sure enough to delete by.

    Raises:
        ConfigError: Another day was given.
        ClockInDoubt: The clock may be ahead.
        RecordProblem: It is behind the record.
    """
    now, last = clock(), control.latest_moment()
    today = local_day(now)
    if on is not None and on != today:
        raise ConfigError(
            "Only what is due today can be deleted.",
            "Leave --on out, or give --dry-run to see what would be due on another day.",
        )
    refuse_early_clock(control, Recorder(actor(), settings.purpose), clock)
    if last is not None and now - last > LONGEST_SILENCE and on is None:
        raise ClockInDoubt(
            f"Nothing has been recorded for {(now - last).days} days, so the clock may be wrong.",
            f"If {today} is today's date, give it with --on; nothing was changed.",
        )
    return today


Step = Callable[[Settings, Control, Sequence[Line], date, Clock], None]


def _carry_out(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    for kinds, step in STEPS:
        own = [line for line in lines if line.held.kind in kinds]
        if own:
            step(settings, control, own, on, clock)


def _contributions(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    for partner in dict.fromkeys(name for line in lines for name in line.held.partners):
        staged = control.staged_extracts().get(partner)
        # What came since the application was begun is not what was due then.
        if staged is not None and staged.run_id in {line.held.what for line in lines}:
            take_out(settings, control, partner, "kept for as long as the agreement says", clock)


def _inboxes(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    """Files that have lain there long enough; what has come since stays."""
    for line in lines:
        (partner,) = line.held.partners
        if partner not in settings.partners:
            continue
        moment = _moment(line.before(on)).timestamp()
        sealed = [path for path in inbox_files(settings, partner) if path.suffix == SEALED]
        # By then what was sealed has another number; how old it is tells.
        plain = extract_files(settings, partner).get(line.held.what, [])
        files = plain if _is_plain(line) else sealed
        remove_files(path for path in files if path.stat().st_mtime < moment)


def _is_plain(line: Line) -> bool:
    return line.held.what == "inbox" or line.held.what.startswith(PERIOD)


def _lists(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    for line in lines:
        (partner,) = line.held.partners
        for zone in (settings.quarantine, settings.over_sharing):
            folder = zone / line.held.what
            remove_files(folder.glob(f"{partner}.*"))
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
                flush_folder(zone)


def _identity(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    from datetime import UTC

    from linkage.retention import forget_decisions, forget_history, forget_links

    current = control.current_run()
    if current is None:
        return
    path = settings.stores / current.run_id / "identity.duckdb"
    with rewritten(path, store_keys(settings, current.run_id)["identity"]) as connection:
        for line in lines:
            moment = _moment(line.before(on)).astimezone(UTC).replace(tzinfo=None)
            if line.held.kind == "reviews":
                forget_decisions(connection, moment)
            elif line.held.kind == "history":
                forget_history(connection, moment)
            elif line.held.what == current.run_id:
                forget_links(connection)


def _releases(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    for line in lines:
        remove_folder(settings.releases / line.held.what)


def _drafts(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    waiting = {one.run_id for one in control.waiting_drafts()}
    for line in lines:
        if line.held.what in waiting:
            remove_draft(settings, line.held.what)


def _reports(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    for line in lines:
        control.forget_reports(_moment(line.before(on)), reports_needed(settings, control))
    control.compact()


def _audit_entries(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    """Erase what old entries of the audit record say; their commitments stay."""
    for line in lines:
        entry = Recorder(actor(), settings.purpose).entry("erasure", clock())
        control.erase_entries(control.erasable_entries(_moment(line.before(on))), entry)
    control.compact()


def _run_logs(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    for line in lines:
        if line.held.what != PREFECT_FOLDER:
            (settings.logs / f"{line.held.what}{LOG_SUFFIX}").unlink(missing_ok=True)
            continue
        forget_of_prefect(settings.prefect_home, _moment(line.before(on)))


def _backups(
    settings: Settings, control: Control, lines: Sequence[Line], on: date, clock: Clock
) -> None:
    folder = settings.retention.backups
    own = {} if folder is None else {path.name: path for path, _ in own_backups(folder, control)}
    for line in lines:
        if line.held.what in own:
            remove_files([own[line.held.what]])


STEPS: Final[tuple[tuple[frozenset[str], Step], ...]] = (
    (GO_TOGETHER, _contributions),
    (frozenset({"extracts"}), _inboxes),
    (frozenset({"quarantine"}), _lists),
    (frozenset({"links", "reviews", "history"}), _identity),
    (frozenset({"releases"}), _releases),
    (frozenset({"drafts"}), _drafts),
    (frozenset({"runs"}), _reports),
    (frozenset({"audit"}), _audit_entries),
    (frozenset({"logs"}), _run_logs),
    (frozenset({"backups"}), _backups),
)
"""What is done about each class, in this order."""


def _moment(day: date) -> datetime:
    """The first moment of a day, as people in the partnership would say it."""
    return datetime.combine(day, time(), LOCAL_TIME)


def _audit_late(settings: Settings, control: Control, clock: Clock) -> None:
    """Enter every receipt that is done and not in the audit record yet, and sign it anew."""
    told = {entry.detail.get("receipt") for entry in control.audit_entries("erasure")}
    for receipt in retention_receipts(settings):
        if receipt.state == "done" and receipt.digest not in told:
            write_receipt(settings, receipt)
            _audit(settings, control, receipt, clock)


def _audit(settings: Settings, control: Control, receipt: Receipt, clock: Clock) -> None:
    classes: dict[str, int | str] = {}
    for line in receipt.lines:
        classes[line.held.kind] = int(classes.get(line.held.kind, 0)) + 1
    detail = {"retention": receipt.number, "receipt": receipt.digest, **classes}
    entry = Recorder(actor(), settings.purpose).entry("erasure", clock(), detail=detail)
    control.add_audit(entry)
