"""Random histories that a treatment service could have sent, thick with boundary days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

Row = dict[str, Any]
STARTS = [date(2023, 12, 31), date(2024, 9, 30), date(2025, 3, 31), date(2025, 10, 1)]
# The days of every policy, one fewer and one more, and some in between.
GAPS = [-30, 0, 1, 20, 21, 22, 60, 181, 182, 183, 184, 300]
LENGTHS = [0, 10, 83, 84, 85, 181, 182, 183, 300, 364, 729, 730, 731]
WAITS = [0, 1, 20, 21, 22, 40]
SOON = [0, 13, 14, 15, 27, 28, 29, 60, 89, 90, 91]
DAYS = [0, 2, 7, 9, 10, 11, 14, 15, 19, 20, 28, None]
DRUGS = ["1011", "3201", "3200", "3100", "5000", "7000", "2200"]


def history(as_at: date) -> st.SearchStrategy[dict[str, list[Row]]]:
    """One person's rows up to a day, as `warehouse_rows.build` takes them, each with its key."""
    return st.composite(_history)(as_at)


def later(tables: dict[str, list[Row]], days: int, years: int) -> dict[str, list[Row]]:
    """The same person, everything so many days and their birth so many years later."""

    def moved(name: str, value: Any) -> Any:
        if isinstance(value, date):
            return value + timedelta(days)
        return value + years if name == "birth_year" else value

    return {
        table: [{name: moved(name, value) for name, value in row.items()} for row in rows]
        for table, rows in tables.items()
    }


def _history(draw: st.DrawFn, as_at: date) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    born = draw(st.sampled_from([1985, 1985, 2008, 2009]))

    def one_of(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    def add(table: str, day: date | None, **row: Any) -> Row | None:
        """Add a row of a day; one that lies ahead of the extract is not sent."""
        if day is not None and day > as_at:
            return None
        kept = rows.setdefault(table, [])
        row = {k: None if isinstance(v, date) and v > as_at else v for k, v in row.items()}
        kept.append({"key": len(kept) + 1, "birth_year": born, **row})
        if table in CHILDREN:
            del kept[-1]["birth_year"]
        return kept[-1]

    triaged = one_of(*STARTS)
    for _ in range(one_of(1, 1, 2, 3)):
        left = one_of(triaged + timedelta(one_of(*LENGTHS)), None)
        episode = add("treatment_episode", triaged, **_episode(triaged, left, as_at, one_of))
        if episode is None:
            break
        _given(episode, one_of, add)
        _asked(episode, one_of, add)
        triaged = (episode["disd"] or triaged) + timedelta(one_of(*GAPS))
    arrested = one_of(*STARTS) + timedelta(one_of(-1, 0, 1, 270, 271, 272))
    if one_of(True, False):
        add("police_custody", arrested, arrest_date=arrested)
    if one_of(True, False):
        over = one_of(None, date(2025, 3, 30) + timedelta(one_of(0, 1, 2, 91, 92, 93)))
        sentence = {"sentence_date": date(2024, 1, 1), "sentence_end_date": over}
        add("probation_sentence", date(2024, 1, 1), **sentence)
    if one_of(True, False, False):
        died = arrested + timedelta(one_of(*LENGTHS))
        add("police_suspected_drug_death", died, death_date=died)
    _team(one_of, add)
    return rows


CHILDREN = {"treatment_intervention", "treatment_outcomes_profile", "treatment_cj_caseload"}


def _episode(triaged: date, left: date | None, as_at: date, one_of: Any) -> Row:
    ended = left is not None and left <= as_at
    first, second, third = one_of(*DRUGS), one_of(None, *DRUGS), one_of(None, None, *DRUGS)
    return {
        "triaged": triaged,
        "disd": left if ended else None,
        "disrsn": one_of("80", "81", "82", "83", "85", "88", "89") if ended else None,
        "rfls": one_of("3", "4", "5", "13", None),
        "drug1": first,
        "drug2": second if second != first else None,
        "drug3": third if third not in (first, second) else None,
        "injstat": one_of("P", "C", "N", "Z", None),
        "accmneed": one_of("1", "2", "3", None),
        "children_living_with": one_of("all", "some", "other", "none", "declined", None),
        "mental_health_need": one_of("Y", "N", "declined", None),
        "mental_health_treatment": one_of("primary_care", "none", "declined", "not_known", None),
        "hepbstat": one_of("A", "B", "C", "D", "E", None),
        "hepcstat": one_of("A", "B", "C", "D", "E", None),
        "hepbvac": one_of("1", "C", None),
    }


def _given(episode: Row, one_of: Any, add: Any) -> None:
    """Add the interventions of an episode."""
    for _ in range(one_of(0, 1, 1, 2)):
        start = min(
            episode["triaged"] + timedelta(one_of(0, 0, 1, 30)), episode["disd"] or date.max
        )
        end = start + timedelta(one_of(*LENGTHS))
        closes = one_of(True, False) and end <= (episode["disd"] or date.max)
        add(
            "treatment_intervention",
            start,
            of=episode["key"],
            modal=one_of("94", "95", "95", "96"),
            setting=one_of(None, "community", "secure"),
            refmoddt=one_of(None, start - timedelta(one_of(*WAITS))),
            modst=one_of(None, *[start] * 5),
            modend=end if closes else None,
        )


def _asked(episode: Row, one_of: Any, add: Any) -> None:
    """Add the outcomes profiles of an episode."""
    for _ in range(one_of(0, 1, 2, 3)):
        edge = one_of(episode["triaged"], episode["disd"] or episode["triaged"])
        day = edge + timedelta(one_of(-15, -14, 0, 1, 14, 15, 90, 181, 182, 183))
        add(
            "treatment_outcomes_profile",
            day,
            of=episode["key"],
            topdate=day,
            trstage=one_of("S", "R", "E"),
            **{
                use: one_of(*DAYS)
                for use in ("alcuse", "opiuse", "crause", "cocause", "amphuse", "cannuse")
            },
            otdrguse=one_of(*DAYS),
            acuthpbm=one_of("Y", "N", "N", None),
            hrisk=one_of("Y", "N", "N", None),
            pwork=one_of(0, 9, 10, 28, None),
            quallife=one_of(0, 5, 10, 11, 12, 19, 20, None),
        )


def _team(one_of: Any, add: Any) -> None:
    """Add what the criminal-justice team did."""
    for _ in range(one_of(0, 0, 1, 2)):
        asked = one_of(*STARTS, date(2026, 3, 31))
        assessed = one_of(None, asked + timedelta(one_of(*SOON)))
        row = add(
            "treatment_cj_assessment",
            asked,
            initial_assessment_date=asked,
            assessed_date=assessed,
            needs_intervention=one_of("Y", "N", None) if assessed else None,
        )
        on = (assessed or asked) + timedelta(one_of(*SOON))
        if row and one_of(True, False):
            treated = one_of(None, on + timedelta(one_of(*SOON)))
            case = {"taken_on_date": on, "treatment_start_date": treated}
            add("treatment_cj_caseload", on, of=row["key"], **case)
    for _ in range(one_of(0, 0, 1)):
        sent = one_of(*STARTS)
        told = one_of(None, sent + timedelta(one_of(*SOON)))
        add("treatment_prison_referral", sent, referral_date=sent, reported_date=told)
