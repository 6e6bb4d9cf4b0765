"""What surrounds the people that partners know: residents, estimates and published indicators.

The numbers are invented to fit a population of a given size, and say so in their source.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from synthetic.places import local_districts
from synthetic.population import DRUGS, Population

INVENTED = "Invented for a demonstration"
RESIDENTS = 40  # to each adult whom a partner knows; judgement
# Shares of residents. Judgement, near those of an English county.
AGE_BANDS = {
    "Under 18": 0.20,
    "18-24": 0.09,
    "25-34": 0.13,
    "35-44": 0.13,
    "45-54": 0.13,
    "55 and over": 0.32,
}
FEMALE = 0.51
# The estimate of dependent people to each person known to partners who uses it, and the share of
# people who use opiates that also use crack. Judgement.
NOT_KNOWN = 1.5
CRACK_TOO = 0.5
RANGE = 0.2  # the estimate's ends lie this far from it
# Indicators that others would publish: list, indicator, unit, value of the county, of England.
_NATIONAL = "National outcomes that these partners cannot supply"
_LINKED = "Outcomes from linked data"
INDICATORS = (
    (_LINKED, "Treatment progress", "per cent", "47", "46.2"),
    (_LINKED, "Deaths in treatment", "per cent", "1.5", "1.4"),
    (_NATIONAL, "Deaths registered by the Office for National Statistics", "per 100,000", "5", "5"),
    (_NATIONAL, "Hospital admissions for drug misuse or poisoning", "per 100,000", "52", "50.5"),
    (_NATIONAL, "Household surveys of drug use", "per cent", "", "9"),
)
COUNTY = ("E10000099", "Demonstration county")  # a code that no county has


def write_surroundings(population: Population, folder: Path, as_at: date) -> None:
    """Write the files of what partners do not know; figures that were not invented are left alone.

    They are `population.csv`, `prevalence.csv` and `published_indicators.csv`.

    Args:
        population: The people whom partners know.
        folder: Where partnership.yaml is or will be.
        as_at: The day the extracts are drawn; the figures are of the year before.
    """
    year = date(as_at.year - 1, 6, 30)
    for name, frame in (
        ("population.csv", residents(population.adults)),
        ("prevalence.csv", dependent(population)),
        ("published_indicators.csv", indicators(year)),
    ):
        path = folder / name
        if path.exists() and INVENTED not in path.read_text("utf-8", errors="replace"):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".csv.part")
        frame.with_columns(source=pl.lit(INVENTED), as_at=pl.lit(year)).write_csv(beside)
        beside.replace(path)


def residents(adults: int) -> pl.DataFrame:
    """Return residents by area, age band and sex.

    Args:
        adults: How many adults partners know.
    """
    areas = local_districts(adults)
    total = adults * RESIDENTS / len(areas)
    return pl.DataFrame(
        [
            {"area": area, "age_band": band, "sex": sex, "people": round(total * share * of_sex)}
            for area in areas
            for band, share in AGE_BANDS.items()
            for sex, of_sex in (("F", FEMALE), ("M", 1 - FEMALE))
        ]
    )


def dependent(population: Population) -> pl.DataFrame:
    """Return estimates of dependent people by substance."""
    uses = {
        drug: int(np.count_nonzero(population.drug[: population.adults] == DRUGS.index(drug)))
        for drug in ("opiate", "crack", "alcohol")
    }
    both = uses["opiate"] * CRACK_TOO
    known = {
        "opiate": uses["opiate"],
        "crack": uses["crack"] + both,
        "both": both,
        "opiate or crack": uses["opiate"] + uses["crack"],
        "alcohol": uses["alcohol"],
    }
    return pl.DataFrame(
        [
            {
                "substance": substance,
                "people": max(1, round(number * NOT_KNOWN)),
                "low": round(number * NOT_KNOWN * (1 - RANGE)),
                "high": max(1, round(number * NOT_KNOWN * (1 + RANGE))),
            }
            for substance, number in known.items()
        ]
    )


def indicators(year: date) -> pl.DataFrame:
    """Return indicators as others would publish them: of a county where it has one, and England.

    Args:
        year: A day of the year that they are of.
    """
    return pl.DataFrame(
        [
            {
                "list": listed,
                "indicator": indicator,
                "authority": COUNTY[0] if value else "",
                "authority_name": COUNTY[1] if value else "",
                "period": str(year.year),
                "value": value,
                "unit": unit,
                "england": england,
            }
            for listed, indicator, unit, value, england in INDICATORS
        ]
    )
