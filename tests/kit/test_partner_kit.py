"""The partner kit is built, and encodes with nothing but itself."""

from __future__ import annotations

import hashlib
import importlib.util
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from at_source import to_source

from flows.clock import local_day, utc_now
from flows.keys.bundles import read_public_key
from flows.start import start
from governance.sealing import read_manifest
from synthetic import write_extracts

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "kit" / "build.py"
# `make partner-kit` builds an environment of its own, which has PyInstaller.
OWN = ROOT / "build" / "kit" / "bin" / "python"
PYTHON = OWN if OWN.exists() else Path(sys.executable)
CAN_BUILD = OWN.exists() or importlib.util.find_spec("PyInstaller") is not None


def without_network() -> list[str]:
    words = ["unshare", "--net", "--map-root-user"]
    allowed = (
        shutil.which("unshare")
        and not subprocess.run([*words, "true"], capture_output=True).returncode
    )
    return words if allowed else []


def test_the_program_of_the_kit_has_three_things_and_no_more() -> None:
    words = [sys.executable, str(ROOT / "kit" / "partner.py")]
    shown = subprocess.run([*words, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(name in shown for name in ("check", "encode", "rights", "--version"))
    assert not {"run", "keys", "publish", "sql"} & set(shown.split())
    said = subprocess.run([*words, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("Cohort Journeys partner kit ")


WITHOUT = """
import runpy, sys
sys.modules.update(dict.fromkeys(sys.argv[1].split(",")))
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_kit_seals_a_rights_request_without_what_is_left_out(tmp_path: Path) -> None:
    # A pandas that is halted, rather than absent, stops pandera.
    left_out = set(runpy.run_path(str(BUILD))["LEFT_OUT"]) - {"pandas"}
    hub, sealed = tmp_path / "hub", tmp_path / "police.request"
    write_extracts(60, 1, hub)
    start(hub, demo=True, today=local_day(utc_now()))
    desk = to_source(hub, tmp_path / "desks", ["police"])["police"]
    request = desk.folder / "request.csv"
    request.write_text("custody_ref\nCU0000001\n")
    words = ["rights", "seal", "police", str(request), "--keys", str(desk.keys), "--out",
             str(sealed), "--passphrase-file", str(desk.passphrase)]  # fmt: skip
    program = [sys.executable, "-c", WITHOUT, ",".join(left_out), str(ROOT / "kit" / "partner.py")]
    done = subprocess.run([*program, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    public = read_public_key(hub / "keys" / "partners" / "police.pub")
    assert read_manifest(sealed.read_bytes(), public).partner == "police"


def test_the_locks_of_the_kit_name_hashes_and_no_address() -> None:
    for name in ("kit.txt", "kit-windows.txt"):
        lock = (ROOT / "requirements" / name).read_text("utf-8")
        assert lock.count("--hash=sha256:") > lock.count("==") > 20
        assert "://" not in lock


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not CAN_BUILD, reason="`make partner-kit` first: it gets PyInstaller")
def test_the_kit_encodes_with_nothing_but_itself(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    subprocess.run([str(PYTHON), str(BUILD), "linux", "--out", str(kit)], check=True)
    for line in (kit / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((kit / name).read_bytes()).hexdigest() == digest
    hub = tmp_path / "hub"
    write_extracts(60, 1, hub)
    start(hub, demo=True, today=local_day(utc_now()))
    for desk in to_source(hub, tmp_path / "desks").values():
        out = tmp_path / f"{desk.partner}.sealed"
        command = [*without_network(), str(kit / "journeys"), *desk.words(out)]
        done = subprocess.run(command, env={}, capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stderr
        public = read_public_key(hub / "keys" / "partners" / f"{desk.partner}.pub")
        assert read_manifest(out.read_bytes(), public).partner == desk.partner
