"""The lists of indicators that boards are used to, and how they stand against their targets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from governance.disclosure import NOT_AVAILABLE
from warehouse.publish.report.content import Grid, Part, Section
from warehouse.publish.report.narrative import targets_sentence
from warehouse.publish.report.numbers import number, thousands
from warehouse.publish.report.reading import PER_CENT, Reader, Row, grouped
from warehouse.publish.words import unit_name

UNTOLD = "cannot be told"
OURS = ("exact", "proxy", "restricted")  # how a figure from the partners' own records is called
HELD = "Indicators that can be held against a target"
OTHERS = "Other indicators that have a figure"
WITHOUT = "The other rows of the lists have no figure; the page and the workbook say why of each."


def indicators_section(reader: Reader) -> Section | None:
    """Return the lists of indicators: those with a target first, then every row of every list.

    Paper has the rows that have a figure, and leaves the others to the page and the files.
    """
    rows = reader.rows("framework")
    if not rows:
        return None
    own = [of_one[0] for of_one in grouped(rows, "list", "place").values()]
    judged = [row for row in own if row["target_status"]]
    shown = [row for row in rows if not row["target_status"] and _is_shown(row)]
    parts = [
        Part(title="Against targets", grid=_targets_grid(judged)) if judged else None,
        Part(
            title=OTHERS,
            grid=_short_grid(shown),
            note=WITHOUT,
            on_page=False,
        )
        if shown
        else None,
        *(
            Part(title=name, grid=_indicators_grid(name, of_list), on_paper=False)
            for (name,), of_list in grouped(rows, "list").items()
        ),
    ]
    return Section(
        key="indicators",
        title="Indicators and targets",
        lead=targets_sentence(
            (row["status"] in OURS and not row["value"].startswith("["), row["target_status"])
            for row in own
        ),
        parts=tuple(part for part in parts if part is not None),
        caveat="A target counts as met or not met only where neither rounding nor how readily "
        "records are linked could turn it; otherwise it is too close to call. An indicator that "
        "stands in two lists counts in each.",
    )


def _is_shown(row: Row) -> bool:
    """Whether a row has a figure, the partners' own or England's."""
    return not all(str(row[column] or "[").startswith("[") for column in ("value", "england"))


def _targets_grid(rows: Sequence[Row]) -> Grid:
    """The indicators that can be held against a target; a window that all share is said once."""
    shared = {row["period"] for row in rows}
    caption = HELD
    columns: tuple[str, ...] = ("Indicator", "Value", "Target", "Against target")
    if len(shared) == 1:
        caption = f"{HELD}, {shared.pop()}"
    else:
        columns += ("Window",)
    return Grid(
        caption,
        columns,
        tuple(
            (
                _indicator(row),
                _with_unit(row["value"], row["unit"]),
                _target(row),
                row["target_status"].capitalize(),
                row["period"],
            )[: len(columns)]
            for row in rows
        ),
    )


def _short_grid(rows: Sequence[Row]) -> Grid:
    """Indicators in few columns, for paper."""
    return Grid(
        f"{OTHERS}, and England’s figure",
        ("Indicator", "Window", "Value", "England"),
        tuple(
            (
                _indicator(row),
                row["period"] or NOT_AVAILABLE,
                _with_unit(row["value"], row["unit"]),
                _with_unit(row["england"], row["unit"]),
            )
            for row in rows
        ),
    )


def _indicators_grid(name: str, rows: Iterable[Row]) -> Grid:
    """One list of indicators."""
    return Grid(
        f"{name}: figures, England’s figures and targets",
        (
            *("Indicator", "Window", "Number", "Out of", "Value", "England", "Target"),
            *("Against target", "If linked otherwise", "What to know"),
        ),
        tuple(
            (
                _indicator(row),
                row["period"] or NOT_AVAILABLE,
                thousands(row["numerator"]),
                thousands(row["denominator"]),
                _with_unit(row["value"], row["unit"]),
                _with_unit(row["england"], row["unit"]),
                _target(row) or "None",
                (row["target_status"] or (UNTOLD if row["target"] else "none")).capitalize(),
                _between(row["low"], row["high"], row["unit"]),
                _to_know(row),
            )
            for row in rows
        ),
    )


def _indicator(row: Row) -> str:
    """An indicator's name, and the area it is of where that is not the whole partnership."""
    return (
        str(row["indicator"])
        if row["area"] in ("", "All")
        else f"{row['indicator']}: {row['area']}"
    )


def _with_unit(value: str | None, unit: str | None) -> str:
    """A value with its unit; shorthand as it is."""
    if not value or value.startswith("["):
        return value or ""
    shown = thousands(value)
    return f"{shown}%" if unit == PER_CENT else f"{shown} {unit_name(unit)}" if unit else shown


def _target(row: Row) -> str:
    """A target in words; empty without one."""
    told = _with_unit(row["target"], row["unit"])
    return f"{row['target_is']} {told}".strip().capitalize() if told else ""


def _between(low: str | None, high: str | None, unit: str | None) -> str:
    """A range in words."""
    if not low or not high:
        return NOT_AVAILABLE
    if number(low) is None or number(high) is None:
        return low
    return f"{_with_unit(low, PER_CENT if unit == PER_CENT else None)} to {_with_unit(high, unit)}"


def _to_know(row: Row) -> str:
    """Whether a row is what it says, in words, and where it is from."""
    said = [str(row["status"]).capitalize()] if row["status"] else []
    said += [str(row["note"]).rstrip(".")] if row["note"] else []
    said += [f"Source: {row['source']}"] if row["source"] else []
    return ". ".join(said) + "." if said else ""
