"""Cohort definitions as rows, for the marts that describe cohorts: one file, one meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from warehouse.cohorts.definition import INDEX, Cohort, Entry, Stage
from warehouse.cohorts.vocabulary import Vocabulary, vocabulary

COHORT: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "cohort": pl.String,
    "title": pl.String,
    "definition": pl.String,
    "unit": pl.String,
    "index_event": pl.String,
    "entry_rules": pl.String,
    "numerator": pl.String,
    "denominator": pl.String,
    "period": pl.String,
    "lag": pl.String,
    "follow_up_days": pl.Int64,
    "look_back_days": pl.Int64,
    "partners": pl.List(pl.String),
    "exclusions": pl.String,
    "sources": pl.String,
    "status": pl.String,
    "caveat": pl.String,
    "owner": pl.String,
    "is_published": pl.Boolean,
}
STAGE: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "cohort": pl.String,
    "stage_number": pl.Int32,
    "stage": pl.String,
    "title": pl.String,
    "meaning": pl.String,
    "is_part": pl.Boolean,
    "of_number": pl.Int32,
    "measures": pl.String,
}


def cohort_tables(cohorts: Sequence[Cohort]) -> dict[str, pl.DataFrame]:
    """Return the tables ``cohort_given`` and ``cohort_stage_given``.

    Returns:
        One row a cohort, and one row a cohort and stage; stage 1 is the index event.
    """
    words = vocabulary()
    stages = [row for cohort in cohorts for row in stage_rows(cohort, words)]
    return {
        "cohort_given": pl.DataFrame(
            [cohort_row(cohort, words) for cohort in cohorts], schema=COHORT
        ),
        "cohort_stage_given": pl.DataFrame(stages, schema=STAGE),
    }


def funnel_definitions(cohorts: Sequence[Cohort]) -> list[dict[str, object]]:
    """Return the definitions of the published funnels as rows of the mart ``metric``."""
    shared = (
        "title", "definition", "unit", "numerator", "denominator", "period", "lag", "exclusions",
        "sources", "status", "caveat", "owner",
    )  # fmt: skip
    described = [cohort_row(cohort, vocabulary()) for cohort in cohorts if cohort.publish]
    return [
        {"metric": row["cohort"], "kind": "funnel", "model": "funnel"}
        | {name: row[name] for name in shared}
        for row in described
    ]


def cohort_row(cohort: Cohort, words: Vocabulary) -> dict[str, Any]:
    """Describe one cohort, the lag and the rules in words that follow from its definition."""
    follow_up = words.follow_up(cohort)
    rules = [_rule_says(rule, words) for rule in cohort.entry]
    return {
        "cohort": cohort.cohort,
        "title": cohort.title,
        "definition": cohort.definition,
        "unit": "people",
        "index_event": " or ".join(words.label(step) for step in cohort.index.step),
        "entry_rules": "; ".join(rules) or "None",
        "numerator": "People who reached the stage and every stage it needs. "
        + " ".join(f"{row['title']}: {row['meaning']}." for row in stage_rows(cohort, words)[1:]),
        "denominator": f"Everyone with the index event ({cohort.index.title}) in the period"
        + "".join(f"; {rule}" for rule in rules)
        + ". From the first such day of the quarter.",
        "period": "Index events of a calendar quarter; twelve months are the sum of four "
        "quarters, so that a person may count once in each.",
        "lag": f"{follow_up} days after the quarter's end, so that everyone has had their whole "
        "follow-up and nobody is counted as lost because the data stop.",
        "follow_up_days": follow_up,
        "look_back_days": words.look_back(cohort),
        "partners": list(cohort.partners),
        "exclusions": cohort.exclusions,
        "sources": ", ".join(cohort.sources),
        "status": cohort.status,
        "caveat": cohort.caveat,
        "owner": cohort.owner,
        "is_published": cohort.publish,
    }


def stage_rows(cohort: Cohort, words: Vocabulary) -> list[dict[str, Any]]:
    """Describe the stages of one cohort, the index event first."""
    needed = cohort.needed()
    numbers = {INDEX: 1} | {stage.stage: n for n, stage in enumerate(cohort.stages, start=2)}
    index = {
        "cohort": cohort.cohort,
        "stage_number": 1,
        "stage": INDEX,
        "title": cohort.index.title,
        "meaning": "The index day",
        "is_part": False,
        "of_number": 1,
        "measures": None,
    }
    return [index] + [
        {
            "cohort": cohort.cohort,
            "stage_number": numbers[stage.stage],
            "stage": stage.stage,
            "title": _title(stage, words),
            "meaning": _stage_says(stage, words),
            "is_part": stage.part,
            "of_number": numbers[needed[stage.stage]],
            "measures": _measures(stage),
        }
        for stage in cohort.stages
    ]


def _title(stage: Stage, words: Vocabulary) -> str:
    days = str(words.days(stage.days))
    return stage.title.replace("{within}", days).replace("{lasting}", days)


def _measures(stage: Stage) -> str | None:
    """What the time to event of a stage is the time to."""
    if stage.in_:
        return None
    if stage.no_step:
        return "until the step happened"
    return "until it was reached" if stage.lasting is None else "until it ended"


def _stage_says(stage: Stage, words: Vocabulary) -> str:
    """A stage in words that follow from its definition."""
    origin = "the index day" if stage.from_ == INDEX else f"the day of stage {stage.from_}"
    detail = f" ({', '.join(stage.detail)})" if stage.detail else ""
    what = " or ".join(
        words.label(word) for word in stage.step or stage.no_step or stage.spell or stage.in_ or ()
    )
    days = words.days(stage.days)
    if stage.in_:
        return f"{what}{detail} on {origin}, begun before it"
    if stage.no_step:
        return f"{what}{detail} not recorded in the {days} days after {origin}"
    if stage.step:
        return f"{what}{detail} within {days} days of {origin}"
    if stage.lasting is None:
        return f"{what}{detail}, open on {origin} or begun within {days} days of it"
    well = ", or ended well sooner" if stage.or_ended_well else ""
    return f"{what}{detail} on {origin} and still {days} days after it{well}"


def _rule_says(rule: Entry, words: Vocabulary) -> str:
    """An entry rule in words that follow from its definition."""
    detail = f" ({', '.join(rule.detail)})" if rule.detail else ""
    what = " or ".join(
        words.label(word) for word in rule.in_ or rule.not_in or rule.step or rule.no_step or ()
    )
    if rule.in_ or rule.not_in:
        return f"{'' if rule.in_ else 'not '}{what}{detail} on the day, begun before it"
    if rule.within_days_before is not None:
        negated = "" if rule.step else "not "
        days = words.days(rule.within_days_before)
        return f"{what}{detail} {negated}recorded in the {days} days before"
    if rule.age_from is not None:
        return f"not known to be under {rule.age_from}"
    if rule.age_below is not None:
        return f"known to be under {rule.age_below}"
    return "only " + ", ".join(rule.sex or rule.ethnicity_group or rule.area or ())
