"""The outcomes: what each measure is, how it has gone, and by group."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from governance.disclosure import NOT_APPLICABLE, NOT_AVAILABLE
from warehouse.publish.report.content import Grid, Part, Section
from warehouse.publish.report.numbers import thousands
from warehouse.publish.report.reading import (
    Reader,
    Row,
    grouped,
    is_whole,
    latest,
    windows,
)
from warehouse.publish.report.told import Told, together_part, window_part
from warehouse.publish.words import split_name, unit_name


def outcome_sections(reader: Reader) -> dict[str, list[tuple[Section, tuple[Told, ...]]]]:
    """Return the section of each metric and the measures told in it, by theme.

    A metric that no partner sends what it needs for has no section: the indicators name it.
    """
    themes: dict[str, list[tuple[Section, tuple[Told, ...]]]] = {}
    for (metric,), rows in grouped(reader.rows("outcomes"), "metric").items():
        if all(row["numerator"] == NOT_AVAILABLE for row in rows):
            continue
        theme = reader.definition(str(metric)).get("theme") or "other"
        themes.setdefault(theme, []).append(_section(reader, str(metric), rows))
    return themes


def _section(reader: Reader, metric: str, rows: list[Row]) -> tuple[Section, tuple[Told, ...]]:
    """One metric's section."""
    told: list[Told] = []
    groups: list[Part] = []
    parts: list[Part] = []
    for (measure,), of_measure in grouped(rows, "measure").items():
        whole = [row for row in of_measure if is_whole(row)]
        if whole:
            columns = ("numerator", "denominator")
            title, unit = whole[0]["title"], whole[0]["unit"]
            told.append(reader.told((metric, str(measure)), title, unit, whole, columns))
            parts.append(window_part(told[-1]))
        by_group = list(_groups(windows(row for row in of_measure if not is_whole(row))))
        groups += by_group
        parts += by_group
    if _go_together(told):
        parts = [together_part(told), *groups]
    title = reader.definition(metric).get("title") or rows[0]["title"]
    return reader.section(metric, metric, title, tuple(parts)), tuple(told)


def _go_together(every: Sequence[Told]) -> bool:
    """Whether measures are alike, and of one window alone, so that they read side by side."""
    if len(every) < 2 or any(len(told.series) > 1 for told in every):
        return False
    kinds = {(told.series[0][0], told.series[0][1].is_share, told.unit) for told in every}
    return len(kinds) == 1


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
            f"{title} by group: {unit_name(rows[0]['unit'])}",
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
