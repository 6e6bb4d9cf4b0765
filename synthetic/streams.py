"""Random numbers by purpose, so that a change to one history does not reshuffle the others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Streams:
    """A seed from which each named purpose draws its own independent stream."""

    seed: int

    def __call__(self, purpose: str) -> np.random.Generator:
        """Return a fresh generator for a purpose; the same purpose always starts the same."""
        word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big")
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, word])))

    def within(self, scope: str) -> Streams:
        """Return the streams of one scope, such as a partner, apart from all others."""
        return Streams(int(self(f"scope {scope}").integers(2**62)))
