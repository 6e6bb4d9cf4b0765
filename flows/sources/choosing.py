"""Which files of a source are to be pulled: those of whole deliveries that stand still."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from flows.sources.naming import Named, Naming
from flows.sources.problems import SourceUnsound
from flows.sources.remote import Item
from schemas.errors import ConfigError

Delivery = Literal["snapshot", "increment"]
Resupplies = Literal["refuse", "newest"]

SUM_FILES = (".sha256", ".done", ".ok")


@dataclass(frozen=True)
class Terms:
    """On what terms files are pulled.

    Attributes:
        naming: How they are named.
        delivery: Whether each delivery is the whole, or one period of it.
        resupplies: Whether a period may be sent again with other content.
        settle: For how long a file must have stood still.
        marker: The name of the file that is put there last; with `{name}`, one for each file.
    """

    naming: Naming
    delivery: Delivery = "snapshot"
    resupplies: Resupplies = "refuse"
    settle: timedelta = timedelta(0)
    marker: str | None = None


@dataclass(frozen=True)
class Unit:
    """One delivery: its files, which are taken together or not at all.

    Attributes:
        period: Its period, empty where names bear none.
        files: Each file, with what its name says.
    """

    period: str
    files: tuple[tuple[Item, Named], ...]

    @property
    def modified(self) -> datetime | None:
        """When the last of its files was written."""
        known = [item.modified for item, _ in self.files if item.modified is not None]
        return max(known, default=None)

    @property
    def size(self) -> int:
        """Its bytes, as far as the source says."""
        return sum(item.size or 0 for item, _ in self.files)

    @property
    def stands(self) -> str:
        """What tells it from another content of the same files; empty if the source does not."""
        if not all(item.stamp and item.size is not None for item, _ in self.files):
            return ""
        lines = [f"{item.name}|{item.size}|{item.stamp}" for item, _ in self.files]
        return "\n".join([self.period, *sorted(lines)])


@dataclass(frozen=True)
class Choice:
    """What there is to pull.

    Attributes:
        units: The deliveries, by period; of snapshots the newest alone.
        arriving: How many files are not yet whole, or are of a delivery that is not.
        late: How many deliveries are of a period before the newest snapshot.
        others: How many files are of no table of this partner.
        lacking: The tables that the newest delivery lacks while it is not whole.
    """

    units: tuple[Unit, ...] = ()
    arriving: int = 0
    late: int = 0
    others: int = 0
    lacking: tuple[str, ...] = ()


@dataclass
class _Heap:
    """The files of one period, by the tables in them."""

    files: dict[tuple[str, ...], list[tuple[Item, Named]]] = field(default_factory=dict)
    arriving: int = 0


def choose(items: Sequence[Item], terms: Terms, settled: Iterable[str]) -> Choice:
    """Choose the deliveries to pull.

    Args:
        items: The files that are there.
        terms: On what terms they are pulled.
        settled: The names of files that stand still.

    Raises:
        SourceUnsound: Two files are of one table and period, and no re-supply is agreed.
    """
    still, there = frozenset(settled), frozenset(item.name for item in items)
    if terms.marker and "{name}" not in terms.marker and terms.marker not in there:
        ours = sum(1 for item in items if terms.naming.of(item.name))
        return Choice(arriving=ours, others=_others(items, terms))
    heaps: dict[str, _Heap] = {}
    for item in items:
        named = terms.naming.of(item.name)
        if named is None:
            continue
        # Sealed files are a delivery each, and say themselves which of them is the newest.
        heap = heaps.setdefault(item.name if terms.naming.sealed else named.period, _Heap())
        if item.name in still and _is_marked(item, terms.marker, there):
            kind = named.tables or (item.name,)
            heap.files.setdefault(kind, []).append((item, named))
        else:
            heap.arriving += 1
    newest_alone = terms.delivery == "snapshot" and not terms.naming.sealed
    found = {period: _unit(period, heap, terms) for period, heap in heaps.items()}
    arriving = sum(
        heap.arriving + (0 if found[period] else len(heap.files)) for period, heap in heaps.items()
    )
    units = [unit for _, unit in sorted(found.items()) if unit is not None]
    late = max(0, len(units) - 1) if newest_alone else 0
    kept = units[-1:] if newest_alone else units
    newest = heaps[max(heaps)] if heaps else _Heap()
    lacking = () if newest.arriving or not newest.files else tuple(sorted(_lacking(newest, terms)))
    return Choice(tuple(kept), arriving, late, _others(items, terms), lacking)


def young(items: Sequence[Item], terms: Terms, now: datetime) -> list[str]:
    """The names of files that have not stood still for long enough, as far as their times tell.

    One that is dated after now may have been written by a machine whose clock is ahead.
    """
    return [
        item.name
        for item in items
        if terms.naming.of(item.name)
        and item.modified is not None
        and not timedelta(0) <= now - item.modified >= terms.settle
        and terms.settle
    ]


def unchanged(before: Sequence[Item], after: Sequence[Item]) -> frozenset[str]:
    """The names of files that are the same in two looks at a source."""
    return frozenset(item.name for item in set(before) & set(after))


def check_terms(terms: Terms) -> None:
    """Check that the terms can be kept.

    Raises:
        ConfigError: Increments bear no period by which they are told apart.
    """
    naming = terms.naming
    if terms.delivery == "increment" and (naming.pattern is None or naming.sealed):
        raise ConfigError(
            f"The increments of {naming.partner} cannot be told apart.",
            "Give `files`, such as {table}_{period:%Y-%m}.csv; a partner that encodes at source "
            "sends its whole extract each time.",
        )


def _unit(period: str, heap: _Heap, terms: Terms) -> Unit | None:
    """The delivery of a period; None while it is not whole."""
    if heap.arriving or not heap.files:
        return None
    if _lacking(heap, terms):
        return None
    chosen = []
    for rivals in heap.files.values():
        if len(rivals) > 1 and terms.resupplies == "refuse":
            raise SourceUnsound(
                f"The source holds {len(rivals)} files for one table"
                + (f" of {period}." if period else "."),
                "Have the partner leave one of them there, or agree that the newest counts "
                "(`resupplies: newest`).",
            )
        chosen.append(max(rivals, key=lambda one: (_age(one[0]), one[0].name)))
    if terms.naming.sealed:
        period = ""
    return Unit(period, tuple(sorted(chosen, key=lambda one: one[0].name)))


def _lacking(heap: _Heap, terms: Terms) -> frozenset[str]:
    return terms.naming.needed - {table for tables in heap.files for table in tables}


def _age(item: Item) -> float:
    return item.modified.timestamp() if item.modified else 0.0


def _is_marked(item: Item, marker: str | None, there: frozenset[str]) -> bool:
    if marker is None or "{name}" not in marker:
        return True
    return marker.replace("{name}", item.name) in there


def _others(items: Sequence[Item], terms: Terms) -> int:
    """Files that are of nobody's table; what only tells of another file is not counted."""
    return sum(
        1
        for item in items
        if not terms.naming.of(item.name)
        and not item.name.startswith(".")
        and not item.name.lower().endswith(SUM_FILES)
        and item.name != terms.marker
    )
