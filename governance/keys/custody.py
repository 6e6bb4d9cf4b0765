"""A key ring in its custody: loaded, made, given another epoch, and struck out.

Where it may be kept is in `governance.keys.sources`. A key service is a Python package that offers
an object under the entry point group `cohort_journeys.key_services`; it is the only one that could
see a network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import date
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from governance.keys.files import (
    check_writable,
    clear_leftovers,
    create,
    read_key,
    remove_struck_out,
    replace_together,
    strike_out,
)
from governance.keys.ring import (
    Form,
    KeyRing,
    Kind,
    Line,
    is_struck_out,
    new_secret,
    read_lines,
    refuse_reused,
)
from governance.keys.root import ROOT_BYTES, RootKey
from governance.keys.sources import (
    EnvironmentSource,
    FileSource,
    HalvesSource,
    KeySource,
    WrappedSource,
)
from schemas.errors import KeyProblem

SERVICES = "cohort_journeys.key_services"


class KeyService(Protocol):
    """What a key-management service has to do for us: wrap a root key, and unwrap it."""

    def wrap(self, secret: bytes) -> bytes:
        """The secret, encrypted under a key that never leaves the service."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """The secret again."""


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
    """Whether anything is kept at a source yet; a link to a medium that is not in counts."""
    if isinstance(source, EnvironmentSource):
        return source.variable in os.environ
    return any(os.path.lexists(path) for path in source.files)


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
        create(path, line.text() + "\n")


def add_epoch(source: KeySource, kind: Kind, today: date) -> int:
    """Add a fresh root of the next epoch to a ring.

    A number that one half has and the other lacks is not used again: it may be in use where the
    other half is an old copy.

    Returns:
        The epoch.

    Raises:
        KeyProblem: As for `load_ring`, or it cannot be written.
    """
    check_changeable(source)
    epoch = 1 + max(load_ring(source, kind).newest, *epochs_apart(source, kind), 0)
    replace_together(
        {
            path: "".join(f"{one.text()}\n" for one in (*_file_lines(path, kind, source), line))
            for path, line in _made(source, kind, epoch, today)
        }
    )
    return epoch


def epochs_apart(source: KeySource, kind: Kind) -> tuple[int, ...]:
    """The epochs that one half of a key has and the other lacks: they cannot be used.

    A rotation or destruction that was cut short leaves one, and so does an old copy of a half.

    Raises:
        KeyProblem: As for `load_ring`.
    """
    if not isinstance(source, HalvesSource):
        return ()
    first, second = ({one.epoch for one in _file_lines(p, kind, source)} for p in source.files)
    return tuple(sorted(first ^ second))


def refuse_stale(source: KeySource, kind: Kind) -> None:
    """Refuse halves of which one lacks the other's newest epoch: data may be in it.

    Raises:
        KeyProblem: So it is, or as for `load_ring`.
    """
    apart = epochs_apart(source, kind)
    if apart and max(apart) > load_ring(source, kind).newest:
        raise KeyProblem(
            f"One half of the {kind} key has a newer epoch than the other.",
            f"Bring both halves in their newest copy; if a rotation was cut short, run "
            f"`journeys keys rotate {kind}` again.",
        )


def check_changeable(source: KeySource) -> None:
    """Check that a key can be rotated or destroyed here, before anything is written.

    Raises:
        KeyProblem: A secret manager keeps it, or a file of it is missing or cannot be written.
    """
    if isinstance(source, EnvironmentSource):
        raise _not_ours_to_write(source)
    check_writable(source.files)


def remove_epochs(source: KeySource, epochs: Collection[int] | None) -> None:
    """Write over the roots of epochs where they stand, in every file of a key.

    What was begun can be done again: what is gone already is passed over. What a disk or a backup
    keeps of what was overwritten is beyond this program; the custodian's own copies have to go too.

    Args:
        source: Where the key is kept.
        epochs: The epochs; None for all there are.

    Raises:
        KeyProblem: A file is missing or cannot be written.
    """
    check_changeable(source)
    strike_out(source.files, epochs)


def epochs_left(source: KeySource, kind: Kind) -> frozenset[int]:
    """The epochs whose roots can still be had, none where everything is struck out.

    Raises:
        KeyProblem: A file is missing or is not whole.
    """
    texts = [read_key(path) for path in source.files]
    if any(is_struck_out(text) for text in texts):
        return frozenset()
    return frozenset(load_ring(source, kind).epochs)


def clear_leftovers_of(source: KeySource) -> None:
    """Take away what killed commands left beside a key.

    Raises:
        KeyProblem: Something cannot be taken away.
    """
    for path in source.files:
        clear_leftovers(path)


def tidy(source: KeySource) -> None:
    """Take away what killed commands left beside a key, and files of which nothing is left.

    Raises:
        KeyProblem: Something cannot be taken away.
    """
    clear_leftovers_of(source)
    for path in source.files:
        remove_struck_out(path)


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
                    "Have the secret manager set it. Only a partnership that has never run makes "
                    "the key, with `journeys keys new`, and puts the file's line there.",
                )
            return [(line, line.secret) for line in read_lines(text, kind, variable, ("key",))]
        case HalvesSource(first=first, second=second):
            return _joined(
                _file_lines(first, kind, source), _file_lines(second, kind, source), kind
            )
        case WrappedSource(path=path, service=name):
            service = key_service(name)
            return [
                (line, _unwrapped(service, line, name)) for line in _file_lines(path, kind, source)
            ]
        case FileSource(path=path):
            return [(line, line.secret) for line in _file_lines(path, kind, source)]


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
    """The epochs that both halves have: one that a half lacks was never used, or was destroyed."""
    by_epoch = {line.epoch: line for line in seconds}
    joined = []
    for first in firsts:
        second = by_epoch.get(first.epoch)
        if second is None:
            continue
        if {first.form, second.form} != {"half-1", "half-2"}:
            raise _no_pair(kind)
        refuse_reused(kind, [first.secret, second.secret])
        low, high = sorted((first, second), key=lambda line: line.form)
        joined.append((first, join_halves(low.secret, high.secret)))
    if not joined:
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
        "Bring the first and the second half of the same key, each in its newest copy.",
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


def _file_lines(path: Path, kind: Kind, source: KeySource) -> tuple[Line, ...]:
    return read_lines(read_key(path), kind, f"The key file {path.name}", _forms(source))
