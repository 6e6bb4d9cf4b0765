"""Taking a partner's contribution out: records, events, links, and all that was made of them.

The control database says first that the partner was taken out; from then on nothing of it counts as
staged. Then the stores are written anew without it. Whatever is cut short in between, the next run
or the next `journeys retention apply` finishes before it does anything else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.clock import Clock
from flows.committed import damage_told, opened_store, rewritten
from flows.context import actor
from flows.files import remove_files, remove_folder
from flows.housekeeping import runs_in
from flows.keys.rings import NEXT, STORES, keyed_digest, store_keys
from flows.settings import Settings
from flows.sources.naming import SEALED
from flows.sources.places import Places
from governance.audit import Recorder
from governance.control import Control, Extract, Removal
from schemas.errors import StoreError

if TYPE_CHECKING:
    import polars as pl

    from governance.control import Run

PERIOD = "period "
"""What an increment's period is called after, among what is kept."""


@dataclass(frozen=True)
class Comes:
    """What taking a partner out comes to, in numbers.

    Attributes:
        partner: Which.
        records: Its records in the identity store.
        people: How many people only it has records of.
        tables: Staging table → rows.
        releases: Releases that hold its data.
        drafts: Drafts that count them.
        files: Files in its inbox, and lists of its rows that could not be used.
    """

    partner: str
    records: int
    people: int
    tables: dict[str, int]
    releases: int
    drafts: int
    files: int

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def take_out(settings: Settings, control: Control, partner: str, reason: str, clock: Clock) -> None:
    """Take a partner's contribution out of the current run. Hold the lock.

    Raises:
        StoreError: There is no current run, or a store cannot be written.
    """
    current = control.current_run()
    if current is None:
        raise StoreError("Nothing has been taken in yet.", "Run `journeys run` first.")
    removal = Removal(partner, current.run_id, clock(), actor(), reason)
    comes = comes_to(settings, control, current, partner)
    entry = Recorder(actor(), settings.purpose, current.run_id).entry(
        "erasure",
        removal.begun_at,
        partner=partner,
        detail={
            "taken out": reason,
            "records": comes.records,
            "people": comes.people,
            "rows": sum(comes.tables.values()),
        },
    )
    remove_extract(settings, control, partner, control.staged_extracts().get(partner))
    control.begin_removal(removal, entry)
    finish_removals(settings, control, clock)


def finish_removals(settings: Settings, control: Control, clock: Clock) -> list[str]:
    """Bring the stores and folders in line with what was taken out. Hold the lock.

    Returns:
        The partners that had not been taken out to the end.

    Raises:
        StoreError: A store cannot be opened, or there is no room to write it anew.
    """
    begun = [one for one in control.removals() if one.ended_at is None and one.number is not None]
    for one in begun:
        _clean_stores(settings, one.run_id, one.partner)
        remove_files(_lists(settings, one.partner))
        for run_id in runs_in(settings.releases) & control.runs_before_a_removal():
            remove_folder(settings.releases / run_id)
        for draft_id in _drafts_of_the_past(settings, control):
            remove_draft(settings, draft_id)
        control.end_removal(int(one.number or 0), clock())
    return [one.partner for one in begun]


def comes_to(settings: Settings, control: Control, current: Run, partner: str) -> Comes:
    """What taking a partner out comes to."""
    from linkage.retention import contribution
    from warehouse.staging import counts_of

    with damage_told(), opened_store(settings, current.run_id, "identity") as connection:
        held = contribution(connection, partner)
    with damage_told(), opened_store(settings, current.run_id, "staging") as connection:
        tables = counts_of(connection, partner)
    known = set(control.committed_runs())
    return Comes(
        partner=partner,
        records=held.records.len(),
        people=len(held.persons),
        tables=tables,
        releases=len(runs_in(settings.releases) & known),
        drafts=sum((settings.drafts / one.run_id).is_dir() for one in control.waiting_drafts()),
        files=len(_lists(settings, partner)) + len(inbox_files(settings, partner)),
    )


def remove_draft(settings: Settings, draft_id: str) -> None:
    """Remove a draft that was not published, with what proves it safe."""
    remove_folder(settings.drafts / draft_id)
    remove_folder(settings.certificates / draft_id)


def inbox_files(settings: Settings, partner: str) -> list[Path]:
    """Every file of a partner's inbox, hidden ones too; of one not named, where `init` makes it.

    What made room there, and is set aside until what came has passed its checks, is with it; of a
    partner not named, what was on its way too, which nobody will bring to its end.
    """
    named = partner in settings.partners
    inbox = settings.partner(partner).inbox if named else settings.folder / "inbox" / partner
    places = Places(inbox)
    beside = (places.aside,) if named else places.hidden
    found = [path for folder in (inbox, *beside) for path in folder.rglob("*")]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def extract_files(settings: Settings, partner: str) -> dict[str, list[Path]]:
    """The files of a partner's inbox that are not sealed, by what they are kept as.

    The tables of an extract are kept together. Where the partner sends increments each period is
    kept by itself: else what came first would be kept for as long as others come.

    Raises:
        ConfigError: The mapping that tells the files apart cannot be used.
    """
    from flows.intake.encoding import request_of

    part = settings.partner(partner)
    naming = request_of(settings, partner).increments if part.delivery == "increment" else None
    found: dict[str, list[Path]] = {}
    for path in inbox_files(settings, partner):
        if path.suffix != SEALED:
            named = naming.of(path.name) if naming is not None else None
            found.setdefault(f"{PERIOD}{named.period}" if named else "inbox", []).append(path)
    return found


def remove_extract(
    settings: Settings, control: Control, partner: str, staged: Extract | None
) -> None:
    """Remove the staged extract from a partner's inbox, and what lay beside it by then.

    What came later is a new delivery, which is taken in only if an agreement covers it. Of a
    partner that partnership.yaml no longer names everything goes.
    """
    files = inbox_files(settings, partner)
    if staged is not None and partner in settings.partners:
        started = control.run(staged.run_id)
        lay = started.started_at.timestamp() if started is not None else 0.0
        same = _is_staged(settings, partner, staged)
        files = [path for path in files if same or path.stat().st_mtime <= lay]
    remove_files(files)
    if partner not in settings.partners:
        for folder in Places(settings.folder / "inbox" / partner).hidden:
            remove_folder(folder)


def _is_staged(settings: Settings, partner: str, staged: Extract) -> bool:
    """Whether what lies in an inbox is the staged extract, whenever it was put there."""
    from flows.intake import apart
    from flows.intake.encoding import find_each, request_of
    from flows.sources.inbox import Arrived

    part = settings.partner(partner)
    if part.encodes_with is not None:  # no delivery of a sealed file is taken in twice
        return False
    found = apart.in_a_child(find_each, [request_of(settings, partner)])[partner]
    return isinstance(found, Arrived) and keyed_digest(settings, found.digest) == staged.digest


def _clean_stores(settings: Settings, run_id: str, partner: str) -> None:
    """Write a run's stores anew without a partner."""
    import polars as pl

    from linkage import erasure
    from linkage.retention import contribution
    from warehouse.staging import remove_partner as remove_rows

    folder, keys = settings.stores / run_id, store_keys(settings, run_id)
    gone: list[pl.Series] = []
    persons: list[str] = []
    for beside in ("", NEXT):
        for name in (f"{beside}{one}" for one in STORES):
            path = folder / f"{name}.duckdb"
            if not path.is_file():
                continue
            with rewritten(path, keys[name]) as connection:
                if name.endswith("staging"):
                    remove_rows(connection, partner)
                    continue
                held = contribution(connection, partner)
                gone = [*gone, held.records]
                persons += erasure.with_former_ids(connection, held.persons)
                connection.execute("BEGIN")
                erasure.remove(connection, pl.concat(gone), persons)
                connection.execute("COMMIT")


def _lists(settings: Settings, partner: str) -> list[Path]:
    """The lists of a partner's rows that could not be used, and of columns sent too much."""
    of_columns = settings.over_sharing.glob(f"*/{partner}.*")
    return sorted([*settings.quarantine.glob(f"*/{partner}.csv"), *of_columns])


def _drafts_of_the_past(settings: Settings, control: Control) -> list[str]:
    """Drafts that are there, were not published, and count whom nobody may count any more."""
    past = control.runs_before_a_removal()
    return [
        one.run_id
        for one in control.waiting_drafts()
        if (settings.drafts / one.run_id).is_dir()
        and past & {one.run_id, *(each.counted_run for each in control.draft_releases(one.run_id))}
    ]
