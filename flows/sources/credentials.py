"""Credentials of sources: in an environment variable or a private file, never in partnership.yaml.

What was written where a credential belongs may be one, by mistake: so no message repeats it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

from flows.sources.problems import SourceRefused
from governance.keys.files import read_private

LONGEST = 1 << 16
ENVIRONMENT = "env:"


@dataclass(frozen=True)
class Credential:
    """Where a credential is: the name of a variable, or a file. One of the two is None."""

    variable: str | None = None
    path: Path | None = None

    def within(self, folder: Path) -> Credential:
        """The same, with a relative path taken from a folder."""
        return Credential(self.variable, self.path and folder / self.path)

    def read(self, name: str) -> str:
        """The credential itself.

        Args:
            name: The key of `source` that it is given under.

        Raises:
            SourceRefused: The variable is not set, or the file is not there.
            KeyProblem: The file may be read by others.
        """
        if self.variable is not None:
            found = os.environ.get(self.variable, "")
        elif self.path is not None and self.path.is_file():
            found = read_private(self.path, f"`{name}`", LONGEST).decode("utf-8", "replace")
        else:
            found = ""
        if not found.strip():
            where = f"the variable {self.variable}" if self.variable else "its file"
            raise SourceRefused(
                f"The credential `{name}` of the source is not there: {where} is missing or empty.",
                "Set the variable, or put the file where `source` says, open to its owner alone.",
            )
        return found.strip("\r\n")


def credential(given: Any) -> Credential:
    """What partnership.yaml says of a credential.

    Raises:
        ValueError: It is neither `env:NAME` nor a file's name; the message does not repeat it.
    """
    if isinstance(given, Credential):
        return given
    if isinstance(given, str) and given.startswith(ENVIRONMENT):
        name = given.removeprefix(ENVIRONMENT)
        if name.isidentifier():
            return Credential(variable=name)
    elif isinstance(given, str) and given.strip() and "://" not in given and "\n" not in given:
        return Credential(path=Path(given))
    raise ValueError("is not env:NAME or a file; never write a credential into partnership.yaml")


Secret = Annotated[Credential, BeforeValidator(credential)]
