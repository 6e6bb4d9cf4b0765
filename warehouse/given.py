"""What a partnership says of its warehouse, read once and handed to the build.

Cohorts, metrics, population, prevalence and published indicators lie in files beside
``partnership.yaml``; the rest are keys of it. Without any of them the packaged definitions hold and
nothing that is restricted is counted.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

COHORTS = "cohorts"
"""The folder of a partnership's own cohort files."""
METRICS = "metrics"
"""The folder of its own metrics."""
POPULATION = "population.csv"
PREVALENCE = "prevalence.csv"
PUBLISHED = "published_indicators.csv"
"""Indicators that others publish; they are read when a publication is drafted."""


@dataclass(frozen=True)
class Given:
    """What a partnership adds to the packaged warehouse.

    Attributes:
        cohorts: The folder of its own cohort files; None without.
        metrics: The folder of its own metrics; None without.
        population: Its population by area, age band and sex; None without.
        prevalence: Its estimates of dependent people; None without.
        published: The published indicators that it gives; None without.
        exact_dates: Whether its purpose lists exact dates; without, releases hold weeks.
        restricted_metrics: The restricted metrics it has asked for, by name.
        data_from: Partner → the first day its data are complete from; a partner that is not named
            is taken to be complete from the beginning.
        complete_to: Partner → the last day its data are complete to; of a partner that is not named
            its extract tells.
        cadence_days: Partner → how many days old its data may become; a partner that is not named
            has promised nothing.
        clock_key: The secret of people's own clocks; one made up for the moment unless given.
    """

    cohorts: Path | None = None
    metrics: Path | None = None
    population: Path | None = None
    prevalence: Path | None = None
    published: Path | None = None
    exact_dates: bool = False
    restricted_metrics: frozenset[str] = frozenset()
    data_from: Mapping[str, date] = field(default_factory=dict)
    complete_to: Mapping[str, date] = field(default_factory=dict)
    cadence_days: Mapping[str, int] = field(default_factory=dict)
    clock_key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)


def load_given(
    folder: Path,
    *,
    exact_dates: bool = False,
    restricted_metrics: frozenset[str] = frozenset(),
    data_from: Mapping[str, date] | None = None,
    complete_to: Mapping[str, date] | None = None,
    cadence_days: Mapping[str, int] | None = None,
    clock_key: bytes | None = None,
) -> Given:
    """Find what lies beside a partnership.yaml, and put with it what the file itself says.

    Args:
        folder: The partnership's folder.
        exact_dates: Whether its purpose lists exact dates.
        restricted_metrics: The restricted metrics it asks for.
        data_from: Partner → the first day its data are complete from.
        complete_to: Partner → the last day its data are complete to.
        cadence_days: Partner → how many days old its data may become.
        clock_key: The secret of people's own clocks, where weeks of people are to be told.
    """
    own = {} if clock_key is None else {"clock_key": clock_key}
    return Given(
        cohorts=_beside(folder, COHORTS),
        metrics=_beside(folder, METRICS),
        population=_beside(folder, POPULATION),
        prevalence=_beside(folder, PREVALENCE),
        published=_beside(folder, PUBLISHED),
        exact_dates=exact_dates,
        restricted_metrics=restricted_metrics,
        data_from=dict(data_from or {}),
        complete_to=dict(complete_to or {}),
        cadence_days=dict(cadence_days or {}),
        **own,
    )


def _beside(folder: Path, name: str) -> Path | None:
    """Where something of that name lies; whatever it is, so that what cannot be read is told."""
    path = folder / name
    return path if os.path.lexists(path) else None
