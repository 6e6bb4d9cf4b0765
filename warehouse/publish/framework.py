"""The lists of indicators that boards are used to, every row of them, from public figures alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from governance.disclosure import NOT_APPLICABLE, NOT_AVAILABLE, percentage
from governance.disclosure.rules import Rule
from warehouse.models import load_seed
from warehouse.publish.columns import number
from warehouse.publish.latest import MONTHS, Latest, latest
from warehouse.publish.pack import COLUMNS, TYPES
from warehouse.publish.published import AS_PUBLISHED, WHOLE
from warehouse.publish.sheets import day_in_words
from warehouse.publish.windows import Window

MET, NOT_MET, TOO_CLOSE = "met", "not met", "too close to call"
AT_LEAST, AT_MOST = "at least", "at most"
PERCENT = "per cent"

_OF_TARGET = ("target", "target_is", "target_status")
_STATUS = {"computed": "exact"}  # the others are called as in the mart
_SUBSTANCES = {"opiate_or_crack": "opiate or crack"}  # measure → substance, where they differ
_NOT_SHOWN = (
    "Nothing of it is published: no partner sends what it needs, or not yet for long enough."
)
_A_MEAN = "It is a mean, and means are not published."
_NOT_ASKED = "The partnership has not asked for it."
_NO_ESTIMATE = "The partnership gives no estimate of how many people depend on it."
_NOT_ESTIMATED = "No target status: how far the figure hangs on linkage is not known."
_OF_A_YEAR = "No target status: the target is of twelve months, and fewer are shown."


def framework(
    indicators: pl.DataFrame,
    outcomes: pl.DataFrame,
    sensitivity: pl.DataFrame,
    published: pl.DataFrame,
    *,
    prevalence: pl.DataFrame | None = None,
    rule: Rule | None = None,
) -> pl.DataFrame:
    """Make the table ``framework`` of a publication.

    Nothing in it was counted for it: its figures are sums and shares of published counts, and what
    others publish.

    Args:
        indicators: The mart ``indicator``, ``caveat`` and ``unit`` of the mart ``metric``, and
            whether it ``is_withheld`` because the partnership has not asked for it.
        outcomes: The table ``outcomes`` of the pack.
        sensitivity: The table ``linkage_sensitivity`` of the pack.
        published: From ``warehouse.publish.published.read_published``.
        prevalence: The mart ``prevalence``; None without.
        rule: The threshold and the base of the published counts; the usual ones without.

    Returns:
        A row per row of each list, and one more for each figure that another publishes of it.
    """
    figures = latest(outcomes, rule or Rule())
    swings = {(row["name"], row["measure"]): row for row in sensitivity.to_dicts()}
    estimates = (
        {row["substance"]: row for row in prevalence.to_dicts()} if prevalence is not None else {}
    )
    others = published.partition_by("list", "indicator", as_dict=True)
    told_by = set(outcomes.select("metric", "measure", "split").unique().iter_rows())
    rows: list[dict[str, Any]] = []
    for indicator in sorted(indicators.to_dicts(), key=_place):
        theirs = others.get((indicator["list"], indicator["indicator"]), published.clear())
        named = (indicator["metric"], indicator["measure"])
        own = _own(indicator, figures.get(named), swings.get(named), estimates)
        if (*named, indicator["split"]) in told_by and indicator["split"] not in (None, "all"):
            by = indicator["split"].replace("_", " ")
            own |= {"note": _sentences(f"The table “outcomes” gives it by {by}.", own["note"])}
        rows += _with_published(own, theirs.to_dicts())
    schema = {column: TYPES.get(column, pl.String) for column in COLUMNS["framework"]}
    return pl.DataFrame(rows, schema=schema)


def _place(indicator: Mapping[str, Any]) -> tuple[int, int]:
    """Where a row stands: the lists in the order in which they are packaged."""
    lists = list(dict.fromkeys(row["list"] for row in load_seed("indicator")))
    listed = lists.index(indicator["list"]) if indicator["list"] in lists else len(lists)
    return listed, indicator["place"]


def target_status(
    figures: tuple[float, float] | None, target: float, *, at_most: bool = False
) -> str:
    """Whether a target is reached, whatever the figure is within its range.

    Args:
        figures: The least and the greatest that the figure could be; None where none is shown.
        target: What is to be reached or passed, in the same unit.
        at_most: Whether it is to be kept to or stayed below instead.

    Returns:
        ``met``, ``not met``, ``too close to call``, or nothing without a figure.
    """
    if figures is None:
        return ""
    low, high = figures
    if at_most:
        return MET if high <= target else NOT_MET if low > target else TOO_CLOSE
    return MET if low >= target else NOT_MET if high < target else TOO_CLOSE


def _own(
    indicator: Mapping[str, Any],
    figure: Latest | None,
    swing: Mapping[str, str] | None,
    estimates: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The row of the partnership's own figure."""
    row: dict[str, Any] = dict.fromkeys(COLUMNS["framework"], "") | {
        "list": indicator["list"],
        "place": indicator["place"],
        "area": WHOLE,
        "indicator": indicator["indicator"],
        "period_start": None,
        "period_end": None,
        "numerator": NOT_AVAILABLE,
        "denominator": NOT_AVAILABLE,
        "value": NOT_AVAILABLE,
        "england": NOT_AVAILABLE,
        "source": indicator["source"],
        "target": "" if indicator["target"] is None else f"{indicator['target']:g}",
        "target_is": "" if indicator["target"] is None else _target_is(indicator),
        "status": _STATUS.get(indicator["status"], indicator["status"]),
        "note": indicator["reason"] or _of_proxy(indicator),
    }
    if indicator["measure"] is None:
        return row
    if figure is None:
        return row | _not_shown(indicator, row["note"])
    row |= {
        "period": Window(figure.first, figure.last).label,
        "period_start": figure.first,
        "period_end": figure.last,
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "value": figure.value,
        "unit": PERCENT if figure.is_share else indicator.get("unit") or "",
    }
    if indicator["answered_by"] == "unmet_need":
        return row | _unmet(indicator["measure"], figure, estimates)
    if swing is not None:
        row |= {"low": swing["low"], "high": swing["high"]}
    if indicator["target"] is not None:
        row |= _against_target(indicator, figure, swing, row["note"])
    return row


def _not_shown(indicator: Mapping[str, Any], note: str) -> dict[str, str]:
    """Why there is no figure, and the unit that its target is in."""
    unit = indicator["target_unit"] or ""
    why = _A_MEAN if " " in unit and "mean" in unit else _NOT_SHOWN
    if indicator["is_withheld"]:
        why = _NOT_ASKED
    return {
        "unit": PERCENT if unit in ("percent", PERCENT) else "",
        "note": _sentences(why, note),
    }


def _of_proxy(indicator: Mapping[str, Any]) -> str:
    """What a figure that stands in for another leaves out; the definitions say it of the others."""
    return indicator["caveat"] or "" if indicator["status"] == "proxy" else ""


def _against_target(
    indicator: Mapping[str, Any], figure: Latest, swing: Mapping[str, str] | None, note: str
) -> dict[str, str]:
    """Whether the target is reached, or why that is not said."""
    in_percent = indicator["target_unit"] in ("percent", PERCENT)
    if in_percent != figure.is_share or (not in_percent and " " in indicator["target_unit"]):
        aim = (
            f"The target, {indicator['target']:g} {indicator['target_unit']}, is of another figure,"
        )
        return {
            "target": "",
            "target_is": "",
            "note": _sentences(aim, "which is not published.", note),
        }
    if not in_percent and figure.months != MONTHS:
        return {"note": _sentences(_OF_A_YEAR, note)}
    if figure.value_range is None:
        return {}
    widened = _widened(figure, swing)
    if widened is None:
        return {"note": _sentences(_NOT_ESTIMATED, note)}
    at_most = bool(indicator["target_at_most"])
    return {"target_status": target_status(widened, indicator["target"], at_most=at_most)}


def _target_is(indicator: Mapping[str, Any]) -> str:
    """On which side of its target an indicator is to be."""
    return AT_MOST if indicator["target_at_most"] else AT_LEAST


def _widened(figure: Latest, swing: Mapping[str, str] | None) -> tuple[float, float] | None:
    """The range that rounding leaves, made wider by what other linking would change."""
    value, range_ = number(figure.value), figure.value_range
    low, high = (number(swing["low"]), number(swing["high"])) if swing else (None, None)
    if value is None or range_ is None or low is None or high is None:
        return None
    return range_[0] - max(0, value - low), range_[1] + max(0, high - value)


def _unmet(
    measure: str, figure: Latest, estimates: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """The estimated share of dependent people who are not in treatment."""
    estimate = estimates.get(_SUBSTANCES.get(measure, measure))
    if estimate is None:
        return {"value": NOT_AVAILABLE, "unit": PERCENT, "note": _NO_ESTIMATE}
    treated, people = number(figure.numerator), int(estimate["people"])
    untreated = figure.numerator if treated is None else str(max(0, people - int(treated)))
    return {
        "denominator": NOT_APPLICABLE,
        "value": percentage(untreated, str(people)),
        "unit": PERCENT,
        "note": f"Of an estimated {estimate['people']:,} people ({estimate['low']:,} to "
        f"{estimate['high']:,}; {estimate['source']}). The numerator is who is in treatment.",
    }


def _with_published(own: dict[str, Any], theirs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The partnership's own row, filled with what others publish, and theirs by authority.

    England's figure is the same beside every authority; the first that gives it in the unit of the
    own row stands there.
    """
    whole_first = sorted(theirs, key=lambda one: bool(one["authority"]))
    alike = [one for one in whole_first if one["england"] and own["unit"] in ("", one["unit"])]
    if alike:
        own |= {"england": alike[0]["england"], "unit": alike[0]["unit"]}
    filling = [one for one in theirs if one["value"] and not one["authority"]]
    filled = filling[:1] if own["status"] == "not available" else []
    yield {**own, **_theirs(filled[0])} if filled else own
    for one in theirs:
        if one not in filled and (one["value"] or one["unit"] != own["unit"]):
            area = one["authority_name"] or AS_PUBLISHED
            yield {**own, **_theirs(one), "area": area, **dict.fromkeys(_OF_TARGET, "")}


def _theirs(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "period": one["period"],
        "period_start": None,
        "period_end": None,
        "numerator": NOT_AVAILABLE,
        "denominator": NOT_AVAILABLE,
        "value": one["value"] or NOT_AVAILABLE,
        "unit": one["unit"],
        "england": one["england"] or NOT_AVAILABLE,
        "source": one["source"],
        "low": "",
        "high": "",
        "status": "published",
        "note": f"Published by others, as at {day_in_words(one['as_at'])}.",
    }


def _sentences(*said: str) -> str:
    return " ".join(one for one in said if one)
