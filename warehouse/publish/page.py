"""The board's page: one static HTML file that needs no script and no network.

It is made from a draft, so every number on it has been through the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from governance.disclosure import MASKED, NOT_APPLICABLE, NOT_AVAILABLE
from warehouse.publish.tables import Draft

TEMPLATES = Path(__file__).parent / "templates"

FUNNELS = {
    "positive_test": "people who tested positive for drugs on arrest and were not in structured "
    "treatment already",
    "release_need": "people released from prison with a treatment need",
}
MEASURES = {
    "in_treatment": "In structured treatment in the last 12 months",
    "people_arrested": "People arrested in the last 12 months",
    "start_28_days": "Structured treatment began within 28 days of the test",
    "start_90_days": "Structured treatment began within 90 days of the test",
}
LARGEST_MOVES = 8
STILL_THERE = "Still with a service"
NO_NEW_STEP = "No new step recorded"
NO_DEFINITION: dict[str, str] = {}
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
    definition: dict[str, str]
    sentence: str
    loss: str
    bars: tuple[Bar, ...]
    table: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Measure:
    """One measure of a metric: its bars, its rows and whether they are shares of something."""

    label: str
    bars: tuple[Bar, ...]
    table: tuple[dict[str, Any], ...]
    has_denominator: bool


@dataclass(frozen=True)
class Outcome:
    """One metric: its definition, a sentence and its measures."""

    definition: dict[str, str]
    sentence: str
    measures: tuple[Measure, ...]


def render(draft: Draft, *, partnership: str, contact: str, demonstration: bool = False) -> str:
    """Return the page.

    Args:
        draft: Gated tables and what must be said of them.
        partnership: The partnership's name.
        contact: Whom to ask.
        demonstration: Whether the people are made up; the page then says so before all else.
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
    environment.filters["period"] = _period
    definitions = {definition["metric"]: definition for definition in draft.metrics}
    funnels = tuple(_funnels(draft.tables["funnel"], definitions))
    transitions = draft.tables["transitions"]
    return environment.get_template("page.html.j2").render(
        partnership=partnership,
        contact=contact,
        demonstration=demonstration,
        draft=draft,
        headline=funnels[0].sentence if funnels else "There is no cohort to follow yet.",
        funnels=funnels,
        outcomes=tuple(_outcomes(draft)),
        transitions=definitions.get("transitions", NO_DEFINITION),
        transitions_period=_period(transitions.to_dicts()),
        next_sentence=_next_sentence(transitions),
        moves=_moves(transitions),
        matrix=_matrix(transitions),
        complete_to=_complete_to(draft.as_at),
        latest=max(draft.as_at.values(), default=""),
        drafted=draft.built_at.date() if draft.built_at else None,
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
        return f"Data of {_listed(list(as_at))} reach to {day(next(iter(days)))}."
    said = [f"{day(when)} ({partner})" for partner, when in as_at.items()]
    return f"Data reach to {_listed(said)}."


def _listed(words: list[str]) -> str:
    """Return some words as a list in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def thousands(shown: str) -> str:
    """Return a published count with a comma for thousands, and shorthand as it is."""
    return f"{int(shown):,}" if shown.isdigit() else shown


def _period(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the period of some rows in words."""
    if not rows or rows[0]["period_end"] is None:
        return "not known"
    return f"{day(rows[0]['period_start'])} to {day(rows[0]['period_end'])}"


def _funnels(table: pl.DataFrame, definitions: Mapping[str, dict[str, str]]) -> Iterable[Funnel]:
    """Yield each cohort's funnel."""
    for cohort, who in FUNNELS.items():
        rows = table.filter(pl.col("cohort") == cohort).sort("step_number").to_dicts()
        if rows:
            yield Funnel(
                cohort,
                definitions[cohort]["title"],
                definitions[cohort],
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
    sentence = f"Of about {thousands(whole)} {who}, "
    step = _lower(started["step"])
    sentence += f"about {thousands(started['people'])} ({_of(started)}%) {step}"
    if stayed["people"] != MASKED:
        sentence += f", and about {thousands(stayed['people'])} {_lower(stayed['step'])}"
        if stayed["people"] == started["people"]:
            sentence += " (counts are rounded, so a few may have left)"
    return sentence + "."


def _loss_sentence(rows: list[dict[str, Any]]) -> str:
    """Say between which two steps most people were lost, as far as published counts tell."""
    stages = [r for r in rows if not r["is_part"] and r["people"].isdigit()]
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
    """Yield the bars of one funnel, as long as their share of the whole cohort."""
    whole = _number(rows[0]["people"]) or 1.0
    for row in rows:
        first = row is rows[0]
        yield Bar(
            label=row["step"],
            shown=thousands(row["people"]),
            note="everyone in the cohort" if first else _share(row),
            width=min(100.0, 100 * _number(row["people"]) / whole),
            is_part=bool(row["is_part"]),
        )


def _outcomes(draft: Draft) -> Iterable[Outcome]:
    """Yield each metric with its rows, in the order of the definitions."""
    table = draft.tables["outcomes"]
    for definition in draft.metrics:
        if definition["kind"] == "metric":
            rows = table.filter(pl.col("metric") == definition["metric"]).to_dicts()
            measures = dict.fromkeys(row["measure"] for row in rows)
            yield Outcome(
                definition,
                SENTENCES[definition["metric"]](rows),
                tuple(
                    _measure(MEASURES[name], [row for row in rows if row["measure"] == name])
                    for name in measures
                ),
            )


def _measure(label: str, rows: list[dict[str, Any]]) -> Measure:
    """Return one measure of a metric."""
    has_denominator = any(row["denominator"] != NOT_APPLICABLE for row in rows)
    return Measure(label, tuple(_outcome_bars(rows)), tuple(rows), has_denominator)


def _outcome_bars(rows: list[dict[str, Any]]) -> Iterable[Bar]:
    """Yield the bars of one measure: shares where it has a denominator, else counts."""
    largest = max((_number(row["numerator"]) for row in rows), default=0.0) or 1.0
    for row in rows:
        has_share = row["denominator"].isdigit()
        count = _number(row["numerator"])
        width = _number(_of(row)) if has_share else 100 * count / largest
        note = _share(row) if has_share else IN_WORDS.get(row["numerator"], "")
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
    if not (_of(short).isdigit() and _of(long).isdigit()):
        return "The share of positive tests followed by treatment cannot be shown."
    return (
        f"Of positive tests of people not already in treatment, {_of(short)}% were followed "
        f"by structured treatment within 28 days and {_of(long)}% within 90 days."
    )


def _contact_sentence(rows: list[dict[str, Any]]) -> str:
    """Say how many of those arrested treatment services knew."""
    said = {row["category"]: row for row in rows}
    known = said["In contact with mainstream treatment in the 12 months"]
    before = said["Known to treatment before, or referred only"]
    if not _of(known).isdigit():
        return "The share of people arrested whom treatment services knew cannot be shown."
    sentence = (
        f"Of about {thousands(known['denominator'])} people arrested, about "
        f"{thousands(known['numerator'])} ({_of(known)}%) were in contact with mainstream "
        "treatment in the same 12 months"
    )
    if not _of(before).isdigit():
        return f"{sentence}."
    return (
        f"{sentence}; about {thousands(before['numerator'])} ({_of(before)}%) more were known to "
        "it from before, or from a referral only."
    )


SENTENCES: dict[str, Callable[[list[dict[str, Any]]], str]] = {
    "numbers_in_treatment": _treatment_sentence,
    "arrest_to_treatment": _arrest_sentence,
    "contact_groups": _contact_sentence,
}


def _next_sentence(table: pl.DataFrame) -> str:
    """Say what follows a positive drug test, or what the section shows when that is masked."""
    rows = table.filter(pl.col("from_step") == "Positive drug test").to_dicts()
    said = {row["to_step"]: row for row in rows}
    none, still = said.get(NO_NEW_STEP), said.get(STILL_THERE)
    if none is None or not _of(none).isdigit():
        return "The next step recorded by any of the four services, within 90 days."
    waiting = ""
    if still is not None and still["people"].isdigit():
        waiting = (
            f"; about {thousands(still['people'])} more had none but were still with a service"
        )
    return (
        f"After their first positive drug test on arrest of a quarter, about "
        f"{thousands(none['people'])} of {thousands(none['denominator'])} people ({_of(none)}%) "
        "had no new step recorded by any of the four services within 90 days and were with none "
        f"of them on day 90{waiting}, as far as records could be linked."
    )


def _moves(table: pl.DataFrame) -> tuple[Bar, ...]:
    """Return the largest published moves from one kind of step to the next."""
    shown = [
        row
        for row in table.to_dicts()
        if row["people"].isdigit() and row["to_step"] not in (STILL_THERE, NO_NEW_STEP)
    ]
    largest = sorted(shown, key=lambda row: -int(row["people"]))[:LARGEST_MOVES]
    top = max((int(row["people"]) for row in largest), default=1)
    return tuple(
        Bar(
            label=f"{row['from_step']} → {_next_name(row)}",
            shown=thousands(row["people"]),
            note=_share(row),
            width=100 * int(row["people"]) / top,
        )
        for row in largest
    )


def _next_name(row: dict[str, Any]) -> str:
    """Return the name of a next step, which after a step of the same kind is another one."""
    name = str(row["to_step"]).lower()
    again = name.startswith(str(row["from_step"]).lower())
    return f"another {name}" if again else name


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


def _of(row: Mapping[str, Any]) -> str:
    """Return the published percentage of a row, or its shorthand."""
    return str(row["percent_of_denominator"])


def _share(row: Mapping[str, Any]) -> str:
    """Return the share a row is of its denominator, or why there is none, in words."""
    percent = _of(row)
    if percent.isdigit():
        return f"{percent}% of {thousands(row['denominator'])}"
    return IN_WORDS.get(percent, "")


def _number(shown: str) -> float:
    """Return a published number, or 0 where there is only shorthand."""
    return float(shown) if shown.isdigit() else 0.0


def _lower(step: str) -> str:
    """Return the name of a step as it reads inside a sentence."""
    text = step[0].lower() + step[1:]
    return f"were {text}" if text.startswith("in ") else text
