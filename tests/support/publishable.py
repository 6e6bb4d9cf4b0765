"""Made-up persons of whom enough is recorded that a release of them can be published."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

Person = dict[str, list[dict[str, Any]]]
FIRST, LAST = date(2024, 7, 1), date(2026, 6, 20)
SPAN = (LAST - FIRST).days


def persons(number: int, seed: int = 1) -> dict[str, Person]:
    """So many persons: arrests and tests, sentences and releases, treatment, by chance."""
    stream = random.Random(seed)
    return {f"person-{place}": _person(stream) for place in range(number)}


def _person(stream: random.Random) -> Person:
    who = {
        "sex": stream.choices("MFU", (70, 28, 2))[0],
        "ethnicity": stream.choices(("W1", "A1", "B1", "M1", "O9", "NS"), (70, 9, 8, 5, 3, 5))[0],
        "birth_year": stream.randrange(1958, 2007),
        "postcode_district": stream.choices(("NR1", "NR2", "NR3", "NR4", "NR5"), (9, 7, 5, 3, 1))[
            0
        ],
    }
    tables: Person = {}

    def add(table: str, row: dict[str, Any], **of: Any) -> int:
        rows = tables.setdefault(table, [])
        rows.append(row | of)
        return len(rows)

    for _ in range(stream.choice((0, 1, 1, 2, 3))):
        day = _day(stream)
        offence = stream.choice(("92D", "92A", "34B", "39", "45"))
        custody = add(
            "police_custody", who | {"arrest_date": day, "offence_class": offence, "outcome": "1"}
        )
        if stream.random() < 0.6:
            result = stream.choices(("POS_OPIATE", "POS_COCAINE", "POS_BOTH", "NEG"), (4, 3, 2, 2))[
                0
            ]
            add("police_drug_test", {"test_date": day, "result": result}, of=custody)
    if stream.random() < 0.5:
        start = _day(stream)
        need = stream.choice("YYN")
        sentence = add("probation_sentence", who | {"sentence_type": "SC", "sentence_date": start})
        add(
            "probation_release",
            {
                "release_date": start + timedelta(days=stream.randrange(30, 200)),
                "treatment_need": need,
            },
            of=sentence,
        )
    for _ in range(stream.choice((0, 1, 1, 2))):
        day = _day(stream)
        triaged = day + timedelta(days=stream.randrange(0, 20))
        ended = triaged + timedelta(days=stream.randrange(20, 500))
        over = ended < LAST
        drugs = stream.choice((("1011",), ("3201",), ("7000",), ("5000", "7000"), ("1011", "3201")))
        episode = add(
            "treatment_episode",
            who
            | {"refld": day, "triaged": triaged, "consent": "Y"}
            | {f"drug{n}": drug for n, drug in enumerate(drugs, start=1)}
            | ({"disd": ended, "disrsn": stream.choice(("80", "82", "85", "86"))} if over else {}),
        )
        started = triaged + timedelta(days=stream.randrange(0, 30))
        add(
            "treatment_intervention",
            {
                "modal": stream.choice(("94", "95")),
                "refmoddt": triaged,
                "modst": started,
                "modend": max(started, ended) if over else None,
            },
            of=episode,
        )
    return tables


def _day(stream: random.Random) -> date:
    return FIRST + timedelta(days=stream.randrange(SPAN))
