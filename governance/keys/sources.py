"""Where a key ring may be kept, as `partnership.yaml` says it.

identifier: keys/identifier.key                          a file
identifier: env:JOURNEYS_IDENTIFIER_KEY                  an environment secret
identifier: {halves: [usb-a/half.key, usb-b/half.key]}   two custodians, a half each
identifier: {wrapped: keys/identifier.key, service: vault}   wrapped by a key service
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
