"""The few marts that a publication is counted from, by hand, in a database in memory."""

from __future__ import annotations

import random
from datetime import date, timedelta

import duckdb
import polars as pl

STARTS = tuple(date(2025 + n // 4, 1 + 3 * (n % 4), 1) for n in range(1, 7))  # from April 2025
QUARTERS = tuple(f"{day.year}-Q{day.month // 3 + 1}" for day in STARTS)
SPLITS = {
    "sex": (("M", "F", "U"), (55, 43, 2)),
    "age_band": (("18-24", "25-34", "35-44", "45-54", "55 and over"), (2, 3, 3, 2, 2)),
    "ethnicity_group": (("White", "Not stated"), (9, 1)),
    "area": (("NR1",), (1,)),
}
SCHEMA = """
CREATE TABLE person (person_id VARCHAR, sex VARCHAR, age_band VARCHAR, ethnicity_group VARCHAR,
                     area VARCHAR);
CREATE TABLE period (period_id VARCHAR, start_date DATE, end_date DATE);
CREATE TABLE cohort (cohort VARCHAR, title VARCHAR, is_published BOOLEAN, index_event VARCHAR,
                     entry_rules VARCHAR);
CREATE TABLE stage (cohort VARCHAR, stage_number INTEGER, stage VARCHAR, title VARCHAR,
                    is_part BOOLEAN, of_stage INTEGER, meaning VARCHAR);
CREATE TABLE cohort_period (cohort VARCHAR, start_date DATE, complete_on DATE, is_reported BOOLEAN);
CREATE TABLE cohort_stage (cohort VARCHAR, period_id VARCHAR, person_id VARCHAR,
                           stage_number INTEGER, is_reached BOOLEAN, days_from_index INTEGER);
CREATE TABLE metric (metric VARCHAR, kind VARCHAR, title VARCHAR, unit VARCHAR, relation VARCHAR,
                     category_kind VARCHAR, status VARCHAR, is_published BOOLEAN);
CREATE TABLE measure (metric VARCHAR, measure VARCHAR, title VARCHAR, denominator_sql VARCHAR,
                      value_column VARCHAR, numerator_sql VARCHAR);
CREATE TABLE indicator (metric VARCHAR);
CREATE TABLE metric_period (metric VARCHAR, measure VARCHAR, period_kind VARCHAR, start_date DATE,
                            complete_on DATE, is_reported BOOLEAN, reason VARCHAR);
CREATE TABLE outcome (metric VARCHAR, measure VARCHAR, period_id VARCHAR, category_kind VARCHAR,
                      category VARCHAR, person_id VARCHAR, numerator INTEGER, denominator INTEGER);
CREATE TABLE code (list VARCHAR, code VARCHAR, label VARCHAR, category VARCHAR, rank INTEGER);
CREATE TABLE policy (name VARCHAR, days INTEGER);
CREATE TABLE transition (period_id VARCHAR, person_id VARCHAR, step VARCHAR, next_kind VARCHAR);
INSERT INTO cohort VALUES
    ('released', 'From prison to treatment', TRUE, 'Release', 'None'),
    ('kept', 'Kept', FALSE, 'Release', 'None');
INSERT INTO stage VALUES
    ('released', 1, 'index', 'Released', FALSE, 1, 'The index day'),
    ('released', 2, 'contact', 'In contact', FALSE, 1, 'In contact'),
    ('released', 3, 'treated', 'Treated', FALSE, 2, 'Treated'),
    ('released', 4, 'already', 'Already', TRUE, 3, 'Already'),
    ('kept', 1, 'index', 'Kept', FALSE, 1, 'The index day');
INSERT INTO metric VALUES
    ('tests', 'metric', 'Tests', 'tests', 'sum of quarters', 'result', 'proxy', TRUE),
    ('deaths', 'metric', 'Deaths', 'people', 'sum of quarters', 'all', 'restricted', TRUE),
    ('unasked', 'metric', 'Unasked', 'people', 'sum of quarters', 'all', 'proxy', FALSE),
    ('treated', 'metric', 'In treatment', 'people', 'stock', 'all', 'proxy', FALSE);
INSERT INTO indicator VALUES ('treated'), (NULL);
INSERT INTO measure VALUES
    ('tests', 'soon', 'Soon', 'x', NULL, 'is_soon'),
    ('tests', 'later', 'Later', 'x', NULL, 'is_later'),
    ('tests', 'days', 'Days', 'x', 'days', 'TRUE'),
    ('treated', 'in_treatment', 'In it', NULL, NULL, 'TRUE'),
    ('deaths', 'deaths', 'Deaths', NULL, NULL, 'TRUE'),
    ('unasked', 'all', 'All', NULL, NULL, 'TRUE');
INSERT INTO policy VALUES ('next_contact', 90);
INSERT INTO code VALUES
    ('step', 'arrest', 'Arrest', 'journey', 1), ('step', 'referral', 'Referral', 'journey', 2),
    ('next_step', 'arrest', 'New arrest', '', 1), ('next_step', 'none', 'No new step', '', 2);
"""


def marts(people: int = 200, seed: int = 1, *, reported: int = 5) -> duckdb.DuckDBPyConnection:
    """The marts of some made-up people over six quarters, of which so many are reported."""
    stream = random.Random(seed)
    con = duckdb.connect()
    con.execute(SCHEMA)
    ends = [start + timedelta(days=92) for start in STARTS]
    ends = [date(end.year, end.month, 1) - timedelta(days=1) for end in ends]
    for place, (quarter, start, end) in enumerate(zip(QUARTERS, STARTS, ends, strict=True)):
        done, said = end + timedelta(days=28), place < reported
        con.execute("INSERT INTO period VALUES (?, ?, ?)", [quarter, start, end])
        con.execute("INSERT INTO cohort_period VALUES ('released', ?, ?, ?)", [start, done, said])
        for metric in ("tests", "deaths", "unasked"):
            is_withheld = metric == "deaths"
            why = "restricted" if is_withheld else None if said else "unfinished"
            row = [metric, "quarter", start, done, said and not is_withheld, why]
            con.execute("INSERT INTO metric_period VALUES (?, 'soon', ?, ?, ?, ?, ?)", row)
        year = date(start.year - 1, start.month, 1)
        at = end.replace(year=end.year - 1) + timedelta(days=1) if place else year
        row = ["treated", "twelve months", at, done, said]
        con.execute("INSERT INTO metric_period VALUES (?, 'in_treatment', ?, ?, ?, ?, NULL)", row)
    rows: dict[str, list[tuple[object, ...]]] = {}
    for number in range(people):
        _add(rows, stream, f"p{number}", reported)
    for table, given in rows.items():
        columns = con.table(table).columns
        frame = pl.DataFrame(given, schema=columns, orient="row", infer_schema_length=None)
        con.register("given", frame)
        con.execute(f"INSERT INTO {table} SELECT * FROM given")
    return con


def _add(
    rows: dict[str, list[tuple[object, ...]]], stream: random.Random, who: str, reported: int
) -> None:
    """Somebody, with what happened to them."""

    def add(table: str, *row: object) -> None:
        rows.setdefault(table, []).append(row)

    add("person", who, *(stream.choices(*given)[0] for given in SPLITS.values()))
    for quarter in QUARTERS[:reported]:
        if stream.random() < 0.5:
            for stage in range(1, stream.choice((1, 1, 2, 3, 4)) + 1):
                days = stream.randrange(40) if stage > 1 else 0
                add("cohort_stage", "released", quarter, who, stage, True, days)
        if stream.random() < 0.4:
            tests = stream.choice((1, 1, 2))
            soon = stream.randrange(tests + 1)
            category = stream.choice(("Opiates", "Cocaine"))
            for measure, above in (("soon", soon), ("later", max(soon, 1))):
                add("outcome", "tests", measure, quarter, "result", category, who, above, tests)
        if stream.random() < 0.5:
            following = stream.choice(("New arrest", "No new step"))
            add("transition", quarter, who, "arrest", following)
    if stream.random() < 0.6:
        add("outcome", "treated", "in_treatment", QUARTERS[3], "all", "All", who, 1, None)
