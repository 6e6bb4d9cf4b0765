"""The parts for running it as a service: what can be checked of them without the service."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app

DEPLOY = Path(__file__).parents[2] / "deploy"
SYSTEMD = DEPLOY / "systemd"
SERVICES = sorted(SYSTEMD.glob("*.service"))
TASKS = sorted((DEPLOY / "windows").glob("*.xml"))
TIMERS = sorted(SYSTEMD.glob("*.timer"))
PROGRAM = "/opt/journeys/bin/with-keys /opt/journeys/current/bin/journeys "
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
EXPOSED_AT_MOST = 1.5

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and "CI" not in os.environ,
    reason="THE UNITS ARE NOT CHECKED: systemd-analyze is not on this machine",
)


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    given = ["systemd-analyze", *words]
    return subprocess.run(given, capture_output=True, text=True, check=False, timeout=60)


def lines(path: Path, key: str) -> list[str]:
    return re.findall(rf"(?m)^{key}=(.*)$", path.read_text("utf-8"))


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine on which the units and the program are installed."""
    units, place = tmp_path / "etc/systemd/system", tmp_path / "opt/journeys"
    units.mkdir(parents=True)
    for unit in (*SERVICES, *TIMERS):
        shutil.copy(unit, units)
    for program in (place / "bin/with-keys", place / "current/bin/journeys"):
        program.parent.mkdir(parents=True)
        shutil.copy(DEPLOY / "bin" / "with-keys", program)
    return tmp_path


@needs_systemd
def test_systemd_takes_the_units(machine: Path) -> None:
    units = [f"/etc/systemd/system/{unit.name}" for unit in (*SERVICES, *TIMERS)]
    done = analyze("verify", "--man=no", "--recursive-errors=no", f"--root={machine}", *units)
    assert (done.returncode, done.stderr) == (0, "")
    broken = machine / "etc/systemd/system" / SERVICES[0].name
    broken.write_text(broken.read_text().replace("UMask=0077", "UMaks=0077"))
    done = analyze("verify", "--man=no", "--recursive-errors=no", f"--root={machine}", *units)
    assert "UMaks" in done.stderr


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda one: one.stem)
def test_a_service_is_hardly_exposed(unit: Path) -> None:
    done = analyze("security", "--offline=true", "--no-pager", str(unit))
    (score,) = re.findall(r"Overall exposure level for \S+ ([0-9.]+)", done.stdout)
    assert float(score) <= EXPOSED_AT_MOST


@pytest.mark.parametrize("unit", SERVICES, ids=lambda one: one.stem)
def test_a_service_has_what_cannot_be_left_out(unit: Path) -> None:
    needed = {
        "User": "journeys",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "PrivateTmp": "yes",
        "UMask": "0077",
        "LimitCORE": "0",
        "IPAddressDeny": "any",
        "IPAddressAllow": "localhost",
    }
    assert {key: lines(unit, key) for key in needed} == {k: [v] for k, v in needed.items()}
    for command in (one.removeprefix("-") for one in lines(unit, "ExecStart")):
        assert command.startswith(PROGRAM)
        words = [one for one in shlex.split(command.removeprefix(PROGRAM)) if one[0] != "-"]
        known = CliRunner().invoke(app, [*(one for one in words if one[0] != "/"), "--help"])
        assert known.exit_code == 0, command


@needs_systemd
@pytest.mark.parametrize("unit", TIMERS, ids=lambda one: one.stem)
def test_a_timer_is_of_london_and_of_no_hour_that_is_missing(unit: Path) -> None:
    (when,) = lines(unit, "OnCalendar")
    assert when.endswith(" Europe/London") and " 01:" not in when
    # What only looks may do so every hour, and in that hour too.
    assert (" *:" in when) == (unit.stem == "journeys-watch")
    assert "Next elapse" in analyze("calendar", when).stdout
    assert (SYSTEMD / f"{unit.stem}.service").is_file()
    assert lines(unit, "Persistent") == ["true"]


def test_the_backup_hangs_on_nothing_else_and_is_tried_again() -> None:
    """As one of several commands of a unit it would keep those after it from being given."""
    (command,) = lines(SYSTEMD / "journeys-backup.service", "ExecStart")
    assert "backup make" in command
    assert lines(SYSTEMD / "journeys-backup.service", "Restart") == ["on-failure"]
    every = [one for unit in SERVICES for one in lines(unit, "ExecStart")]
    assert sum("backup make" in one for one in every) == 1
    install = (DEPLOY.parent / "docs" / "how-to" / "install.md").read_text("utf-8")
    assert "journeys backup key" in install
    assert install.count("journeys-backup.timer") >= install.count("enable --now")


def test_what_is_unattended_tells_people_of_its_own_failure() -> None:
    """Under Prefect its server and worker do; under timers nobody else looks."""
    said = {unit.stem: " ".join(lines(unit, "ExecStart")) for unit in SERVICES}
    assert "schedule status --alert" in said["journeys-watch"]
    assert "schedule housekeeping" in said["journeys-housekeeping"]
    assert "backup make --alert" in said["journeys-backup"]
    sends = (SYSTEMD / "sources.conf").read_text("utf-8")
    assert all(name.removeprefix("journeys-") in sends for name in said)


def test_drop_ins_say_where_they_go_and_name_nobody() -> None:
    for name in ("sources.conf", "keys.conf"):
        assert ".service.d/" in (SYSTEMD / name).read_text("utf-8")
    addresses = lines(SYSTEMD / "sources.conf", "IPAddressAllow")
    assert addresses and all(one.startswith("192.0.2.") for one in addresses)  # RFC 5737


def test_loaded_keys_reach_the_program_and_nothing_else_does(tmp_path: Path) -> None:
    (tmp_path / "JOURNEYS_STORE_KEY").write_text("first line\nsecond line\n")
    (tmp_path / "PATH").write_text("/nowhere")
    show = [str(DEPLOY / "bin" / "with-keys"), "printenv", "JOURNEYS_STORE_KEY"]
    told = {"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(tmp_path)}
    done = subprocess.run(show, env=told, capture_output=True, text=True, check=True)
    assert done.stdout == "first line\nsecond line\n"
    without = subprocess.run([*show[:1], "echo", "on"], env={"PATH": told["PATH"]}, check=True)
    assert without.returncode == 0


def test_the_container_is_nobodys_and_fetches_nothing() -> None:
    text = (DEPLOY / "container" / "Containerfile").read_text("utf-8")
    steps = [
        line.split(maxsplit=1)
        for line in re.sub(r"\\\n\s*", " ", text).splitlines()
        if line and not line.startswith("#")
    ]
    by_name: dict[str, list[str]] = {}
    for name, rest in steps:
        by_name.setdefault(name, []).append(rest)
    assert set(by_name) == {
        *("FROM", "ADD", "RUN", "USER", "ENV", "VOLUME", "WORKDIR", "ENTRYPOINT", "CMD")
    }
    assert re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+", by_name["FROM"][0])
    assert not re.search(r"https?://|apt|curl|wget|pip install|latest", text)
    assert by_name["USER"] == ["10001:10001"]
    places = [name for name, _ in steps]
    assert places.index("USER") < places.index("ENTRYPOINT")
    assert "--network none" in text and "--read-only" in text


@pytest.mark.parametrize("path", TASKS, ids=lambda one: one.stem)
def test_a_task_for_windows_does_what_the_unit_does(path: Path) -> None:
    task = ElementTree.parse(path).getroot()
    given = task.findtext(f".//{TASK}Arguments", "").partition(" --config ")[0]
    words = shlex.split(given, posix=False)
    known = CliRunner().invoke(
        app, [*(word for word in words[:2] if not word.startswith("-")), "--help"]
    )
    assert known.exit_code == 0
    assert all(word in known.output for word in words if word.startswith("--"))
    assert task.findtext(f".//{TASK}RunLevel") == "LeastPrivilege"
    assert task.findtext(f".//{TASK}MultipleInstancesPolicy") == "IgnoreNew"
    (done,) = lines(SYSTEMD / f"{path.stem}.service", "ExecStart")
    (when,) = lines(SYSTEMD / f"{path.stem}.timer", "OnCalendar")
    assert words == shlex.split(done.removeprefix(PROGRAM).replace("/srv/j", r"E:\\J"))
    (hour, minute, _) = when.split()[1].split(":")
    at = (task.findtext(f".//{TASK}StartBoundary") or "").partition("T")[2]
    assert at == f"{hour.replace('*', '00')}:{minute}:00"
    every = task.findtext(f".//{TASK}TimeTrigger/{TASK}Repetition/{TASK}Interval")
    assert every == ("PT1H" if hour == "*" else None)


def test_every_task_for_windows_is_told_of() -> None:
    told = (DEPLOY.parent / "docs/how-to/schedule-on-windows.md").read_text("utf-8")
    assert {path.stem for path in TASKS} == {path.stem for path in TIMERS}
    assert all(f"/XML deploy\\windows\\{path.name}" in told for path in TASKS)
