"""Killed, or without power, at any change to the disk: what stood stands, what follows is whole.

`make faults` goes through every scene; the tests that are not slow are a few of the same.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from disk import Disk, read_record
from scenes import SCENES, Ground, Scene, not_on_the_disk, places, power_cuts, well

RUNS = ("a first run", "a night with an extract", "a night with an erasure")
PLACES = {"a first run": 30, "a night with an extract": 40, "a night with an erasure": 60}
"""At how many changes each scene is cut short in the long run; every other scene at:"""
OTHERWISE = 12

FOLLOWED = 5
"""After one in so many the deed is done anew, a run follows, and its release is compared."""


def killed_at(ground: Ground, scene: Scene, at: Sequence[int], every: int) -> Counter[str]:
    """Kill a deed at each of these changes, look, and say what was found."""
    before = ground.before(scene)
    wanted = {} if scene.late else ground.undisturbed(scene)
    found: Counter[str] = Counter()
    wrong: dict[str, list[str]] = {}
    for turn, number in enumerate(at):
        how, home = "torn" if turn % 3 == 2 else "kill", ground.live(scene.start)
        done = ground.plug.do(scene.deed, home, how=how, at=number, **scene.given)
        said = ["a child was left"] * done.left + [done.crashed] * bool(done.crashed)
        said += ground.wrong(scene, before, home)
        if turn % every == 0 and not said:
            said = ground.wrong_in_the_end(scene, before, home, wanted)
            found["followed by a run"] += 1
        found["killed" if done.killed else "came to its end"] += 1
        found["faults"] += len(said)
        if said:
            wrong[f"{scene.name}, {how} at change {number}"] = said
    tell(scene, found)
    assert not wrong, wrong
    return found


def cut_off_at(ground: Ground, scene: Scene, at: Sequence[int], every: int) -> None:
    """Take the power away after each of these changes, look, and say what was found.

    The deed is done once and recorded; what the disk has of it is then made for each moment.
    """
    changes = ground.recording(scene)
    assert not not_on_the_disk(ground, scene, changes)
    before = ground.before(scene)
    wanted = {} if scene.late else ground.undisturbed(scene)
    found: Counter[str] = Counter()
    wrong: dict[str, list[str]] = {}
    at = at or [*places(changes, PLACES.get(scene.name, OTHERWISE), seed=1), len(changes)]
    for turn, (number, loss, home) in enumerate(power_cuts(ground, scene, changes, at)):
        said = ground.wrong(scene, before, home)
        if turn % every == 0 and not said:
            said = ground.wrong_in_the_end(scene, before, home, wanted)
            found["followed by a run"] += 1
        found[f"lost {loss}"] += 1
        found["faults"] += len(said)
        if said:
            wrong[f"{scene.name}, change {number} ({changes[number - 1].said}), {loss}"] = said
    tell(scene, found)
    assert not wrong, wrong


def tell(scene: Scene, found: Counter[str]) -> None:
    said = ", ".join(f"{count} {what}" for what, count in found.items())
    print(f"{scene.name:32}{said}")


def test_a_night_cut_short_leaves_what_stood_and_the_next_is_whole(ground: Ground) -> None:
    scene = SCENES["an unchanged night"]
    home = ground.live(scene.start)
    before, wanted = ground.look(home), ground.rows(home)
    changes = ground.recording(scene)
    assert not not_on_the_disk(ground, scene, changes)
    for number, loss, home in power_cuts(ground, scene, changes, [len(changes)], ("all",)):
        assert not ground.wrong(scene, before, home), (number, loss)
    # What is counted differs a little from run to run, as what DuckDB writes does.
    number, home = 4 * len(changes) // 5, ground.live(scene.start)
    assert ground.plug.do(scene.deed, home, how="torn", at=number).killed
    assert not ground.wrong(scene, before, home)
    assert not ground.wrong_in_the_end(scene, before, home, wanted)


def test_what_is_recorded_is_what_is_done(ground: Ground) -> None:
    """The recording, played to its end with nothing lost, is the folder as the deed left it."""
    scene = SCENES["rotating the store key"]
    home, record = ground.live(scene.start), ground.folder / "record"
    disk, again = Disk(home), ground.folder / "again"
    well(ground.plug.do(scene.deed, home, how="record", record=record, **scene.given))
    for change in read_record(record):
        disk.play(change)
    disk.write(again, "nothing", random.Random(1))
    left = {one.relative_to(home): one.read_bytes() for one in home.rglob("*") if one.is_file()}
    made = {one.relative_to(again): one.read_bytes() for one in again.rglob("*") if one.is_file()}
    assert made == left


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SCENES)
def test_whatever_is_killed_leaves_what_stood(ground: Ground, name: str) -> None:
    scene = SCENES[name]
    changes = ground.recording(scene)
    at = places(changes, PLACES.get(name, OTHERWISE), seed=len(changes))
    assert killed_at(ground, scene, at, FOLLOWED)["killed"] > len(at) // 2


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_is_killed_at_any_time_leaves_what_stood(ground: Ground, name: str) -> None:
    scene, chance = SCENES[name], random.Random(1)
    before, found = ground.before(scene), Counter[str]()
    wrong: dict[str, list[str]] = {}
    for _ in range(10):
        home, after = ground.live(scene.start), chance.uniform(0.05, 3)
        done = ground.plug.do(scene.deed, home, after=after, **scene.given)
        said = ["a child was left"] * done.left + ground.wrong(scene, before, home)
        found["killed" if done.killed else "came to its end"] += 1
        found["faults"] += len(said)
        if said:
            wrong[f"after {after:.3f} s"] = said
    tell(scene, found)
    assert not wrong, wrong


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SCENES)
def test_no_power_cut_takes_anything_that_stood(ground: Ground, name: str) -> None:
    cut_off_at(ground, SCENES[name], (), 3 * FOLLOWED)
