"""A file that is read once, and the digest of what was read."""

from __future__ import annotations

import hashlib
from typing import IO, Any


class Digesting:
    """Reads on from a file and keeps the SHA-256 of what it gave."""

    def __init__(self, file: IO[bytes] | Any) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        """Read some, or all."""
        content: bytes = self._file.read(count)
        self.digest.update(content)
        return content
