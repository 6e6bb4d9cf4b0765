"""What happens next, the indicators, how good the data are, what changed, and about the figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from governance.disclosure import NOT_AVAILABLE
from warehouse.publish.pack import Pack
from warehouse.publish.report import charts
from warehouse.publish.report.content import Grid, Part, Section
from warehouse.publish.report.narrative import RULE, next_sentence, targets_sentence
from warehouse.publish.report.numbers import Window, day, number, thousands
from warehouse.publish.report.reading import Row, defined, facts, grouped, latest, rows_of, windows

NO_NEW_STEP = "No new step recorded"
FIRST_STEP = "Release from prison"
STEPS_DRAWN = 5
FEW_ROWS = 25  # of a table that is not folded away
NOTHING = "nothing"  # what was public of something, when nothing was
NEVER_AGAIN = (
    "Published counts are never counted again: a window keeps the figures it was first published "
    "with."
)
PER_CENT = "per cent"
UNTOLD = "cannot be told"
OURS = ("exact", "proxy", "restricted")  # how a figure from the partners' own records is called


def next_section(pack: Pack) -> Section | None:
    """Return what people did next: a Sankey of gated links, and the table of all."""
    rows = latest(windows(rows_of(pack.tables["transitions"])))
    if not rows:
        return None
    definition = defined(pack).get("transitions", {})
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
        note += (
            " Release from prison and the steps that most people took are drawn; the table has all."
        )
    return Section(
        key="next",
        title="What happens next",
        lead=next_sentence(
            [(row["to_step"], row["people"], row["of_people"]) for row in first],
            first[0]["from_step"],
            window,
        ),
        question=definition.get("definition", ""),
        parts=(
            Part(
                chart=charts.sankey(
                    f"Steps and what came next within 90 days, {window.label}",
                    links,
                    quiet=NO_NEW_STEP,
                ),
                grid=_links_grid(rows, steps, window),
                note=note,
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


def _links_grid(rows: Sequence[Row], steps: Mapping[tuple[str], list[Row]], window: Window) -> Grid:
    """Every step and what came next."""
    ends = list(dict.fromkeys(row["to_step"] for row in rows))
    lines = []
    for (start,), links in steps.items():
        people = {row["to_step"]: thousands(row["people"]) for row in links}
        of = thousands(links[0]["of_people"])
        lines.append((start, of, *(people.get(end, NOT_AVAILABLE) for end in ends)))
    caption = f"People by step, and by what came next within 90 days, {window.label}"
    return Grid(caption, ("Step", "People", *ends), tuple(lines))


def indicators_section(pack: Pack) -> Section | None:
    """Return the tables that boards are used to, every row of them."""
    rows = rows_of(pack.tables["framework"])
    if not rows:
        return None
    return Section(
        key="indicators",
        title="Indicators and targets",
        lead=targets_sentence(
            (
                of_one[0]["status"] in OURS and not of_one[0]["value"].startswith("["),
                of_one[0]["target_status"],
            )
            for of_one in grouped(rows, "list", "place").values()
        ),
        parts=tuple(
            Part(title=name, grid=_indicators_grid(name, of_list))
            for (name,), of_list in grouped(rows, "list").items()
        ),
        caveat="A target counts as met or not met only where neither rounding nor how readily "
        "records are linked could turn it; otherwise it is too close to call. An indicator that "
        "stands in two lists counts in each.",
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
                _with_unit(row["target"], row["unit"]) or "none",
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
    return f"{shown}%" if unit == PER_CENT else f"{shown} {unit}" if unit else shown


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


def quality_section(pack: Pack) -> Section | None:
    """Return how good the records are, how well they are linked, and what hangs on it."""
    tables = (
        (
            "data_quality",
            "Records",
            "Quality of the records",
            {"source": "Records", "field": "Field", "measure": "What", "records": "Number"},
        ),
        (
            "linkage_quality",
            "Links",
            "How records are linked",
            {"partners": "Partners", "measure": "What", "records": "Records"},
        ),
        (
            "linkage_sensitivity",
            "What hangs on linkage",
            "Figures as they would be, had records been linked more or less readily",
            {"name": "Figure", "measure": "Measure", "low": "Lowest", "high": "Highest"},
        ),
    )
    parts = tuple(
        Part(
            title=title,
            grid=_plain_grid(pack, name, caption, columns),
            is_detail=pack.tables[name].height > FEW_ROWS,
        )
        for name, title, caption, columns in tables
        if not pack.tables[name].is_empty()
    )
    if not parts:
        return None
    return Section(
        key="quality",
        title="How sure we are",
        lead="A person who was not linked is not a person who was not treated.",
        question="Records were linked between services without names. Some people’s records could "
        "not be brought together, so services may know more people than these figures show.",
        parts=parts,
    )


def _plain_grid(pack: Pack, name: str, caption: str, columns: Mapping[str, str]) -> Grid:
    """A table of the pack as it is."""
    table = pack.tables[name]
    headings = dict(columns) | ({"percent": "%"} if "percent" in table.columns else {})
    titles = {key: str(one["title"]) for key, one in defined(pack).items() if one.get("title")}
    return Grid(
        caption,
        tuple(headings.values()),
        tuple(
            tuple(
                titles.get(row[column], _plain(row[column]))
                if column == "name"
                else _plain(row[column])
                for column in headings
            )
            for row in rows_of(table)
        ),
    )


def _plain(value: str | None) -> str:
    """A cell as it reads: names of columns without underscores, counts with a comma."""
    return thousands((value or "").replace("_", " "))


def changes_section(pack: Pack) -> Section | None:
    """Return what differs from the last publication."""
    rows = rows_of(pack.tables["changes"])
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
                is_detail=len(rows) > FEW_ROWS,
                grid=Grid(
                    "Windows that are new, or gone",
                    ("Table", "What", "Before", "Now"),
                    tuple(
                        tuple(
                            _plain(str(row[column] or NOTHING))
                            for column in ("table", "what", "before", "now")
                        )
                        for row in rows
                    ),
                ),
            ),
        ),
    )


def about_section(pack: Pack, told: Sequence[tuple[str, str, str]]) -> Section:
    """Return who answers for what, where it is from, and how sentences were chosen.

    Args:
        pack: The pack.
        told: Title, latest window and owner of each section of figures.
    """
    due = f"More figures are due once data reach {day(pack.next_due)}." if pack.next_due else ""
    parts = [
        Part(
            title="Who answers for what",
            grid=Grid(
                "Figures, their latest window and their owners",
                ("Figures", "Latest window", "Owner"),
                tuple(told),
            ),
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
