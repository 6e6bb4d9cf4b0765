"""The lock: it names every dependency with a hash, no address, and is what is installed."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements" / "lock.txt").read_text(encoding="utf-8")
ENTRY = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)(?: ; ([^\\]+?))? \\$", re.MULTILINE)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(lock: str = LOCK) -> dict[str, str]:
    """Name → version of what a lock installs on this Python and platform."""
    return {
        normal(name): number
        for name, number, marker in ENTRY.findall(lock)
        if not marker or Marker(marker).evaluate()
    }


def declared() -> dict[str, list[str]]:
    """Lock → what it has to hold."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras, groups = project["project"]["optional-dependencies"], project["dependency-groups"]
    return {
        "lock": [*project["project"]["dependencies"], *extras["hub"], *groups["dev"]],
        "spark": extras["spark"],
        "anonlink": groups["anonlink"],
        "browser": groups["browser"],
    }


@pytest.mark.parametrize("name", declared())
def test_every_declared_dependency_is_locked_within_its_bounds(name):
    pinned = locked((ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8"))
    for requirement in map(Requirement, declared()[name]):
        assert requirement.specifier.contains(pinned[normal(requirement.name)]), requirement.name


def test_what_is_installed_is_what_is_locked():
    different = {}
    for name, number in locked().items():
        try:
            if version(name) != number:
                different[name] = version(name)
        except PackageNotFoundError:
            different[name] = "absent"
    assert different == {}


@pytest.mark.parametrize(
    ("name", "least"), [("lock", 50), ("spark", 2), ("anonlink", 10), ("browser", 3)]
)
def test_every_entry_has_hashes_and_no_address(name, least):
    lock = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = lock.split("\n--")[0]
    starts = [m.start() for m in ENTRY.finditer(entries)]
    assert len(starts) >= least
    for start, end in zip(starts, [*starts[1:], len(lock)], strict=True):
        assert "--hash=sha256:" in lock[start:end]
    assert "://" not in lock
    assert "--index-url" not in lock
