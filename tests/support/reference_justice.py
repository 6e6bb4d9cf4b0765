"""Police, probation and housing metrics counted by hand: slow, plain, and from the staged rows.

Nothing here is shared with the warehouse, not even its numbers of days: each rule is written down
a second time, one person at a time, so that the two can be held against each other. A history is
one person's rows as `warehouse_rows.build` takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

Row = Mapping[str, Any]
History = Mapping[str, Sequence[Row]]
Unit = dict[str, Any]
Told = tuple[int, int | None]

STRUCTURED = ("94", "95")
NEIGHBOURHOOD = ("28E", "34B", "39", "45", "48", "130")
DRUGS = ("92A", "92D", "92E")
POSITIVE = ("POS_OPIATE", "POS_COCAINE", "POS_BOTH")
COMMUNITY = ("COEW", "SSO", "SDO", "PSS")
RECALLS = ("REC01", "REC02")
SECURED = ("secured_existing", "secured_alternative")
LASTING = ("introductory", "secure", "fixed_term", "assured", "assured_shorthold", None)


@dataclass(frozen=True)
class Measure:
    """What is counted of a unit, and how many days of follow-up it needs."""

    numerator: Callable[[Unit], bool]
    denominator: Callable[[Unit], bool] | None = None
    lag: int = 0


@dataclass(frozen=True)
class Reference:
    """One metric: its units with the day of each, which are taken, and what is counted."""

    units: Callable[[History], list[Unit]]
    partners: tuple[str, ...]
    measures: Mapping[str, Measure]
    take: str = "every"


def counts(
    persons: Mapping[str, History], as_at: Mapping[str, date]
) -> dict[tuple[str, str, str, str], Told]:
    """Count every metric, measure, period and person; who is in neither count is left out."""
    found: dict[tuple[str, str, str, str], Told] = {}
    for name, metric in METRICS.items():
        known = min(as_at[partner] for partner in metric.partners)
        for person, history in persons.items():
            for period, first, last in quarters(max(as_at.values())):
                units = [u for u in metric.units(history) if u["day"] and first <= u["day"] <= last]
                for measure, rule in metric.measures.items():
                    if last + timedelta(rule.lag) > known:
                        continue
                    told = _count(_taken(units, metric.take), rule)
                    if told is not None:
                        found[name, measure, period, person] = told
    return found


def quarters(latest: date, kept: int = 8) -> list[tuple[str, date, date]]:
    """The completed calendar quarters before a day, the latest first."""
    start = date(latest.year, (latest.month - 1) // 3 * 3 + 1, 1)
    after = (start + timedelta(93)).replace(day=1)
    if latest == after - timedelta(1):  # its last day completes a quarter
        start = after
    found = []
    for _ in range(kept):
        end = start - timedelta(1)
        start = date(end.year, (end.month - 1) // 3 * 3 + 1, 1)
        found.append((f"{start.year}-Q{(start.month + 2) // 3}", start, end))
    return found


def _taken(units: list[Unit], take: str) -> list[Unit]:
    ordered = sorted(units, key=lambda unit: (unit["day"], unit.get("tie", 0)))
    return {"every": ordered, "first": ordered[:1], "last": ordered[-1:]}[take]


def _count(units: list[Unit], rule: Measure) -> Told | None:
    if rule.denominator is None:
        numerator = sum(bool(rule.numerator(unit)) for unit in units)
        return (numerator, None) if numerator else None
    counted = [unit for unit in units if rule.denominator(unit)]
    numerator = sum(bool(rule.numerator(unit)) for unit in counted)
    return (numerator, len(counted)) if counted else None


def rows(history: History, table: str) -> list[Row]:
    """One table's rows, each with its key."""
    return [{"key": n, "of": 1, **row} for n, row in enumerate(history.get(table, ()), 1)]


def treatment(history: History) -> list[tuple[date, date]]:
    """First and last day of each structured intervention outside a secure setting."""
    ends = {episode["key"]: episode.get("disd") for episode in rows(history, "treatment_episode")}
    return [
        (one["modst"], one.get("modend") or ends[one["of"]] or date.max)
        for one in rows(history, "treatment_intervention")
        if one["of"] in ends
        and one.get("modal", "94") in STRUCTURED
        and one.get("setting") != "secure"
        and one.get("modst")
    ]


def days_to_treatment(history: History, day: date) -> int | None:
    """Days from a day until treatment: nought when it was open, missing when none came."""
    waits = [max((first - day).days, 0) for first, last in treatment(history) if last >= day]
    return min(waits, default=None)


def within(days: int | None, limit: int) -> bool:
    """Whether something came, and in time."""
    return days is not None and days <= limit


def arrests(history: History) -> list[Unit]:
    found = []
    days = sorted({row["arrest_date"] for row in rows(history, "police_custody")})
    tests = rows(history, "police_drug_test")
    for row in rows(history, "police_custody"):
        day, offence = row["arrest_date"], row.get("offence_class", "92D")
        results = [test["result"] for test in tests if test["of"] == row["key"]]
        later = [(other - day).days for other in days if other > day]
        found.append(
            {
                "day": day,
                "neighbourhood": offence in NEIGHBOURHOOD,
                "drug": offence in DRUGS,
                "supply": offence == "92A",
                "factor": offence in DRUGS or any(result in POSITIVE for result in results),
                "next": min(later, default=None),
            }
        )
    return found


def baselines(history: History) -> list[Unit]:
    days = {row["arrest_date"] for row in rows(history, "police_custody")}
    found = []
    for year in range(2020, 2031):
        for month in (1, 4, 7, 10):
            end = date(year, month, 1) - timedelta(1)
            found.append(
                {
                    "day": end,
                    "before": sum(0 <= (end - day).days < 365 for day in days),
                    "after": sum(0 < (day - end).days <= 365 for day in days),
                    "iom": any(
                        row.get("iom")
                        and row["sentence_date"] <= end
                        and (row.get("sentence_end_date") or date.max) >= end
                        for row in rows(history, "probation_sentence")
                    ),
                }
            )
    return found


def sentences(history: History) -> list[Unit]:
    found = []
    for row in rows(history, "probation_sentence"):
        breaches = [
            (one["enforcement_date"] - row["sentence_date"]).days
            for one in rows(history, "probation_enforcement")
            if one["of"] == row["key"] and one["enforcement_type"] not in RECALLS
        ]
        found.append(
            {
                "day": row["sentence_date"],
                "community": row.get("sentence_type", "SC") in COMMUNITY,
                "breach": min((days for days in breaches if days >= 0), default=None),
            }
        )
    return found


def requirements(history: History, dated: str) -> list[Unit]:
    sentenced = {row["key"]: row["sentence_date"] for row in rows(history, "probation_sentence")}
    found = []
    for row in rows(history, "probation_requirement"):
        if row["category"] not in ("DRR", "ATR") or row["of"] not in sentenced:
            continue
        day, end = sentenced[row["of"]], row.get("end_date")
        looked = day + timedelta(21)
        found.append(
            {
                "day": day if dated == "sentence" else end,
                "start": (row["start_date"] - day).days,
                "treated": days_to_treatment(history, day),
                "on_day_21": any(first <= looked <= last for first, last in treatment(history)),
                "ended": end is not None and row.get("outcome") is not None,
                "completed": row.get("outcome") == "completed",
                "days": None if end is None else (end - day).days,
            }
        )
    return found


def releases(history: History) -> list[Unit]:
    sentenced = {row["key"] for row in rows(history, "probation_sentence")}
    kept = [row for row in rows(history, "probation_release") if row["of"] in sentenced]
    found = []
    for row in kept:
        day = row["release_date"]
        follow = sorted(
            (other["release_date"], other["key"]) for other in kept if other["of"] == row["of"]
        )
        later = follow[follow.index((day, row["key"])) + 1 :]
        until = later[0][0] if later else date.max
        recalls = [
            one["enforcement_date"]
            for one in rows(history, "probation_enforcement")
            if one["of"] == row["of"]
            and one["enforcement_type"] in RECALLS
            and day <= one["enforcement_date"] < until
        ]
        recalls += [row["recall_date"]] if row.get("recall_date") else []
        went = row.get("discharge_accommodation", "DNF")
        found.append(
            {
                "day": day,
                "need": row.get("treatment_need", "Y") == "Y",
                "treated": days_to_treatment(history, day),
                "licence": row.get("licence_expiry_date") is not None,
                "recalled": min(((recall - day).days for recall in recalls), default=None),
                "destination": went not in (None, "DUT"),
                "housed": went in ("DPH", "DSH"),
                "homeless": went == "DNF",
            }
        )
    return found


def transfers(history: History) -> list[Unit]:
    found = []
    for row in rows(history, "treatment_transfer"):
        day, seen = row["release_date"], row.get("first_seen_date")
        found.append(
            {
                "day": day,
                "treated": days_to_treatment(history, day),
                "seen": None if seen is None else (seen - day).days,
            }
        )
    return found


def duties(history: History, dated: str) -> list[Unit]:
    found = []
    cases = {row["key"]: row for row in rows(history, "housing_application")}
    with_people = {row["of"] for row in rows(history, "housing_person")}
    kept = [row for row in rows(history, "housing_duty") if row["of"] in with_people]
    for row in kept:
        case = cases[row["of"]]
        first = min((o["start_date"], o["key"]) for o in kept if o["of"] == row["of"])
        found.append(
            {
                "day": row[dated] if dated == "start_date" else row.get("end_date"),
                "first": first == (row["start_date"], row["key"]),
                "drug": case.get("need_drug") == "Y",
                "alcohol": case.get("need_alcohol") == "Y",
                "need": "Y" in (case.get("need_drug"), case.get("need_alcohol")),
                "early": row["duty"] in ("prevention", "relief"),
                "secured": row.get("end_reason") in SECURED,
                "ended": row.get("end_reason") is not None,
            }
        )
    return found


def nights(history: History) -> list[Unit]:
    days = sorted({row["sighting_date"] for row in rows(history, "housing_rough_sleeping")})
    found = []
    for day in days:
        recent = [other for other in days if 0 <= (day - other).days < 365]
        quarter = [other for other in days if other <= day and _same_quarter(other, day)]
        earlier = [other for other in days if other < quarter[0]]
        found.append(
            {
                "day": day,
                "repeat": len(recent) > 1,
                "months": len({(other.year, other.month) for other in recent}),
                "returned": bool(earlier) and (quarter[0] - earlier[-1]).days >= 180,
            }
        )
    return found


def _same_quarter(one: date, other: date) -> bool:
    return (one.year, (one.month - 1) // 3) == (other.year, (other.month - 1) // 3)


def tenancies(history: History) -> list[Unit]:
    return [
        {
            "day": row["start_date"],
            "lasting": row.get("tenancy_type") in LASTING,
            "held": None
            if row.get("end_date") is None
            else (row["end_date"] - row["start_date"]).days,
        }
        for row in rows(history, "housing_tenancy")
    ]


def deaths(history: History) -> list[Unit]:
    reports = rows(history, "police_suspected_drug_death")
    if not reports:
        return []
    last = max(reports, key=lambda row: (row.get("reported_date") or row["death_date"], row["key"]))
    day = last["death_date"]
    since = [
        max((day - (episode.get("disd") or day)).days, 0)
        for episode in rows(history, "treatment_episode")
        if episode.get("triaged") and episode["triaged"] <= day
    ]
    return [
        {
            "day": day,
            "suspected": last.get("death_status") != "not_drug_related",
            "treated": min(since, default=None),
        }
    ]


def _always(unit: Unit) -> bool:
    return True


METRICS: dict[str, Reference] = {
    "arrests": Reference(arrests, ("police",), {"arrests": Measure(_always)}),
    "neighbourhood_crime": Reference(
        arrests, ("police",), {"arrests": Measure(lambda u: u["neighbourhood"])}
    ),
    "drug_offences": Reference(
        arrests,
        ("police",),
        {"arrests": Measure(lambda u: u["drug"]), "supply": Measure(lambda u: u["supply"])},
    ),
    "drug_related_arrests": Reference(
        arrests, ("police",), {"drugs_a_factor": Measure(lambda u: u["factor"], _always)}
    ),
    "reoffending": Reference(
        arrests,
        ("police",),
        {"within_12_months": Measure(lambda u: within(u["next"], 365), _always, 365)},
        take="first",
    ),
    "reoffending_managed": Reference(
        baselines,
        ("police", "probation"),
        {
            "arrested": Measure(lambda u: u["after"] > 0, lambda u: u["iom"], 365),
            "arrested_less_often": Measure(
                lambda u: u["after"] < u["before"], lambda u: u["iom"] and u["before"] > 0, 365
            ),
        },
        take="first",
    ),
    "reoffending_repeat": Reference(
        baselines,
        ("police",),
        {
            "repeat_arrested": Measure(lambda u: u["after"] > 0, lambda u: u["before"] >= 2, 365),
            "repeat_arrested_less_often": Measure(
                lambda u: u["after"] < u["before"], lambda u: u["before"] >= 2, 365
            ),
            "prolific_arrested": Measure(lambda u: u["after"] > 0, lambda u: u["before"] >= 6, 365),
            "prolific_arrested_less_often": Measure(
                lambda u: u["after"] < u["before"], lambda u: u["before"] >= 6, 365
            ),
        },
        take="first",
    ),
    "breach": Reference(
        sentences,
        ("probation",),
        {
            "within_12_months": Measure(
                lambda u: within(u["breach"], 365), lambda u: u["community"], 365
            )
        },
    ),
    "treatment_requirement": Reference(
        lambda history: requirements(history, "sentence"),
        ("probation", "treatment"),
        {
            "started": Measure(lambda u: within(u["start"], 90), _always, 90),
            "treatment_after_3_weeks": Measure(lambda u: u["on_day_21"], _always, 21),
            "treatment_within_90_days": Measure(lambda u: within(u["treated"], 90), _always, 90),
            "completed_within_12_months": Measure(
                lambda u: u["completed"] and within(u["days"], 365), _always, 365
            ),
        },
    ),
    "requirement_endings": Reference(
        lambda history: requirements(history, "end"),
        ("probation",),
        {"completed": Measure(lambda u: u["completed"], lambda u: u["ended"])},
    ),
    "continuity_of_care": Reference(
        releases,
        ("probation", "treatment"),
        {"within_3_weeks": Measure(lambda u: within(u["treated"], 21), lambda u: u["need"], 21)},
    ),
    "continuity_after_transfer": Reference(
        transfers,
        ("treatment",),
        {
            "within_3_weeks": Measure(lambda u: within(u["treated"], 21), _always, 21),
            "seen_within_3_weeks": Measure(lambda u: within(u["seen"], 21), _always, 21),
        },
    ),
    "accommodation_on_release": Reference(
        releases,
        ("probation",),
        {
            "housed": Measure(lambda u: u["housed"], lambda u: u["destination"]),
            "homeless": Measure(lambda u: u["homeless"], lambda u: u["destination"]),
        },
    ),
    "recall": Reference(
        releases,
        ("probation",),
        {
            "within_28_days": Measure(
                lambda u: within(u["recalled"], 28), lambda u: u["licence"], 28
            ),
            "within_12_months": Measure(
                lambda u: within(u["recalled"], 365), lambda u: u["licence"], 365
            ),
        },
    ),
    "homelessness_duty": Reference(
        lambda history: duties(history, "start_date"),
        ("housing",),
        {
            "substance_need": Measure(lambda u: u["need"], lambda u: u["first"]),
            "drug_need": Measure(lambda u: u["drug"], lambda u: u["first"]),
            "alcohol_need": Measure(lambda u: u["alcohol"], lambda u: u["first"]),
        },
    ),
    "homelessness_outcome": Reference(
        lambda history: duties(history, "end_date"),
        ("housing",),
        {
            "secured": Measure(
                lambda u: u["secured"], lambda u: u["early"] and u["ended"] and u["need"]
            ),
            "secured_without_need": Measure(
                lambda u: u["secured"], lambda u: u["early"] and u["ended"] and not u["need"]
            ),
        },
    ),
    "rough_sleeping": Reference(
        nights,
        ("housing",),
        {
            "people": Measure(_always),
            "repeat": Measure(lambda u: u["repeat"], _always),
            "returned": Measure(lambda u: u["returned"], _always),
            "entrenched": Measure(lambda u: u["months"] >= 3, _always),
        },
        take="last",
    ),
    "tenancy_sustained": Reference(
        tenancies,
        ("housing",),
        {
            "six_months": Measure(
                lambda u: u["held"] is None or u["held"] >= 182, lambda u: u["lasting"], 182
            ),
            "twelve_months": Measure(
                lambda u: u["held"] is None or u["held"] >= 365, lambda u: u["lasting"], 365
            ),
        },
    ),
    "suspected_drug_deaths": Reference(
        deaths,
        ("police", "treatment"),
        {
            "deaths": Measure(lambda u: u["suspected"]),
            "known_to_treatment": Measure(
                lambda u: within(u["treated"], 365), lambda u: u["suspected"]
            ),
        },
        take="first",
    ),
}
