"""The files beside partnership.yaml that the warehouse is built by, read before a run begins."""

from __future__ import annotations

from flows.settings import Settings


def check_warehouse_files(settings: Settings) -> None:
    """Read a partnership's cohorts, population and prevalence, so that a mistake is told at once.

    Raises:
        JourneysError: One of the files cannot be used; the message names it.
    """
    from warehouse.cohorts import load_cohorts
    from warehouse.given import load_given
    from warehouse.population import read_population, read_prevalence

    given = load_given(settings.folder)
    load_cohorts(given.cohorts)
    read_population(given.population)
    read_prevalence(given.prevalence)
