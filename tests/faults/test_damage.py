"""Damaged, cut off, gone or closed to us: a sentence says what it is, and nothing is written over.

One byte is changed, or the file cut in half, in each kind of file that a partnership keeps; or it
is taken away. What opens it must refuse, or need it not at all; put back, everything goes on.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from scenes import Ground, differing

KINDS: Mapping[str, str] = {
    "identity store": "stores/2*/identity.duckdb",
    "staging store": "stores/2*/staging.duckdb",
    "suppression store": "stores/2*/suppression.duckdb",
    "data keys of the stores": "stores/2*/keys.json",
    "release": "releases/2*/warehouse.duckdb",
    "data key of a release": "releases/2*/key.json",
    "control database": "control.db",
    "ledger key": "ledger-key.json",
    "store key": "keys/store.key",
    "release key": "keys/release.key",
    "identifier key": "keys/identifier.key",
    "record key": "keys/record.key",
    "draft": "drafts/2*/draft.json",
    "certificate": "certificates/2*/*.json",
    "newest checkpoint": "checkpoints/checkpoint-*.txt",
    "agreement": "agreements/police.yaml",
    "settings": "partnership.yaml",
}
DEEDS = ("run", "read", "approve")


def one_of(home: Path, pattern: str) -> Path:
    return sorted((home / "p").glob(pattern))[-1]


def flipped(path: Path) -> None:
    """One bit of one byte in the middle of it is another."""
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    write(path, bytes(held))


def halved(path: Path) -> None:
    write(path, path.read_bytes()[: path.stat().st_size // 2])


def gone(path: Path) -> None:
    path.unlink()


def write(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(mode)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("harm", [flipped, halved, gone])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_told_and_nothing_is_written_over(
    ground: Ground, kind: str, harm: object
) -> None:
    wanted = ground.rows_of("ran")
    home = ground.live("ran")
    path = one_of(home, KINDS[kind])
    whole, aside = path.read_bytes(), ground.folder / "aside"
    shutil.copy2(path, aside)
    harm(path)  # type: ignore[operator]
    for deed in DEEDS:
        done = ground.plug.do(deed, home)
        print(f"{kind:24} {harm.__name__:8} {deed:8} {done.problem or 'went on'}")  # type: ignore[attr-defined]
        assert not done.crashed, done
    if not path.exists() or path.read_bytes() != whole:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            shutil.copy2(aside, path)
    followed = ground.plug.do("run", home)
    assert followed.problem is None and not followed.crashed, followed
    assert not differing(wanted, ground.rows(home))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "zone", ["stores", "releases", "drafts", "certificates", "keys", "inbox", "checkpoints"]
)
def test_a_folder_that_is_gone_is_told(ground: Ground, zone: str) -> None:
    wanted = ground.rows_of("ran")
    home = ground.live("ran")
    (home / "p" / zone).rename(home / zone)
    for deed in DEEDS:
        done = ground.plug.do(deed, home)
        print(f"{zone:14} gone, {deed:8} {done.problem or 'went on'}")
        assert not done.crashed, done
    if (home / "p" / zone).exists():
        shutil.copytree(home / zone, home / "p" / zone, dirs_exist_ok=True)
    else:
        (home / zone).rename(home / "p" / zone)
    assert not differing(wanted, ground.next_run(home))


def runs_for(user: int) -> bool:
    """Whether this Python can be run by another user."""
    command = [sys.executable, "-c", "import sqlite3"]
    try:
        given = {"user": user, "group": user, "extra_groups": []}
        return subprocess.run(command, **given, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root may be somebody else")
@pytest.mark.parametrize("closed", ["stores", "releases", "keys", "inbox", "control.db", "."])
def test_what_may_not_be_entered_is_told(ground: Ground, closed: str) -> None:
    nobody = 65534
    if not runs_for(nobody):
        pytest.skip("NOBODY ELSE WAS TRIED: other users may not enter the folder of this Python.")
    wanted = ground.rows_of("ran")
    home = ground.live("ran")
    for path in [home, *home.rglob("*")]:
        os.chown(path, nobody, nobody)
    for above in (ground.folder, *ground.folder.parents):
        if above.stat().st_uid == os.getuid() and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o011)
    target = home / "p" / closed
    mode = target.stat().st_mode
    target.chmod(0o500 if target.is_dir() else 0o400)
    done = ground.plug.do("run", home, user=nobody)
    print(f"{closed:12} may not be written: {done.problem or 'went on'}")
    assert not done.crashed, done
    target.chmod(0)
    for deed in ("run", "read", "approve"):
        done = ground.plug.do(deed, home, user=nobody)
        print(f"{closed:12} may not be opened, {deed}: {done.problem or 'went on'}")
        assert not done.crashed, done
    target.chmod(mode)
    assert not ground.plug.do("run", home, user=nobody).problem
    assert not differing(wanted, ground.rows(home))
