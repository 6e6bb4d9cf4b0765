"""Which days of people's lives come back from a release that tells weeks.

    make bench-weeks

One synthetic partnership is released twice, by the week and to the day, and the second says what is
right. Two attackers have the first alone. One takes weeks for those of the calendar. The other
knows that each person's days are moved by 0 to 6 days, and is even told every day up to that move:
what is left is how many of seven days the data's date, quarters or days of the week rule out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
from warehouse_build import AS_AT, KEY, stage_one, whole

from warehouse import connect, staging
from warehouse.clock import own_clocks
from warehouse.given import Given
from warehouse.release import build_release

PEOPLE = 3_000
CLOCK_KEY = b"a secret of this benchmark"

# The first days that fit the weeks and the days between: low and high, and the true one.
CALENDAR = {
    "people, by journey_step": """
        SELECT max(weekly.step_week - weekly.days_from_first::INTEGER),
               min(weekly.step_week - weekly.days_from_first::INTEGER) + 6, min(step_date)
        FROM weeks.journey_step AS weekly
        INNER JOIN days.journey_step AS exact USING (person_id, step_number)
        GROUP BY person_id""",
    "treatment journeys, by their own row": """
        SELECT greatest(weekly.start_week, weekly.end_week - weekly.journey_days::INTEGER,
                        weekly.structured_start_week - weekly.days_to_structured::INTEGER),
               least(weekly.start_week, weekly.end_week - weekly.journey_days::INTEGER,
                     weekly.structured_start_week - weekly.days_to_structured::INTEGER) + 6,
               start_date
        FROM (SELECT * REPLACE (CASE WHEN end_week IS NOT NULL THEN journey_days END
                  AS journey_days) FROM weeks.treatment_journey) AS weekly
        INNER JOIN days.treatment_journey AS exact USING (person_id, journey_number)""",
    "ended spells, by their own row": """
        SELECT greatest(weekly.start_week, weekly.end_week - weekly.days::INTEGER),
               least(weekly.start_week, weekly.end_week - weekly.days::INTEGER) + 6, start_date
        FROM weeks.spell AS weekly
        INNER JOIN days.spell AS exact USING (person_id, spell_number)
        WHERE weekly.end_week IS NOT NULL""",
    "open spells, by the data's date": f"""
        SELECT DATE '{AS_AT}' - weekly.days::INTEGER, DATE '{AS_AT}' - weekly.days::INTEGER,
               start_date
        FROM weeks.spell AS weekly
        INNER JOIN days.spell AS exact USING (person_id, spell_number)
        WHERE weekly.end_week IS NULL""",
    "censored times, by the data's date": f"""
        SELECT DATE '{AS_AT}' - weekly.days::INTEGER, DATE '{AS_AT}' - weekly.days::INTEGER,
               start_date
        FROM weeks.time_to_event AS weekly
        INNER JOIN days.time_to_event AS exact USING (cohort, stage, person_id)
        WHERE weekly.censored_by = 'end of the data'""",
}

OFFICE = (
    "referral triage care_plan discharge intervention_referral intervention_start outcomes_profile "
    "sentence requirement_start enforcement prison_release initial_assessment cj_assessment "
    "homelessness_application main_duty_decision duty_start"
)

# What a move of all days by so many must keep, and of which events.
NARROWED = {
    "nothing lies after the data's date": (f"day + moved <= DATE '{AS_AT}'", "event_date", "TRUE"),
    "nor in another quarter, of those counted": (
        f"day + moved <= DATE '{AS_AT}' AND (date_trunc('quarter', day + moved) = "
        "date_trunc('quarter', day) OR greatest(day, day + moved) < first_counted)",
        "event_date",
        "TRUE",
    ),
    "offices are closed at weekends": (
        "isodow(day + moved) < 6",
        "event_date - greatest(isodow(event_date) - 5, 0)::INTEGER",
        f"list_contains({OFFICE.split()}, event_type)",
    ),
}


def released(folder: Path, people: int) -> duckdb.DuckDBPyConnection:
    """A connection on which ``weeks`` and ``days`` are the releases; ``clock`` is the secret."""
    with tempfile.TemporaryDirectory() as made:
        frames, persons = stage_one(Path(made), people)
    store = folder / "staging.duckdb"
    con = connect.open_store(store, KEY)
    staging.create(con)
    for partner in staging.PARTNERS:
        tables = {
            name: whole(frames[name], list(columns))
            for name, columns in staging.tables_of(partner).items()
        }
        rows = sum(frame.height for frame in tables.values())
        staging.replace_partner(con, partner, tables, run_id="bench", data_as_at=AS_AT, rows=rows)
    con.close()
    for name, exact_dates in (("weeks", False), ("days", True)):
        build_release(
            store, KEY, persons, folder / f"{name}.duckdb", KEY, run_id="bench",
            built_at=datetime(2026, 7, 1, tzinfo=UTC),
            given=Given(exact_dates=exact_dates, clock_key=CLOCK_KEY),
        )  # fmt: skip
    con = connect.memory_connection(spill=None)
    connect.load_encryption(con)
    for name, path in (("store", store), *((n, folder / f"{n}.duckdb") for n in ("weeks", "days"))):
        connect.attach(con, path, name, KEY, read_only=True)
    con.register("record_person", persons.to_arrow())
    clock = own_clocks(con, CLOCK_KEY)
    con.register("clock", clock.to_arrow())
    return con


def by_the_calendar(con: duckdb.DuckDBPyConnection, fitting: str) -> tuple[int, int, int]:
    """How many rows there are, how many have one day left, and how many of those are right."""
    return con.execute(
        "SELECT count(*), count(*) FILTER (low = high), count(*) FILTER (low = high AND low = day) "
        f"FROM ({fitting}) AS fitted(low, high, day)"
    ).fetchall()[0]


def days_left(con: duckdb.DuckDBPyConnection, keeps: str, day: str, events: str) -> pl.DataFrame:
    """How many people have 0, 1, … 7 days left: ``days``, ``people``."""
    return con.execute(
        f"""WITH told AS (
            SELECT DISTINCT person_id, days_off, ({day})::DATE AS day,
                   (SELECT min(start_date) FROM days.period) AS first_counted
            FROM days.event INNER JOIN clock USING (person_id) WHERE {events}
        ),
        fits AS (
            SELECT person_id, moved, bool_and({keeps}) AS is_left
            FROM (SELECT *, unnest(range(-days_off, 7 - days_off))::INTEGER AS moved FROM told)
            GROUP BY person_id, moved
        ),
        person AS (SELECT count(*) FILTER (is_left) AS days FROM fits GROUP BY person_id)
        SELECT days, count(*) AS people FROM person GROUP BY days ORDER BY days"""
    ).pl()


def main() -> int:
    """Print what either attacker learns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=PEOPLE)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        con = released(Path(folder), given.people)
        print("Weeks taken for those of the calendar")
        for name, fitting in CALENDAR.items():
            rows, one, right = by_the_calendar(con, fitting)
            print(
                f"  {name:<38}{rows:>8,}, one day left {one / rows:6.1%}, right {right / rows:6.1%}"
            )
        print("Days left of seven, where all is known but the move")
        for name, (keeps, day, events) in NARROWED.items():
            left = days_left(con, keeps, day, events)
            everybody = left["people"].sum()
            shares = ", ".join(f"{d}: {n / everybody:.1%}" for d, n in left.iter_rows())
            print(f"  {name:<42}{everybody:>6,} people; {shares}")
        con.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
