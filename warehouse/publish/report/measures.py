"""The outcomes: what each measure is, how it has gone, and by group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from governance.disclosure import NOT_APPLICABLE, NOT_AVAILABLE
from warehouse.publish.pack import Pack
from warehouse.publish.report import charts
from warehouse.publish.report.content import Grid, Part, Section
from warehouse.publish.report.narrative import Change, changes, measure_words, together_sentence
from warehouse.publish.report.numbers import Figure, Window, thousands
from warehouse.publish.report.reading import (
    Row,
    defined,
    facts,
    grouped,
    is_whole,
    latest,
    linkage_ranges,
    rows_of,
    series,
    share,
    split_name,
    sum_of,
    windows,
)

LINKAGE_NOTE = (
    "Were records linked more or less readily, it might be up to {linkage} higher or lower; the "
    "range allows for that."
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
    def sentence(self) -> str:
        """What is said of it, wherever that stands."""
        return f"{self.title}: {self.words}."

    @property
    def words(self) -> str:
        """What is said of it, its title left out."""
        return measure_words(self.unit, self.series, self.linkage)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Changes that are worth stating."""
        return changes(self.series, self.linkage)


def outcome_sections(pack: Pack) -> dict[str, list[tuple[Section, tuple[Told, ...]]]]:
    """Return the section of each metric and the measures told in it, by theme.

    A metric that no partner sends what it needs for has no section: the indicators name it.
    """
    definitions = defined(pack)
    themes: dict[str, list[tuple[Section, tuple[Told, ...]]]] = {}
    for (metric,), rows in grouped(rows_of(pack.tables["outcomes"]), "metric").items():
        if all(row["numerator"] == NOT_AVAILABLE for row in rows):
            continue
        definition = definitions.get(str(metric), {})
        theme = str(definition.get("theme") or "other")
        themes.setdefault(theme, []).append(_section(pack, str(metric), rows, definition))
    return themes


def window_part(told: Told) -> Part:
    """Return a measure as its sentence, its trend and its table by window."""
    shown = [figure.value for _, figure in told.series if figure.value is not None]
    sign = "%" if told.series[-1][1].is_share else ""
    points = "percentage point" if told.linkage == 1 else "percentage points"
    chart = None
    if len(told.series) > 1 and shown:
        chart = charts.trend(
            told.title,
            [
                charts.Point(window.label, figure.shown, *(_bounds(figure, told.linkage) or (0, 0)))
                for window, figure in told.series
            ],
            is_share=bool(sign),
        )
    return Part(
        title=told.title,
        sentences=(f"{told.words[0].upper()}{told.words[1:]}.",),
        chart=chart,
        grid=_windows_grid(told),
        note=_linkage_note(told, points if sign else told.unit) if shown else "",
    )


def _linkage_note(told: Told, unit: str) -> str:
    """How far a figure hangs on linkage; where that is not known, what a change leaves out."""
    if told.linkage:
        return LINKAGE_NOTE.format(linkage=f"{told.linkage:g} {unit}")
    return UNKNOWN_LINKAGE if told.changes else ""


def together_part(every: Sequence[Told]) -> Part:
    """Return measures of a single window side by side: bars, and one table."""
    window = every[0].series[-1][0]
    figures = [told.series[-1][1] for told in every]
    is_share = any(figure.is_share for figure in figures)
    most = 100 if is_share else max(figure.value or 0 for figure in figures) or 1
    bars = [
        charts.Bar(told.title, _shown(figure), _of(figure, told.unit), (figure.value or 0) / most)
        for told, figure in zip(every, figures, strict=True)
    ]
    lines = [
        _line(told.title, figure, told.linkage) for told, figure in zip(every, figures, strict=True)
    ]
    caption = f"{every[0].unit.capitalize()}, {window.label}"
    titled = [(told.title, figure) for told, figure in zip(every, figures, strict=True)]
    return Part(
        sentences=(together_sentence(titled, window),),
        chart=charts.bars(caption, bars),
        grid=_lines_grid(caption, "What", lines, is_share),
    )


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
    lines = [_line(window.label, figure, told.linkage) for window, figure in told.series]
    if told.year is not None:
        label, figure = told.year
        linkage = told.linkage * (1 if figure.is_share else figure.parts)
        lines.append(_line(f"{label}: the sum", figure, linkage))
    is_share = any(figure.is_share for _, figure in told.series)
    return _lines_grid(f"{told.title}: {told.unit}", "Window", lines, is_share)


def _lines_grid(
    caption: str, first: str, lines: Sequence[tuple[str, str, str, str, str]], is_share: bool
) -> Grid:
    """A table of figures; plain counts have no denominator and no percentage."""
    if is_share:
        return Grid(caption, (first, "Number", "Out of", "%", "Range"), tuple(lines))
    counts = tuple((label, count, span) for label, count, *_, span in lines)
    return Grid(caption, (first, "Number", "Range"), counts)


def _line(label: str, figure: Figure, linkage: float) -> tuple[str, str, str, str, str]:
    """One window's row."""
    return (
        label,
        thousands(figure.above),
        thousands(figure.below),
        share(figure),
        _range(figure, linkage),
    )


def _bounds(figure: Figure, linkage: float) -> tuple[float, float] | None:
    """Where a figure may lie, given how it was rounded and how it hangs on linkage."""
    if figure.bounds is None:
        return None
    low, high = figure.bounds
    return max(low - linkage, 0), min(high + linkage, 100) if figure.is_share else high + linkage


def _range(figure: Figure, linkage: float) -> str:
    """The same in words."""
    bounds = _bounds(figure, linkage)
    if bounds is None or figure.value is None:
        return figure.shown
    low, high = bounds
    sign = "%" if figure.is_share else ""
    return f"{low:,.0f}{sign} to {high:,.0f}{sign}"


def _section(
    pack: Pack, metric: str, rows: list[Row], definition: Mapping[str, str]
) -> tuple[Section, tuple[Told, ...]]:
    """One metric's section."""
    told: list[Told] = []
    groups: list[Part] = []
    parts: list[Part] = []
    for (measure,), of_measure in grouped(rows, "measure").items():
        whole = [row for row in of_measure if is_whole(row)]
        if whole:
            told.append(_told(pack, metric, str(measure), whole))
            parts.append(window_part(told[-1]))
        by_group = list(_groups(windows(row for row in of_measure if not is_whole(row))))
        groups += by_group
        parts += by_group
    if _go_together(told):
        parts = [together_part(told), *groups]
    section = Section(
        key=metric.replace("_", "-"),
        title=definition.get("title") or rows[0]["title"],
        question=definition.get("definition", ""),
        parts=tuple(parts),
        caveat=definition.get("caveat") or "",
        facts=facts(definition),
    )
    return section, tuple(told)


def _go_together(every: Sequence[Told]) -> bool:
    """Whether measures are alike, and of one window alone, so that they read side by side."""
    if len(every) < 2 or any(len(told.series) > 1 for told in every):
        return False
    kinds = {(told.series[0][0], told.series[0][1].is_share, told.unit) for told in every}
    return len(kinds) == 1


def _told(pack: Pack, metric: str, measure: str, whole: list[Row]) -> Told:
    """One measure of everyone.

    What a count hangs on linkage by is of twelve months where they are shown; each of their windows
    has its part of it.
    """
    year = sum_of(whole, "numerator", "denominator", pack.base)
    is_of_year = year is not None and year[1].value is not None and not year[1].is_share
    parts = year[1].parts if year is not None and is_of_year else 1
    return Told(
        title=whole[0]["title"],
        unit=whole[0]["unit"],
        series=series(windows(whole), "numerator", "denominator", pack.base),
        linkage=math.ceil(linkage_ranges(pack).get((metric, measure), 0) / parts),
        year=year,
    )


def _groups(rows: list[Row]) -> Iterable[Part]:
    """A measure by group, in the latest window of each split."""
    lines = [
        (split_name(str(split)), row["category"], row)
        for (split,), of_split in grouped(rows, "split").items()
        for row in latest(of_split)
    ]
    if not lines:
        return
    is_share = any(row["denominator"] != NOT_APPLICABLE for _, _, row in lines)
    title = rows[0]["title"]
    columns = (
        "By",
        "Group",
        "Window",
        *(("Number", "Out of", "%") if is_share else ("Number",)),
    )
    yield Part(
        title=f"{title}: by group",
        grid=Grid(
            f"{title} by group: {rows[0]['unit']}",
            columns,
            tuple(
                (
                    by,
                    group,
                    row["period"],
                    thousands(row["numerator"]),
                    *((thousands(row["denominator"]), row["percent"]) if is_share else ()),
                )
                for by, group, row in lines
            ),
        ),
        note="A group that is not here had too many small counts to be shown.",
        is_detail=True,
    )
