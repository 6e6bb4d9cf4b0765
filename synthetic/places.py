"""Postcodes of a fictional county, and the places in which many people are found at once.

Every inward code here ends in a pair that begins with C, I, K, M, O or V. The Post Office never
uses those letters there, so a postcode passes the usual pattern and is nobody's address.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOCAL_DISTRICTS = ("NR1", "NR2", "NR3", "NR4", "NR5", "NR6", "NR7")
OTHER_DISTRICTS = ("IP1", "IP22", "PE30", "PE7", "CB1", "CB24", "CM2", "LE3", "B12", "E17", "N9")
FULL_COUNTY = 400_000  # people known; where there are more, there are more districts
PEOPLE_A_DISTRICT = 60_000
UNITS_A_DISTRICT = 1_400  # of 1,560 that can be written; hostels take of the rest
NEVER_USED = "CIKMOV"
NO_FIXED_ABODE = ("ZZ99 3VZ", "NF1 1NF")
LOCAL_AUTHORITY = {
    "NR1": "E07000148",
    "NR2": "E07000148",
    "NR3": "E07000148",
    "NR4": "E07000149",
    "NR5": "E07000149",
    "NR6": "E07000144",
    "NR7": "E07000144",
}
HOSTEL_SHARE = 0.07  # of addresses; a hostel's postcode is shared by many
STREETLESS_SHARE = 0.04  # of addresses that are no fixed abode
OUTSIDE_SHARE = 0.08  # of addresses outside the local area


@dataclass(frozen=True)
class Places:
    """Postcodes by position, and where to draw an address from."""

    postcodes: np.ndarray
    local: np.ndarray  # positions and their shares
    local_share: np.ndarray
    hostels: np.ndarray
    outside: np.ndarray
    streetless: np.ndarray


def _inward(position: np.ndarray) -> np.ndarray:
    """Return a distinct fictional inward code for each position below 1,560."""
    letters = np.array([chr(65 + i) for i in range(26)], dtype=object)
    first = np.array(list(NEVER_USED), dtype=object)[position // 26 % 6]
    return (position // 156 % 10).astype(str).astype(object) + first + letters[position % 26]


def _units(rng: np.random.Generator, districts: tuple[str, ...], size: int) -> np.ndarray:
    position = rng.permutation(len(districts) * 1_560)[:size]
    return np.array(districts, dtype=object)[position // 1_560] + " " + _inward(position % 1_560)


def local_districts(people: int) -> tuple[str, ...]:
    """Return the districts of the local area: those of one county, and more for many people."""
    more = -(-max(people - FULL_COUNTY, 0) // PEOPLE_A_DISTRICT)
    first = len(LOCAL_DISTRICTS) + 1
    return LOCAL_DISTRICTS + tuple(f"NR{number}" for number in range(first, first + more))


def make_places(rng: np.random.Generator, people: int) -> Places:
    """Make postcodes in proportion to people, some much fuller than others."""
    districts = local_districts(people)
    more = len(districts) - len(LOCAL_DISTRICTS)
    size = int(np.clip(people // 3, 300, 10_000 + more * UNITS_A_DISTRICT))
    hostels = max(4, people // 1_200)
    away = int(np.clip(people // 6, 200, 12_000))
    local = _units(rng, districts, size + hostels)
    outside = _units(rng, OTHER_DISTRICTS, away)
    share = rng.gamma(1.2, size=size)
    ends = np.cumsum([size, hostels, away, len(NO_FIXED_ABODE)])
    spans = np.split(np.arange(ends[-1]), ends[:-1])
    return Places(
        postcodes=np.concatenate([local, outside, np.array(NO_FIXED_ABODE, dtype=object)]),
        local=spans[0],
        local_share=share / share.sum(),
        hostels=spans[1],
        outside=spans[2],
        streetless=spans[3],
    )


def draw_addresses(rng: np.random.Generator, places: Places, size: int) -> np.ndarray:
    """Draw postcode positions: mostly local, some hostels, some away, some of no fixed abode."""
    kind = rng.random(size)
    home = places.local[rng.choice(len(places.local), size=size, p=places.local_share)]
    hostel = places.hostels[rng.integers(len(places.hostels), size=size)]
    away = places.outside[rng.integers(len(places.outside), size=size)]
    streetless = places.streetless[rng.integers(len(places.streetless), size=size)]
    edges = np.cumsum([HOSTEL_SHARE, STREETLESS_SHARE, OUTSIDE_SHARE])
    return np.select(
        [kind < edges[0], kind < edges[1], kind < edges[2]], [hostel, streetless, away], home
    )
