"""Without room on the disk a command ends with a sentence, what stood stands, and room mends it.

From one change on every write, new file and new folder is refused with ENOSPC (`plug.c`), whether
Python, SQLite or DuckDB asks. A real file system that is small, read-only or out of inodes is tried
where one can be mounted.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scenes import SCENES, Ground, Scene, places

PLACES = {"a first run": 12, "a night with an extract": 12, "a night with an erasure": 12}
OTHERWISE = 5
FOLLOWED = 4


def without_room(
    ground: Ground, scene: Scene, number: int, before: object, wanted: object, followed: bool
) -> list[str]:
    """What is wrong where there is no room from a change on, and then again there is."""
    home = ground.live(scene.start)
    done = ground.plug.do(scene.deed, home, how="full", at=number, **scene.given)
    wrong = [str(done.crashed)] if done.crashed else []
    if done.problem is not None and done.problem.count(". ") > 5:
        wrong.append(f"a sentence is long: {done.problem}")
    wrong += ground.wrong(scene, before, home)  # type: ignore[arg-type]
    if not wrong and followed:
        wrong = ground.wrong_in_the_end(scene, before, home, wanted)  # type: ignore[arg-type]
    return wrong


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", SCENES)
def test_a_full_disk_is_told_and_nothing_is_lost(ground: Ground, name: str) -> None:
    scene = SCENES[name]
    changes = ground.recording(scene)
    before = ground.before(scene)
    wanted = {} if scene.late else ground.undisturbed(scene)
    at = places(changes, PLACES.get(name, OTHERWISE), seed=3)
    found, bad = Counter[str](), dict[str, list[str]]()
    for turn, number in enumerate(at):
        wrong = without_room(ground, scene, number, before, wanted, turn % FOLLOWED == 0)
        found["full"] += 1
        found["faults"] += len(wrong)
        if wrong:
            where = f"{name}, from change {number} ({changes[number - 1].said})"
            bad[where] = wrong
            print(where, wrong)
    print(f"{name:32}{dict(found)}")
    assert not bad, bad


@contextmanager
def mounted(at: Path, options: str) -> Iterator[None]:
    """A small file system in memory; the test is skipped where none can be mounted."""
    at.mkdir(parents=True)
    asked = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)]
    if os.getuid() != 0 or subprocess.run(asked, capture_output=True).returncode:
        pytest.skip("NO DISK WAS FILLED: a file system can be mounted by root only.")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", ["bytes", "inodes"])
def test_a_small_disk_is_told_and_nothing_is_lost(ground: Ground, what: str) -> None:
    scene, chance = SCENES["a night with an erasure"], random.Random(5)
    start = ground.start(scene.start)
    files = [path for path in start.rglob("*") if path.is_file()]
    size = sum(-(-path.stat().st_size // 4096) * 4096 for path in files)
    names = len(list(start.rglob("*")))
    before, wanted = ground.before(scene), ground.undisturbed(scene)
    home = ground.folder / "live"
    for _ in range(4):
        shutil.rmtree(home, ignore_errors=True)
        more = chance.random()
        options = (
            f"size={int(size + 256_000 + more * size)}"
            if what == "bytes"
            else f"size=1g,nr_inodes={names + 8 + int(more * 40)}"
        )
        with mounted(home, options):
            shutil.copytree(start, home, dirs_exist_ok=True)
            (home / "tmp").mkdir(exist_ok=True)
            done = ground.plug.do(scene.deed, home)
            assert not done.crashed, done
            assert not ground.wrong(scene, before, home), more
            room = "size=1g,nr_inodes=100000"
            subprocess.run(["mount", "-o", f"remount,{room}", str(home)], check=True)
            assert not ground.wrong_in_the_end(scene, before, home, wanted), more
            print(f"a small disk, {options:28} {done.problem or 'enough'}")


@pytest.mark.slow
@pytest.mark.parametrize("deed", sorted({one.deed for one in SCENES.values()} - {"break_glass"}))
def test_a_disk_that_is_read_only_is_told(ground: Ground, deed: str) -> None:
    scene = next(one for one in SCENES.values() if one.deed == deed and one.start != "fresh")
    start, home = ground.start(scene.start), ground.folder / "live"
    shutil.rmtree(home, ignore_errors=True)
    with mounted(home, "size=200m"):
        shutil.copytree(start, home, dirs_exist_ok=True)
        (home / "tmp").mkdir(exist_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
        done = ground.plug.do(deed, home, **scene.given)
        assert done.problem is not None and not done.crashed, done
        print(f"read-only, {deed:12} {done.problem}")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_file_that_may_not_grow_is_told(ground: Ground) -> None:
    """RLIMIT_FSIZE: a quota of a file, which every user may be under."""
    scene = SCENES["a night with an extract"]
    before, wanted = ground.before(scene), ground.undisturbed(scene)
    for largest in (4_000, 100_000, 400_000):
        home = ground.live(scene.start)
        done = ground.plug.do(scene.deed, home, largest=largest)
        assert done.problem is not None and not done.crashed, done
        assert not ground.wrong(scene, before, home), largest
        print(f"no file beyond {largest:,} bytes: {done.problem}")
    assert not ground.wrong_in_the_end(scene, before, home, wanted)
