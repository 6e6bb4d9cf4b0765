"""Install Cohort Journeys from this folder, with Python's own library and no network.

    python3 install.py --into /opt/journeys

makes `/opt/journeys/VERSION`, tries it, and points `/opt/journeys/current` at it. An earlier
version stays beside it, so going back is pointing `current` at that one again. Needs no make and
no shell.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

HERE = Path(__file__).resolve().parent
WINDOWS = os.name == "nt"
PYTHON = (3, 11)
SCRIPTS = "Scripts" if WINDOWS else "bin"
BESIDE = ("docs", "deploy", "README.md", "CHANGELOG.md", "LICENSE", "SBOM.csv", "SHA256SUMS")


class NotInstalled(Exception):
    """One sentence of what is wrong, and one of what to do."""


def main() -> int:
    """Install; 0 if all went well, 1 if not, and then nothing is changed."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = r"C:\Journeys" if WINDOWS else "/opt/journeys"
    asked.add_argument("--into", type=Path, default=Path(default), help=f"else {default}")
    asked.add_argument("--check-only", action="store_true", help="look whether all is whole")
    given = asked.parse_args()
    try:
        count = check(HERE)
        print(f"All {count} files are as they were packed.")
        if not given.check_only:
            install(HERE, given.into.absolute())
    except NotInstalled as problem:
        print(f"Not installed: {problem}", file=sys.stderr)
        return 1
    return 0


def check(bundle: Path) -> int:
    """Hold every file against SHA256SUMS; how many there are.

    Raises:
        NotInstalled: One is missing, changed or not listed.
    """
    listed = {}
    for line in (bundle / "SHA256SUMS").read_text("utf-8").splitlines():
        digest, name = line.split("  ", 1)
        listed[name] = digest
    there = {
        path.relative_to(bundle).as_posix(): path
        for path in bundle.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS" and "__pycache__" not in path.parts
    }
    if there.keys() != listed.keys():
        raise NotInstalled("files are missing, or there are others. Unpack the bundle once more.")
    wrong = [name for name, path in there.items() if digest_of(path) != listed[name]]
    if wrong:
        raise NotInstalled(f"{wrong[0]} is not as it was packed. Fetch the bundle once more.")
    return len(there)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def install(bundle: Path, into: Path) -> None:
    """Make the version's folder, try it and make it the current one.

    Raises:
        NotInstalled: It cannot be; what was there before stays.
    """
    if sys.version_info[:2] != PYTHON:
        wanted = ".".join(map(str, PYTHON))
        raise NotInstalled(f"the packages are for Python {wanted}. Start install.py with that one.")
    folder = into / version_of(bundle)
    if folder.exists():
        raise NotInstalled(f"{folder} is there already. Remove it first, or name another folder.")
    os.umask(0o022)  # root's own may be stricter, and the service's account has to read all of it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what follows is cleared then
    done = False
    try:
        folder.mkdir(parents=True)
        make(bundle, folder)
        told = run(folder / SCRIPTS / program(), "--version")
        run(folder / SCRIPTS / program(), "--help")
        with_keys(bundle, into)
        point(into / "current", folder)
        done = True
    except OSError as problem:
        raise NotInstalled(str(problem)) from None
    finally:
        if not done:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{told.strip()} is installed: {into / 'current' / SCRIPTS / program()}")


def version_of(bundle: Path) -> str:
    """The version that the program's own wheel says it is, whatever the folder is called.

    Raises:
        NotInstalled: There is no such wheel, or more than one, or it says none.
    """
    found = sorted((bundle / "wheels").glob("cohort_journeys-*.whl"))
    said: list[str] = []
    if len(found) == 1:
        with zipfile.ZipFile(found[0]) as wheel:
            (name,) = [one for one in wheel.namelist() if one.endswith(".dist-info/METADATA")]
            said = message_from_bytes(wheel.read(name)).get_all("Version", [])
    if len(said) != 1 or not re.fullmatch(r"[0-9][0-9A-Za-z.+!]*", said[0]):
        raise NotInstalled("the program is not in it as one wheel. Fetch the bundle once more.")
    return said[0]


def with_keys(bundle: Path, into: Path) -> None:
    """Put the program beside the versions that hands over keys; a service may be starting it."""
    (into / "bin").mkdir(exist_ok=True)
    beside = into / "bin" / ".with-keys"
    shutil.copy(bundle / "deploy" / "bin" / "with-keys", beside)
    beside.chmod(0o755)  # of whatever mode it was unpacked with
    beside.replace(into / "bin" / "with-keys")


def make(bundle: Path, folder: Path) -> None:
    """An environment of its own, with the packages of the bundle and no others."""
    run(Path(sys.executable), "-m", "venv", str(folder))
    python = folder / SCRIPTS / ("python.exe" if WINDOWS else "python")
    run(
        python, "-m", "pip", "install", "--quiet", "--isolated", "--no-index", "--no-deps",
        "--require-hashes", "--find-links", str(bundle / "wheels"),
        "--requirement", str(bundle / "requirements.txt"),
    )  # fmt: skip
    run(python, "-m", "pip", "check")
    for name in BESIDE:
        source = bundle / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)


def program() -> str:
    """What the command is called here."""
    return "journeys.exe" if WINDOWS else "journeys"


def run(first: Path, *words: str) -> str:
    """Run a program and give what it prints.

    Raises:
        NotInstalled: It fails.
    """
    told = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [str(first), *words], capture_output=True, text=True, check=False, env=told
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise NotInstalled(f"{first.name} {' '.join(words[:3])} failed: {''.join(said)}")
    return done.stdout


def point(link: Path, folder: Path) -> None:
    """Have `current` be this version: in one step, or on Windows in two."""
    if WINDOWS:
        if link.exists():
            link.rmdir()  # a junction, not what it points to
        run(Path("cmd"), "/c", "mklink", "/J", str(link), str(folder))
        return
    beside = link.with_name(".current")
    beside.unlink(missing_ok=True)
    beside.symlink_to(folder.name)
    beside.replace(link)


if __name__ == "__main__":
    sys.exit(main())
