"""The cohorts: how many reached each step, where the largest drop is, and how that has gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from governance.disclosure import NOT_AVAILABLE
from warehouse.publish.report import charts
from warehouse.publish.report.content import Grid, Part, Section
from warehouse.publish.report.narrative import funnel_sentence, loss_sentence
from warehouse.publish.report.numbers import Window, lower, number, thousands
from warehouse.publish.report.reading import (
    Reader,
    Row,
    grouped,
    is_whole,
    latest,
    windows,
    year,
)
from warehouse.publish.report.told import Told, window_part
from warehouse.publish.words import split_name

FIRST = "release_need"  # continuity of care stands first
STEPS_TOLD = 2  # how many of the last main steps a sentence and a trend tell
HOW_TO_READ = (
    "Each step counts only people who reached the one before; “also:” marks a part of a step above "
    "it, which need not be the one just above. A percentage is of everyone in the cohort."
)


def funnel_sections(reader: Reader) -> tuple[tuple[Section, tuple[Told, ...]], ...]:
    """Return each cohort's section, with the measures told in it; continuity of care first."""
    cohorts = grouped(reader.rows("funnel"), "cohort")
    order = sorted(cohorts, key=lambda name: name != (FIRST,))
    return tuple(_section(reader, str(name[0]), cohorts[name]) for name in order)


def _section(reader: Reader, cohort: str, rows: list[Row]) -> tuple[Section, tuple[Told, ...]]:
    """One cohort's section."""
    whole = [row for row in rows if is_whole(row)]
    now = sorted(latest(windows(whole)), key=lambda row: row["step_number"])
    told = tuple(_told(reader, cohort, whole))
    rows_told, sums, window = _fullest(whole, now)
    steps = [(row["step"], row["people"], row["is_part"]) for row in rows_told]
    linkage = {row["step"]: reader.linkage.get((cohort, _numbered(row)), 0) for row in rows_told}
    lead = funnel_sentence(steps, window.in_a_sentence, reader.pack.base, sums, linkage)
    loss = loss_sentence(steps, reader.pack.base, sums)
    parts = (
        Part(
            sentences=(loss,) if loss else (),
            chart=charts.bars(f"{now[0]['title']}, {window.label}", _bars(rows_told))
            if any(number(row["people"]) is not None for row in rows_told[1:])
            else None,
            grid=_steps_grid(reader, cohort, whole, now),
            note=HOW_TO_READ,
        ),
        *(window_part(one, on_paper=False) for one in told),
        *_times(reader, cohort),
        *_groups(windows(row for row in rows if not is_whole(row))),
    )
    return reader.section(f"cohort-{cohort}", cohort, now[0]["title"], parts, lead), told


def _fullest(whole: Sequence[Row], now: list[Row]) -> tuple[list[Row], int, Window]:
    """The steps that are told and drawn: of twelve months where all of those are published, since
    of more people more can be said.

    Returns:
        The rows, how many published counts each is a sum of, and their window.
    """
    sums = [year(rows) for rows in grouped(whole, "step_number").values()]
    told = [row for row in sums if row is not None and number(row["people"]) is not None]
    if len(told) < len(now):
        return now, 1, Window.of(now[0])
    rows = sorted(told, key=lambda row: row["step_number"])
    since = rows[0]["period_start"]
    counted = [row for row in windows(whole) if row["step_number"] == rows[0]["step_number"]]
    return rows, sum(row["period_start"] >= since for row in counted), Window.of(rows[0])


def _told(reader: Reader, cohort: str, whole: list[Row]) -> Iterable[Told]:
    """The last main steps as measures: people who reached them, of everyone in the cohort."""
    main = [
        (step, rows)
        for (step,), rows in grouped(whole, "step").items()
        if not rows[0]["is_part"] and rows[0]["step_number"] > 1
    ]
    for step, rows in main[-STEPS_TOLD:]:
        yield reader.told(
            (cohort, _numbered(rows[0])), step, "people", rows, ("people", "of_people")
        )


def _steps_grid(reader: Reader, cohort: str, whole: Sequence[Row], now: Sequence[Row]) -> Grid:
    """People at each step in the latest window, and in twelve months where they are public.

    Last comes between which values the one or the other would lie, had records been linked
    otherwise.
    """
    columns: tuple[str, ...] = ("Step", "People", "Out of", "%")
    sums = {step: year(rows) for (step,), rows in grouped(whole, "step").items()}
    otherwise = [reader.otherwise(cohort, _numbered(row)) for row in now]
    has_year = all(sums.values())
    caption = f"People reaching each step, {Window.of(now[0]).label}"
    if has_year:
        columns += ("People, 12 months", "Out of, 12 months", "%, 12 months")
        caption += ", and in the twelve months that end with it"
    if any(otherwise):
        columns += ("If linked otherwise",)
    return Grid(
        caption,
        columns,
        tuple(
            (
                _title(row),
                thousands(row["people"]),
                thousands(row["of_people"]),
                row["percent"],
                *_summed(sums[row["step"]] if has_year else None),
                *((told or NOT_AVAILABLE,) if any(otherwise) else ()),
            )
            for row, told in zip(now, otherwise, strict=True)
        ),
    )


def _numbered(row: Row) -> str:
    """A step with its number, as the table of linkage sensitivity has it."""
    return f"{row['step_number']}. {row['step']}"


def _summed(row: Row | None) -> tuple[str, ...]:
    """Twelve months of a step: people, out of how many, and the percentage."""
    if row is None:
        return ()
    return thousands(row["people"]), thousands(row["of_people"]), row["percent"]


def _times(reader: Reader, cohort: str) -> Iterable[Part]:
    """By which day how many had an event, in the latest window."""
    rows = [row for row in windows(reader.rows("survival")) if row["cohort"] == cohort]
    for (event,), of_event in grouped(rows, "event").items():
        now = sorted(latest(of_event), key=lambda row: row["days"])
        window = Window.of(now[0])
        title = f"{event}: by which day"
        points = [charts.Point(f"{row['days']} days", row["percent"]) for row in now]
        yield Part(
            title=title,
            chart=charts.trend(f"{title}, {window.label}", points, is_share=True)
            if any(number(row["percent"]) is not None for row in now)
            else None,
            grid=Grid(
                f"Share of the cohort, {window.label}",
                ("Days", "%"),
                tuple((str(row["days"]), row["percent"]) for row in now),
            ),
            note="Percentages come from published counts of people in bands of days.",
            on_paper=False,
        )


def _groups(rows: list[Row]) -> Iterable[Part]:
    """The steps by each group, in the latest window, one table."""
    now = latest(rows)
    if not now:
        return
    steps = list(
        dict.fromkeys(row["step"] for row in sorted(now, key=lambda row: row["step_number"]))
    )
    lines = []
    for (split, category), of_group in grouped(now, "split", "category").items():
        people = {row["step"]: row["people"] for row in of_group}
        main = [row for row in of_group if not row["is_part"]]
        last = max(main, key=lambda row: row["step_number"])
        counts = [thousands(people.get(step, "[z]")) for step in steps]
        lines.append((split_name(split), category, *counts, last["percent"]))
    yield Part(
        title="By group",
        grid=Grid(
            f"People reaching each step by group, {Window.of(now[0]).label}",
            ("By", "Group", *steps, "% reaching the last step"),
            tuple(lines),
        ),
        note="A group that is not here had too many small counts to be shown.",
        is_detail=True,
    )


def _bars(now: Sequence[Row]) -> list[charts.Bar]:
    """The bars of a funnel, as long as their share of everyone, or of the most that are told."""
    people = [number(row["people"]) or 0 for row in now]
    whole = people[0] or max(people) or 1
    return [
        charts.Bar(
            row["step"],
            thousands(row["people"]),
            _of(row),
            told / whole,
            row["is_part"],
        )
        for row, told in zip(now, people, strict=True)
    ]


def _of(row: Row) -> str:
    """The share a row is of its cohort, in words."""
    if row["step_number"] == 1:
        return "everyone in the cohort"
    if number(row["of_people"]) is None:
        return "of how many is confidential"
    return f"{row['percent']}% of {thousands(row['of_people'])}"


def _title(row: Row) -> str:
    """A step's title in a table."""
    step = str(row["step"])
    return f"also: {lower(step)}" if row["is_part"] else step
