"""What may be published: one index a cohort, a metric and a step that something came after.

An index counts one unit, and each unit is in one of its *states*: how far it came through a cohort,
which of a metric's measures ask about it and count it, or from which step it went to which. A
published *line* is a set of states. Lines and states come from the definitions in the release and
never from what happened, so that what is published says nothing by being there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

import duckdb

from schemas.errors import StoreError
from warehouse.publish.groupings import wider_next
from warehouse.publish.standing import COUNTED, NOT_ASKED, Asked, possible
from warehouse.publish.windows import QUARTER, YEAR, Window, window_of

FUNNEL, OUTCOMES, TRANSITIONS = "funnel", "outcomes", "transitions"
NO_KIND: Final = "all"
NUMERATOR, DENOMINATOR = "numerator", "denominator"
PEOPLE: Final = "people"
DAYS = (7, 14, 21, 28)  # the fixed days of a survival curve
STEPS_NOT_FROM = frozenset(
    {
        "discharge_untreated",
        "death_in_treatment",
        "prison_referral",
        "cj_assessment",
        "caseload_start",
        "intensive_programme_start",
        "secure_treatment_start",
        "rough_sleeping",
        "temporary_accommodation_start",
    }
)  # of tables that a partner may leave out: what nobody sends would look like what is masked
KEPT_BACK = frozenset({("homelessness_duty", "drug_need"), ("homelessness_duty", "alcohol_need")})
"""A need for either is what is published. Set beside both, it would say how many have just one of
them, and which of an applicant's duties is counted in which is not in the release to be audited."""


@dataclass(frozen=True)
class Line:
    """A published count of an index.

    Attributes:
        labels: What the publication calls it.
        states: What it counts.
        of: The states of the line that it is a part of; none for a total.
        within: The states of other lines that it is a part of, as a later stage is of an earlier.
        meaning: What it counts, by definition: a line of another index that has the same counts
            the same units.
    """

    labels: tuple[str, ...]
    states: frozenset[str]
    of: frozenset[str] | None = None
    within: tuple[frozenset[str], ...] = ()
    meaning: str = ""


@dataclass(frozen=True)
class Index:
    """One cohort, one metric, or what came after one step.

    Attributes:
        kind: funnel, outcomes or transitions.
        name: The cohort or metric, with its kind of category where it is not the first.
        subject: The cohort or metric.
        unit: What is counted.
        title: What a reader sees; of a metric, its measures have titles of their own.
        columns: What the labels of its lines are.
        states: Every state a unit can be in.
        lines: What is published of it, split by split.
        curve: What is published of everyone only: how many still wait after so many days.
        own: The kind of category that only it has; ``all`` where it has none.
        categories: The categories of that kind that were ever counted.
        is_split: Whether it is published by sex, age and the like too.
        quarters: The quarters that everybody it needs has reported; of a stock, years.
        complete_on: Window → the first day on which it can be counted, whether or not it is yet.
        is_stock: Whether its days are those of a year.
        groups: Of transitions: what came next, in groups.
        wider: The same index with fewer states, for when too many of its lines are small.
    """

    kind: str
    name: str
    subject: str
    unit: str
    title: str
    columns: tuple[str, ...]
    states: tuple[str, ...]
    lines: tuple[Line, ...]
    quarters: tuple[Window, ...]
    complete_on: tuple[tuple[Window, date], ...] = ()
    curve: tuple[Line, ...] = ()
    own: str = NO_KIND
    categories: tuple[str, ...] = ()
    is_split: bool = True
    is_stock: bool = False
    groups: Mapping[str, str] = field(default_factory=dict)
    wider: tuple[Index, ...] = ()

    @property
    def key(self) -> str:
        """What the gate calls it, without its window."""
        return f"{self.kind} {self.name}"


def indexes(con: duckdb.DuckDBPyConnection) -> tuple[Index, ...]:
    """What a release can publish: published cohorts, metrics that boards are used to, transitions.

    Restricted metrics that the partnership has not asked for, means and medians are left out.

    Args:
        con: A connection from ``warehouse.connect.open_release``.
    """
    return (*_cohorts(con), *_metrics(con), *_transitions(con))


def closed_sets(needs: Sequence[tuple[int, int]]) -> tuple[frozenset[int], ...]:
    """Every set of stages that can be reached: each with the one it needs, the first in all.

    Args:
        needs: Stage and the one it needs, in order; the first needs itself.
    """
    found: list[frozenset[int]] = [frozenset({needs[0][0]})]
    for stage, needed in needs[1:]:
        found += [one | {stage} for one in found if needed in one]
    return tuple(found)


def one_within_another(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines, each with those that hold it: who is in one only is a count like any other."""
    every = dict.fromkeys(line.states for line in lines)
    return tuple(
        replace(
            line,
            within=tuple(one for one in every if line.states < one and one != line.of),
        )
        for line in lines
    )


def state_of(stages: frozenset[int], days: int | None) -> str:
    """The state of a unit that reached some stages, the second after so many days."""
    reached = "stages " + " ".join(map(str, sorted(stages)))
    if 2 not in stages or days is None:
        return reached
    band = next((str(day) for day in DAYS if days <= day), "later")
    return f"{reached} by day {band}"


def outcome_state(standing: Sequence[str]) -> str:
    """The state of a unit, from how it stands in each measure."""
    return " | ".join(standing)


def _cohorts(con: duckdb.DuckDBPyConnection) -> Iterator[Index]:
    stages = con.execute(
        "SELECT stage.*, cohort.title AS cohort_title, index_event, entry_rules "
        "FROM stage INNER JOIN cohort USING (cohort) "
        "WHERE is_published "
        "ORDER BY cohort, stage_number"
    ).pl()
    for (name,), rows in stages.group_by("cohort", maintain_order=True):
        told = rows.to_dicts()
        reached = closed_sets([(row["stage_number"], row["of_stage"]) for row in told])
        bands = [*DAYS, DAYS[-1] + 1]
        states = {
            state_of(one, days): (one, days)
            for one in reached
            for days in (bands if 2 in one else [None])
        }
        everyone = frozenset(states)
        lines = [
            Line(
                (str(row["stage_number"]), row["title"], str(row["is_part"]).lower()),
                frozenset(s for s, (one, _) in states.items() if row["stage_number"] in one),
                None if row["stage_number"] == 1 else everyone,
                meaning=_stage_means(told[: place + 1]),
            )
            for place, row in enumerate(told)
        ]
        curve = [
            Line(
                (told[1]["title"], str(day)),
                frozenset(s for s, (_, days) in states.items() if days is None or days > day),
                everyone,
            )
            for day in DAYS
            if len(told) > 1
        ]
        quarters, complete = _reported(
            con,
            "SELECT start_date, complete_on, is_reported FROM cohort_period WHERE cohort = ?",
            [name],
        )
        yield Index(
            FUNNEL,
            str(name),
            str(name),
            "people",
            told[0]["cohort_title"],
            ("step_number", "step", "is_part"),
            tuple(states),
            one_within_another(lines),
            quarters,
            complete,
            one_within_another(curve),
        )


def _stage_means(told: Sequence[Mapping[str, Any]]) -> str:
    """What the last of some stages counts: who the cohort is of and how each stage is reached."""
    who = f"{told[0]['index_event']}; {told[0]['entry_rules']}"
    stages = (f"{row['stage']} of {row['of_stage']}: {row['meaning']}" for row in told[1:])
    return " | ".join((who, *stages))


def _metrics(con: duckdb.DuckDBPyConnection) -> Iterator[Index]:
    metrics = con.execute(
        "SELECT metric, unit, title, relation, category_kind FROM metric "
        "WHERE kind = 'metric' AND metric NOT IN (SELECT metric FROM metric_period "
        "WHERE reason = 'restricted') AND (is_published OR metric IN "
        "(SELECT metric FROM indicator WHERE metric IS NOT NULL)) ORDER BY metric"
    ).fetchall()
    days = dict(con.execute("SELECT name, days FROM policy").fetchall())
    for metric, unit, title, relation, first in metrics:
        measures = con.execute(
            "SELECT measure, denominator_sql, title, numerator_sql FROM measure WHERE metric = ? "
            "AND value_column IS NULL ORDER BY measure",
            [metric],
        ).fetchall()
        measures = [one for one in measures if (metric, one[0]) not in KEPT_BACK]
        if not measures:
            continue
        states = possible(
            [Asked(counts, of) for _, of, _, counts in measures], days, is_whole=unit == PEOPLE
        )
        lines = one_within_another(tuple(_outcome_lines(metric, measures, states)))
        stock = relation == "stock"
        quarters, complete = _reported(
            con,
            "SELECT start_date, max(complete_on), bool_and(is_reported) FROM metric_period "
            "WHERE metric = ? AND period_kind = ? GROUP BY start_date",
            [metric, "twelve months" if stock else "quarter"],
            YEAR if stock else QUARTER,
        )
        for place, (kind, categories) in enumerate(_own_categories(con, metric, first)):
            yield Index(
                OUTCOMES,
                metric if place == 0 else f"{metric} by {kind}",
                metric,
                unit,
                title,
                ("measure", "title", "part"),
                tuple(map(outcome_state, states)),
                lines,
                quarters,
                complete,
                own=kind,
                categories=categories,
                is_split=place == 0,
                is_stock=stock,
            )


def _own_categories(
    con: duckdb.DuckDBPyConnection, metric: str, first: str
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A metric's own kinds of category, the first of them first, and those ever counted of each."""
    counted = dict(
        con.execute(
            "SELECT category_kind, list(DISTINCT category ORDER BY category) FROM outcome "
            "WHERE metric = ? GROUP BY category_kind ORDER BY category_kind",
            [metric],
        ).fetchall()
    )
    for kind in dict.fromkeys([first, *counted]):
        yield kind, tuple(counted.get(kind, []))


def _outcome_lines(
    metric: str,
    measures: Sequence[tuple[str, str | None, str, str]],
    states: Sequence[tuple[str, ...]],
) -> Iterator[Line]:
    """The numerator of each measure, and its denominator where it has one."""
    for place, (measure, denominator, title, _) in enumerate(measures):
        asked = frozenset(outcome_state(one) for one in states if one[place] != NOT_ASKED)
        counted = frozenset(outcome_state(one) for one in states if one[place] == COUNTED)
        means = f"{metric}: {measure}"
        if denominator is None:
            yield Line((measure, title, NUMERATOR), counted, meaning=means)
        else:
            yield Line((measure, title, DENOMINATOR), asked, meaning=f"{means} of")
            yield Line((measure, title, NUMERATOR), counted, asked, meaning=means)


def _transitions(con: duckdb.DuckDBPyConnection) -> Iterator[Index]:
    codes = con.execute(
        "SELECT list, code, label FROM code WHERE list IN ('step', 'next_step') "
        "AND (list = 'next_step' OR category = 'journey') ORDER BY list, \"rank\""
    ).fetchall()
    steps = [(code, label) for kind, code, label in codes if kind == "step"]
    nexts = list(dict.fromkeys(label for kind, _, label in codes if kind == "next_step"))
    groupings = ({one: one for one in nexts}, *wider_next(nexts))
    quarters, complete = _reported(
        con,
        "SELECT start_date, end_date + (SELECT days FROM policy WHERE name = 'next_contact')"
        "::INTEGER, period_id IN (SELECT period_id FROM transition) FROM period",
        [],
    )
    for code, label in steps:
        if code not in STEPS_NOT_FROM:
            each, *wider = (
                _next_steps(code, label, groups, quarters, complete) for groups in groupings
            )
            yield replace(each, wider=tuple(wider))


def _next_steps(
    code: str,
    label: str,
    groups: Mapping[str, str],
    quarters: tuple[Window, ...],
    complete: tuple[tuple[Window, date], ...],
) -> Index:
    """What came next after one step, in groups: each step has the finest that it can be told in."""
    nexts = tuple(dict.fromkeys(groups.values()))
    states = tuple(transition_state(label, one) for one in nexts)
    whole = frozenset(states)
    parts = (
        Line((label, one), frozenset({state}), whole)
        for one, state in zip(nexts, states, strict=True)
    )
    return Index(
        TRANSITIONS,
        code,
        "transitions",
        "steps",
        "What happens next",
        ("from_step", "to_step"),
        states,
        (Line((label, "All"), whole), *parts),
        quarters,
        complete,
        is_split=False,
        groups=groups,
    )


def transition_state(step: str, following: str) -> str:
    """The state of a step, by what came next."""
    return f"{step}: {following}"


def _reported(
    con: duckdb.DuckDBPyConnection, query: str, given: list[str], length: str = QUARTER
) -> tuple[tuple[Window, ...], tuple[tuple[Window, date], ...]]:
    """The windows that are reported, and when each of all can be counted."""
    rows = sorted(con.execute(query, given).fetchall())
    found = [(window_of(start, length), start, done, said) for start, done, said in rows]
    aligned = [(window, done, said) for window, start, done, said in found if window.first == start]
    if any(done is None for _, done, _ in aligned):
        raise StoreError(
            "The release does not say when its periods are complete.",
            "Run `journeys run` to build it again.",
        )
    return (
        tuple(window for window, _, said in aligned if said),
        tuple((window, done) for window, done, _ in aligned),
    )
