"""The numbers and the symbols of disclosure control, and what a published count says."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import JourneysError

THRESHOLD = 5  # NDTMS masks below 5
BASE = 5
THRESHOLDS = (5, 8, 10)  # NDTMS; OpenSAFELY redacts 7 and fewer; ONS works to 10
BASES = (5, 10)

MASKED = "[c]"
NOT_AVAILABLE = "[x]"
NOT_APPLICABLE = "[z]"


class DisclosureError(JourneysError):
    """Something that cannot be published as it was given."""


@dataclass(frozen=True)
class Rule:
    """A threshold, below which counts are masked, and the base that the others are rounded to.

    Raises:
        DisclosureError: If the two would not protect anyone, or would round a count to nought.
    """

    threshold: int = THRESHOLD
    base: int = BASE

    def __post_init__(self) -> None:
        if self.threshold not in THRESHOLDS or self.base not in BASES:
            raise DisclosureError(
                "The threshold or the rounding base is not one that is known to protect people.",
                "Use a threshold of 5, 8 or 10 and a base of 5 or 10.",
            )

    @property
    def most_masked(self) -> int:
        """The greatest count that is masked for being small."""
        return self.threshold - 1

    @property
    def fewest_known(self) -> int:
        """How many of those in one count a reader must know, to tell that the others are too few.

        The proof is against readers who know one record. Who knows so many of the smallest count
        that is shown knows that fewer than the threshold are left of it; of a greater count it
        takes as many more as it is greater.
        """
        smallest = int(self.rounded(self.threshold))
        return int(self.says(str(smallest))[1]) - self.most_masked

    @property
    def mean_error(self) -> float:
        """How many units rounding moves a count by, on average: 1.2 for a base of 5."""
        return sum(min(n, self.base - n) for n in range(self.base)) / self.base

    def rounded(self, count: int) -> str:
        """A count of at least the threshold, as it is published: halves go up."""
        return str((count + self.base // 2) // self.base * self.base)

    def says(self, shown: str) -> tuple[int, float]:
        """What a published count says of the true one: its least and its greatest value.

        A masked one says nothing, whatever it was masked for, so that one symbol serves all; a
        nought is published only where it could not have been anything else.

        Raises:
            DisclosureError: If it could not have been published by this rule.
        """
        if shown == MASKED:
            return 0, float("inf")
        if not (shown.isascii() and shown.isdigit() and int(shown) % self.base == 0):
            raise DisclosureError(
                "A published count is neither masked nor a multiple of the rounding base.",
                "Publish what the gate returned, unchanged.",
            )
        count = int(shown)
        if count == 0:
            return 0, 0
        return max(count - self.base // 2, self.threshold), count + (self.base - 1) // 2
