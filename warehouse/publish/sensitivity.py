"""How far each published figure hangs on how readily records were linked."""

from __future__ import annotations

import polars as pl

from governance.disclosure import NOT_APPLICABLE, Rule
from warehouse.publish.latest import Latest, latest
from warehouse.publish.pack import COLUMNS, UNRELIABLE
from warehouse.publish.windows import Window

FEWEST = 50
"""Fewer units than this tell nothing of linkage that should be published."""
STEPS = (1, 2, 5, 10, 20, 50, 100)
"""By how many points, or per cent of a count, a figure may be said to hang on linkage."""
PERCENT, PEOPLE = "per cent", "people"


def linkage_sensitivity(
    otherwise: pl.DataFrame, outcomes: pl.DataFrame, funnel: pl.DataFrame, rule: Rule
) -> pl.DataFrame:
    """Between which values each published figure would lie, were records linked otherwise.

    The range lies around the published figure of its newest twelve months, or of its newest window
    where those are not published, as wide as the smallest of ``STEPS`` that takes in every other
    link threshold. So nothing but the step comes from counts that are not published. The range is
    masked where the figure is, and unreliable where fewer than ``FEWEST`` are counted.

    Args:
        otherwise: The mart ``linkage_sensitivity``: metrics for everyone, and funnels.
        outcomes: The table ``outcomes`` of the pack.
        funnel: The table ``funnel`` of the pack.
        rule: The threshold and base of the published counts.
    """
    figures = latest(pl.concat([outcomes, steps(funnel)]), rule)
    units = dict(outcomes.select("metric", "unit").iter_rows())
    counted = otherwise.partition_by("name", "measure", as_dict=True)
    rows = []
    for (name, measure), figure in figures.items():
        others = counted.get((name, measure))
        if others is None or others["threshold_offset"].n_unique() < 2:
            continue
        unit = PERCENT if figure.is_share else units.get(name, PEOPLE)
        period = Window(figure.first, figure.last).label
        ends = _around(figure, _step(others, figure), rule)
        rows.append((name, measure, period, figure.value, unit, *ends))
    schema = dict.fromkeys(COLUMNS["linkage_sensitivity"], pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row")


def steps(funnel: pl.DataFrame) -> pl.DataFrame:
    """The steps of cohorts as measures: each a share of the first, which is a plain count."""
    is_first = pl.col("step_number") == 1
    return funnel.select(
        metric="cohort",
        measure=pl.format("{}. {}", "step_number", "step"),
        title="step",
        period="period",
        period_start="period_start",
        period_end="period_end",
        split="split",
        category="category",
        numerator="people",
        denominator=pl.when(is_first).then(pl.lit(NOT_APPLICABLE)).otherwise("of_people"),
        percent=pl.when(is_first).then(pl.lit(NOT_APPLICABLE)).otherwise("percent"),
        unit=pl.lit(PEOPLE),
    )


def _step(counted: pl.DataFrame, figure: Latest) -> int | None:
    """The step that a figure hangs on linkage by; None where too few are counted to say."""
    of = "denominator" if figure.is_share else "numerator"
    if any(many is None or many < FEWEST for many in counted[of]):
        return None
    in_force = pl.col("threshold_offset") == 0
    if figure.is_share:
        points = counted.with_columns(value=100 * pl.col("numerator") / pl.col("denominator"))
    else:
        start = counted.filter(in_force)["numerator"].sum()
        points = counted.with_columns(value=100 * pl.col("numerator") / start)
    values = points["value"].to_list()
    now = points.filter(in_force)["value"].sum()
    swing = max(abs(value - now) for value in values)
    return next((step for step in STEPS if step >= swing), STEPS[-1])


def _around(figure: Latest, step: int | None, rule: Rule) -> tuple[str, str]:
    """The ends of a range around a published figure."""
    if not figure.value.isdigit():
        return figure.value, figure.value
    if step is None:
        return UNRELIABLE, UNRELIABLE
    value = int(figure.value)
    if figure.is_share:
        return str(max(0, value - step)), str(min(100, value + step))
    width = -(-value * step // (100 * rule.base)) * rule.base
    return str(max(0, value - width)), str(value + width)
