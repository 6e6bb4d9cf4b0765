"""Scenes for the plug to be pulled in: how a partnership stands, and what is being done with it."""

from __future__ import annotations

import functools
import random
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from disk import LOSSES, Change, Disk, Loss, copied, read_record
from plug import Done, Plug
from wholeness import faults, untidy

NOTHING: Mapping[str, Any] = {
    **dict.fromkeys(("runs", "publications", "withdrawn", "live", "applied"), ()),
    **{what: {} for what in ("releases", "people", "ledger")},
    "record": 0,
}
"""What stands before a first run."""

STARTS: Mapping[str, tuple[str | None, tuple[tuple[str, Mapping[str, Any]], ...]]] = {
    "fresh": (None, (("make", {}),)),
    "ran": ("fresh", (("run", {}),)),
    "sent": ("ran", (("change", {}),)),
    "asked": ("sent", (("erase", {}),)),
    "public": ("ran", (("approve", {}),)),
    "rotated": ("ran", (("run", {}), ("rotate", {}))),
    "shared": ("ran", (("share", {}),)),
    "backed": ("ran", (("back_up", {}),)),
    "wiped": ("backed", (("wipe", {}),)),
    "erased since": ("backed", (("erase", {}), ("run", {}), ("wipe", {}))),
}
"""How a partnership comes to stand as it does: from which other, by which deeds."""


@dataclass(frozen=True)
class Scene:
    """How a partnership stands, what is being done, and whether people may go by it.

    Attributes:
        name: What it is called.
        start: One of `STARTS`.
        deed: A function of `deeds`.
        given: Its arguments.
        erases: Whether records and releases of before may go.
        late: Whether the record is then ahead of the clock, so that no run can follow.
        renamed: Whether keys are other ones then, by which no row can be compared.
        stood: Where nothing stands before, of which start it is what may stand afterwards.
    """

    name: str
    start: str
    deed: str
    given: Mapping[str, Any] = field(default_factory=dict)
    erases: bool = False
    late: bool = False
    renamed: bool = False
    stood: str | None = None


SCENES = {
    one.name: one
    for one in (
        Scene("a first run", "fresh", "run", renamed=True),  # it makes keys of its own
        Scene("an unchanged night", "ran", "run"),  # carries over
        Scene("a night with an extract", "sent", "run"),
        Scene("pulling from a source", "shared", "pull"),
        Scene("a night with a source", "shared", "run"),
        Scene("a night with an erasure", "asked", "run", erases=True),
        Scene("publishing", "ran", "approve"),
        Scene("withdrawing", "public", "withdraw"),
        Scene("deleting what is due", "public", "retain", erases=True, late=True),
        Scene("rotating the store key", "ran", "rotate"),
        Scene("rotating the release key", "ran", "rotate", {"kind": "release"}),
        Scene("rotating the identifier key", "ran", "rotate", {"kind": "identifier"}, renamed=True),
        Scene("destroying an epoch", "rotated", "destroy"),
        Scene("asking for an erasure", "ran", "erase"),
        Scene("going back to a release", "rotated", "go_back"),
        Scene("making a checkpoint", "ran", "checkpoint"),
        Scene("breaking the glass", "ran", "break_glass"),
        Scene("making a first backup", "ran", "back_up"),
        Scene("making another backup", "backed", "back_up"),
        Scene("restoring a backup", "wiped", "restore", stood="backed"),
        Scene("restoring who was erased", "erased since", "restore", stood="backed", erases=True),
    )
}


class Ground:
    """Where scenes are played: partnerships that stand as they do, made once and copied."""

    def __init__(self, folder: Path, plug: Plug) -> None:
        self.folder, self.plug = folder, plug

    def start(self, name: str) -> Path:
        """The home of a partnership that stands so; not to be changed."""
        home = self.folder / "starts" / name / "home"
        if not home.is_dir():
            before, done = STARTS[name]
            making = self.folder / "live"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(parents=True) if before is None else copied(self.start(before), making)
            for deed, given in done:
                well(self.plug.do(deed, making, **given))
            copied(making, home)
        return home

    def live(self, start: str) -> Path:
        """A copy of it that may be changed; it is always in the same place."""
        live = copied(self.start(start), self.folder / "live")
        (live / "tmp").mkdir(exist_ok=True)
        return live

    def before(self, scene: Scene) -> Mapping[str, Any]:
        """What stands before a scene."""
        start = scene.stood or scene.start
        return self.look(self.live(start)) if start != "fresh" else NOTHING

    def look(self, home: Path) -> Mapping[str, Any]:
        """What stands. A folder in which it cannot be told fails the test."""
        made: Mapping[str, Any] = well(self.plug.do("state", home)).made
        return made

    def recording(self, scene: Scene) -> list[Change]:
        """Every change that a deed makes to the disk, undisturbed."""
        home, record = self.live(scene.start), self.folder / "record"
        well(self.plug.do(scene.deed, home, how="record", record=record, **scene.given))
        return read_record(record)

    def undisturbed(self, scene: Scene) -> Mapping[str, Any]:
        """What the release holds once the deed was done and a run has followed."""
        home = self.live(scene.start)
        well(self.plug.do(scene.deed, home, **scene.given))
        return self.next_run(home) if scene.deed != "run" else self.rows(home)

    def next_run(self, home: Path) -> Mapping[str, Any]:
        """What the release holds after a run, which has to go to its end."""
        well(self.plug.do("run", home))
        return self.rows(home)

    @functools.cache  # noqa: B019 - there is one ground
    def rows_of(self, start: str) -> Mapping[str, Any]:
        """What the release of a partnership holds that stands so."""
        return self.rows(self.live(start))

    def rows(self, home: Path) -> Mapping[str, Any]:
        """What the release of the current run holds."""
        made: Mapping[str, Any] = well(self.plug.do("rows_by_person", home)).made
        return made

    def wrong(self, scene: Scene, before: Mapping[str, Any], home: Path) -> list[str]:
        """What is wrong of what stands now."""
        done = self.plug.do("state", home)
        if done.problem or done.crashed:
            return [done.problem or str(done.crashed)]
        if done.made is None:
            return [] if scene.stood else ["the partnership has gone"]
        return faults(before, done.made, erased=scene.erases)

    def wrong_in_the_end(
        self, scene: Scene, before: Mapping[str, Any], home: Path, wanted: Mapping[str, Any]
    ) -> list[str]:
        """What is wrong once the deed was done anew and another run has followed."""
        wrong = []
        if scene.deed != "run":
            # It may have been done: then it is refused, or done a second time.
            again = self.plug.do(scene.deed, home, **scene.given)
            wrong = [again.crashed] if again.crashed else []
        if scene.late:
            return wrong + self.wrong(scene, before, home)
        followed = self.plug.do("run", home)
        if followed.problem or followed.crashed:
            return [*wrong, followed.problem or str(followed.crashed)]
        done = self.plug.do("state", home)
        if done.problem or done.crashed:
            return [*wrong, done.problem or str(done.crashed)]
        wrong += faults(before, done.made, erased=True) + untidy(done.made)
        got = self.rows(home)
        if scene.renamed:
            wanted, got = in_numbers(wanted), in_numbers(got)
        return wrong + differing(wanted, got)


def not_on_the_disk(ground: Ground, scene: Scene, changes: Sequence[Change]) -> list[str]:
    """What a power cut could take of a deed that has ended."""
    disk = Disk(ground.live(scene.start))
    for change in changes:
        disk.play(change)
    # The request is the officer's own file, `tmp` is nobody's, and a log may lose a line.
    return [one for one in disk.unflushed() if one.startswith("p/") and "p/logs" not in one]


def in_numbers(rows: Mapping[str, Counter[Any]]) -> Mapping[str, Counter[Any]]:
    """How many rows there are of each table."""
    return {table: Counter({"rows": found.total()}) for table, found in rows.items()}


def differing(wanted: Mapping[str, Any], got: Mapping[str, Any]) -> list[str]:
    """Tables of which one has rows that the other has not: EXCEPT ALL, both ways."""
    none: Counter[Any] = Counter()
    return [
        f"{table} has {(got.get(table, none) - wanted.get(table, none)).total()} rows too many and "
        f"{(wanted.get(table, none) - got.get(table, none)).total()} too few"
        for table in sorted(wanted.keys() | got.keys())
        if wanted.get(table) != got.get(table)
    ]


def well(done: Done) -> Done:
    """What was done, where it was."""
    assert done.problem is None and done.crashed is None and not done.killed, done
    return done


def places(changes: Sequence[Change], most: int, seed: int) -> list[int]:
    """At which changes to pull the plug, counted from 1: each kind of change first, then any.

    A run writes a store in many pieces, each of which is as good a place as the next; it makes,
    flushes, renames and removes a file once.
    """
    chance, firsts = random.Random(seed), {}
    for number, change in enumerate(changes, 1):
        firsts.setdefault(change.said, number)
    few = sorted(firsts.values())
    if len(few) > most:
        return sorted(chance.sample(few, most))
    rest = [number for number in range(1, len(changes) + 1) if number not in few]
    return sorted({*few, *chance.sample(rest, min(most - len(few), len(rest)))})


def places_of(count: int, most: int, seed: int) -> list[int]:
    """Which of so many things that come one after another: the first, the last, and any."""
    if count <= most:
        return list(range(1, count + 1))
    chosen = random.Random(seed).sample(range(2, count), most - 2)
    return sorted({1, count, *chosen})


def power_cuts(
    ground: Ground,
    scene: Scene,
    changes: Sequence[Change],
    at: Iterable[int],
    losses: Sequence[Loss] = LOSSES,
) -> Iterator[tuple[int, Loss, Path]]:
    """The home after each power cut: just after the change of that number."""
    home, wanted = ground.live(scene.start), set(at)
    disk = Disk(home)
    for number, change in enumerate(changes, 1):
        disk.play(change)
        for loss in losses if number in wanted else ():
            shutil.rmtree(home, ignore_errors=True)
            disk.write(home, loss, random.Random(number))
            yield number, loss, home
