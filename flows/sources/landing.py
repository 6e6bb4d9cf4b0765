"""From the hidden folder into the inbox: a delivery lands whole, or is finished by who comes next.

What is pulled is written into `.NAME.pulling` beside the inbox NAME. Renaming that to
`.NAME.landing`, with a list in it of what becomes of each file, is the moment from which the
delivery counts as arrived: whoever finds such a folder carries the list out, as often as it takes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.files import flush_folder, make_folder, private_folder, remove_folder, write_json
from flows.sources.problems import DiskFull
from schemas.errors import StoreError

if TYPE_CHECKING:
    from flows.sources.choosing import Delivery
    from flows.sources.fetching import Pulled
    from flows.sources.naming import Naming

PLAN = "landing.json"


@dataclass(frozen=True)
class Places:
    """The folders that a partner's files go through.

    Attributes:
        inbox: Where whole deliveries lie.
    """

    inbox: Path

    @property
    def pulling(self) -> Path:
        """Where files are while they are pulled."""
        return self.inbox.with_name(f".{self.inbox.name}.pulling")

    @property
    def landing(self) -> Path:
        """Where whole deliveries are that are on their way into the inbox."""
        return self.inbox.with_name(f".{self.inbox.name}.landing")


def clear(places: Places) -> None:
    """Finish what landed and remove what a pull that was killed left.

    Raises:
        DiskFull: A file cannot be moved.
    """
    finish(places)
    remove_folder(places.pulling)


def land(places: Places, deliveries: Sequence[Pulled], naming: Naming, delivery: Delivery) -> int:
    """Move deliveries from the hidden folder into the inbox, together.

    Args:
        places: The folders.
        deliveries: What was pulled.
        naming: How the partner's files are named.
        delivery: For a whole new snapshot, files of its tables that lie in the inbox make room;
            for an increment those of its tables and period.

    Returns:
        How many files that had lain in the inbox made room.

    Raises:
        DiskFull: They cannot be moved. What counts as arrived is moved by the next who tries.
    """
    moves = {file.at: file.lands_as for one in deliveries for file in one.files}
    gone = _replaced(places.inbox, deliveries, naming, delivery)
    failed = False
    try:
        make_folder(places.inbox)
        private_folder(places.pulling)
        for path in places.pulling.iterdir():
            if path.name not in moves:
                path.unlink()
        write_json(places.pulling / PLAN, {"moves": moves, "gone": gone})
        places.pulling.rename(places.landing)
        flush_folder(places.inbox.parent)
    except (OSError, StoreError):
        failed = True
    if failed:
        raise DiskFull
    finish(places)
    return len(gone)


def finish(places: Places) -> None:
    """Carry out the list of a delivery that counts as arrived, if there is one.

    Raises:
        DiskFull: A file cannot be moved.
    """
    if not places.landing.is_dir():
        return
    failed = False
    try:
        # Without its list the folder was emptied, and was being removed.
        if (places.landing / PLAN).exists():
            _carry_out(places)
        remove_folder(places.landing)
    except (OSError, ValueError, KeyError):
        failed = True
    if failed:
        raise DiskFull


def _carry_out(places: Places) -> None:
    plan = json.loads((places.landing / PLAN).read_text("utf-8"))
    for at, name in plan["moves"].items():
        # What is no longer there was moved by an earlier attempt.
        with suppress(FileNotFoundError):
            os.replace(places.landing / at, places.inbox / name)  # noqa: PTH105
    for name in plan["gone"]:
        (places.inbox / name).unlink(missing_ok=True)
    flush_folder(places.inbox)


def _replaced(
    inbox: Path, deliveries: Sequence[Pulled], naming: Naming, delivery: Delivery
) -> list[str]:
    """Files of the inbox that hold what now lands, under other names."""
    landing = {file.lands_as for one in deliveries for file in one.files}
    parts = {
        (one.period, table) for one in deliveries for file in one.files for table in file.tables
    }
    tables = {table for _, table in parts}

    def makes_room(name: str) -> bool:
        if delivery == "increment":
            named = naming.of(name)
            return named is not None and any((named.period, one) in parts for one in named.tables)
        return any(naming.mapping.is_file_of(table, name) for table in tables)

    if naming.sealed or not inbox.is_dir():
        return []
    names = [path.name for path in inbox.iterdir() if path.is_file()]
    return sorted(
        name
        for name in names
        if not name.startswith(".") and name not in landing and makes_room(name)
    )
