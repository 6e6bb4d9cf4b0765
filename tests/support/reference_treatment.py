"""The treatment metrics again, in plain Python, one person and one period at a time.

Slow and independent of the warehouse: it reads the same rows as `warehouse_rows.build` is given
and shares neither SQL, nor metric files, nor numbers of days with it. What it returns is held
against the mart ``outcome``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from journeys_by_hand import (
    FAR,
    OPIATES,
    SUCCESS,
    TRANSFERRED,
    UNPLANNED,
    Journey,
    Period,
    Row,
    journeys_of,
    quarters,
)

Counted = Counter[tuple[str, str, str, str, str, str]]
ANSWER = {
    **dict.fromkeys(OPIATES, "opiuse"),
    "3201": "crause",
    "3200": "cocause",
    "3100": "amphuse",
    "5000": "cannuse",
    "7000": "alcuse",
}
ENOUGH = {
    "alcuse": 9, "opiuse": 13, "crause": 10, "cocause": 8, "amphuse": 9, "cannuse": 14,
    "otdrguse": 9,
}  # fmt: skip
METRICS = frozenset(
    {
        "completion_of_exits",
        "deaths_in_treatment",
        "effective_treatment",
        "exit_circumstances",
        "hepatitis_b",
        "hepatitis_c",
        "in_contact_with_treatment",
        "justice_contact",
        "living_with_children",
        "mental_health",
        "new_presentations",
        "numbers_in_effective_treatment",
        "numbers_in_treatment",
        "profiles_completed",
        "quality_of_life",
        "representation",
        "several_substances",
        "stable_accommodation",
        "successful_completion",
        "team_assessment",
        "team_caseload",
        "team_prison_referral",
        "team_treatment",
        "time_in_treatment",
        "treatment_progress",
        "waiting_time",
        "young_people_in_treatment",
    }
)
ROUTES = {"3": "health", "4": "self"} | dict.fromkeys(["5", "6", "8", "13"], "criminal justice")


def reference(persons: Mapping[str, Mapping[str, Sequence[Row]]], as_at: date) -> Counted:
    """Count every treatment metric.

    Returns:
        (metric, measure, period, kind of category, category, person) → numerator and denominator
        as one number: units counted × 1000 + units they are counted of. A plain count has no
        denominator.
    """
    counted: Counted = Counter()
    for person, tables in persons.items():
        journeys = journeys_of(tables, as_at)
        born = [r["birth_year"] for rows in tables.values() for r in rows if "birth_year" in r]
        for period in quarters(as_at):
            adult = not born or period.end.year - born[0] >= 18
            told = [*_stock(journeys, tables, adult, period), *_quarter(journeys, period)]
            told += _team(tables, adult, period)
            for metric, measure, lag, categories, share in told:
                if period.end + timedelta(lag) > as_at or share is None:
                    continue
                for kind, category in categories.items():
                    key = (metric, measure, period.name, kind, category, person)
                    counted[key] += share
    return counted


Told = tuple[str, str, int, dict[str, str], int | None]
COUNT = 1000


def _of(numerator: bool | None, denominator: bool | None) -> int | None:
    """A unit's share of a measure, or None when it is in neither."""
    return (COUNT if numerator else 0) + 1 if denominator else None


def _stock(
    journeys: Sequence[Journey], tables: Mapping[str, Sequence[Row]], adult: bool, period: Period
) -> Iterator[Told]:
    first, last = period.year_start, period.end
    open_then = [j for j in journeys if j.start <= last and (j.end or FAR) >= first]
    if open_then and adult:
        yield "in_contact_with_treatment", "in_contact", 0, _groups(open_then[-1]), COUNT
    treated = [j for j in journeys if j.in_structured(first, last)]
    if not treated:
        return
    latest = treated[-1]
    if not adult:
        yield "young_people_in_treatment", "in_treatment", 0, _groups(latest), COUNT
        return
    yield "numbers_in_treatment", "in_treatment", 0, _groups(latest), COUNT
    effective = [
        j
        for j in treated
        if (min(j.end or FAR, last) - j.start).days >= 84 or (j.completed and j.closed(last))
    ]
    if effective:
        heavy = effective[-1].categories["opiate_or_crack"] == "Opiate or crack"
        measure = "opiate_or_crack" if heavy else "others"
        yield "numbers_in_effective_treatment", measure, 0, _groups(effective[-1]), COUNT

    both = latest.categories
    done = latest.completed_by(last)
    yield "successful_completion", "completed", 0, both, _of(done, True)
    away = not latest.following or (latest.following - (latest.end or FAR)).days > 183
    stayed = latest.completed and latest.closed(last) and away
    yield "successful_completion", "completed_without_return", 183, both, _of(stayed, True)
    length = (min(latest.end or FAR, last) - latest.start).days
    yield "time_in_treatment", "under_two_years", 0, both, _of(length < 730, True)
    yield "time_in_treatment", "two_years_or_more", 0, both, _of(length >= 730, True)
    yield "time_in_treatment", "six_years_or_more", 0, both, _of(length >= 2191, True)
    contact = _in_contact(tables, first, last)
    yield "justice_contact", "in_contact", 0, both, _of(contact, True)
    yield "justice_contact", "in_contact_completed", 0, both, _of(done, contact)

    died = min(_deaths(tables), default=FAR)
    in_contact = latest.first_structured is not None and latest.first_structured <= died
    in_contact = in_contact and first <= died <= min(latest.end or FAR, last)
    yield "deaths_in_treatment", "died", 0, _groups(latest), _of(in_contact, True)

    problem = _last(_known_by(latest, last), _housing_problem)
    if problem is None:
        needs = [e["accmneed"] for e in latest.episodes if e.get("accmneed")]
        problem = needs[-1] in ("1", "2") if needs else None
    groups = _groups(latest)
    yield (
        "stable_accommodation",
        "no_housing_problem",
        0,
        groups,
        _of(problem is False, problem is not None),
    )
    outside = [j for j in treated if any(i.get("setting") != "secure" for i in j.interventions)]
    if outside:
        shows = _progress(outside[-1], last)
        yield (
            "treatment_progress",
            "showing_progress",
            0,
            outside[-1].categories,
            _of(shows, shows is not None),
        )


def _progress(journey: Journey, day: date) -> bool | None:
    """Whether a person shows progress on a day; None when too little is known."""
    known = _known_by(journey, day)
    closed = journey.closed(day)
    if closed and journey.reason in SUCCESS:
        return _last(known, lambda p: _yes(p, "acuthpbm")) is not True
    if closed and journey.reason in UNPLANNED:
        return False
    if closed and journey.reason not in TRANSFERRED:
        return None
    later = [p for p in known if p["trstage"] != "S"]
    starts = [p for p in journey.profiles if p["trstage"] == "S"]
    if not later:
        return None
    judged = {ANSWER.get(d, "otdrguse") for d in journey.drugs} & {"opiuse", "crause"}
    judged |= {ANSWER.get(journey.episodes[0]["drug1"], "otdrguse")}
    answers: list[bool | None] = []
    for question in judged:
        now = later[-1].get(question)
        then = starts[0].get(question) if starts else None
        if now == 0:
            answers.append(True)
        elif now is None or then is None:
            answers.append(None)
        else:
            answers.append(then - now >= ENOUGH[question])
    return False if False in answers else None if None in answers else True


def _quarter(journeys: Sequence[Journey], period: Period) -> Iterator[Told]:
    began = [j for j in journeys if _within(j.start, period)]
    if began:
        source = str(began[0].episodes[0].get("rfls"))
        route = ROUTES.get(source, "other or not known")
        categories = _groups(began[0]) | {"referral_route": route}
        yield "new_presentations", "started_journey", 0, categories, COUNT
        if began[0].interventions:
            yield "new_presentations", "started_structured", 0, categories, COUNT
    for journey in began:
        yield from _presentation(journey)
    for journey in journeys:
        if _within(journey.first_structured, period):
            waited = _wait(journey)
            yield (
                "waiting_time",
                "within_3_weeks",
                0,
                _groups(journey),
                _of(waited is not None and waited <= 21, waited is not None),
            )
        if journey.interventions and _within(journey.end, period):
            yield from _exit(journey)
        yield from _profiles_due(journey, period)


def _presentation(journey: Journey) -> Iterator[Told]:
    first, groups, structured = journey.episodes[0], _groups(journey), bool(journey.interventions)
    if structured:
        stayed = ((journey.end or FAR) - journey.start).days >= 84
        yield (
            "effective_treatment",
            "effective",
            84,
            journey.categories,
            _of(stayed or journey.completed, True),
        )
    children = {"all": True, "some": True, "other": True, "none": False}.get(
        str(first.get("children_living_with"))
    )
    yield "living_with_children", "with_children", 0, groups, _of(children, children is not None)
    need = {"Y": True, "N": False}.get(str(first.get("mental_health_need")))
    yield "mental_health", "need", 0, groups, _of(need, need is not None)
    treatment = first.get("mental_health_treatment")
    met = None if treatment in (None, "not_known") else treatment not in ("none", "declined")
    yield "mental_health", "need_met", 0, groups, _of(met, need and met is not None)
    named = len({first.get(d) for d in ("drug1", "drug2", "drug3")} - {None})
    yield "several_substances", "two_or_more", 0, journey.categories, _of(named >= 2, True)
    yield "several_substances", "three", 0, journey.categories, _of(named == 3, True)
    if not structured:
        return
    b, c = _latest_said(journey, "hepbstat"), _latest_said(journey, "hepcstat")
    vaccinated = any(e.get("hepbvac") for e in journey.episodes)
    yield "hepatitis_b", "offered", 0, groups, _of(b in ("A", "B"), b in ("A", "B", "D"))
    yield "hepatitis_b", "accepted", 0, groups, _of(b == "A", b in ("A", "B"))
    yield "hepatitis_b", "vaccinated", 0, groups, _of(vaccinated, b == "A")
    said = [e["injstat"] for e in journey.episodes if e.get("injstat") not in (None, "Z")]
    if said and said[-1] in ("C", "P"):
        yield "hepatitis_c", "offered", 0, groups, _of(c in ("A", "B"), c in ("A", "B", "D"))
        yield "hepatitis_c", "accepted", 0, groups, _of(c == "A", c in ("A", "B"))


def _exit(journey: Journey) -> Iterator[Told]:
    groups, both = _groups(journey), journey.categories
    yield "completion_of_exits", "completed", 0, both, _of(journey.completed, True)
    back = journey.following and (journey.following - (journey.end or FAR)).days <= 183
    yield "representation", "returned", 183, both, _of(bool(back), journey.completed)
    starts = [p for p in journey.profiles if p["trstage"] == "S"]
    exits = [p for p in journey.profiles if p["trstage"] == "E"]
    if not exits:
        return
    problem, worked = _housing_problem(exits[-1]), exits[-1].get("pwork")
    yield (
        "exit_circumstances",
        "no_housing_need",
        0,
        groups,
        _of(problem is False, problem is not None),
    )
    yield (
        "exit_circumstances",
        "working",
        0,
        groups,
        _of(worked is not None and worked >= 10, worked is not None),
    )
    then, now = (starts[0].get("quallife") if starts else None), exits[-1].get("quallife")
    if then and now is not None:
        yield "quality_of_life", "change", 0, groups, _of(now > then, True)
        better = (now - then) * 5 >= then
        yield "quality_of_life", "better_by_a_fifth", 0, groups, _of(better, True)
        yield "quality_of_life", "at_start", 0, groups, COUNT
        yield "quality_of_life", "at_exit", 0, groups, COUNT


def _profiles_due(journey: Journey, period: Period) -> Iterator[Told]:
    started = journey.first_structured
    if started is None:
        return

    def taken(stage: str, first: date, last: date) -> bool:
        return any(
            p["trstage"] == stage and first <= p["topdate"] <= last for p in journey.profiles
        )

    fortnight = timedelta(14)
    for stage, day in (("Start", started), ("Exit", journey.end)):
        if day and _within(day, period) and not (stage == "Exit" and journey.reason == "89"):
            done = taken(stage[0], day - fortnight, day + fortnight)
            yield "profiles_completed", stage.lower(), 14, {"stage": stage}, _of(done, True)
    due = started + timedelta(182)
    while due <= period.end and due <= (journey.last_structured or journey.end or FAR):
        if _within(due, period):
            done = taken("R", due - timedelta(181), due)
            yield "profiles_completed", "review", 14, {"stage": "Review"}, _of(done, True)
        due += timedelta(182)


def _team(tables: Mapping[str, Sequence[Row]], adult: bool, period: Period) -> Iterator[Told]:
    everyone = {"all": "All"}
    if not adult:
        return
    cases = tables.get("treatment_cj_caseload", ())
    for row in tables.get("treatment_cj_assessment", ()):
        asked, assessed = row["initial_assessment_date"], row.get("assessed_date")
        if _within(asked, period):
            soon = assessed is not None and (assessed - asked).days <= 28
            yield "team_assessment", "within_28_days", 28, everyone, _of(soon, True)
        if _within(assessed, period) and row.get("needs_intervention") == "Y":
            on = [c["taken_on_date"] for c in cases if c["of"] == row["key"]]
            soon = bool(on) and (min(on) - assessed).days <= 28
            yield "team_caseload", "taken_on", 28, everyone, _of(soon, True)
    for case in cases:
        on, treated = case["taken_on_date"], case.get("treatment_start_date")
        if _within(on, period):
            soon = treated is not None and (treated - on).days <= 90
            yield "team_treatment", "commenced", 90, everyone, _of(soon, True)
    for row in tables.get("treatment_prison_referral", ()):
        sent, reported = row["referral_date"], row.get("reported_date")
        if _within(sent, period):
            soon = reported is not None and (reported - sent).days <= 90
            yield "team_prison_referral", "reported", 90, everyone, _of(soon, True)


def _groups(journey: Journey) -> dict[str, str]:
    return {"substance_group": journey.group}


def _within(day: date | None, period: Period) -> bool:
    return day is not None and period.start <= day <= period.end


def _wait(journey: Journey) -> int | None:
    """Days waited for the first structured intervention; None when that is not known."""
    first = min(
        journey.interventions, key=lambda i: (i["modst"], i.get("refmoddt") or FAR, i["key"])
    )
    asked = first.get("refmoddt")
    return None if asked is None or asked > first["modst"] else (first["modst"] - asked).days


def _known_by(journey: Journey, day: date) -> list[Row]:
    """Profiles that count by a day: one from outside structured treatment counts at its edge."""
    started, ended = journey.first_structured or FAR, journey.last_structured or FAR
    return [p for p in journey.profiles if min(max(p["topdate"], started), ended) <= day]


def _last(profiles: Sequence[Row], said: Any) -> Any:
    """What the latest profile that says it says."""
    return next((v for v in map(said, reversed(profiles)) if v is not None), None)


def _yes(row: Row, column: str) -> bool | None:
    return {"Y": True, "N": False}.get(str(row.get(column)))


def _housing_problem(profile: Row) -> bool | None:
    """Whether there is an acute problem or a risk of eviction; None when it is not known."""
    answers = (_yes(profile, "acuthpbm"), _yes(profile, "hrisk"))
    return True if True in answers else None if None in answers else False


def _latest_said(journey: Journey, column: str) -> str | None:
    said = [e[column] for e in journey.episodes if e.get(column)]
    return said[-1] if said else None


def _deaths(tables: Mapping[str, Sequence[Row]]) -> list[date]:
    """The days on which a person is reported to have died."""
    told = [e["disd"] for e in tables.get("treatment_episode", ()) if e.get("disrsn") == "89"]
    return told + [d["death_date"] for d in tables.get("police_suspected_drug_death", ())]


def _in_contact(tables: Mapping[str, Sequence[Row]], first: date, last: date) -> bool:
    """Whether a person was arrested or under sentence on at least one day between two."""
    arrested = any(first <= c["arrest_date"] <= last for c in tables.get("police_custody", ()))
    return arrested or any(
        s["sentence_date"] <= last and (s.get("sentence_end_date") or FAR) >= first
        for s in tables.get("probation_sentence", ())
    )
