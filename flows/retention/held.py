"""Everything that the partnership keeps: where, since when and whose. What retention is of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from flows.backup.named import own_backups
from flows.clock import local_day
from flows.committed import damage_told, opened_store
from flows.housekeeping import DRAFT_ID, RUN_ID, runs_in
from flows.keys.receipts import RECEIPTS, found
from flows.logs.run_log import SUFFIX as LOG_SUFFIX
from flows.orchestration.prefect_record import oldest as oldest_of_prefect
from flows.retention.contribution import PERIOD, extract_files, inbox_files
from flows.rights.suppressed import tokens_kept
from flows.settings import Settings
from flows.sources.naming import SEALED
from governance.control import Control
from governance.retention import Held
from schemas.errors import StoreError

GONE = "people or a partner went since"


def everything(settings: Settings, control: Control, *, inside: bool = True) -> list[Held]:
    """All that is held.

    Args:
        settings: The partnership.
        control: Its control database.
        inside: Whether stores are opened to look how old what they hold is.

    Raises:
        StoreError: A store or folder cannot be read.
        KeyProblem: A key that opens a store cannot be used.
    """
    outside = (_extracts, _quarantine, _staged, _releases, _drafts, _publications, _role_files,
               _reports, _audit, _logs, _prefect, _receipts, _backups)  # fmt: skip
    looks = (*outside, _identity, _suppression) if inside else outside
    try:
        return [one for look in looks for one in look(settings, control)]
    except OSError:
        raise StoreError(
            "A folder of the partnership cannot be read.",
            "Check its permissions and that its disk is mounted; nothing was changed.",
        ) from None


def day_of(run_id: str) -> date:
    """The day that a run, a draft or a publication was made, which its id begins with."""
    stamp = run_id.removeprefix("table-")[:15]
    return local_day(datetime.strptime(stamp, "%Y%m%d-%H%M%S").replace(tzinfo=UTC))


def reports_needed(settings: Settings, control: Control) -> set[str]:
    """The runs whose reports are needed: of what is staged, and of every release that is there."""
    staged = {one.run_id for one in control.staged_extracts().values()}
    return staged | runs_in(settings.releases)


def _extracts(settings: Settings, control: Control) -> Iterator[Held]:
    """Sealed files and the periods of increments one by one; the tables of an extract together.

    What is together counts by the file that came last.
    """
    for partner in settings.partners:
        sealed = [path for path in inbox_files(settings, partner) if path.suffix == SEALED]
        for number, path in enumerate(sealed, start=1):
            yield Held("extracts", f"sealed file {number}", _changed(path), (partner,))
        for what, files in sorted(extract_files(settings, partner).items()):
            since = max(_changed(path) for path in files)
            needed = "; without it no extract can be put together" if PERIOD in what else ""
            yield Held("extracts", what, since, (partner,), f"{len(files)} files{needed}")


def _quarantine(settings: Settings, control: Control) -> Iterator[Held]:
    zones = (settings.quarantine, settings.over_sharing)
    lists = {(run_id, path.stem) for zone in zones for run_id in runs_in(zone)
             for path in (zone / run_id).glob("*.csv")}  # fmt: skip
    for run_id, partner in sorted(lists):
        yield Held("quarantine", run_id, day_of(run_id), (partner,))


def _staged(settings: Settings, control: Control) -> Iterator[Held]:
    for partner, extract in control.staged_extracts().items():
        left = (
            ""
            if partner in settings.partners
            else "no longer in partnership.yaml: `journeys retention remove-partner` takes it out"
        )
        for kind in ("staging", "encodings"):
            yield Held(kind, extract.run_id, day_of(extract.run_id), (partner,), left)
    for one in control.removals():
        if one.ended_at is None:
            since = local_day(one.begun_at)
            said = f"taken out on {since}, not to the end"
            yield Held("staging", one.run_id, since, (one.partner,), gone=said)


def _identity(settings: Settings, control: Control) -> Iterator[Held]:
    from linkage.retention import kept_links, oldest_decision, oldest_history

    current = control.current_run()
    if current is None:
        return
    partners = tuple(sorted(control.staged_extracts()))
    with damage_told(), opened_store(settings, current.run_id, "identity") as connection:
        links = kept_links(connection)
        decided, history = oldest_decision(connection), oldest_history(connection)
    if links:
        said = f"{links:,}, renewed by every run"
        yield Held("links", current.run_id, day_of(current.run_id), partners, said)
    for kind, (since, rows) in (("reviews", decided), ("history", history)):
        if since is not None:
            said = f"{rows:,}; the day is the oldest's"
            day = local_day(since.replace(tzinfo=UTC))
            yield Held(kind, "identity store", day, partners, said)


def _releases(settings: Settings, control: Control) -> Iterator[Held]:
    past = control.runs_of_the_past()
    for run_id in sorted(runs_in(settings.releases)):
        run = control.run(run_id)
        partners = tuple(sorted(((run.report if run else None) or {}).get("terms", {})))
        gone = GONE if run_id in past else ""
        yield Held("releases", run_id, day_of(run_id), partners, gone=gone)


def _drafts(settings: Settings, control: Control) -> Iterator[Held]:
    past = control.runs_of_the_past()
    for one in control.waiting_drafts():
        if (settings.drafts / one.run_id).is_dir():
            counted = {each.counted_run for each in control.draft_releases(one.run_id)}
            gone = GONE if counted & past else ""
            yield Held("drafts", one.run_id, local_day(one.created_at), gone=gone)


def _publications(settings: Settings, control: Control) -> Iterator[Held]:
    for zone, said in ((settings.publications, ""), (settings.withdrawn, "withdrawn")):
        for path in sorted(zone.glob("*")):
            if DRAFT_ID.fullmatch(path.name):
                yield Held("publications", path.name, day_of(path.name), said=said)


def _role_files(settings: Settings, control: Control) -> Iterator[Held]:
    for one in control.audit_entries("disclosure"):
        if "role" in one.detail and one.run_id is not None:
            said = f"handed to {one.recipients}"
            yield Held("role_files", one.run_id, local_day(one.at), said=said)


def _reports(settings: Settings, control: Control) -> Iterator[Held]:
    """Reports that nothing needs, by the oldest; the days of those needed have not begun."""
    since = control.oldest_report(reports_needed(settings, control))
    if since is not None:
        yield Held("runs", "control database", local_day(since), said="the day is the oldest's")
    elif control.current_run() is not None:
        said = "of the extracts and releases that are there, and needed with them"
        yield Held("runs", "control database", local_day(datetime.now(UTC)), said=said)


def _audit(settings: Settings, control: Control) -> Iterator[Held]:
    numbers = control.erasable_entries(datetime.now(UTC))
    if numbers:
        since = local_day(control.moment_of(numbers[0]))
        said = f"{len(numbers):,} entries; the day is the oldest's"
        yield Held("audit", "control database", since, said=said)


def _prefect(settings: Settings, control: Control) -> Iterator[Held]:
    since = oldest_of_prefect(settings.prefect_home)
    if since is not None:
        yield Held("logs", ".prefect", local_day(since), said="the day is the oldest's")


def _logs(settings: Settings, control: Control) -> Iterator[Held]:
    for path in sorted(settings.logs.glob(f"*{LOG_SUFFIX}")):
        if RUN_ID.fullmatch(path.stem):
            yield Held("logs", path.stem, day_of(path.stem))


def _suppression(settings: Settings, control: Control) -> Iterator[Held]:
    tokens, requests = tokens_kept(settings, control), control.rights_requests()
    if tokens.height and requests:
        since = local_day(min(one.received_at for one in requests))
        said = f"{tokens['value_id'].n_unique():,} tokens"
        yield Held("suppression", "suppression store", since, said=said)


def _receipts(settings: Settings, control: Control) -> Iterator[Held]:
    files = [path for _, path in found(settings)]
    if files:
        yield Held("receipts", RECEIPTS, min(map(_changed, files)), said=f"{len(files)}")


def _backups(settings: Settings, control: Control) -> Iterator[Held]:
    """Our own by name; what else lies in the folder of backups is counted and not named."""
    folder = settings.retention.backups
    if folder is None:
        return
    own = {path.name: made for path, made in own_backups(folder, control)}
    for name, made in own.items():
        yield Held("backups", name, made)
    days = sorted(_changed(path) for path in folder.iterdir() if path.name not in own)
    for number, since in enumerate(days, start=1):
        yield Held("backups", f"backup {number} of {len(days)}", since, elsewhere=True)


def _changed(path: Path) -> date:
    """The day that a file was last written."""
    return local_day(datetime.fromtimestamp(path.stat().st_mtime, UTC))
