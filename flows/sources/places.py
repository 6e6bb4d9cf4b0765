"""The folders that a partner's files go through on their way into its inbox."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HIDDEN = ("pulling", "landing", "aside", "putting-back")
"""What the hidden folders beside an inbox are called, after its own name."""


@dataclass(frozen=True)
class Places:
    """An inbox, and the hidden folders beside it, which nobody but the hub's user may enter.

    They lie beside it and not in it: who may write into an inbox is not to write plans for us.

    Attributes:
        inbox: Where whole deliveries lie.
    """

    inbox: Path

    @property
    def pulling(self) -> Path:
        """Where files are while they are pulled."""
        return self._beside("pulling")

    @property
    def landing(self) -> Path:
        """Where whole deliveries are that are on their way into the inbox."""
        return self._beside("landing")

    @property
    def aside(self) -> Path:
        """Where what made room lies until what took its place has passed its checks."""
        return self._beside("aside")

    @property
    def putting_back(self) -> Path:
        """Where that lies while it is put back, since what took its place failed them."""
        return self._beside("putting-back")

    @property
    def hidden(self) -> tuple[Path, ...]:
        """All of them but the inbox."""
        return tuple(self._beside(what) for what in HIDDEN)

    def _beside(self, what: str) -> Path:
        return self.inbox.with_name(f".{self.inbox.name}.{what}")
