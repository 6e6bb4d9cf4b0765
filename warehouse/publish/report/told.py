"""One measure of everyone as the board reads it: its sentence, its trend and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from warehouse.publish.report import charts
from warehouse.publish.report.content import Grid, Part
from warehouse.publish.report.narrative import (
    NO_CHANGE,
    Change,
    changes,
    measure_words,
    together_sentence,
)
from warehouse.publish.report.numbers import Figure, Window, share, thousands
from warehouse.publish.words import unit_name

LINKAGE_NOTE = (
    "If records were linked more or less readily: up to {linkage} higher or lower. The range "
    "allows for that."
)
UNKNOWN_LINKAGE = (
    "How far it hangs on how readily records are linked is not known, so the change was held "
    "against rounding and chance alone."
)


@dataclass(frozen=True)
class Told:
    """A measure of everyone, in each window that is public.

    Attributes:
        title: What a reader calls it.
        unit: What is counted, in the plural.
        series: Its figures, the oldest first.
        linkage: By how much it may move with the link threshold, either way, in its unit.
        year: What twelve months are called and their figure, where those are published.
    """

    title: str
    unit: str
    series: tuple[tuple[Window, Figure], ...]
    linkage: float = 0
    year: tuple[str, Figure] | None = None

    @property
    def figures(self) -> tuple[tuple[Window, Figure], ...]:
        """The series, each figure with how far it hangs on linkage."""
        return tuple((window, replace(one, linkage=self.linkage)) for window, one in self.series)

    @property
    def sentence(self) -> str:
        """What is said of it, wherever that stands."""
        return f"{self.title}: {self.words}."

    @property
    def words(self) -> str:
        """What is said of it, its title left out."""
        return measure_words(unit_name(self.unit), self.figures)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Changes that are worth stating."""
        return changes(self.figures)


def window_part(told: Told, *, on_paper: bool = True) -> Part:
    """Return a measure as its sentence, its trend and its table by window."""
    shown = [figure.value for _, figure in told.series if figure.value is not None]
    sign = "%" if told.series[-1][1].is_share else ""
    points = "percentage point" if told.linkage == 1 else "percentage points"
    chart = None
    if len(told.series) > 1 and shown:
        chart = charts.trend(
            told.title,
            [
                charts.Point(window.label, figure.shown, *(figure.span or (0, 0)))
                for window, figure in told.figures
            ],
            is_share=bool(sign),
        )
    return Part(
        title=told.title,
        sentences=(f"{told.words[0].upper()}{told.words[1:]}.",),
        chart=chart,
        grid=_windows_grid(told),
        on_paper=on_paper,
        note=_linkage_note(told, points if sign else unit_name(told.unit)) if shown else "",
    )


def _linkage_note(told: Told, unit: str) -> str:
    """How far a figure hangs on linkage; where that is not known, what a change leaves out."""
    if told.linkage:
        return LINKAGE_NOTE.format(linkage=f"{told.linkage:g} {unit}")
    return UNKNOWN_LINKAGE if told.changes else ""


def together_part(every: Sequence[Told]) -> Part:
    """Return measures of a single window side by side: bars, and one table."""
    window = every[0].series[-1][0]
    figures = [told.figures[-1][1] for told in every]
    is_share = any(figure.is_share for figure in figures)
    most = 100 if is_share else max(figure.value or 0 for figure in figures) or 1
    bars = [
        charts.Bar(
            told.title,
            _shown(figure),
            _of(figure, unit_name(told.unit)),
            (figure.value or 0) / most,
        )
        for told, figure in zip(every, figures, strict=True)
    ]
    lines = [_line(told.title, figure) for told, figure in zip(every, figures, strict=True)]
    caption = f"{unit_name(every[0].unit).capitalize()}, {window.label}"
    titled = [(told.title, figure) for told, figure in zip(every, figures, strict=True)]
    return Part(
        sentences=(together_sentence(titled, window),),
        chart=charts.bars(caption, bars),
        grid=_lines_grid(caption, "What", lines, is_share),
    )


def overview(caption: str, every: Sequence[tuple[str, Told]]) -> Part:
    """Return many measures in their newest windows as one table, a row each.

    Args:
        caption: What the table holds.
        every: What a measure is called in full, and the measure.
    """
    columns = ("Measure", "Number", "Out of", "%", "Range", "Change", "Window")
    rows = []
    for title, told in every:
        window, figure = told.figures[-1]
        _, *figures = _line("", figure)
        rows.append((title, *figures, _change(told), window.label))
    return Part(grid=Grid(caption, columns, tuple(rows)))


def _change(told: Told) -> str:
    """The change that is worth stating, in a few words."""
    is_compared = len(told.series) > 1 and told.series[-1][1].value is not None
    said = " and ".join(one.words for one in told.changes) or (NO_CHANGE if is_compared else "")
    return f"{said[0].upper()}{said[1:]}" if said else "Not compared"


def _shown(figure: Figure) -> str:
    """A figure at its bar."""
    return (
        f"{figure.shown}%"
        if figure.is_share and figure.value is not None
        else thousands(figure.shown)
    )


def _of(figure: Figure, unit: str) -> str:
    """What a figure is of."""
    if not figure.is_share:
        return unit
    return f"{thousands(figure.above)} of {thousands(figure.below)} {unit}"


def _windows_grid(told: Told) -> Grid:
    """A measure by window, and over twelve months where they are public."""
    lines = [_line(window.label, figure) for window, figure in told.figures]
    if told.year is not None:
        label, figure = told.year
        linkage = told.linkage * (1 if figure.is_share else figure.parts)
        lines.append(_line(f"{label}: the sum", replace(figure, linkage=linkage)))
    is_share = any(figure.is_share for _, figure in told.series)
    return _lines_grid(f"{told.title}: {unit_name(told.unit)}", "Window", lines, is_share)


def _lines_grid(
    caption: str, first: str, lines: Sequence[tuple[str, str, str, str, str]], is_share: bool
) -> Grid:
    """A table of figures; plain counts have no denominator and no percentage."""
    if is_share:
        return Grid(caption, (first, "Number", "Out of", "%", "Range"), tuple(lines))
    counts = tuple((label, count, span) for label, count, *_, span in lines)
    return Grid(caption, (first, "Number", "Range"), counts)


def _line(label: str, figure: Figure) -> tuple[str, str, str, str, str]:
    """One window's row."""
    return (
        label,
        thousands(figure.above),
        thousands(figure.below),
        share(figure),
        _range(figure),
    )


def _range(figure: Figure) -> str:
    """Where a figure may lie, in words."""
    if figure.span is None or figure.value is None:
        return figure.shown
    low, high = figure.span
    sign = "%" if figure.is_share else ""
    return f"{low:,}{sign} to {high:,}{sign}"
