"""Whether a partnership folder and its control database are whole, whatever was done to them.

`look` says what stands; `faults` says what is wrong of what stands after something was cut short,
beside what stood before. Nothing here trusts what a report says: files are opened and counted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.backup.opening import backups_in
from flows.context import open_control
from flows.keys.rings import check_rings, release_key, store_keys
from flows.publication.public import what_is_public
from flows.record.checkpoints import verify_record
from flows.releases.kept import release_path
from flows.settings import Settings
from governance.control import Control
from schemas.errors import JourneysError
from warehouse.connect import open_release, open_store

VOLATILE = frozenset({"run_id", "extract_run_id", "built_at", "run"})
"""Columns that tell which run it was, or when."""

LEFTOVERS = (
    "*.part",
    "*.old",
    "*.rewritten",
    "*.spill",
    "*.building",
    "*.gone",
    "*.wal",
    "*-journal",
)
"""What only work that is going on may have beside what is kept."""


def look(settings: Settings) -> dict[str, Any]:
    """What stands: runs, releases by digest, people by record, publications, ledger and record.

    Raises:
        JourneysError: Something that has to be there cannot be opened.
    """
    check_rings(settings)
    with open_control(settings) as control:
        current = control.current_run()
        kept = [one for one in control.committed_runs() if release_path(settings, one).is_file()]
        standing = {
            "runs": control.committed_runs(),
            "current": None if current is None else current.run_id,
            "read": None if (read := control.release_run()) is None else read.run_id,
            "unfinished": control.unfinished_runs(),
            "releases": {one: _opened(settings, one) for one in kept},
            "publications": [one.publication_id for one in control.publications()],
            "withdrawn": [one.publication_id for one in control.withdrawals()],
            "live": sorted(one.request_id for one in control.live_requests()),
            "applied": sorted(
                one.request_id for one in control.rights_requests() if one.applied_run
            ),
            "ledger": _ledger(control),
        }
        what_is_public(settings, control)
    verified = verify_record(settings)
    standing |= {"record": verified.walk.size, "record_faults": verified.faults}
    standing["people"] = {} if current is None else people(settings, current.run_id)
    standing["plain"] = plaintext(settings)
    standing["leftovers"] = leftovers(settings)
    standing["backups"] = backups(settings.folder.parent / "backups")
    standing["stores"] = sorted(path.name for path in settings.stores.glob("[0-9]*"))
    return standing


def _opened(settings: Settings, run_id: str) -> str:
    """The digest of a release that opens and answers."""
    path = release_path(settings, run_id)
    connection = open_release(path, release_key(settings, run_id))
    try:
        connection.execute("SELECT count(*) FROM person").fetchall()
    finally:
        connection.close()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def people(settings: Settings, run_id: str) -> dict[int, str]:
    """Which person each record is of; the staging store is opened too."""
    keys = store_keys(settings, run_id)
    found: dict[int, str] = {}
    asked = {
        "identity": "SELECT record_id, person_id FROM person_record",
        "staging": "SELECT 0, '' FROM police_drug_test WHERE false",
    }
    for name, sql in asked.items():
        path = settings.stores / run_id / f"{name}.duckdb"
        connection = open_store(path, keys[name], read_only=True)
        try:
            found |= dict(connection.execute(sql).fetchall())
        finally:
            connection.close()
    return found


def _ledger(control: Control) -> dict[str, tuple[Any, ...]]:
    """What the ledger says is staged: partner → digest, received, kept, quarantined, withheld."""
    return {
        partner: (one.digest, one.received, one.kept, one.quarantined, one.withheld)
        for partner, one in control.staged_extracts().items()
    }


def content(settings: Settings) -> dict[str, Counter[Any]]:
    """Every row of every table of the current release, but for what tells the run.

    A person is told by the lowest of their record ids, so two partnerships that took in the same
    rows have the same content though person ids are random.
    """
    with open_control(settings) as control:
        current = control.current_run()
    if current is None:
        return {}
    lowest: dict[str, int] = {}
    for record, person in people(settings, current.run_id).items():
        lowest[person] = min(record, lowest.get(person, record))
    connection = open_release(
        release_path(settings, current.run_id), release_key(settings, current.run_id)
    )
    try:
        return {
            name: _rows(connection, name, lowest)
            for (name,) in connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
            ).fetchall()
        }
    finally:
        connection.close()


def _rows(connection: Any, table: str, lowest: Mapping[str, int]) -> Counter[Any]:
    found = connection.execute(f'SELECT * FROM "{table}"')
    columns = [one[0] for one in found.description]
    kept = [number for number, name in enumerate(columns) if name not in VOLATILE]
    return Counter(
        tuple(lowest.get(row[number], row[number]) for number in kept) for row in found.fetchall()
    )


def plaintext(settings: Settings) -> list[str]:
    """Files outside the inboxes that hold a PNC ID or CRN of an extract in the clear."""
    from deeds import rows_of

    inbox, needles = settings.folder / "inbox", set()
    for path, column in ((inbox / "police/custody.csv", "pnc_id"),
                         (inbox / "probation/offender.csv", "crn")):  # fmt: skip
        if path.is_file():
            needles |= {one[column].encode() for one in rows_of(path) if one.get(column)}
    found = []
    for path in sorted(settings.folder.parent.rglob("*")):
        if path.is_file() and not {"inbox", "truth"} & set(path.parts) and path.suffix != ".csv":
            held = path.read_bytes()
            if any(one in held for one in needles):
                found.append(str(path.relative_to(settings.folder.parent)))
    return found


def leftovers(settings: Settings) -> list[str]:
    """Files and folders that only work that is going on may have."""
    found = [path for form in LEFTOVERS for path in settings.folder.rglob(form)]
    found += settings.folder.parent.glob(".*.restoring")
    return sorted(path.name for path in found)


def backups(folder: Path) -> dict[str, str]:
    """The backups in a folder: its name → what is wrong of it, as a rule nothing."""
    found = backups_in(folder) if folder.is_dir() else []
    return {one.path.name: one.problem or "" for one in found}


def faults(
    before: Mapping[str, Any], after: Mapping[str, Any], *, erased: bool = False
) -> list[str]:
    """What is wrong of what stands after something was cut short.

    Args:
        before: What stood before.
        after: What stands now.
        erased: Whether people and releases of before may have gone.
    """
    wrong = list(after["record_faults"])
    news = [one for one in after["runs"] if one not in before["runs"]]
    if after["runs"] != news + [one for one in before["runs"] if one in after["runs"]]:
        wrong.append("the committed runs are not those of before with new ones")
    if set(before["runs"]) - set(after["runs"]):
        wrong.append("a committed run is not known any more")
    if after["current"] is not None and after["stores"].count(after["current"]) != 1:
        wrong.append("the stores of the current run are not there")
    if after["current"] not in (None, *after["releases"]) and not erased:
        wrong.append("the release of the current run is not there")
    for run_id in before["releases"].keys() & after["releases"].keys():
        if before["releases"][run_id] != after["releases"][run_id]:
            wrong.append("a release that stood is another now")
    if after["record"] < before["record"]:
        wrong.append("the record has lost entries")
    both = before["people"].keys() & after["people"].keys()
    changed = sum(before["people"][one] != after["people"][one] for one in both)
    if changed:
        wrong.append(f"{changed} records are of another person")
    if not erased and len(both) < len(before["people"]):
        wrong.append(f"{len(before['people']) - len(both)} records have gone")
    if set(before["publications"]) - set(after["publications"]) - set(after["withdrawn"]):
        wrong.append("a publication has gone")
    if set(before["live"]) - set(after["live"]):
        wrong.append("a request is not known any more")
    if set(before["applied"]) - set(after["applied"]):
        wrong.append("a request that was applied waits again")
    wrong += [
        f"the ledger of {partner} does not add up"
        for partner, (_, received, kept, quarantined, withheld) in after["ledger"].items()
        if received != kept + quarantined + withheld
    ]
    if len(after["ledger"]) < len(before["ledger"]) and not erased:
        wrong.append("a staged extract is not known any more")
    wrong += [f"a backup is not whole: {said}" for said in after["backups"].values() if said]
    if before.get("backups", {}).keys() - after["backups"].keys():
        wrong.append("a backup has gone")
    wrong += [f"{name} holds identifiers in the clear" for name in after["plain"]]
    return wrong


def untidy(after: Mapping[str, Any]) -> list[str]:
    """What a run that went to its end should have cleared away."""
    wrong = [f"{name} was left" for name in after["leftovers"]]
    if after["unfinished"]:
        wrong.append("a run is neither committed nor failed")
    if after["stores"] != [after["current"]]:
        wrong.append("there are other stores than the current run's")
    return wrong


def looked_or_told(settings: Settings) -> dict[str, Any] | str:
    """What stands, or the sentence that says why nothing can be told."""
    try:
        return look(settings)
    except JourneysError as problem:
        return str(problem)


def disk_used(folder: Path) -> int:
    """Bytes of the files of a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
