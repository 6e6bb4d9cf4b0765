"""What is told of a look at a partner's source: in words, counts and sizes; no names."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import JourneysError

PULLED, NOTHING_NEW, ARRIVING = "pulled", "nothing new", "still arriving"


@dataclass(frozen=True)
class Look:
    """How a look at a partner's source ended.

    Attributes:
        state: In a word: `pulled`, `nothing new`, `still arriving`, or why not.
        said: In a sentence, of counts alone.
        deliveries: How many deliveries landed in the inbox; in a look only, how many would.
        files: How many files they have.
        size: Their bytes.
        problem: What was wrong, if anything.
    """

    state: str
    said: str
    deliveries: int = 0
    files: int = 0
    size: int = 0
    problem: JourneysError | None = None

    def as_json(self) -> dict[str, object]:
        """What is told of it: counts, and no names."""
        return {
            "state": self.state,
            "said": self.said,
            "deliveries": self.deliveries,
            "files": self.files,
            "bytes": self.size,
        }


@dataclass(frozen=True)
class Finding:
    """One thing that was found out about a source.

    Attributes:
        sound: Whether it is as it should be.
        said: What was found.
        remedy: What to do, where it is not.
    """

    sound: bool
    said: str
    remedy: str = ""
