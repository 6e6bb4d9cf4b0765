"""Pulling one partner's files, in a child process: they hold names.

They come into a hidden folder beside the inbox that nobody else may enter. Only what is whole, of
the size and digest that were said, and still the same at the source afterwards is given back.
"""

from __future__ import annotations

import hashlib
import hmac
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.safe_errors import guarded
from flows.sources.choosing import Choice, Terms, Unit, check_terms, choose, unchanged, young
from flows.sources.problems import (
    changed,
    out_of_memory,
    took_too_much,
)
from flows.sources.remote import Item, Remote, opened
from flows.sources.retrying import retried
from flows.sources.whole import Sums, another_digest, written
from schemas.errors import JourneysError

if TYPE_CHECKING:
    from flows.sources.said import _Source


@dataclass(frozen=True)
class Asked:
    """What is to be pulled, whence and whereto.

    Attributes:
        partner: Whose source it is.
        source: The source.
        terms: On what terms files are pulled.
        into: The hidden folder that they are written into; it is made, and must not be there.
        known: What deliveries stand for that were pulled before and are at the source still.
        failed: The same of those that failed their checks.
        secret: The key under which what a delivery stands for is told.
        now: The moment.
        look_only: Whether to tell what there is, and pull nothing.
    """

    partner: str
    source: _Source
    terms: Terms
    into: Path
    known: frozenset[str]
    secret: bytes = field(repr=False)
    now: datetime
    look_only: bool = False
    failed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Taken:
    """One file that was pulled.

    Attributes:
        at: Its name in the hidden folder.
        lands_as: What it is to be called in the inbox.
        tables: The tables in it.
        size: Its bytes.
        digest: SHA-256 of its content.
    """

    at: str
    lands_as: str
    tables: tuple[str, ...]
    size: int
    digest: str


@dataclass(frozen=True)
class Pulled:
    """One delivery that was pulled.

    Attributes:
        period: Its period, empty where names bear none.
        files: Its files; none where it was only looked at.
        stands_for: What it is known by while it lies at the source unchanged; empty if nothing.
        modified: When its last file was written, as the source says.
        size: Its bytes.
        count: How many files it has.
    """

    period: str
    files: tuple[Taken, ...]
    stands_for: str
    modified: datetime | None
    size: int
    count: int

    @property
    def digest(self) -> str:
        """SHA-256 over the digests of its tables, whatever its files are called."""
        lines = sorted(f"{','.join(file.tables)} {file.digest}\n" for file in self.files)
        return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Fetched:
    """What was found at a source: new deliveries, and how much else.

    Attributes:
        deliveries: What was pulled, by period.
        known: How many deliveries had been pulled before.
        arriving: How many files are not whole yet.
        late: How many deliveries are of a period before the newest snapshot.
        others: How many files are of no table of the partner.
        lacking: The tables that the newest delivery lacks while it is not whole.
        failed: What deliveries stand for that failed their checks, where nothing else is new.
    """

    deliveries: tuple[Pulled, ...] = ()
    known: int = 0
    arriving: int = 0
    late: int = 0
    others: int = 0
    lacking: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def fetch_apart(asked: Asked) -> Fetched:
    """Pull what is new from a source; what fails leaves nothing behind.

    Raises:
        JourneysError: As `fetch` does.
        BrokenOff: More memory was needed than there may be.
    """
    problem: JourneysError
    try:
        return guarded("pull", _within_memory, asked)
    except JourneysError as error:
        problem = error
    if not asked.look_only:
        shutil.rmtree(asked.into, ignore_errors=True)
    raise problem


def _within_memory(asked: Asked) -> Fetched:
    try:
        return fetch(asked)
    except MemoryError:
        pass
    raise out_of_memory()


def fetch(asked: Asked, wait: Callable[[float], None] = time.sleep) -> Fetched:
    """Pull what is new from a source.

    Args:
        asked: What, whence and whereto.
        wait: How to wait.

    Raises:
        SourceProblem: Nothing could be pulled; the hidden folder may hold a part.
        ConfigError: Increments cannot be told apart.
        KeyProblem: The file of a credential may be read by others.
    """
    check_terms(asked.terms)
    got: dict[Item, Taken] = {}

    def attempt() -> Fetched:
        with opened(asked.source) as remote:
            choice = _chosen(remote, asked, wait)
            new = [unit for unit in choice.units if stands_for(asked, unit) not in asked.known]
            known = len(choice.units) - len(new)
            failed = tuple({stands_for(asked, unit) for unit in new} & asked.failed)
            # With something new it is another extract: what failed before may pass with it.
            if len(failed) == len(new):
                new = []
            _require_room(asked, new, got)
            sums = Sums(remote, asked.source.digests)
            pulled = [_pulled(remote, asked, unit, sums, got) for unit in new]
        return Fetched(
            deliveries=tuple(pulled),
            known=known,
            arriving=choice.arriving,
            late=choice.late,
            others=choice.others,
            lacking=choice.lacking,
            failed=() if new else failed,
        )

    return retried(attempt, asked.source.attempts, wait)


def _left(asked: Asked, got: Mapping[Item, Taken]) -> int:
    """How many bytes more may be pulled."""
    return asked.source.most_megabytes * 1_000_000 - sum(one.size for one in got.values())


def _require_room(asked: Asked, units: Sequence[Unit], got: Mapping[Item, Taken]) -> None:
    """Check what the source says of sizes before a byte is asked for.

    Raises:
        BrokenOff: It is more than one pull may be of.
    """
    items = {item for unit in units for item, _ in unit.files} - set(got)
    if not asked.look_only and sum(item.size or 0 for item in items) > _left(asked, got):
        raise took_too_much(asked.source.most_megabytes)


def stands_for(asked: Asked, unit: Unit) -> str:
    """What a delivery is known by while it lies at the source unchanged; empty if by nothing.

    It is keyed, since the names of files are in it.
    """
    if not unit.stands:
        return ""
    return hmac.new(asked.secret, unit.stands.encode(), hashlib.sha256).hexdigest()


def move_away(asked: Asked) -> int:
    """Move the files of known deliveries into the folder at the source that is declared for them.

    Returns:
        How many files were moved.

    Raises:
        SourceProblem: They could not be.
    """
    folder = asked.source.archive
    if folder is None:
        return 0
    moved = 0
    with opened(asked.source) as remote:
        items = remote.items()
        for unit in _all_units(items, asked.terms):
            if stands_for(asked, unit) in asked.known:
                for item, _ in unit.files:
                    remote.archive(item.name, folder)
                    moved += 1
    return moved


def _all_units(items: Sequence[Item], terms: Terms) -> tuple[Unit, ...]:
    """Every whole delivery that is there, not the newest snapshot alone."""
    every = replace(terms, delivery="increment")
    return choose(items, every, [item.name for item in items]).units


def _chosen(remote: Remote, asked: Asked, wait: Callable[[float], None]) -> Choice:
    """What there is to pull; a second look is taken where files may still be arriving."""
    items, terms = remote.items(), asked.terms
    fresh = young(items, terms, asked.now)
    settled = [item.name for item in items if item.name not in fresh]
    if fresh and not asked.look_only:
        wait(terms.settle.total_seconds())
        later = remote.items()
        settled, items = sorted(unchanged(items, later)), later
    return choose(items, terms, settled)


def _pulled(remote: Remote, asked: Asked, unit: Unit, sums: Sums, got: dict[Item, Taken]) -> Pulled:
    """Pull the files of a delivery, but for those that an earlier attempt got whole."""
    files: list[Taken] = []
    for item, named in [] if asked.look_only else unit.files:
        if item not in got:
            said = sums.of(item.name)
            at = asked.into / str(len(got))
            size, digest = written(remote, item, at, _left(asked, got), asked.source.most_megabytes)
            if said is not None and said != digest:
                raise another_digest()
            lands_as = asked.terms.naming.lands_as(
                item.name, named, period=asked.terms.delivery == "increment"
            )
            got[item] = Taken(at.name, lands_as, named.tables, size, digest)
        files.append(got[item])
    # Once all are there: a table of before and one of after are no delivery.
    if files and any(item.stamp and remote.item(item.name) != item for item, _ in unit.files):
        raise changed()
    return Pulled(
        period=unit.period,
        files=tuple(files),
        stands_for=stands_for(asked, unit),
        modified=unit.modified,
        size=sum(file.size for file in files) or unit.size,
        count=len(unit.files),
    )
