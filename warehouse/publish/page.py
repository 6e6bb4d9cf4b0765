"""The board's page: one static HTML file that needs no script and no network.

It is made from a draft, so every number on it has been through the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from governance.disclosure import MASKED, NOT_AVAILABLE
from warehouse.publish.tables import Draft

TEMPLATES = Path(__file__).parent / "templates"

FUNNELS = {
    "positive_test": (
        "From a positive drug test to staying in treatment",
        "people who tested positive for drugs on arrest",
    ),
    "release_need": (
        "From prison to staying in treatment",
        "people released from prison with a treatment need",
    ),
}
MEASURES = {
    "in_treatment": "In structured treatment in the last 12 months",
    "people_arrested": "People arrested in the last 12 months",
    "start_28_days": "Structured treatment began within 28 days of the test",
    "start_90_days": "Structured treatment began within 90 days of the test",
}
LARGEST_MOVES = 8
NO_FURTHER = "No further contact"
IN_WORDS = {MASKED: "confidential", NOT_AVAILABLE: "not available"}


@dataclass(frozen=True)
class Bar:
    """One bar of a chart.

    Attributes:
        label: What it shows.
        shown: The number as published.
        note: Its share, or why there is none, in words.
        width: Its length, 0 to 100; 0 when the number is masked.
        is_part: True for a part of the bar above it.
    """

    label: str
    shown: str
    note: str
    width: float
    is_part: bool = False


@dataclass(frozen=True)
class Funnel:
    """One cohort's funnel: how many reached its end, where most were lost, as bars and table."""

    cohort: str
    title: str
    sentence: str
    loss: str
    bars: tuple[Bar, ...]
    table: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Outcome:
    """One metric: its definition, a sentence, its bars by measure, and its rows."""

    definition: dict[str, str]
    sentence: str
    charts: tuple[tuple[str, tuple[Bar, ...]], ...]
    table: tuple[dict[str, Any], ...]


def render(draft: Draft, *, partnership: str, contact: str) -> str:
    """Return the page.

    Args:
        draft: Gated tables and what must be said of them.
        partnership: The partnership's name.
        contact: Whom to ask.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = day
    environment.filters["count"] = thousands
    funnels = tuple(_funnels(draft.tables["funnel"]))
    return environment.get_template("page.html.j2").render(
        partnership=partnership,
        contact=contact,
        draft=draft,
        headline=funnels[0].sentence if funnels else "There is no cohort to follow yet.",
        funnels=funnels,
        outcomes=tuple(_outcomes(draft)),
        next_sentence=_next_sentence(draft.tables["transitions"]),
        moves=_moves(draft.tables["transitions"]),
        matrix=_matrix(draft.tables["transitions"]),
        complete_to=_complete_to(draft.as_at),
        latest=max(draft.as_at.values(), default=""),
    )


def day(value: date | str | None) -> str:
    """Return a date as 30 June 2026."""
    if value is None or value == "":
        return "not known"
    moment = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{moment.day} {moment:%B %Y}"


def _complete_to(as_at: dict[str, str]) -> str:
    """Return up to which day each partner's data are complete, in words."""
    days = dict.fromkeys(as_at.values())
    if not days:
        return "No partner has sent data yet."
    if len(days) == 1:
        return f"Data of {_listed(list(as_at))} complete to {day(next(iter(days)))}."
    said = [f"{day(when)} ({partner})" for partner, when in as_at.items()]
    return f"Data complete to {_listed(said)}."


def _listed(words: list[str]) -> str:
    """Return some words as a list in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def thousands(shown: str) -> str:
    """Return a published count with a comma for thousands, and shorthand as it is."""
    return f"{int(shown):,}" if shown.isdigit() else shown


def _funnels(table: pl.DataFrame) -> Iterable[Funnel]:
    """Yield each cohort's funnel."""
    for cohort, (title, who) in FUNNELS.items():
        rows = table.filter(pl.col("cohort") == cohort).sort("step_number").to_dicts()
        if rows:
            yield Funnel(
                cohort,
                title,
                _funnel_sentence(rows, f"{who} in the year to {day(rows[0]['period_end'])}"),
                _loss_sentence(rows),
                tuple(_funnel_bars(rows)),
                tuple(rows),
            )


def _funnel_sentence(rows: list[dict[str, Any]], who: str) -> str:
    """Return the funnel in one sentence."""
    whole, stayed = rows[0]["people"], rows[-1]
    started = next(row for row in reversed(rows[:-1]) if not row["is_part"])
    if MASKED in (whole, started["people"]):
        return f"Too few of the {who} to say more without risk to someone's privacy."
    sentence = f"Of about {thousands(whole)} {who}, about {thousands(started['people'])} "
    sentence += f"({started['percent']}%) {_lower(started['step'])}"
    if stayed["people"] != MASKED:
        sentence += f", and about {thousands(stayed['people'])} {_lower(stayed['step'])}"
    return sentence + "."


def _loss_sentence(rows: list[dict[str, Any]]) -> str:
    """Say between which two steps most people were lost, as far as published counts tell.

    People already in treatment are not lost, so the step that sets them aside is passed over.
    """
    stages = [r for r in rows if not r["is_part"] and r["people"].isdigit()]
    if len(stages) > 1 and stages[1]["step"].startswith("Not already"):
        stages = stages[1:]
    losses = [
        (int(before["people"]) - int(after["people"]), before, after)
        for before, after in pairwise(stages)
    ]
    worst = max(losses, key=lambda loss: loss[0], default=None)
    if worst is None or worst[0] <= 0:
        return ""
    _, before, after = worst
    return (
        f"The largest loss is before “{after['step'][0].lower()}{after['step'][1:]}”: of about "
        f"{thousands(before['people'])} who came that far, about {thousands(after['people'])} "
        "went on."
    )


def _funnel_bars(rows: list[dict[str, Any]]) -> Iterable[Bar]:
    """Yield the bars of one funnel, as long as their share of the cohort."""
    for row in rows:
        first = row is rows[0]
        yield Bar(
            label=row["step"],
            shown=thousands(row["people"]),
            note="everyone in the cohort" if first else _share(row["percent"], "of the cohort"),
            width=100.0 if first and row["people"] != MASKED else _number(row["percent"]),
            is_part=bool(row["is_part"]),
        )


def _outcomes(draft: Draft) -> Iterable[Outcome]:
    """Yield each metric with its rows, in the order of the definitions."""
    table = draft.tables["outcomes"]
    for definition in draft.metrics:
        rows = table.filter(pl.col("metric") == definition["metric"]).to_dicts()
        measures = dict.fromkeys(row["measure"] for row in rows)
        charts = tuple(
            (MEASURES[m], tuple(_outcome_bars([r for r in rows if r["measure"] == m])))
            for m in measures
        )
        labelled = tuple({**row, "measure": MEASURES[row["measure"]]} for row in rows)
        yield Outcome(definition, SENTENCES[definition["metric"]](rows), charts, labelled)


def _outcome_bars(rows: list[dict[str, Any]]) -> Iterable[Bar]:
    """Yield the bars of one measure: shares where it has a denominator, else counts."""
    largest = max((_number(row["numerator"]) for row in rows), default=0.0) or 1.0
    for row in rows:
        has_share = row["denominator"].isdigit()
        width = _number(row["percent"]) if has_share else 100 * _number(row["numerator"]) / largest
        of = f"of {thousands(row['denominator'])}"
        note = _share(row["percent"], of) if has_share else IN_WORDS.get(row["numerator"], "")
        yield Bar(row["category"], thousands(row["numerator"]), note, width)


def _treatment_sentence(rows: list[dict[str, Any]]) -> str:
    """Say how many were in treatment, and for what most."""
    whole = rows[0]["numerator"]
    if not whole.isdigit():
        return "The number of adults in structured treatment cannot be shown."
    groups = [row for row in rows[1:] if row["numerator"].isdigit()]
    sentence = f"About {thousands(whole)} adults were in structured treatment"
    if not groups:
        return f"{sentence}."
    top = max(groups, key=lambda row: int(row["numerator"]))
    return (
        f"{sentence}; the largest group, about {thousands(top['numerator'])}, "
        f"is {top['category'][0].lower()}{top['category'][1:]}."
    )


def _arrest_sentence(rows: list[dict[str, Any]]) -> str:
    """Say how many tests were followed by treatment, in both windows."""
    said = {row["measure"]: row for row in rows if row["category"] == "All"}
    short, long = said["start_28_days"], said["start_90_days"]
    if not (short["percent"].isdigit() and long["percent"].isdigit()):
        return "The share of positive tests followed by treatment cannot be shown."
    return (
        f"Of positive tests of people not already in treatment, {short['percent']}% were followed "
        f"by structured treatment within 28 days and {long['percent']}% within 90 days."
    )


def _contact_sentence(rows: list[dict[str, Any]]) -> str:
    """Say how many of those arrested treatment services knew."""
    known = next(row for row in rows if row["category"] == "Known to mainstream treatment")
    if not known["percent"].isdigit():
        return "The share of people arrested whom treatment services knew cannot be shown."
    return (
        f"Of about {thousands(known['denominator'])} people arrested, about "
        f"{thousands(known['numerator'])} ({known['percent']}%) were known to mainstream treatment."
    )


SENTENCES: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "numbers_in_treatment": _treatment_sentence,
    "arrest_to_treatment": _arrest_sentence,
    "contact_groups": _contact_sentence,
}


def _next_sentence(table: pl.DataFrame) -> str:
    """Say what follows a positive drug test, or what the section shows when that is masked."""
    row = next(
        (
            row
            for row in table.to_dicts()
            if row["from_step"] == "Positive drug test" and row["to_step"].startswith(NO_FURTHER)
        ),
        None,
    )
    if row is None or not row["percent"].isdigit():
        return "The next contact people had with any of the four services, within 90 days."
    return (
        f"After a positive drug test on arrest, about {thousands(row['people'])} of "
        f"{thousands(row['denominator'])} people ({row['percent']}%) had no further contact with "
        "any of the four services within 90 days, as far as records could be linked."
    )


def _moves(table: pl.DataFrame) -> tuple[Bar, ...]:
    """Return the largest published moves from one kind of contact to the next."""
    shown = [
        row
        for row in table.to_dicts()
        if row["people"].isdigit() and not row["to_step"].startswith(NO_FURTHER)
    ]
    largest = sorted(shown, key=lambda row: -int(row["people"]))[:LARGEST_MOVES]
    top = max((int(row["people"]) for row in largest), default=1)
    return tuple(
        Bar(
            label=f"{row['from_step']} → {row['to_step']}",
            shown=thousands(row["people"]),
            note=_share(row["percent"], f"of {thousands(row['denominator'])}"),
            width=100 * int(row["people"]) / top,
        )
        for row in largest
    )


def _matrix(table: pl.DataFrame) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the transitions as a header of next steps, and rows of published counts."""
    columns = tuple(table.get_column("to_step").unique(maintain_order=True))
    rows = tuple(
        (
            str(name[0]),
            thousands(group.get_column("denominator")[0]),
            *(thousands(shown) for shown in group.get_column("people")),
        )
        for name, group in table.group_by("from_step", maintain_order=True)
    )
    return columns, rows


def _share(percent: str, of: str) -> str:
    """Return a share, or why there is none, in words."""
    return f"{percent}% {of}" if percent.isdigit() else IN_WORDS.get(percent, "")


def _number(shown: str) -> float:
    """Return a published number, or 0 where there is only shorthand."""
    return float(shown) if shown.isdigit() else 0.0


def _lower(step: str) -> str:
    """Return the name of a step as it reads inside a sentence."""
    text = step[0].lower() + step[1:]
    return f"were {text}" if text.startswith("in ") else text
