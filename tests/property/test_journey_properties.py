"""Journeys on random histories agree with plain Python, and keep the laws that hold of any."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import models_alone
import reference_journeys as reference
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from warehouse_rows import Persons

AS_AT = date(2026, 6, 30)
# An example is a build, so a failing one is shown as it was found: shrinking takes minutes.
FEW = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# Days lie close together, or at the edges of 21, 90, 180 and 365 days from one another.
GAPS = st.sampled_from([0, 0, 1, 5, 20, 21, 22, 60, 89, 90, 91, 179, 180, 181, 364, 365, 366])
TABLES: dict[str, dict[str, tuple[str, ...]]] = {
    "police_custody": {"offence_class": ("92D", "28E", "46")},
    "police_intensive_programme": {},
    "probation_sentence": {"sentence_type": ("SC", "COEW")},
    "treatment_episode": {"disrsn": ("80", "85", "89"), "drug1": ("1011", "7000")},
    "treatment_secure_treatment": {},
    "treatment_cj_assessment": {},
    "treatment_prison_referral": {},
    "housing_application": {},
    "housing_rough_sleeping": {},
}
DAYS = {
    "police_custody": ("arrest_date",),
    "police_drug_test": ("test_date",),
    "police_intensive_programme": ("start_date", "end_date"),
    "probation_sentence": ("sentence_date", "sentence_end_date"),
    "probation_release": ("release_date", "recall_date"),
    "treatment_episode": ("refld", "triaged", "disd"),
    "treatment_intervention": ("modst", "modend"),
    "treatment_secure_treatment": ("start_date", "end_date"),
    "treatment_cj_assessment": ("assessed_date",),
    "treatment_cj_caseload": ("taken_on_date", "closed_date"),
    "treatment_prison_referral": ("referral_date",),
    "housing_application": ("application_date",),
    "housing_temporary_accommodation": ("start_date", "end_date"),
    "housing_tenancy": ("start_date", "end_date"),
    "housing_rough_sleeping": ("sighting_date",),
}
CHILDREN: dict[str, dict[str, dict[str, tuple[str, ...]]]] = {
    "police_custody": {"police_drug_test": {"result": ("POS_OPIATE", "NEG")}},
    "probation_sentence": {"probation_release": {"treatment_need": ("Y", "N")}},
    "treatment_episode": {"treatment_intervention": {"modal": ("94", "96")}},
    "treatment_cj_assessment": {"treatment_cj_caseload": {}},
    "housing_application": {"housing_temporary_accommodation": {}, "housing_tenancy": {}},
}


@st.composite
def row(draw: st.DrawFn, table: str, codes: dict[str, tuple[str, ...]], start: date) -> dict:
    """One row: its days in order from a start, the last of them perhaps missing."""
    told: dict[str, Any] = {name: draw(st.sampled_from(among)) for name, among in codes.items()}
    day = start
    for place, column in enumerate(DAYS[table]):
        if place and column != "triaged" and draw(st.booleans()):
            break
        told[column] = day
        day += timedelta(draw(GAPS))
    return told


@st.composite
def person(draw: st.DrawFn) -> dict[str, list[dict]]:
    """What partners sent of one person."""
    tables: dict[str, list[dict]] = {}
    day = date(2024, 3, 1) + timedelta(draw(st.integers(0, 500)))
    for _ in range(draw(st.integers(1, 7))):
        table = draw(st.sampled_from(sorted(TABLES)))
        day += timedelta(draw(GAPS))
        own = tables.setdefault(table, [])
        own.append(draw(row(table, TABLES[table], day)))
        for child, codes in CHILDREN.get(table, {}).items():
            if draw(st.booleans()):
                start = day + timedelta(draw(GAPS))
                of = draw(row(child, codes, start)) | {"of": len(own)}
                tables.setdefault(child, []).append(of)
        if table == "housing_application":
            tables.setdefault("housing_person", []).append({"of": len(own), "role": "main"})
    return tables


people = st.lists(person(), min_size=15, max_size=15).map(
    lambda made: {f"p{number}": tables for number, tables in enumerate(made)}
)


def hold_together(journey: list[dict[str, Any]]) -> bool:
    """Whether a person's steps are numbered without a gap and their gaps add up to the whole."""
    gaps = [r["days_from_previous"] for r in journey[1:]]
    return (
        [r["step_number"] for r in journey] == list(range(1, len(journey) + 1))
        and sum(gaps) == (journey[-1]["days_from_first"] if journey else 0)
        and [r["days_to_next"] for r in journey[:-1]] == gaps
    )


@FEW
@given(people)
def test_what_came_next_and_whole_paths_agree_with_plain_python(persons: Persons) -> None:
    told = models_alone.told(persons, ["journey_step", "transition", "journey_path"])
    for name, tables in persons.items():
        own = {table: [r for r in found if r["person_id"] == name] for table, found in told.items()}
        assert hold_together(own["journey_step"])
        assert [(r["step_date"], r["step"]) for r in own["journey_step"]] == [
            (step.day, step.step) for step in reference.steps(tables, AS_AT)
        ]
        assert {
            (r["period_id"], r["step"]): (r["next_step"], r["days_to_next"])
            for r in own["transition"]
        } == reference.transitions(tables, AS_AT)
        assert {
            (r["period_id"], r["step"]): (r["steps"], r["is_longer"]) for r in own["journey_path"]
        } == {
            key: (min(len(kinds), 4), len(kinds) > 4)
            for key, kinds in reference.paths(tables, AS_AT).items()
        }


@FEW
@given(people)
def test_nobody_is_lost_or_doubled_between_steps_transitions_and_paths(persons: Persons) -> None:
    told = models_alone.told(persons, ["int_index_step", "transition", "journey_path", "path"])
    last = {"transition": date(2026, 4, 1), "journey_path": date(2026, 1, 1)}
    for model, day in last.items():
        started = Counter(
            (r["period_id"], r["step"]) for r in told["int_index_step"] if r["period_end"] <= day
        )
        assert Counter((r["period_id"], r["step"]) for r in told[model]) == started
    summed: Counter = Counter()
    for r in told["path"]:
        summed[r["period_id"], r["step"]] += r["people"]
    assert summed == Counter((r["period_id"], r["step"]) for r in told["journey_path"])
    # The first step of a path is what a transition says came next, when it came in time.
    onward = {(r["person_id"], r["period_id"], r["step"]): r for r in told["transition"]}
    for r in told["journey_path"]:
        if r["days_to_first"] is not None and r["days_to_first"] <= 90:
            onto = onward[r["person_id"], r["period_id"], r["step"]]
            assert onto["days_to_next"] == r["days_to_first"]


COUNTED = {
    "arrests": ("police_custody", "arrest_date", None),
    "neighbourhood_crime_arrests": ("police_custody", "arrest_date", ("offence_class", "28E")),
    "drug_offence_arrests": ("police_custody", "arrest_date", ("offence_class", "92D")),
    "positive_tests": ("police_drug_test", "test_date", ("result", "POS_OPIATE")),
    "sentences": ("probation_sentence", "sentence_date", None),
    "recalls": ("probation_release", "recall_date", None),
    "homelessness_applications": ("housing_application", "application_date", None),
    "rough_sleeping_sightings": ("housing_rough_sleeping", "sighting_date", None),
}
LASTING = {
    "days_in_custody": "custody",
    "days_in_structured_treatment": "structured_treatment",
    "days_owed_homelessness_duty": "homelessness_duty",
    "days_in_temporary_accommodation": "temporary_accommodation",
}


@FEW
@given(people)
def test_before_and_after_agree_with_plain_python(persons: Persons) -> None:
    told = models_alone.told(persons, ["before_after", "int_index_step", "int_spell", "int_death"])
    died = {r["person_id"]: r["death_date"] for r in told["int_death"]}
    year = timedelta(365)
    expected = {}
    sent = {table for tables in persons.values() for table in tables}
    for start in told["int_index_step"]:
        name, day = start["person_id"], start["step_date"]
        if start["step"] not in {"treatment_start", "prison_release", "intensive_programme_start"}:
            continue
        if start["period_end"] + year > AS_AT or died.get(name, date.max) <= day + year:
            continue
        key = (name, start["period_id"], start["step"])
        for measure, (table, column, only) in COUNTED.items():
            if table == "housing_rough_sleeping" and table not in sent:
                continue
            days = [
                r[column]
                for r in persons[name].get(table, ())
                if r.get(column) and (only is None or r[only[0]] == only[1])
            ]
            one = timedelta(1)
            expected[*key, measure] = (
                reference.events(days, day - year, day - one),
                reference.events(days, day + one, day + year),
            )
        for measure, kind in LASTING.items():
            if kind == "temporary_accommodation" and f"housing_{kind}" not in sent:
                continue
            spells = [
                (r["start_date"], r["until"])
                for r in told["int_spell"]
                if r["person_id"] == name and r["spell_type"] == kind
            ]
            expected[*key, measure] = (
                reference.nights(spells, day - year, day),
                reference.nights(spells, day, day + year),
            )
    assert {
        (r["person_id"], r["period_id"], r["step"], r["measure"]): (r["before"], r["after"])
        for r in told["before_after"]
    } == expected


OFFSETS = st.integers(-367, 367)
STAYS = st.tuples(OFFSETS, st.integers(0, 40))


@FEW
@given(st.lists(st.tuples(st.lists(OFFSETS), st.lists(STAYS)), min_size=10, max_size=10))
def test_turning_time_round_exchanges_before_and_after(
    made: list[tuple[list[int], list[tuple[int, int]]]],
) -> None:
    start = date(2025, 4, 10)

    def one(arrests: list[int], stays: list[tuple[int, int]]) -> dict[str, list[dict]]:
        return {
            "police_intensive_programme": [{"start_date": start}],
            "police_custody": [{"arrest_date": start + timedelta(day)} for day in arrests],
            "housing_application": [{}],
            "housing_person": [{"role": "main"}],
            "housing_temporary_accommodation": [
                {"start_date": start + timedelta(day), "end_date": start + timedelta(day + nights)}
                for day, nights in stays
            ],
        }

    persons = {}
    for number, (arrests, stays) in enumerate(made):
        persons[f"p{number}"] = one(arrests, stays)
        turned = [(-day - nights, nights) for day, nights in stays]
        persons[f"q{number}"] = one([-day for day in arrests], turned)
    told = models_alone.told(persons, ["before_after"])["before_after"]
    counts = {(r["person_id"], r["measure"]): (r["before"], r["after"]) for r in told}
    # Nobody sends sightings of rough sleeping; a stay is sent as soon as anybody has one.
    measures = 11 if any(stays for _, stays in made) else 10
    assert len(counts) == len(told) == 2 * len(made) * measures
    for (name, measure), (before, after) in counts.items():
        if name.startswith("p"):
            assert counts["q" + name[1:], measure] == (after, before)


def test_a_window_that_begins_before_a_partner_s_data_is_not_told() -> None:
    persons = {"p": {"police_intensive_programme": [{"start_date": date(2025, 4, 10)}]}}
    # The quarter begins on 1 April 2025, and the year before it on 1 April 2024.
    for first, whole in ((date(2024, 4, 1), True), (date(2024, 4, 2), False)):
        told = models_alone.told(persons, ["before_after"], data_from={"police": first})
        measures = {r["measure"] for r in told["before_after"]}
        assert ("arrests" in measures) == whole
        assert "days_in_custody" in measures
    for first, rows in ((date(2025, 4, 1), 1), (date(2025, 4, 2), 0)):
        told = models_alone.told(persons, ["transition"], data_from={"housing": first})
        assert len(told["transition"]) == rows
