"""What the warehouse is built by, read before a run begins."""

from __future__ import annotations

from datetime import date

from flows.settings import FILE_NAME, Settings
from schemas.errors import ConfigError


def check_warehouse_files(settings: Settings, today: date) -> None:
    """Read what a partnership says of its warehouse, so that a mistake is told at once.

    That is its cohorts, population, prevalence and published indicators, the metrics, and what
    ``partnership.yaml`` says of roles, of restricted metrics and of the day from which data are
    complete.

    Args:
        settings: The partnership.
        today: The day.

    Raises:
        JourneysError: One of the files cannot be used; the message names it.
    """
    from warehouse.cohorts import load_cohorts
    from warehouse.frames import check_metrics
    from warehouse.generated import every_model
    from warehouse.given import load_given
    from warehouse.metrics import load_metrics
    from warehouse.metrics.told import check_asked_for
    from warehouse.population import read_population, read_prevalence
    from warehouse.publish.published import read_published
    from warehouse.restrict import Restriction, check_marts

    _refuse_later(settings, today)
    metrics = load_metrics()
    check_asked_for(metrics, frozenset(settings.restricted_metrics))
    check_metrics(metrics)
    given = load_given(settings.folder)
    models = every_model(metrics, load_cohorts(given.cohorts))
    for role in settings.roles.values():
        check_marts(Restriction(marts=role.tables), models)
    read_population(given.population)
    read_prevalence(given.prevalence)
    read_published(given.published)


def _refuse_later(settings: Settings, today: date) -> None:
    """Refuse data that are said to be complete only from a day to come."""
    later = [
        name
        for name, part in settings.partners.items()
        if part.data_from and part.data_from > today
    ]
    if later:
        keys = ", ".join(f"`partners.{name}.data_from`" for name in sorted(later))
        raise ConfigError(
            f"{FILE_NAME} cannot be used: {keys} is a day to come.",
            "Give the first day from which that partner's data are complete.",
        )
