"""A night on which nothing is new: the last run's stores and release are carried over as they are.

A run is made from what partners sent and what was decided since, which are in the stores, and from
what is beside them: the program, `partnership.yaml`, definitions, the model, agreements and keys.
Of each the report of a run keeps a digest. Where all are what they were, and the release is the one
that was committed, linking and building would come to the very same. So the files get a second name
in this run's folders, and the first goes with the older run.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import os
import platform
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, date
from importlib.metadata import version
from pathlib import Path
from typing import Final

from flows.context import RunContext
from flows.files import flush, folder_digest, private_folder
from flows.intake.handed_on import Agreed, Parted
from flows.keys.rings import STORES, carry_release_key, clock_key, release_key
from flows.releases.as_committed import KNOWN, changed, digest_of
from flows.settings import Settings
from governance.control import ReleaseFile, Run
from schemas.errors import KeyProblem, StoreError

ROOMS: Final = ("flows", "governance", "linkage", "schemas", "warehouse")
"""Our own code and definitions that have a say in what a run makes."""
PACKAGES: Final = (
    "cohort-journeys",
    "cryptography",
    "duckdb",
    "numpy",
    "pandera",
    "polars",
    "splink",
)
"""Packages that have one, too."""


def made_from(run: RunContext, agreed: Agreed) -> dict[str, str]:
    """What a run's release is made from beside its stores, each part by a digest.

    It is told before the run links and builds: what changes meanwhile is for the next to see.

    Args:
        run: The run.
        agreed: The agreements in force, and the key epochs.

    Raises:
        OSError: A file cannot be read.
        KeyProblem: The store key cannot be used.
    """
    settings, epochs = run.settings, agreed.epochs
    clock = hmac.digest(clock_key(settings), b"what a release is made from", "sha256").hex()
    return {
        "program": _program(),
        "settings": _digest(settings.model_dump(exclude={"keys"})),
        "definitions": _definitions(settings),
        "model": "packaged" if settings.model is None else digest_of(settings.model),
        "agreements": _digest({k: one.document_digest for k, one in agreed.agreements.items()}),
        "stopped": _digest(agreed.stopped.keys()),
        "keys": _digest([epochs.in_use, epochs.newest, clock]),
    }


def stores_of(stores: Path) -> dict[str, str]:
    """The stores that a release is made from, each by a digest.

    Args:
        stores: The folder of the stores, into which nothing more is written.

    Raises:
        OSError: A file cannot be read.
    """
    return {name: digest_of(stores / f"{name}.duckdb") for name in STORES}


def still_stands(run: RunContext, parted: Parted, made: Mapping[str, str]) -> Run | None:
    """The current run, where this one would link and build the very same.

    Whatever cannot be read, or is not known to be the same, is reason enough to do all the work.

    Args:
        run: The run.
        parted: What is new.
        made: What this run's release is made from beside the stores.
    """
    current, agreed = run.control.current_run(), parted.agreed
    if current is None or parted.taken or agreed.refused is not None or agreed.epochs.crossing:
        return None
    files = run.control.release_files(current.run_id)
    if run.control.waiting_requests() or not files:
        return None
    before = (current.report or {}).get("made_from")
    stores = run.settings.stores / current.run_id
    release = run.settings.releases / current.run_id
    try:
        stands = (
            # What a killed command wrote into a store may be in its log alone.
            not any(stores.glob("*.wal"))
            and before == {**made, **stores_of(stores)}
            and not any(changed(release, files, whole=True))
            and not _is_overdue_anew(run, current)
        )
    except (OSError, StoreError, KeyProblem):
        return None
    return current if stands else None


def carry_release(run: RunContext, current: Run) -> tuple[ReleaseFile, ...]:
    """Let the current run's release be this run's too.

    Returns:
        What its files are known by.

    Raises:
        StoreError: It cannot be.
        KeyProblem: The release key cannot be used.
    """
    private_folder(run.settings.releases)
    private_folder(run.release.parent)
    carry_release_key(run.settings, current.run_id, run.run_id)
    before = run.settings.releases / current.run_id
    carry((path for pattern in KNOWN for path in before.glob(pattern)), run.release.parent)
    return tuple(run.control.release_files(current.run_id))


def carry(paths: Iterable[Path], folder: Path) -> None:
    """Give files a second name in another folder; where the disk knows no such thing, copy them.

    Nothing may be written into them afterwards.

    Raises:
        StoreError: They cannot be carried over.
    """
    there = []
    failed = False
    try:
        for path in sorted(paths):
            there.append(folder / path.name)
            try:
                os.link(path, there[-1])
            except OSError:
                shutil.copy2(path, there[-1])
        flush(there)
    except OSError:
        failed = True
    if failed:
        raise StoreError(
            "The stores and the release of the last run could not be carried over into this one's.",
            "Check the permissions of the partnership folder and the space left on its disk.",
        )


def _is_overdue_anew(run: RunContext, current: Run) -> bool:
    """Whether other partners' data are overdue than on the day the release was built.

    It counts them among its issues (``extract_overdue``), by that day.
    """
    from warehouse.connect import open_release

    parts = run.settings.partners
    promised = {str(name): part.cadence_days for name, part in parts.items() if part.cadence_days}
    told = ", ".join(["built_at::DATE", *(f"{name}_as_at" for name in promised)])
    path = run.settings.releases / current.run_id / run.release.name
    connection = open_release(path, release_key(run.settings, current.run_id))
    try:
        built, *as_at = connection.execute(f"SELECT {told} FROM release_info").fetchall()[0]
    finally:
        connection.close()

    def overdue(day: date) -> list[bool]:
        ages = [0 if reached is None else (day - reached).days for reached in as_at]
        return [age > days for age, days in zip(ages, promised.values(), strict=True)]

    return overdue(built) != overdue(run.clock().astimezone(UTC).date())


@functools.cache
def _program() -> str:
    """A digest of the program that is at work, which is read once: it does not change meanwhile."""
    home = Path(__file__).parent.parent
    ours = {room: folder_digest(home / room) for room in ROOMS}
    return _digest([platform.python_version(), {name: version(name) for name in PACKAGES}, ours])


def _definitions(settings: Settings) -> str:
    """A digest of what lies beside partnership.yaml and says how the warehouse is built."""
    from warehouse.given import load_given

    given = load_given(settings.folder)
    folders = [folder_digest(one) if one else None for one in (given.cohorts, given.metrics)]
    files = [digest_of(one) if one else None for one in (given.population, given.prevalence)]
    return _digest([*folders, *files])


def _digest(said: object) -> str:
    """SHA-256 over what is said, whatever the order of its keys and sets."""
    text = json.dumps(said, sort_keys=True, default=_as_text)
    return hashlib.sha256(text.encode()).hexdigest()


def _as_text(value: object) -> object:
    return sorted(map(str, value)) if isinstance(value, Iterable) else str(value)
