"""How likely a distance of two filters is: of two people, of unrelated ones, or of any two.

Under an anchor that two share the distance is taken to be normal about what their values make it,
the same under any key. Of unrelated records it is noise, half of the bits.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.encoded import FILTER_BITS

Reals = NDArray[np.float64]

AS_EXPECTED, AS_OTHERS = 0.95, 0.9  # shares of distances that follow the two descriptions
HALF: Final = FILTER_BITS / 2
NOISE: Final = FILTER_BITS / 4  # variance of the distance of unrelated filters, in bits
KEYED: Final = 4.0  # what the attacker's own few keys add to it
BLUR: Final = 25.0  # variance of one distance under a key
NEVER, NEVER_NOISE = -12.0, -30.0  # logarithms: of equal filters where values differ, and by chance


class Usual(NamedTuple):
    """Mean and spread of a filter's distance over the list's pairs that share its anchor."""

    mean: float
    spread: float


def usual_of(bits: Reals) -> Usual:
    """What is usual, by the distances of such pairs; noise if there are none."""
    if not len(bits):
        return Usual(HALF, float(np.sqrt(NOISE)))
    return Usual(float(bits.mean()), float(np.sqrt(bits.var() + BLUR)))


def likelihoods(bits: Reals, expected: Reals, usual: Usual) -> Reals:
    """Logarithms for distances of the store: of this pair, of noise, of any pair of the anchor.

    Equal filters are of equal values, so they are as good as certain to be no pair whose values
    differ, and never noise.
    """
    noise = _normal(bits, HALF, np.sqrt(NOISE))
    share = expected / FILTER_BITS
    spread = np.sqrt(FILTER_BITS * share * (1 - share) + KEYED)
    near = _mixed(bits, AS_EXPECTED, _normal(bits, expected, spread), noise)
    equal = np.where(bits == 0, 0.0, np.log(0.5) + noise)
    others = _mixed(bits, AS_OTHERS, _normal(bits, usual.mean, usual.spread), noise)
    return np.stack(
        [np.where(expected == 0, equal, near), np.where(bits == 0, NEVER_NOISE, noise), others]
    )


def _mixed(bits: Reals, share: float, follows: Reals, noise: Reals) -> Reals:
    mixed = np.logaddexp(np.log(share) + follows, np.log1p(-share) + noise)
    return np.where(bits == 0, NEVER, mixed)


def _normal(bits: Reals, mean: Reals | float, spread: Reals | float) -> Reals:
    return -0.5 * ((bits - mean) / spread) ** 2 - np.log(spread)
