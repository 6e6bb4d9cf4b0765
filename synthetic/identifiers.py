"""Strong identifiers that pass their checks and can belong to nobody.

NHS numbers come from the 999 test range. PNC serials start at 9,000,000, above what a year of
arrests issues. National Insurance prefixes are ones believed never to have been issued.
Check characters follow the published rules: PNC and CRO letters by remainder of 23, NHS number
by weights 10 to 2, modulo 11.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from schemas.errors import ConfigError

CHECK_LETTERS = np.array(list("ZABCDEFGHJKLMNPQRTUVWXY"), dtype=object)
NINO_PREFIXES = tuple(first + second for first in "AEHLPRSWXY" for second in "CGJ")
PNC_SERIALS = 1_000_000
CRO_SERIALS = 900_000
NINO_SERIALS = 1_000_000


def _text(values: np.ndarray, width: int) -> np.ndarray:
    padded = pl.Series(values, dtype=pl.Int64).cast(pl.String).str.zfill(width)
    return np.array(padded.to_list(), dtype=object)


def _shuffled(rng: np.random.Generator, size: int, among: int) -> np.ndarray:
    """Return `size` different whole numbers below `among`."""
    return rng.choice(among, size=size, replace=False)


def check_letter(two_digit_year: np.ndarray, serial: np.ndarray, width: int) -> np.ndarray:
    """Return the PNC (width 7) or CRO (width 6) check letter."""
    return CHECK_LETTERS[(two_digit_year * 10**width + serial) % 23]


def pnc_ids(rng: np.random.Generator, year: np.ndarray) -> np.ndarray:
    """Return a PNC id `YYYY/NNNNNNND` for each person, by the year it was issued.

    Of more people than there are serials, whoever would have another's has none.
    """
    number = _shuffled(rng, len(year), max(PNC_SERIALS, len(year)))
    serial = 9_000_000 + number % PNC_SERIALS
    given = (
        year.astype(str).astype(object)
        + "/"
        + _text(serial, 7)
        + check_letter(year % 100, serial, 7)
    )
    return _first_bearers(given) if len(year) > PNC_SERIALS else given


def cro_numbers(rng: np.random.Generator, year: np.ndarray, small_files: float) -> np.ndarray:
    """Return a CRO number `NNNNNN/YYD` for each person, a share as `SFYY/NNNNND`.

    Of more people than there are serials, whoever would have another's has none.
    """
    number = _shuffled(rng, len(year), max(CRO_SERIALS, len(year)))
    serial = 100_000 + number % CRO_SERIALS
    yy = year % 100
    usual = _text(serial, 6) + "/" + _text(yy, 2) + check_letter(yy, serial, 6)
    short = serial % 100_000
    # The letter of a small-file number is computed over the serial as written, unpadded.
    number = _text(short, 0)
    written = (_text(yy, 0) + number).astype(np.int64)
    small = "SF" + _text(yy, 2) + "/" + number
    small = small + CHECK_LETTERS[written % 23]
    chosen = (rng.random(len(year)) < small_files) & _first_of_its_kind(yy * 100_000 + short)
    given = np.where(chosen, small, usual)
    return _first_bearers(given) if len(year) > CRO_SERIALS else given


def _first_of_its_kind(values: np.ndarray) -> np.ndarray:
    """Return true where a value occurs for the first time."""
    first = np.zeros(len(values), dtype=bool)
    first[np.unique(values, return_index=True)[1]] = True
    return first


def _first_bearers(given: np.ndarray) -> np.ndarray:
    """Return each identifier where it occurs for the first time, and None where again."""
    again = ~_first_of_its_kind(given.astype(str))
    given = given.copy()
    given[again] = None
    return given


@cache
def _nhs_test_range() -> tuple[np.ndarray, np.ndarray]:
    """Return the middle six digits of every number of the 999 range, and their check digits."""
    middle = np.arange(1_000_000)
    digits = np.stack([middle // 10**place % 10 for place in range(5, -1, -1)])
    weighted = 9 * (10 + 9 + 8) + (digits * np.array([7, 6, 5, 4, 3, 2])[:, None]).sum(axis=0)
    check = (11 - weighted % 11) % 11
    return np.flatnonzero(check < 10), check


def nhs_numbers(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return NHS numbers of the 999 test range, all different.

    Raises:
        ConfigError: if the range holds fewer numbers than asked for.
    """
    valid, check = _nhs_test_range()
    if size > len(valid):
        raise ConfigError(
            f"The NHS test range holds too few numbers for {size} people.",
            "Ask for a smaller population.",
        )
    chosen = valid[_shuffled(rng, size, len(valid))]
    return "999" + _text(chosen, 6) + check[chosen].astype(str).astype(object)


def ninos(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return National Insurance numbers, all different."""
    number = _shuffled(rng, size, max(NINO_SERIALS, size))
    # A serial given out once more takes its prefix from another part of them.
    again, rounds = number // NINO_SERIALS, -(-max(size, 1) // NINO_SERIALS)
    prefix = rng.integers(len(NINO_PREFIXES) // rounds, size=size) * rounds + again
    suffix = np.array(list("ABCD"), dtype=object)[rng.integers(4, size=size)]
    prefixes = np.array(NINO_PREFIXES, dtype=object)[prefix]
    return prefixes + _text(number % NINO_SERIALS, 6) + suffix


def noms_numbers(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return prison numbers `A1234BC`, all different."""
    number = _shuffled(rng, size, max(2_000_000, size))
    letters = np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZ"), dtype=object)
    high = number // 10_000
    return "A" + _text(number % 10_000, 4) + letters[high // 24 % 24] + letters[high % 24]


def crns(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return case reference numbers `X123456`, all different."""
    number = _shuffled(rng, size, max(2_600_000, size))
    letters = np.array(list("XDEHJKNPRSTVW"), dtype=object)
    return letters[number // 1_000_000] + _text(number % 1_000_000, 6)
