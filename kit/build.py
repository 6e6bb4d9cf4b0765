"""Build the partner kit: a folder with which a partner encodes, without Python or the internet.

    python kit/build.py linux   --out dist/partner-kit-linux
    python kit/build.py windows --out dist/partner-kit-windows

The kit for Linux is made of this environment by PyInstaller, and tried. The kit for Windows is put
together of wheels for Windows and cannot be tried here: Python's embeddable package is missing from
it, and no part of it was run on Windows.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
KIT = ROOT / "kit"
ROOMS = ("flows", "governance", "schemas")
SUMS = "SHA256SUMS"

# What only a hub uses. Commands that the kit does not have are imported nowhere else.
LEFT_OUT = (
    "duckdb", "splink", "sqlalchemy", "prefect", "fastapi", "linkage", "synthetic", "warehouse",
    "pandas", "scipy", "matplotlib", "IPython", "tkinter", "pytest", "hypothesis", "mypy",
    "recordlinkage", "sklearn", "setuptools", "governance.attacks", "governance.control",
    "flows.context", "flows.linking.train", "flows.orchestration.nightly", "flows.publication",
    "flows.readers", "flows.refresh",
)  # fmt: skip

# Found by name only, so PyInstaller does not see them.
NAMED_ONLY = (
    *(f"schemas.{partner}" for partner in ("police", "probation", "treatment", "housing")),
    "fastexcel",
    "pyarrow",
    "tzdata",
)

WINDOWS_PYTHON = "3.11"


def main() -> None:
    """Build the kit that is asked for."""
    given = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    given.add_argument("platform", choices=("linux", "windows"))
    given.add_argument("--out", type=Path, required=True, help="the folder of the kit")
    asked = given.parse_args()
    if asked.out.exists():
        sys.exit(f"There is something at {asked.out} already. Name another folder.")
    if asked.platform == "linux":
        build_linux(asked.out)
        try_out(asked.out)
    else:
        build_windows(asked.out)
    write_sums(asked.out)
    megabytes = sum(path.stat().st_size for path in files_of(asked.out)) / 1e6
    print(f"{asked.out}: {len(files_of(asked.out)):,} files, {megabytes:,.0f} MB")


def build_linux(out: Path) -> None:
    """Freeze the program and all that it imports into one folder."""
    with TemporaryDirectory(prefix="kit-") as work:
        options = ["--onedir", "--name", "journeys", "--noconfirm", "--log-level", "ERROR"]
        options += ["--distpath", work, "--workpath", f"{work}/w", "--specpath", work]
        options += ["--paths", str(ROOT), "--copy-metadata", "cohort-journeys"]
        for package in (*ROOMS, "pandera", "tzdata"):
            options += ["--collect-data", package]
        for name in NAMED_ONLY:
            options += ["--hidden-import", name]
        for name in LEFT_OUT:
            options += ["--exclude-module", name]
        subprocess.run(
            [sys.executable, "-m", "PyInstaller", *options, str(KIT / "partner.py")], check=True
        )
        shutil.move(Path(work, "journeys"), out)
    drop_what_is_there_twice(out / "_internal")
    text = (KIT / "linux" / "README.txt").read_text("utf-8")
    (out / "README.txt").write_text(
        text.replace("{version}", version("cohort-journeys")).replace("{glibc}", glibc_needed(out)),
        "utf-8",
    )


def drop_what_is_there_twice(internal: Path) -> None:
    """Remove libraries that lie beside the package that loads them as well, and what compiles it.

    PyInstaller collects PyArrow's libraries twice, which doubles the kit.
    """
    packaged = {path.name: path for path in internal.glob("*/*.so*")}
    for path in internal.glob("*.so*"):
        twin = packaged.get(path.name)
        if twin is not None and twin.stat().st_size == path.stat().st_size:
            path.unlink()
    for unused in ("include", "includes", "src", "tests"):
        shutil.rmtree(internal / "pyarrow" / unused, ignore_errors=True)


def build_windows(out: Path) -> None:
    """Lay wheels for Windows and our own rooms side by side; Python itself is to be put beside."""
    lib = out / "lib"
    options = ["--target", str(lib), "--platform", "win_amd64", "--implementation", "cp"]
    options += ["--python-version", WINDOWS_PYTHON, "--only-binary=:all:", "--no-deps", "--quiet"]
    lock = ROOT / "requirements" / "kit-windows.txt"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--require-hashes", "-r", str(lock)],
        check=True,
    )
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__", "attacks")
        shutil.copytree(ROOT / room, lib / room, ignore=ignored)
    said = lib / f"cohort_journeys-{version('cohort-journeys')}.dist-info" / "METADATA"
    said.parent.mkdir()
    said.write_text(
        f"Metadata-Version: 2.1\nName: cohort-journeys\nVersion: {version('cohort-journeys')}\n"
    )
    for name in ("README.txt", "journeys.cmd"):
        text = (KIT / "windows" / name).read_text("utf-8")
        text = text.replace("{version}", version("cohort-journeys"))
        (out / name).write_text(text.replace("{python}", WINDOWS_PYTHON), "utf-8", newline="\r\n")
    shutil.copy(KIT / "partner.py", out / "partner.py")


def try_out(out: Path) -> None:
    """Start the kit with no environment, and without a network where that can be had."""
    began = time.monotonic()
    done = subprocess.run([*without_network(), str(out / "journeys"), "--version"], env={})
    if done.returncode:
        sys.exit("The kit does not start.")
    print(f"starts in {time.monotonic() - began:.1f} s, needs glibc {glibc_needed(out)} or newer")


def without_network() -> list[str]:
    """The words before a command that keep it from every network, where this machine allows it."""
    words = ["unshare", "--net", "--map-root-user"]
    allowed = (
        shutil.which("unshare")
        and not subprocess.run([*words, "true"], capture_output=True).returncode
    )
    return words if allowed else []


def glibc_needed(folder: Path) -> str:
    """The newest version of the GNU C library that a binary of a folder asks for."""
    asked = {(0,)}
    for path in files_of(folder):
        if ".so" in path.name or os.access(path, os.X_OK):
            content = path.read_bytes()
            if content.startswith(b"\x7fELF"):
                found = re.findall(rb"GLIBC_(\d+(?:\.\d+)+)\x00", content)
                asked |= {tuple(map(int, one.split(b"."))) for one in found}
    return ".".join(map(str, max(asked)))


def write_sums(folder: Path) -> None:
    """Write the SHA-256 of every file, as `sha256sum --check` reads it."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder).as_posix()}\n"
        for path in files_of(folder)
        if path.name != SUMS
    ]
    (folder / SUMS).write_text("".join(lines), "utf-8", newline="\n")


def files_of(folder: Path) -> list[Path]:
    """The files below a folder, in the order of their names."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
