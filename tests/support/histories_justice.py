"""Random histories that police, probation and housing could have sent, thick with boundary days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

Row = dict[str, Any]
STARTS = [date(2024, 6, 30), date(2024, 12, 31), date(2025, 1, 1), date(2025, 3, 31)]
# The days of every policy, one fewer and one more, and some in between.
AFTER = [0, 1, 20, 21, 22, 27, 28, 29, 60, 89, 90, 91, 179, 180, 181, 182, 183, 364, 365, 366]


def history() -> st.SearchStrategy[dict[str, list[Row]]]:
    """One person's rows, as `warehouse_rows.build` takes them."""
    return st.composite(_history)()


def _history(draw: st.DrawFn) -> dict[str, list[Row]]:
    base = draw(st.sampled_from(STARTS))

    def day(after: date | None = None) -> date:
        return (after or base) + timedelta(draw(st.sampled_from(AFTER)))

    def or_none(value: Any) -> Any:
        return draw(st.sampled_from([None, value]))

    def several(most: int) -> range:
        return range(1, draw(st.integers(0, most)) + 1)

    def one_of(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    rows: dict[str, list[Row]] = {}

    def add(table: str, **row: Any) -> None:
        rows.setdefault(table, []).append(row)

    for place in range(1, one_of(0, 1, 2, 3, 9) + 1):
        arrested = day()
        add("police_custody", arrest_date=arrested, offence_class=one_of("46", "28E", "92A", "92D"))
        for _ in several(1):
            result = one_of("NEG", "POS_OPIATE", "POS_BOTH", "REFUSED")
            add("police_drug_test", of=place, test_date=arrested, result=result)
    for place in several(2):
        _sentence(place, day, or_none, several, one_of, add)
    for place in several(2):
        triaged = day()
        over = or_none(day(triaged))
        add("treatment_episode", triaged=triaged, disd=over)
        for _ in several(2):
            start = day(triaged)
            ends = {"modst": start, "modend": or_none(day(start))}
            add(
                "treatment_intervention",
                of=place,
                modal=one_of("94", "95", "96"),
                setting=one_of(None, "community", "secure"),
                **ends,
            )
    for place in several(1):
        released = day()
        add("treatment_secure_treatment", start_date=base)
        seen = or_none(day(released))
        add("treatment_transfer", of=place, release_date=released, first_seen_date=seen)
    for _ in several(4):
        add("housing_rough_sleeping", sighting_date=day())
    for place in several(2):
        _household(place, day, or_none, several, one_of, add)
    for _ in several(1):
        died = day()
        add(
            "police_suspected_drug_death",
            death_date=died,
            reported_date=or_none(day(died)),
            death_status=one_of("suspected", "confirmed", "not_drug_related"),
        )
    return rows


def _sentence(place: int, day: Any, or_none: Any, several: Any, one_of: Any, add: Any) -> None:
    """Add a sentence with its requirements, releases and enforcements."""
    passed = day()
    add(
        "probation_sentence",
        sentence_type=one_of("COEW", "SSO", "SC"),
        sentence_date=passed,
        sentence_end_date=or_none(day(passed)),
        iom=or_none("IIOM"),
    )
    for _ in several(2):
        add(
            "probation_requirement",
            of=place,
            category=one_of("DRR", "ATR", "UPW"),
            start_date=day(passed),
            end_date=or_none(day(passed)),
            outcome=one_of(None, "completed", "revoked"),
        )
    for _ in several(2):
        released = day(passed)
        add(
            "probation_release",
            of=place,
            release_date=released,
            licence_expiry_date=or_none(date(2027, 1, 1)),
            recall_date=or_none(day(released)),
            treatment_need=one_of("Y", "N", None),
            discharge_accommodation=one_of("DNF", "DPH", "DSH", "DST", "DUT", None),
        )
    for _ in several(2):
        kind = one_of("BRE01", "REC01")
        add("probation_enforcement", of=place, enforcement_type=kind, enforcement_date=day(passed))


def _household(place: int, day: Any, or_none: Any, several: Any, one_of: Any, add: Any) -> None:
    """Add an application with the person on it, its duties and a tenancy."""
    applied = day()
    add(
        "housing_application",
        application_date=applied,
        need_drug=one_of("Y", "N", None),
        need_alcohol=one_of("Y", "N", None),
    )
    add("housing_person", of=place, role="main")
    for _ in several(2):
        begun = day(applied)
        ended = or_none(day(begun))
        add(
            "housing_duty",
            of=place,
            duty=one_of("prevention", "relief", "main"),
            start_date=begun,
            end_date=ended,
            end_reason=ended and one_of("secured_existing", "contact_lost"),
        )
    for _ in several(1):
        begun = day(applied)
        add(
            "housing_tenancy",
            of=place,
            tenancy_type=one_of("secure", "licence", None),
            start_date=begun,
            end_date=or_none(day(begun)),
        )
