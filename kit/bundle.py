"""Build the offline bundle: one file with which a hub is installed on a machine without a network.

    python kit/bundle.py --out dist

It holds our wheel, every wheel of `requirements/hub.txt` for Python 3.11 on 64-bit Linux, an
installer that needs Python alone, the documentation, the units, and a list of every part with its
licence and digest. Built twice from the same source it is the same file, to the byte.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from email.parser import HeaderParser
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.markers import Marker

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "hub.txt"
PLATFORM = "linux-x86_64-py311"
ROOMS = ("flows", "governance", "linkage", "schemas", "synthetic", "warehouse")
TEXTS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE")
SBOM_COLUMNS = ("package", "version", "licence", "file", "sha256")
EARLIEST = 315532800  # a zip knows no day before 1980


def main() -> int:
    """Build the bundle and say where it is."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--out", type=Path, default=ROOT / "dist")
    asked.add_argument("--wheels", type=Path, help="a folder of wheels that were fetched before")
    given = asked.parse_args()
    with TemporaryDirectory() as scratch:
        made = build(given.out, given.wheels, Path(scratch))
    print(f"{made}  {made.stat().st_size / 1e6:,.0f} MB")
    return 0


def build(out: Path, wheels: Path | None, scratch: Path) -> Path:
    """Put the bundle together.

    Args:
        out: The folder it goes into, with its digest beside it.
        wheels: A folder that holds the lock's wheels; they are fetched by pip if it is None.
        scratch: An empty folder to work in.

    Returns:
        The file.
    """
    moment = source_date()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    name = f"cohort-journeys-{project['version']}-{PLATFORM}"
    folder = scratch / name
    folder.mkdir()
    if wheels is None:
        wheels = scratch / "fetched"
        fetch(wheels)
    ours = own_wheel(scratch, moment)
    gather(wheels, ours, folder)
    parts = sorted((folder / "wheels").iterdir())
    write_sbom(parts, folder / "SBOM.csv")
    own = f"{project['name']}=={project['version']} --hash=sha256:{digest_of(ours)}\n"
    (folder / "requirements.txt").write_text(LOCK.read_text("utf-8") + own, "utf-8")
    write_sums(folder)
    out.mkdir(parents=True, exist_ok=True)
    made = out / f"{name}.tar.gz"
    pack(folder, made, moment)
    beside = made.with_name(f"{made.name}.sha256")
    beside.write_text(f"{digest_of(made)}  {made.name}\n", "utf-8")
    return made


def source_date() -> int:
    """The moment that every file is given: SOURCE_DATE_EPOCH, else that of the last commit."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return max(int(given), EARLIEST)
    git = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    told = subprocess.run(git, capture_output=True, text=True, check=False)
    return max(int(told.stdout.strip() or EARLIEST), EARLIEST)


def fetch(wheels: Path) -> None:
    """Fetch the lock's wheels; pip holds each against its hash."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    with TemporaryDirectory() as scratch:
        lock = Path(scratch) / LOCK.name
        lock.write_text(for_any_patch(LOCK.read_text("utf-8")), "utf-8")
        subprocess.run(
            [*pip, "--only-binary", ":all:", "--dest", str(wheels), "--requirement", str(lock)],
            check=True,
        )


def for_any_patch(lock: str) -> str:
    """A lock that asks for what any patch release of this Python needs: the hub may have another.

    Args:
        lock: The text of a lock, a requirement with its marker on a line.

    Returns:
        The same, without the marker where it holds for the first or the last patch release.
    """
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"

    def asked(found: re.Match[str]) -> str:
        patches = ({"python_full_version": f"{minor}.{patch}"} for patch in (0, 99))
        needed = any(Marker(found["marker"]).evaluate(one) for one in patches)
        return found["name"] if needed else found[0]

    return re.sub(r"^(?P<name>\S+==\S+) ; (?P<marker>[^\\\n]+?)(?= *\\?$)", asked, lock, flags=re.M)


def own_wheel(scratch: Path, moment: int) -> Path:
    """Our wheel, of a clean copy: what an earlier build left is in none."""
    source, out = scratch / "source", scratch / "own"
    clean = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=clean)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source / file)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*pip, "--wheel-dir", str(out), str(source)],
        check=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(moment), "PYTHONHASHSEED": "0"},
    )
    (wheel,) = out.glob("*.whl")
    return wheel


def gather(wheels: Path, ours: Path, folder: Path) -> None:
    """Copy everything that belongs into the bundle."""
    (folder / "wheels").mkdir()
    for wheel in (*sorted(wheels.glob("*.whl")), ours):
        shutil.copyfile(wheel, folder / "wheels" / wheel.name)
    for name in ("install.py", "install.sh"):
        shutil.copyfile(ROOT / "kit" / "hub" / name, folder / name)
    for name in ("docs", "deploy"):
        shutil.copytree(ROOT / name, folder / name)
    for name in TEXTS:
        if (ROOT / name).is_file():
            shutil.copyfile(ROOT / name, folder / name)


def write_sbom(wheels: Iterable[Path], out: Path) -> None:
    """List every part: what it is, its version, its licence, its file and its digest."""
    with out.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(SBOM_COLUMNS)
        rows.writerows([*described(wheel), wheel.name, digest_of(wheel)] for wheel in wheels)


def described(wheel: Path) -> tuple[str, str, str]:
    """The name, version and licence that a wheel says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (
            one for one in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", one)
        )
        said = HeaderParser().parsestr(archive.read(path).decode("utf-8"))
    classified = [
        one.rpartition(" :: ")[2]
        for one in said.get_all("Classifier") or []
        if one.startswith("License :: ")
    ]
    first = (said["License"] or "").strip().splitlines()[:1]
    licence = said["License-Expression"] or "; ".join(classified) or "".join(first)
    return said["Name"], said["Version"], licence or "not stated"


def write_sums(folder: Path) -> None:
    """The digest of every file, as `sha256sum -c` reads them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{digest_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(folder: Path, out: Path, moment: int) -> None:
    """Pack a folder so that the same files always give the same bytes."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        runs = entry.isdir() or entry.name.endswith((".sh", "/with-keys"))
        entry.mode = 0o755 if runs else 0o644
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = moment
        return entry

    part = out.with_name(f".{out.name}")
    paths = [folder, *sorted(folder.rglob("*"))]
    with (
        part.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=moment) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in paths:
            name = path.relative_to(folder.parent).as_posix()
            tar.add(path, arcname=name, recursive=False, filter=plain)
    part.replace(out)


if __name__ == "__main__":
    sys.exit(main())
