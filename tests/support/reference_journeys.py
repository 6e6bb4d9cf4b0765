"""Steps, what came next, whole paths and before and after, told slowly in plain Python.

Written from the words of the marts, not from their SQL, over one person's rows of the staging
store as :mod:`warehouse_rows` takes them. It is what the SQL is held to on random histories.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

Tables = Mapping[str, Sequence[Mapping[str, Any]]]
ORDER = [
    "arrest",
    "positive_test",
    "sentence",
    "prison_release",
    "recall",
    "prison_referral",
    "referral",
    "cj_assessment",
    "caseload_start",
    "intensive_programme_start",
    "secure_treatment_start",
    "assessment",
    "treatment_start",
    "treatment_completed",
    "treatment_ended",
    "discharge_untreated",
    "rough_sleeping",
    "tenancy_end",
    "homelessness_application",
    "temporary_accommodation_start",
    "tenancy_start",
    "death_in_treatment",
]
LAST_STEPS = {"discharge_untreated", "death_in_treatment"}
# Table → (column of the day, step), for steps that need no thought.
PLAIN = {
    "police_intensive_programme": [("start_date", "intensive_programme_start")],
    "treatment_episode": [("refld", "referral")],
    "treatment_cj_assessment": [("assessed_date", "cj_assessment")],
    "treatment_cj_caseload": [("taken_on_date", "caseload_start")],
    "treatment_prison_referral": [("referral_date", "prison_referral")],
    "treatment_secure_treatment": [("start_date", "secure_treatment_start")],
    "housing_application": [("application_date", "homelessness_application")],
    "housing_rough_sleeping": [("sighting_date", "rough_sleeping")],
    "housing_temporary_accommodation": [("start_date", "temporary_accommodation_start")],
    "housing_tenancy": [("start_date", "tenancy_start"), ("end_date", "tenancy_end")],
    "probation_release": [("recall_date", "recall")],
}


@dataclass(frozen=True)
class Step:
    """A step on a day, and the contacts (a custody, a sentence) that it is a stage of."""

    day: date
    step: str
    contacts: frozenset[tuple[str, int]] = frozenset()

    @property
    def begins(self) -> frozenset[tuple[str, int]]:
        """The contacts of which a later step is only a stage: a release begins none."""
        return frozenset() if self.step == "prison_release" else self.contacts


def keyed(tables: Tables, table: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Return a table's rows, each with its key."""
    return [(row.get("key", place), row) for place, row in enumerate(tables.get(table, ()), 1)]


def steps(tables: Tables, as_at: date) -> list[Step]:
    """Return a person's steps in order, several of one kind on one day as one."""
    found = [
        Step(row[column], step)
        for table, columns in PLAIN.items()
        for row in tables.get(table, ())
        for column, step in columns
        if row.get(column)
    ]
    for key, row in keyed(tables, "police_custody"):
        found.append(Step(row["arrest_date"], "arrest", frozenset({("custody", key)})))
    for row in tables.get("police_drug_test", ()):
        if str(row["result"]).startswith("POS"):
            own = frozenset({("custody", row.get("of", 1))})
            found.append(Step(row["test_date"], "positive_test", own))
    for key, row in keyed(tables, "probation_sentence"):
        found.append(Step(row["sentence_date"], "sentence", frozenset({("sentence", key)})))
    for row in tables.get("probation_release", ()):
        if row.get("release_date"):
            own = frozenset({("sentence", row.get("of", 1))})
            found.append(Step(row["release_date"], "prison_release", own))
    found += treatment_steps(tables)
    merged: dict[tuple[date, str], frozenset[tuple[str, int]]] = {}
    for step in found:
        if step.day <= as_at:
            own = merged.get((step.day, step.step), frozenset())
            merged[step.day, step.step] = own | step.contacts
    inorder = sorted(merged, key=lambda told: (told[0], ORDER.index(told[1])))
    return [Step(day, step, merged[day, step]) for day, step in inorder]


def treatment_steps(tables: Tables) -> Iterable[Step]:
    """Tell the steps of each treatment journey: episodes that overlap or lie 21 days apart."""
    episodes = sorted(
        ((key, row) for key, row in keyed(tables, "treatment_episode") if row.get("triaged")),
        key=lambda told: (told[1]["triaged"], told[0]),
    )
    journeys: list[list[tuple[int, Mapping[str, Any]]]] = []
    for key, row in episodes:
        ends = [other.get("disd") or date.max for _, other in journeys[-1]] if journeys else []
        if journeys and (max(ends) == date.max or (row["triaged"] - max(ends)).days <= 21):
            journeys[-1].append((key, row))
        else:
            journeys.append([(key, row)])
    for journey in journeys:
        keys = {key for key, _ in journey}
        starts = [
            row["modst"]
            for row in tables.get("treatment_intervention", ())
            if row.get("of", 1) in keys and row.get("modst") and row.get("modal", "94") != "96"
        ]
        yield Step(min(row["triaged"] for _, row in journey), "assessment")
        if starts:
            yield Step(min(starts), "treatment_start")
        if all(row.get("disd") for _, row in journey):
            _, last = max(journey, key=lambda told: (told[1]["disd"], told[0]))
            yield Step(last["disd"], _ending(last.get("disrsn"), treated=bool(starts)))


def _ending(reason: str | None, *, treated: bool) -> str:
    """Return the step that a discharge is."""
    if reason == "89":
        return "death_in_treatment"
    if not treated:
        return "discharge_untreated"
    return "treatment_completed" if reason in {"80", "81", "82"} else "treatment_ended"


def quarter(day: date) -> str:
    """Return the quarter a day lies in, such as 2026-Q2."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def quarter_end(name: str) -> date:
    """Return the last day of a quarter."""
    year, number = int(name[:4]), int(name[-1])
    after = date(year + number // 4, number % 4 * 3 + 1, 1)
    return after - timedelta(1)


def kept(as_at: date) -> set[str]:
    """Return the eight quarters that had ended by a day."""
    names: set[str] = set()
    day = as_at + timedelta(1)
    while len(names) < 8:
        day = quarter_end(quarter(day)) - timedelta(100)
        names.add(quarter(day))
    return names


def first_of_each_quarter(told: Sequence[Step], as_at: date) -> dict[tuple[str, str], int]:
    """Return quarter and step → the place of a person's first such step in the quarter."""
    first: dict[tuple[str, str], int] = {}
    counted = kept(as_at)
    for place, step in enumerate(told):
        if step.step not in LAST_STEPS and quarter(step.day) in counted:
            first.setdefault((quarter(step.day), step.step), place)
    return first


def following(told: Sequence[Step], place: int, days: int) -> list[Step]:
    """Return what followed a step within some days, leaving out stages of what is told already."""
    found: list[Step] = []
    seen = set(told[place].begins)
    for step in told[place + 1 :]:
        if (step.day - told[place].day).days > days:
            break
        if not step.contacts & seen:
            found.append(step)
        seen |= step.begins
    return found


def transitions(
    tables: Tables, as_at: date
) -> dict[tuple[str, str], tuple[str | None, int | None]]:
    """Return quarter and step → the next step within 90 days, and the days to it."""
    told = steps(tables, as_at)
    found: dict[tuple[str, str], tuple[str | None, int | None]] = {}
    for (name, step), place in first_of_each_quarter(told, as_at).items():
        if quarter_end(name) + timedelta(90) <= as_at:
            after = following(told, place, 90)
            days = (after[0].day - told[place].day).days if after else None
            found[name, step] = (after[0].step if after else None, days)
    return found


def paths(tables: Tables, as_at: date) -> dict[tuple[str, str], list[str]]:
    """Return quarter and step → the kinds of step that followed within 180 days, runs as one."""
    told = steps(tables, as_at)
    return {
        (name, step): [kind for kind, _ in groupby(s.step for s in following(told, place, 180))]
        for (name, step), place in first_of_each_quarter(told, as_at).items()
        if quarter_end(name) + timedelta(180) <= as_at
    }


def nights(spells: Iterable[tuple[date, date]], start: date, end: date) -> int:
    """Return how many nights from one day to another are in some spells, each counted once."""
    inside = {
        first + timedelta(number) for first, last in spells for number in range((last - first).days)
    }
    return sum(start <= night < end for night in inside)


def events(days: Iterable[date], start: date, end: date) -> int:
    """Return how many days lie between two others, both included."""
    return sum(start <= day <= end for day in days)
