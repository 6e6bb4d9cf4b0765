"""The offline bundle: its parts; by a slow test the whole of it, installed without a network."""

from __future__ import annotations

import csv
import gzip
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
HUB = ROOT / "requirements" / "hub.txt"
LOCK = ROOT / "requirements" / "lock.txt"
ENTRY = re.compile(r"(?m)^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)(?: ; [^\\]+?)? \\$")
MOMENT = "1767225600"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


bundle = load(ROOT / "kit" / "bundle.py", "the_bundle")
installer = load(ROOT / "kit" / "hub" / "install.py", "the_installer")


def hashes(lock: Path) -> dict[tuple[str, str], set[str]]:
    """What a lock names, with the hashes that it allows."""
    found: dict[tuple[str, str], set[str]] = {}
    text = lock.read_text("utf-8")
    starts = list(ENTRY.finditer(text))
    for entry, after in zip(starts, [*starts[1:], None], strict=True):
        part = text[entry.end() : after.start() if after else len(text)]
        found[entry[1], entry[2]] = set(re.findall(r"sha256:[0-9a-f]{64}", part))
    return found


def test_what_a_hub_is_installed_from_is_a_part_of_the_lock() -> None:
    hub, lock = hashes(HUB), hashes(LOCK)
    assert len(hub) > 100
    assert {one: lock.get(one) for one in hub} == hub
    names = {name for name, _ in hub}
    assert not names & {"pytest", "ruff", "mypy", "hypothesis", "moto", "flask"}
    assert "://" not in HUB.read_text("utf-8") and "index-url" not in HUB.read_text("utf-8")


def test_it_holds_all_that_the_hub_and_its_sources_need() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    sources = re.findall(r"(?m)^SOURCES := (.+)$", (ROOT / "Makefile").read_text("utf-8"))
    wanted = [*project["dependencies"], *extras["hub"]]
    for source in sources[0].split():
        wanted += extras[source]
    pinned = {re.sub(r"[-_.]+", "-", name).lower(): number for name, number in hashes(HUB)}
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pinned[requirement.name.lower()]), requirement.name


def test_what_an_earlier_patch_release_of_python_needs_is_fetched_too() -> None:
    lock = "\n".join(
        (
            "early==1.0 ; python_full_version < '3.11.3' \\",
            "late==1.0 ; python_full_version >= '3.11.9'",
            "other==1.0 ; python_full_version >= '3.99' \\",
            "windows==1.0 ; sys_platform == 'win32'",
            "always==1.0 \\",
        )
    )
    asked = bundle.for_any_patch(lock.replace("3.11", "{}.{}".format(*sys.version_info)))
    names = [line.rstrip(" \\") for line in asked.splitlines() if ";" not in line]
    assert names == ["early==1.0", "late==1.0", "always==1.0"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of our own wheel and one made-up package, packed twice."""
    scratch = tmp_path_factory.mktemp("small")
    wheels = scratch / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "made_up-1.0-py3-none-any.whl", "w") as archive:
        said = "Metadata-Version: 2.4\nName: made-up\nVersion: 1.0\nLicense-Expression: MIT\n"
        archive.writestr("made_up-1.0.dist-info/METADATA", said)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", MOMENT)
        for out in ("first", "second"):
            (scratch / f"work-{out}").mkdir()
            bundle.build(scratch / out, wheels, scratch / f"work-{out}")
    return scratch


def unpacked(small: Path, into: Path) -> Path:
    with tarfile.open(next((small / "first").glob("*.tar.gz"))) as tar:
        tar.extractall(into, filter="data")
    (folder,) = into.iterdir()
    return folder


def test_our_wheel_holds_every_file_of_every_room(small: Path, tmp_path: Path) -> None:
    (wheel,) = (unpacked(small, tmp_path) / "wheels").glob("cohort_journeys-*.whl")
    ours = {
        path.relative_to(ROOT).as_posix()
        for room in bundle.ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        assert ours - set(archive.namelist()) == set()


def test_two_builds_are_the_same_to_the_byte(small: Path) -> None:
    first, second = (sorted((small / name).iterdir()) for name in ("first", "second"))
    assert [one.name for one in first] == [one.name for one in second]
    assert [one.read_bytes() for one in first] == [one.read_bytes() for one in second]
    packed, digest = first
    whole = gzip.decompress(packed.read_bytes())
    assert len(whole) % tarfile.RECORDSIZE == 0 and not any(whole[-2 * tarfile.BLOCKSIZE :])
    assert digest.read_text() == f"{bundle.digest_of(packed)}  {packed.name}\n"


def test_every_part_is_listed_with_its_licence_and_digest(small: Path, tmp_path: Path) -> None:
    folder = unpacked(small, tmp_path)
    with (folder / "SBOM.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["file"] for row in rows} == {one.name for one in (folder / "wheels").iterdir()}
    assert {row["package"]: row["licence"] for row in rows} == {
        "cohort-journeys": "MIT",
        "made-up": "MIT",
    }
    for row in rows:
        assert row["sha256"] == bundle.digest_of(folder / "wheels" / row["file"])
    ours = next(row for row in rows if row["package"] == "cohort-journeys")
    required = (folder / "requirements.txt").read_text("utf-8")
    assert f"--hash=sha256:{ours['sha256']}" in required
    assert required.startswith(HUB.read_text("utf-8"))
    assert (folder / "docs" / "how-to" / "install.md").is_file()
    assert (folder / "deploy" / "systemd").is_dir()
    assert os.access(folder / "install.sh", os.X_OK)


def test_a_bundle_that_is_not_whole_installs_nothing(small: Path, tmp_path: Path) -> None:
    folder = unpacked(small, tmp_path / "bundle")
    assert installer.check(folder) > 100
    readme = folder / "README.md"
    text = readme.read_text("utf-8")
    readme.write_text(text + "more\n", "utf-8")
    with pytest.raises(installer.NotInstalled, match=r"README.md is not as it was packed"):
        installer.check(folder)
    readme.unlink()
    with pytest.raises(installer.NotInstalled, match="missing"):
        installer.check(folder)
    readme.write_text(text, "utf-8")
    (folder / "wheels" / "other-1.0-py3-none-any.whl").touch()
    with pytest.raises(installer.NotInstalled, match="others"):
        installer.check(folder)


def test_what_cannot_be_installed_leaves_what_was_there(small: Path, tmp_path: Path) -> None:
    """The small bundle lacks nearly all that the lock names."""
    folder, into = unpacked(small, tmp_path / "bundle"), tmp_path / "opt"
    (into / "0.0.9" / "bin").mkdir(parents=True)
    (into / "current").symlink_to("0.0.9")
    told = [sys.executable, str(folder / "install.py"), "--into", str(into)]
    done = subprocess.run(told, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 1 and done.stderr.startswith("Not installed: ")
    assert "Traceback" not in done.stderr
    assert sorted(one.name for one in into.iterdir()) == ["0.0.9", "current"]
    assert (into / "current").readlink() == Path("0.0.9")


def made_up(bundle: Path, folder: Path) -> None:
    """An environment whose program only says its name."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "journeys"
    program.write_text(f"#!/bin/sh\necho cohort-journeys {VERSION}\n")
    program.chmod(0o755)


@pytest.fixture
def strict() -> Iterator[None]:
    """Root's own mask, as hardened servers have it."""
    before, ending = os.umask(0o077), signal.getsignal(signal.SIGTERM)
    yield
    os.umask(before)
    signal.signal(signal.SIGTERM, ending)


@pytest.mark.usefixtures("strict")
def test_the_services_account_can_read_what_a_strict_root_installed(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also under another name: the version is what the program's wheel says."""
    into = tmp_path / "opt"
    folder = unpacked(small, tmp_path / "bundle").rename(tmp_path / "new-9.9")
    monkeypatch.setattr(installer, "make", made_up)
    installer.install(folder, into)
    assert (into / "current").readlink() == Path(VERSION)
    for path in (into, into / VERSION, into / "bin", into / "bin" / "with-keys"):
        assert path.stat().st_mode & 0o555 == 0o555, path
    assert [one.name for one in (into / "bin").iterdir()] == ["with-keys"]


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize("step", ["make", "point"])
@pytest.mark.parametrize("ending", [KeyboardInterrupt, OSError, SystemExit])
def test_an_installation_that_is_stopped_leaves_nothing(
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    ending: type[BaseException],
) -> None:
    folder, into = unpacked(small, tmp_path / "bundle"), tmp_path / "opt"

    def stopped(*given: object) -> None:
        raise ending

    monkeypatch.setattr(installer, "make", made_up)
    monkeypatch.setattr(installer, step, stopped)
    with pytest.raises((ending, installer.NotInstalled)):
        installer.install(folder, into)
    assert not (into / VERSION).exists() and not (into / "current").exists()


def test_the_installer_needs_python_alone() -> None:
    text = (ROOT / "kit" / "hub" / "install.py").read_text("utf-8")
    imported = set(re.findall(r"(?m)^(?:import|from) (\w+)", text))
    assert imported <= sys.stdlib_module_names | {"__future__"}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_it_installs_and_runs_without_a_network(tmp_path: Path) -> None:
    """Everything is fetched and packed; then, without a network, installed and run in no folder
    but its own."""
    fetched = os.environ.get("BUNDLE_WHEELS")
    (tmp_path / "work").mkdir()
    packed = bundle.build(tmp_path, Path(fetched) if fetched else None, tmp_path / "work")
    shutil.rmtree(tmp_path / "work")
    with tarfile.open(packed) as tar:
        tar.extractall(tmp_path / "bundle", filter="data")
    (folder,) = (tmp_path / "bundle").iterdir()
    into, home = tmp_path / "opt", tmp_path / "home"
    home.mkdir()
    alone = ["unshare", "--net", "--map-root-user"]
    told = {"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHON": sys.executable}

    def run(*words: str) -> str:
        done = subprocess.run(
            [*alone, *words], env=told, cwd=home, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    offline = subprocess.run(
        [*alone, sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 9))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "unreachable" in offline.stderr
    assert "is installed" in run("sh", str(folder / "install.sh"), "--into", str(into))
    journeys = str(into / "current" / "bin" / "journeys")
    assert run(journeys, "--version").startswith("cohort-journeys ")
    assert "journeys init" in run(journeys, "--help")
    run(journeys, "synthesise", "--people", "150", "--seed", "7", "--out", "demo")
    run(journeys, "init", "--out", "demo", "--demo")
    config = ["--config", "demo/partnership.yaml"]
    (home / "demo/partnership.yaml").write_text(
        (home / "demo/partnership.yaml").read_text().replace(": half-year", ": year")
    )
    assert "Nothing was drafted" not in run(journeys, "run", "--no-server", *config)
    assert (home / "demo" / "drafts").is_dir() and any((home / "demo" / "drafts").iterdir())
    assert "person" in run(journeys, "sql", *config, "SHOW TABLES")
    again = subprocess.run(
        ["sh", str(folder / "install.sh"), "--into", str(into)], env=told, capture_output=True
    )
    assert again.returncode == 1 and b"is there already" in again.stderr
