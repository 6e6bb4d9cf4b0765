"""One generated model for each metric: its units, dated, and counted by person and category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from warehouse.metrics.definition import NO_KIND, STOCK, Measure, Metric, Span, measure_numbers
from warehouse.models import Model, reads

UNION = "int_outcome"
"""All metrics' rows together; the mart ``outcome`` reads them there."""
ALL_OF_THEM = "All"
MISSING = "Not known"
OPEN = "DATE '9999-12-31'"
TAKEN = {"first": "ASC", "last": "DESC"}


def metric_models(metrics: Sequence[Metric], *, only_ranged: bool = False) -> tuple[Model, ...]:
    """Return one model a metric, ``outcome_<metric>``, and the view of them all.

    They hold numbers in the place of names (``kind_given``, ``int_period.period_number`` and the
    row of ``int_person``): of all that a release is made of they have the most rows.

    Args:
        metrics: At least one of which a range is told.
        only_ranged: Leave out the models of the others.
    """
    numbers = measure_numbers(metrics)
    models = [
        _model(f"outcome_{metric.metric}", metric_sql(metric, numbers))
        for metric in metrics
        if metric.is_ranged or not only_ranged
    ]
    union = "\nUNION ALL\n".join(f"SELECT * FROM {model.name}" for model in models)
    return (*models, _model(UNION, union, is_view=True))


def metric_sql(metric: Metric, numbers: Mapping[tuple[str, str], int]) -> str:
    """Return the SELECT that counts a metric by period, own category and person.

    Args:
        metric: The metric.
        numbers: Metric and measure → the measure's number.
    """
    counted = [
        measure_sql(metric.metric, measure, numbers[metric.metric, measure.measure], kind, place)
        for measure in metric.measures
        for place, kind in enumerate(metric.kinds, start=1)
    ]
    among = f"WHERE ({metric.among.where}\n)" if metric.among else ""
    start = "year_start" if metric.relation == STOCK else "start_date"
    return f"""WITH dated AS (
    SELECT frame.*, person.rowid AS person_row,
           age_band_of(year(period.end_date) - person.birth_year) AS age_band,
           person.sex, person.ethnicity_group, person.area,
           period.period_id, period.period_number,
           period.{start} AS period_start, period.end_date AS period_end
    FROM {metric.frame} AS frame
    INNER JOIN int_person AS person ON person.person_id = frame.person_id
    INNER JOIN int_period AS period ON {_dated(metric.dated_by, start)}
),

among AS (SELECT * FROM dated {among}),

unit AS (SELECT * FROM among {_taken(metric)})

""" + "\nUNION ALL\n".join(counted)


def measure_sql(metric: str, measure: Measure, number: int, kind: str, place: int) -> str:
    """Return the SELECT that counts one measure of a metric's units by one kind of category."""
    numerator = f"({measure.numerator.where}\n)"
    denominator = f"({measure.denominator.where}\n)" if measure.denominator else numerator
    of = "count(*)" if measure.denominator else "NULL"
    category = f"'{ALL_OF_THEM}'" if kind == NO_KIND else f"coalesce({kind}::VARCHAR, '{MISSING}')"
    value = f"avg({measure.value})" if measure.value else "NULL"
    return f"""SELECT {number}::SMALLINT AS measure_number, {place}::TINYINT AS kind_number,
       period_number, {category} AS category, person_row,
       count(*) FILTER ({numerator})::INTEGER AS numerator, {of}::INTEGER AS denominator,
       {value}::DOUBLE AS value
FROM unit
WHERE {denominator} AND period_id IN (
    SELECT period_id FROM int_metric_period
    WHERE metric = '{metric}' AND measure = '{measure.measure}' AND is_reported
        AND (period_kind = 'quarter' OR relation = '{STOCK}')
)
GROUP BY ALL"""


def _dated(dated_by: str | Span, start: str) -> str:
    """Return the condition that places a row of the frame in a period."""
    if isinstance(dated_by, Span):
        return (
            f"frame.{dated_by.start} <= period.end_date "
            f"AND coalesce(frame.{dated_by.end}, {OPEN}) >= period.{start}"
        )
    return f"frame.{dated_by} BETWEEN period.{start} AND period.end_date"


def _taken(metric: Metric) -> str:
    """Return the clause that leaves each person the row to take; ties go by the other columns."""
    if metric.take == "every":
        return ""
    day = metric.dated_by.start if isinstance(metric.dated_by, Span) else metric.dated_by
    order = TAKEN[metric.take]
    return (
        "QUALIFY row_number() OVER (PARTITION BY person_id, period_id "
        f"ORDER BY {day} {order}, among {order}) = 1"
    )


def _model(name: str, sql: str, *, is_view: bool = False) -> Model:
    """Return a generated model."""
    return Model(name, "metrics", "", sql, reads=reads(sql), is_view=is_view)
