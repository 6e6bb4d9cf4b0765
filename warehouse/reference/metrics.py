"""The page of every metric and measure, and which columns each hangs on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from warehouse.analyst import nodes, syntax_tree
from warehouse.lineage import Column
from warehouse.metrics import Measure, Metric, load_metrics
from warehouse.metrics.definition import Span
from warehouse.metrics.read import lag_days, policy_days
from warehouse.reference.markdown import listed, table

PERSON = "person"
PERSON_SPLITS = ("age_band", "sex", "ethnicity_group", "area")
"""What every metric can be told apart by: what the mart `person` says of whom it counts."""

HEADING = """# Metrics

Every metric and measure, each defined once in a file under `warehouse/metrics/`. From that file
come the tables of a release (`outcome`, a row for each person counted, and `figure`, the
numbers), the board's tables and this page, so they cannot differ. This page is generated; `make
reference` renews it.

Every metric can be split by the person's age band, sex, ethnicity group and area as well as by
its own categories. A period is reported when its end and the longest follow-up lie on or before
the earliest date of the partners it needs; `metric_period` says why another is not. Numbers of
days have a name in `policy`. [Where a figure comes from](lineage.md) follows each one back to the
extracts.
"""


def metrics_page(metrics: tuple[Metric, ...] | None = None) -> str:
    """Return the page of all metrics as Markdown.

    Raises:
        ConfigError: A metric's file cannot be used.
    """
    metrics = load_metrics() if metrics is None else metrics
    parts = [HEADING.rstrip(), _contents(metrics)]
    for theme in dict.fromkeys(metric.theme for metric in sorted(metrics, key=_place)):
        parts.append(f"## {theme.capitalize()}")
        for metric in metrics:
            if metric.theme == theme:
                parts += _described(metric)
    return "\n\n".join(parts) + "\n"


def columns_of(
    metric: Metric, types: Mapping[str, Mapping[str, str]], measure: Measure | None = None
) -> frozenset[Column]:
    """Return the columns of its frame and of ``person`` that a metric is counted by.

    Args:
        metric: The metric.
        types: Table → column → type, as `warehouse.lineage.Lineage` has it.
        measure: The one of its measures that is meant; all of them without.
    """
    named = {"person_id", *metric.by, *_dates(metric)}
    named |= _columns_named(metric.among.where) if metric.among else set()
    for one in metric.measures if measure is None else (measure,):
        rules = [one.numerator] + ([one.denominator] if one.denominator else [])
        named |= {column for rule in rules for column in _columns_named(rule.where)}
        named |= {one.value} if one.value else set()
    own = types.get(metric.frame, {})
    return frozenset(
        [(metric.frame, column) for column in named if column in own]
        + [(PERSON, column) for column in named if column not in own and column in PERSON_SPLITS]
    )


@cache
def _columns_named(where: str) -> frozenset[str]:
    """Return the columns that a condition names."""
    tree = syntax_tree(f"SELECT * FROM frame WHERE ({where}\n)")
    return frozenset(
        str(node["column_names"][-1]) for node in nodes(tree) if node.get("class") == "COLUMN_REF"
    )


def _dates(metric: Metric) -> tuple[str, ...]:
    span = metric.dated_by
    return (span.start, span.end) if isinstance(span, Span) else (span,)


def _place(metric: Metric) -> tuple[str, str]:
    return metric.theme, metric.metric


def _contents(metrics: tuple[Metric, ...]) -> str:
    rows = [
        (f"[`{metric.metric}`](#{metric.metric})", metric.title, metric.theme, metric.status)
        for metric in sorted(metrics, key=_place)
    ]
    return table(("Metric", "Title", "Theme", "Status"), rows)


def _described(metric: Metric) -> Iterator[str]:
    yield f"### {metric.metric}"
    yield f"**{metric.title}.** {metric.definition}"
    yield table(("Of it", ""), _properties(metric))
    yield table(
        ("Measure", "Numerator", "Denominator", "Lag", "Target"),
        [_measure(measure) for measure in metric.measures],
    )


def _properties(metric: Metric) -> Iterator[tuple[str, str]]:
    yield "Counts", f"{metric.unit}; {_taken(metric)}"
    yield "Window", _window(metric)
    if metric.among:
        yield "Chosen among", f"{metric.among.says} `{metric.among.where}`"
    yield "Categories", listed(metric.by) if metric.by else "none of its own"
    yield "Leaves out", metric.exclusions
    yield "Sources", ", ".join(metric.sources)
    if metric.needs:
        yield "Not reported without", ", ".join(metric.needs)
    yield "Partners whose dates bound it", ", ".join(metric.partners)
    yield "Status", metric.status
    yield "Counted from", f"[`{metric.frame}`](warehouse/models.md#{metric.frame})"
    yield "Owner", metric.owner
    yield "Bear in mind", metric.caveat


def _taken(metric: Metric) -> str:
    if metric.take == "every":
        return f"every one of the `{metric.frame}` rows in the window"
    return f"the person's {metric.take} in the window, so that a person is counted once"


def _window(metric: Metric) -> str:
    dates = " to ".join(f"`{name}`" for name in _dates(metric))
    if metric.window == "quarter":
        return f"a calendar quarter, by {dates}; twelve months are the sum of four"
    return f"the twelve months that end with a quarter, by {dates}: a stock, never added up"


def _measure(measure: Measure) -> tuple[str, ...]:
    below = measure.denominator
    lag = lag_days(measure.lag, policy_days())
    days = f"{lag} day{'' if lag == 1 else 's'}"
    named = "" if str(measure.lag).isdigit() else f" ({measure.lag})"
    value = f" The mean and median of `{measure.value}` are given too." if measure.value else ""
    return (
        f"`{measure.measure}`: {measure.title}",
        f"{measure.numerator.says} `{measure.numerator.where}`{value}",
        f"{below.says} `{below.where}`" if below else "none: a plain count",
        f"{days}{named}",
        _target(measure),
    )


def _target(measure: Measure) -> str:
    target = measure.target
    if target is None:
        return "none"
    at_most = "at most " if target.at_most else ""
    return f"{at_most}{target.value:g} {target.unit} ({target.source}, {target.dated.isoformat()})"
