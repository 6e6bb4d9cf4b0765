"""What the warehouse is built by, read before a run begins."""

from __future__ import annotations

from datetime import date

from flows.settings import FILE_NAME, Settings
from schemas.errors import ConfigError


def check_warehouse_files(settings: Settings, today: date) -> None:
    """Read what a partnership says of its warehouse, so that a mistake is told at once.

    That is its cohorts, population, prevalence and published indicators, the metrics, and what
    ``partnership.yaml`` says of roles, of restricted metrics and of the days from and to which
    data are complete.

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
    given = load_given(settings.folder)
    metrics = load_metrics(own=given.metrics)
    check_asked_for(metrics, frozenset(settings.restricted_metrics))
    check_metrics(metrics)
    models = every_model(metrics, load_cohorts(given.cohorts))
    for role in settings.roles.values():
        check_marts(Restriction(marts=role.tables), models)
    read_population(given.population)
    read_prevalence(given.prevalence)
    read_published(given.published)


def _refuse_later(settings: Settings, today: date) -> None:
    """Refuse data that are said to be complete from or to a day to come, or to one before it."""
    wrong = [
        f"`partners.{name}.{key}` is a day to come"
        for name, part in sorted(settings.partners.items())
        for key, day in (("data_from", part.data_from), ("complete_to", part.complete_to))
        if day and day > today
    ] + [
        f"`partners.{name}.complete_to` lies before its `data_from`"
        for name, part in sorted(settings.partners.items())
        if part.data_from and part.complete_to and part.complete_to < part.data_from
    ]
    if wrong:
        raise ConfigError(
            f"{FILE_NAME} cannot be used: {', '.join(wrong)}.",
            "Give the first and the last day of which that partner's data are complete.",
        )
