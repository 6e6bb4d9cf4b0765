"""A small pack made by hand, for tests of the writers: four quarters of a few tables."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any

import polars as pl

from governance.disclosure import percentage
from governance.disclosure.catalogue import Dimension, Population, cross
from governance.disclosure.release import Published, Release
from governance.disclosure.rules import Rule
from governance.disclosure.timeline import Period
from warehouse.publish.pack import COLUMNS, TYPES, Pack

QUARTERS = (
    ("July to September 2025", date(2025, 7, 1), date(2025, 9, 30)),
    ("October to December 2025", date(2025, 10, 1), date(2025, 12, 31)),
    ("January to March 2026", date(2026, 1, 1), date(2026, 3, 31)),
    ("April to June 2026", date(2026, 4, 1), date(2026, 6, 30)),
)
STAGES = (
    (1, "Released from prison with a treatment need", False),
    (2, "In contact with a treatment service within 21 days", False),
    (3, "In structured community treatment within 21 days", False),
    (4, "Already in it on the day of release", True),
    (5, "Stayed 12 weeks, or completed sooner", False),
)
FUNNEL = (
    ("All", "All", ("120", "70", "55", "10", "30")),
    ("sex", "Female", ("15", "10", "[c]", "[c]", "[c]")),
    ("sex", "Male", ("105", "60", "50", "10", "30")),
    ("age_band", "Under 40", ("70", "40", "30", "5", "15")),
    ("age_band", "40 and over", ("50", "30", "25", "[c]", "15")),
)
LINKS = (
    ("Released from prison", "Referred, assessed or started treatment", "70", "140"),
    ("Released from prison", "New arrest", "25", "140"),
    ("Released from prison", "No new step recorded", "45", "140"),
    ("Positive drug test", "Referred, assessed or started treatment", "35", "90"),
    ("Positive drug test", "New arrest", "[c]", "90"),
    ("Positive drug test", "No new step recorded", "50", "90"),
)
OUTCOMES = (
    ("continuity_of_care", "within_3_weeks", "All", "All", "55", "120", "releases"),
    ("continuity_of_care", "within_3_weeks", "sex", "Female", "[c]", "15", "releases"),
    ("continuity_of_care", "within_3_weeks", "sex", "Male", "50", "105", "releases"),
    ("contact_groups", "people_arrested", "All", "All", "310", "[z]", "people"),
    ("stable_accommodation", "stable_at_exit", "All", "All", "[x]", "[x]", "people"),
)
TITLES = {
    "continuity_of_care": "Structured treatment within three weeks of release from prison",
    "contact_groups": "How treatment services know the people who were arrested",
    "stable_accommodation": "Stable accommodation",
}


def pack(**changed: Any) -> Pack:
    """The pack, with some of its attributes changed."""
    given: dict[str, Any] = {
        "release_id": "2026-04-01-to-2026-06-30",
        "partnership": "A & B <Combating Drugs Partnership>",
        "contact": "the partnership's data lead",
        "demonstration": True,
        "made_at": datetime(2026, 10, 1, 9, 0),
        "as_at": {
            "police": date(2026, 9, 30),
            "probation": date(2026, 9, 29),
            "treatment": date(2026, 9, 28),
        },
        "tables": tables(),
        "notes": ("[c] confidential; [x] not available; [z] not applicable.",),
        "definitions": (
            {
                "metric": "continuity_of_care",
                "title": TITLES["continuity_of_care"],
                "definition": "Of releases from prison of people with a known treatment need, how "
                "many were in structured treatment within 21 days.",
                "unit": "releases",
                "status": "proxy",
                "owner": "Prison release lead",
                "caveat": "The need is probation's.",
            },
        ),
        "releases": releases(),
        "next_due": date(2026, 12, 22),
    }
    return Pack(**(given | changed))


@cache
def tables() -> dict[str, pl.DataFrame]:
    """The tables of the pack."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
    for period in QUARTERS:
        for split, category, counts in FUNNEL:
            for (number, step, is_part), people in zip(STAGES, counts, strict=True):
                share = percentage(people, counts[0])
                where = ("release_need", "From prison to staying in treatment", *period)
                step_of = (split, category, number, step, is_part)
                rows["funnel"].append((*where, *step_of, people, counts[0], share))
        for days, share in ((7, "22"), (14, "31"), (21, "46"), (28, "[c]")):
            rows["survival"].append(("release_need", *period, "Treatment started", days, share))
        for start, end, people, of in LINKS:
            rows["transitions"].append((*period, start, end, people, of, percentage(people, of)))
        for metric, measure, split, category, above, below, unit in OUTCOMES:
            named = (metric, measure, TITLES[metric], *period, split, category)
            rows["outcomes"].append((*named, above, below, percentage(above, below), unit))
    period = QUARTERS[-1]
    rows["framework"] = [
        (
            *("National framework", 1, "All", TITLES["continuity_of_care"], *period, "55", "120"),
            *(
                "46",
                "per cent",
                "57",
                "Linked records",
                "75",
                "at least",
                "not met",
                "42",
                "50",
                "proxy",
            ),
            "A proxy for continuity of care.",
        ),
        (
            *(
                "National framework",
                2,
                "All",
                "Deaths from drug misuse",
                *period,
                "[x]",
                "[x]",
                "[x]",
            ),
            *("per 100,000", "5.5", "Office for National Statistics", "", "", "", "", ""),
            *("not available", "No partner holds it."),
        ),
    ]
    rows["data_quality"] = [("police custody", "arrest_date", "valid", "1200", "99")]
    rows["linkage_quality"] = [("police–treatment", "links", "640", "53")]
    rows["linkage_sensitivity"] = [
        ("continuity_of_care", "within_3_weeks", period[0], "46", "per cent", "42", "50"),
        ("release_need", "3. " + STAGES[2][1], period[0], "46", "per cent", "41", "51"),
    ]
    rows["changes"] = [("funnel", "Windows shown", "3", "4")]
    return {name: table(name, given) for name, given in rows.items()}


def table(name: str, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """One table of a pack."""
    schema = {column: TYPES.get(column, pl.String) for column in COLUMNS[name]}
    return pl.DataFrame(rows, schema=schema, orient="row")


def releases() -> tuple[Release, ...]:
    """A release a quarter, with one count in each. None of them was certified."""
    sex = Dimension("sex", ("Female", "Male"), known=True)
    people = Population(
        "release_need", "people", "apart", (sex,), (cross("release_need_sex", sex),)
    )
    return tuple(
        Release(
            f"{start}-to-{end}",
            Rule(),
            (Published(people, Period(start, end), ("120", "15", "105")),),
            certificate="0" * 64,
        )
        for _, start, end in QUARTERS
    )
