"""What every source can do, whatever kind it is; and opening the one that is declared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from flows.sources.problems import LackingExtra

if TYPE_CHECKING:
    from flows.sources.said import _Source

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Item:
    """One file at a source.

    Attributes:
        name: What it is called there, without its folder.
        size: Its bytes, as the source says; None where it does not know.
        modified: When it was last written, as the source says; None where it does not know.
        stamp: What the source tells one content of it from the next by, if it does.
    """

    name: str
    size: int | None
    modified: datetime | None = None
    stamp: str = ""


class Remote(Protocol):
    """A source that is open."""

    def items(self) -> list[Item]:
        """The files that are there; folders and what is hidden are left out."""

    def item(self, name: str) -> Item:
        """One of them, as it is now."""

    def read(self, item: Item) -> Iterator[bytes]:
        """The content of one."""

    def archive(self, name: str, folder: str) -> None:
        """Move one into a folder there."""


_KINDS = {
    "folder": ("stores", "open_folder", ""),
    "sftp": ("sftp", "open_sftp", "sftp"),
    "s3": ("stores", "open_s3", "s3"),
    "azure": ("stores", "open_azure", "azure"),
    "https": ("https", "open_https", ""),
    "database": ("database", "open_database", "postgresql"),
}
"""Kind → the module and function that open one, and the extra that it needs."""


def opened(source: _Source) -> AbstractContextManager[Remote]:
    """Open a source.

    Raises:
        LackingExtra: This installation cannot.
        SourceProblem: It cannot be opened, when the context is entered.
    """
    module, function, extra = _KINDS[getattr(source, "kind", "")]
    try:
        opener: Any = getattr(import_module(f"flows.sources.{module}"), function)
    except ImportError:
        raise LackingExtra(extra) from None
    return opener(source)
