"""What happens next, what changed, and who answers for the figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from warehouse.publish.report import charts
from warehouse.publish.report.content import Grid, Part, Section
from warehouse.publish.report.narrative import RULE, next_sentence
from warehouse.publish.report.numbers import Window, day, number, plain, thousands
from warehouse.publish.report.reading import Reader, Row, facts, grouped, latest, windows

NO_NEW_STEP = "No new step recorded"
FIRST_STEP = "Release from prison"
STEPS_DRAWN = 5
FEW_ROWS = 25  # of a table that is not folded away
DUE = "More figures are due once the data of all partners reach"
NOTHING = "nothing"  # what was public of something, when nothing was
NEVER_AGAIN = (
    "Published counts are never counted again: a window keeps the figures it was first published "
    "with."
)


def next_section(reader: Reader) -> Section | None:
    """Return what people did next: a Sankey of gated links, and the table of all."""
    rows = latest(windows(reader.rows("transitions")))
    if not rows:
        return None
    definition = reader.definition("transitions")
    window = Window.of(rows[0])
    steps = grouped(rows, "from_step")
    first = steps.get((FIRST_STEP,)) or next(iter(steps.values()))
    drawn = _drawn(steps)
    links = [
        charts.Link(row["from_step"], row["to_step"], row["people"], row["of_people"])
        for rows_of_step in drawn
        for row in rows_of_step
    ]
    few = len(drawn) < len(steps)
    note = (
        "A band is as broad as its published count. Where a count is not shown there is no band, "
        "and the step’s box stays open beside it. Numbers at the right add up the bands drawn."
    )
    if few:
        note += " Release from prison and the most common steps are drawn; the files have all."
    note += (
        " Of each kind of step a person’s first in a quarter is counted. After some steps what "
        "came next is told in wider groups, because fewer people took them."
    )
    return Section(
        key="next",
        title="What happens next",
        lead=next_sentence(
            [(row["to_step"], row["people"], row["of_people"]) for row in first],
            first[0]["from_step"],
            window,
            reader.pack.base,
        ),
        question=definition.get("definition", ""),
        parts=(
            Part(
                chart=charts.sankey(
                    f"Steps and what came next within 90 days, {window.label}",
                    links,
                    quiet=NO_NEW_STEP,
                ),
                grid=_links_grid([row for of_step in drawn for row in of_step], window),
                note=note,
            ),
            *(
                [Part(title="Every step", grid=_links_grid(rows, window), is_detail=True)]
                if few
                else []
            ),
        ),
        caveat=definition.get("caveat") or "",
        facts=facts(definition),
    )


def _drawn(steps: Mapping[tuple[str], list[Row]]) -> list[list[Row]]:
    """The links of release from prison and of the other steps that most people took."""
    shown = [rows for rows in steps.values() if any(number(row["people"]) for row in rows)]
    most = sorted(
        shown,
        key=lambda rows: (rows[0]["from_step"] != FIRST_STEP, -(number(rows[0]["of_people"]) or 0)),
    )[:STEPS_DRAWN]
    return [rows for rows in shown if rows in most]


def _links_grid(rows: Sequence[Row], window: Window) -> Grid:
    """Steps and what came next, a row each."""
    return Grid(
        f"Steps, and what came next within 90 days, {window.label}",
        ("Step", "What came next", "Number", "Out of", "%"),
        tuple(
            (
                row["from_step"],
                row["to_step"],
                thousands(row["people"]),
                thousands(row["of_people"]),
                row["percent"],
            )
            for row in rows
        ),
    )


def changes_section(reader: Reader) -> Section | None:
    """Return what differs from the last publication."""
    rows = reader.rows("changes")
    if not rows:
        return None
    is_first = all(row["before"] == NOTHING for row in rows)
    return Section(
        key="changed",
        title="What changed since the last publication",
        lead="This is the first publication." if is_first else NEVER_AGAIN,
        parts=(
            Part(
                title="Windows that are new, or gone",
                is_detail=len(rows) > FEW_ROWS or is_first,
                grid=Grid(
                    "Windows that are new, or gone",
                    ("Table", "What", "Before", "Now"),
                    tuple(
                        tuple(
                            plain(str(said[column] or NOTHING))
                            for column in ("table", "what", "before", "now")
                        )
                        for said in (reader.titles.row("changes", row) for row in rows)
                    ),
                ),
            ),
        ),
    )


def about_section(reader: Reader, told: Sequence[tuple[str, str, str]]) -> Section:
    """Return who answers for what, where it is from, and how sentences were chosen.

    Args:
        reader: The pack's.
        told: Title, latest window and owner of each section of figures.
    """
    pack = reader.pack
    due = f"{DUE} {day(pack.next_due)}." if pack.next_due else ""
    parts = [
        Part(
            title="Who answers for what",
            grid=Grid(
                "Figures, their latest window and their owners",
                ("Figures", "Latest window", "Owner"),
                tuple(told),
            ),
            on_paper=False,
        ),
        Part(
            title="Sources",
            grid=Grid(
                "Partners’ extracts",
                ("Partner", "Data reach to"),
                tuple((name.capitalize(), day(when)) for name, when in pack.as_at.items()),
            ),
        ),
        Part(title="When a change is put in words", sentences=(RULE,)),
    ]
    return Section(
        key="about",
        title="About these figures",
        lead=due,
        parts=tuple(part for part in parts if part.grid is None or part.grid.rows),
    )
