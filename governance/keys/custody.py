"""Where a key ring is kept: a file, an environment secret, two halves, or behind a key service.

A source is what `partnership.yaml` says of a key:

    identifier: keys/identifier.key                          a file
    identifier: env:JOURNEYS_IDENTIFIER_KEY                  an environment secret
    identifier: {halves: [usb-a/half.key, usb-b/half.key]}   two custodians, a half each
    identifier: {wrapped: keys/identifier.key, service: vault}   wrapped by a key service

A key service is a Python package that offers an object under the entry point group
`cohort_journeys.key_services`; it is the only one that could see a network.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.keys.permissions import keep_from_others, others_may_access
from governance.keys.ring import (
    Form,
    KeyRing,
    Kind,
    Line,
    new_secret,
    read_lines,
    refuse_reused,
)
from governance.keys.root import ROOT_BYTES, RootKey
from schemas.errors import KeyProblem

SERVICES = "cohort_journeys.key_services"
LONGEST = 1 << 16


class KeyService(Protocol):
    """What a key-management service has to do for us: wrap a root key, and unwrap it."""

    def wrap(self, secret: bytes) -> bytes:
        """The secret, encrypted under a key that never leaves the service."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """The secret again."""


@dataclass(frozen=True)
class FileSource:
    """A key in one file."""

    path: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The files it is kept in."""
        return (self.path,)

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class EnvironmentSource:
    """A key in an environment variable that a secret manager fills."""

    variable: str
    files: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return f"env:{self.variable}"


@dataclass(frozen=True)
class HalvesSource:
    """A key that two custodians hold half of each; one half says nothing of it."""

    first: Path
    second: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The files it is kept in."""
        return (self.first, self.second)

    def __str__(self) -> str:
        return f"{self.first} and {self.second}"


@dataclass(frozen=True)
class WrappedSource:
    """A key in a file, wrapped by the key service of that name."""

    path: Path
    service: str

    @property
    def files(self) -> tuple[Path, ...]:
        """The files it is kept in."""
        return (self.path,)

    def __str__(self) -> str:
        return f"{self.path}, wrapped by {self.service}"


KeySource = FileSource | EnvironmentSource | HalvesSource | WrappedSource


def key_source(said: object, folder: Path) -> KeySource:
    """What partnership.yaml says of a key, with paths taken from its folder.

    Raises:
        ValueError: It says none of the four; the message does not repeat it.
    """
    match said:
        case str() if said.startswith("env:") and said.removeprefix("env:").isidentifier():
            return EnvironmentSource(said.removeprefix("env:"))
        case str() if said and not said.startswith("env:"):
            return FileSource(folder / said)
        case {"halves": [str(first), str(second)], **rest} if not rest and first != second:
            return HalvesSource(folder / first, folder / second)
        case {"wrapped": str(path), "service": str(service), **rest} if not rest:
            return WrappedSource(folder / path, service)
    raise ValueError(
        "is not a file, env:NAME, {halves: [FILE, FILE]} or {wrapped: FILE, service: NAME}"
    )


def load_ring(source: KeySource, kind: Kind) -> KeyRing:
    """Read a key ring from where it is kept.

    Raises:
        KeyProblem: It is missing, may be read by others, is not whole, is of another kind, is too
            regular to be safe, or the key service refuses it.
    """
    lines = _lines(source, kind)
    return KeyRing(
        kind,
        {line.epoch: RootKey(secret) for line, secret in lines},
        {line.epoch: line.made for line, _ in lines},
    )


def is_there(source: KeySource) -> bool:
    """Whether anything is kept at a source yet."""
    if isinstance(source, EnvironmentSource):
        return source.variable in os.environ
    return any(path.exists() for path in source.files)


def new_ring(source: KeySource, kind: Kind, today: date, *, epoch: int = 1) -> None:
    """Make a key and keep it at a source, where nothing may be kept yet.

    Raises:
        KeyProblem: Something is there already, or it cannot be written there.
    """
    if is_there(source):
        raise KeyProblem(
            f"There is a {kind} key in that place already.",
            "Keys are never overwritten; choose another place.",
        )
    for path, line in _made(source, kind, epoch, today):
        _create(path, line.text() + "\n")


def add_epoch(source: KeySource, kind: Kind, today: date) -> int:
    """Add a fresh root of the next epoch to a ring.

    Returns:
        The epoch.

    Raises:
        KeyProblem: As for `load_ring`, or it cannot be written.
    """
    epoch = load_ring(source, kind).newest + 1
    made = _made(source, kind, epoch, today)
    texts = [(path, _read(path) + line.text() + "\n") for path, line in made]
    for path, text in texts:
        _replace(path, text)
    return epoch


def remove_epoch(source: KeySource, kind: Kind, epoch: int) -> None:
    """Take the root of an epoch out of a ring, and overwrite where it stood.

    What a disk or a backup keeps of a file that was overwritten is beyond this program; the
    custodian's own copies have to go too.

    Raises:
        KeyProblem: As for `load_ring`, or it cannot be written.
    """
    if isinstance(source, EnvironmentSource):
        raise _not_ours_to_write(source)
    for path in source.files:
        kept = [line for line in _file_lines(path, kind, _forms(source)) if line.epoch != epoch]
        _overwrite(path, "".join(line.text() + "\n" for line in kept))


def read_private(path: Path, kind: str, longest: int) -> bytes:
    """The content of a file that nobody else may read.

    Args:
        path: The file.
        kind: What to call it: `key`, `bundle`.
        longest: How many bytes of it are read at most.

    Raises:
        KeyProblem: Missing, not a plain file, or open to others.
    """
    try:
        with path.open("rb") as file:
            # The open file is what is judged, so it cannot be exchanged after the check.
            plain = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            exposed = not plain or others_may_access(path, file.fileno())
            content = b"" if exposed else file.read(longest)
    except FileNotFoundError:
        raise KeyProblem(
            f"The {kind} file {path.name} is missing.",
            "Put it back from its custodian, or for a new partnership run `journeys keys new`.",
        ) from None
    except OSError:
        raise KeyProblem(
            f"The {kind} file {path.name} cannot be read.", "Check its owner and permissions."
        ) from None
    if exposed:
        raise KeyProblem(
            f"The {kind} file {path.name} can be read by others.",
            f"Run `chmod 600 {path.name}` in its folder (on Windows, let only its owner read it), "
            "and consider whether the key has leaked.",
        )
    return content


def key_service(name: str) -> KeyService:
    """The key service of that name.

    Raises:
        KeyProblem: No installed package offers it.
    """
    for found in entry_points(group=SERVICES, name=name):
        service: Callable[[], KeyService] = found.load()
        return service()
    raise KeyProblem(
        f"No installed package offers the key service {name}.",
        f"Install the package that offers it under the entry point group {SERVICES}.",
    )


def _forms(source: KeySource) -> tuple[Form, ...]:
    match source:
        case HalvesSource():
            return ("half-1", "half-2")
        case WrappedSource():
            return ("wrapped",)
        case _:
            return ("key",)


def _lines(source: KeySource, kind: Kind) -> list[tuple[Line, bytes]]:
    """Each line of a ring with the root it stands for."""
    match source:
        case EnvironmentSource(variable=variable):
            text = os.environ.get(variable)
            if text is None:
                raise KeyProblem(
                    f"The environment variable {variable}, which holds the {kind} key, is not set.",
                    "Have the secret manager set it, or for a new partnership make the key with "
                    "`journeys keys new` and put the file's line there.",
                )
            return [(line, line.secret) for line in read_lines(text, kind, variable, ("key",))]
        case HalvesSource(first=first, second=second):
            return _joined(
                _file_lines(first, kind, ("half-1", "half-2")),
                _file_lines(second, kind, ("half-1", "half-2")),
                kind,
            )
        case WrappedSource(path=path, service=name):
            service = key_service(name)
            return [
                (line, _unwrapped(service, line, name))
                for line in _file_lines(path, kind, ("wrapped",))
            ]
        case FileSource(path=path):
            return [(line, line.secret) for line in _file_lines(path, kind, ("key",))]


def _unwrapped(service: KeyService, line: Line, name: str) -> bytes:
    secret = None
    # Whatever a service raises may hold what it was given.
    with suppress(Exception):
        secret = service.unwrap(line.secret)
    if not isinstance(secret, bytes):
        raise KeyProblem(
            f"The key service {name} does not unwrap the {line.kind} key.",
            "Check the service, its permissions, and that the file was wrapped by it.",
        )
    return secret


def _joined(
    firsts: tuple[Line, ...], seconds: tuple[Line, ...], kind: Kind
) -> list[tuple[Line, bytes]]:
    by_epoch = {line.epoch: line for line in seconds}
    joined = []
    for first in firsts:
        second = by_epoch.pop(first.epoch, None)
        if second is None or {first.form, second.form} != {"half-1", "half-2"}:
            raise _no_pair(kind)
        refuse_reused(kind, [first.secret, second.secret])
        low, high = sorted((first, second), key=lambda line: line.form)
        joined.append((first, join_halves(low.secret, high.secret)))
    if by_epoch:
        raise _no_pair(kind)
    return joined


def join_halves(first: bytes, second: bytes) -> bytes:
    """The root of two halves: HKDF-SHA256 over both, so neither alone says anything of it."""
    for half in (first, second):
        RootKey(half)
    return HKDF(
        algorithm=hashes.SHA256(), length=ROOT_BYTES, salt=None, info=b"cohort-journeys halves"
    ).derive(first + second)


def _no_pair(kind: Kind) -> KeyProblem:
    return KeyProblem(
        f"The two halves of the {kind} key do not belong together.",
        "Bring the first and the second half of the same key, each with the same epochs.",
    )


def _made(source: KeySource, kind: Kind, epoch: int, today: date) -> list[tuple[Path, Line]]:
    """What a fresh key is written as, file by file."""
    match source:
        case EnvironmentSource():
            raise _not_ours_to_write(source)
        case HalvesSource(first=first, second=second):
            return [
                (first, Line("half-1", kind, epoch, today, new_secret())),
                (second, Line("half-2", kind, epoch, today, new_secret())),
            ]
        case WrappedSource(path=path, service=name):
            wrapped = key_service(name).wrap(new_secret())
            return [(path, Line("wrapped", kind, epoch, today, wrapped))]
        case FileSource(path=path):
            return [(path, Line("key", kind, epoch, today, new_secret()))]


def _not_ours_to_write(source: EnvironmentSource) -> KeyProblem:
    return KeyProblem(
        f"The key in {source.variable} is kept by a secret manager, not by this program.",
        "Make the key in a file, move its line to the secret manager (or take it out there), and "
        "remove the file.",
    )


def _file_lines(path: Path, kind: Kind, forms: tuple[Form, ...]) -> tuple[Line, ...]:
    return read_lines(_read(path), kind, f"The key file {path.name}", forms)


def _read(path: Path) -> str:
    return read_private(path, "key", LONGEST).decode("ascii", errors="replace")


def _create(path: Path, text: str) -> None:
    failed = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        keep_from_others(path)
    except OSError:
        failed = True
    if failed:
        raise _cannot_write(path)


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.part")
    failed = False
    try:
        _write_beside(beside, text)
        beside.replace(path)
    except OSError:
        failed = True
    if failed:
        raise _cannot_write(path)


def _overwrite(path: Path, text: str) -> None:
    """Put a text in a file's place, or nothing where it is empty, and zeros over what it held.

    The old file keeps a second name until the new one is in its place: a crash loses neither.
    """
    old = path.with_name(f".{path.name}.old")
    failed = False
    try:
        os.link(path, old)
        if text:
            _replace(path, text)
        else:
            path.unlink()
        with old.open("r+b") as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
        old.unlink()
    except OSError:
        failed = True
    if failed:
        raise _cannot_write(path)


def _write_beside(beside: Path, text: str) -> None:
    with suppress(FileNotFoundError):
        beside.unlink()
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    keep_from_others(beside)


def _cannot_write(path: Path) -> KeyProblem:
    return KeyProblem(
        f"The key file {path.name} could not be written.",
        "Check that its folder exists and is writable, and that no file of that name is there.",
    )
