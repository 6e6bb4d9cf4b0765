"""The contract: every rule, one broken record at a time; conservation; nothing echoed."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest

from schemas import contract
from schemas.codes import crosswalk, list_names, list_title, load_codes, unknown_codes
from schemas.contract import NOTED_SCHEMA, QUARANTINE_SCHEMA, Validated, validate_extract
from schemas.errors import ConfigError, ExtractRejected, JourneysError
from schemas.identity import IDENTITY_SCHEMA, identity_frame
from schemas.models import day_of_age, of_age, schema_of, up_to_age
from schemas.policy import load_policy, packaged_policy
from schemas.tables import TABLES, find_table

AS_AT = date(2026, 6, 30)
CANARY = "Quillfeather"

# What one good record of each table says; columns not named here hold their example.
SAID: dict[str, dict[str, dict[str, str | None]]] = {
    "police": {
        "custody": {
            "custody_ref": "C{n}",
            "pnc_id": "79/163001B",
            "cro_number": "65656/91H",
            "forename": "Mary-Ann",
            "surname": "O'Brien",
            "dob": "1980-05-06",
            "sex": "N",
            "ethnicity": "W1",
            "postcode": "nr3 1aa",
            "arrest_date": "2024-01-05",
            "offence_code": "TH68001A",
            "offence_class": "92D",
            "outcome": "1",
        },
        "drug_test": {
            "drug_test_ref": "T{n}",
            "custody_ref": "C{n}",
            "test_date": "2024-01-05",
            "result": "NEG",
        },
    },
    "probation": {
        "sentence": {
            "sentence_ref": "S{n}",
            "crn": "x123456",
            "noms_number": "A1234BC",
            "pnc_id": "1979/0163001B",
            "cro_number": "SF83/50058Z",
            "nino": "AB 12 34 56 C",
            "forename": "Mary",
            "surname": "Mc Leod",
            "dob": "1980-05-06",
            "sex": "F",
            "ethnicity": "NS",
            "postcode": "ZZ99 3VZ",
            "sentence_type": "SSO",
            "sentence_date": "2024-01-05",
            "sentence_end_date": "2025-01-05",
            "rosh": "RMRH",
        },
        "requirement": {
            "requirement_ref": "R{n}",
            "sentence_ref": "S{n}",
            "description": "Drug Rehabilitation Requirement (DRR) 6 months",
            "start_date": "2024-01-06",
            "end_date": "2024-07-06",
            "outcome": "completed",
        },
        "release": {
            "release_ref": "L{n}",
            "sentence_ref": "S{n}",
            "release_date": "2024-03-06",
            "recall_date": "2024-04-06",
            "treatment_need": "Y",
            "discharge_accommodation": "DNF",
        },
    },
    "treatment": {
        "episode": {
            "agncy": "N0853",
            "clientid": "K{n}",
            "episodid": "E{n}",
            "consent": "Y",
            "forename": "Mary",
            "surname": "Smith",
            "finitial": "m",
            "sinitial": "S",
            "nhsno": "943 476 5919",
            "dob": "1980-05-06",
            "sex": "2",
            "ethnic": "A",
            "postcode": "NR3 1AA",
            "pc": "NR3 1",
            "la": "E07000148",
            "refld": "2024-01-05",
            "triaged": "2024-01-10",
            "cplandt": "2024-01-11",
            "disd": "2024-06-10",
            "disrsn": "80",
            "rfls": "5",
            "drug1": "1011",
            "drug2": "3201",
            "drug3": "7000",
            "accmneed": "3",
            "injstat": "N",
        },
        "intervention": {
            "modid": "M{n}",
            "agncy": "N0853",
            "clientid": "K{n}",
            "episodid": "E{n}",
            "modal": "94",
            "refmoddt": "2024-01-08",
            "faomoddt": "2024-01-09",
            "modst": "2024-01-12",
            "modend": "2024-06-01",
            "modexit": "A",
        },
    },
    "housing": {
        "application": {
            "case_ref": "H{n}",
            "application_date": "2024-01-05",
            "local_authority": "E07000148",
            "assessment": "relief",
            "accommodation_at_application": "rough_sleeping",
            "need_drug": "Y",
            "need_alcohol": "N",
            "need_mental_health": "Y",
            "need_offending": "N",
            "need_rough_sleeping": "Y",
            "need_domestic_abuse": "N",
        },
        "person": {
            "person_ref": "P{n}",
            "case_ref": "H{n}",
            "role": "main",
            "forename": "Mary",
            "surname": "Smith",
            "dob": "1980-05-06",
            "sex": "F",
            "ethnicity": "W1",
            "nino": "AB123456C",
            "postcode": "NR3 1AA",
        },
        "duty": {
            "duty_ref": "D{n}",
            "case_ref": "H{n}",
            "duty": "relief",
            "start_date": "2024-01-06",
            "end_date": "2024-03-02",
            "end_reason": "secured_alternative",
        },
        "tenancy": {
            "tenancy_ref": "Y{n}",
            "person_ref": "P{n}",
            "uprn": "000100",
            "start_date": "2024-03-01",
            "end_date": "2024-09-01",
            "tenancy_type": "secure",
            "end_reason": "abandoned",
        },
    },
}


def good(table) -> dict[str, str | None]:
    """A record that keeps every rule, `{n}` where its number stands; parents have the same."""
    said = SAID[table.partner].get(table.name, {})
    keyed = {
        name: SAID_KEYS.get(name, name[0].upper() + "{n}")
        for name, column in table.columns.items()
        if column.role in ("key", "parent")
    }
    examples = {name: column.example for name, column in table.columns.items()}
    return {name: said.get(name, keyed.get(name, examples[name])) for name in examples}


# Keys as their own table says them, for the tables that belong to it.
SAID_KEYS = {
    name: value
    for tables in SAID.values()
    for record in tables.values()
    for name, value in record.items()
    if name.endswith("_ref") and value
} | {"agncy": "N0853", "clientid": "K{n}", "episodid": "E{n}"}
GOOD = {p: {t.name: good(t) for t in tables} for p, tables in TABLES.items()}
Case = tuple[str, str, dict[str, str | None], tuple[str, str]]
TYPES = {"date": pl.Date, "dob": pl.Date, "days_of_28": pl.Int32, "score_of_20": pl.Int32}
ROWS = 4
CHANGED = 2  # the data row that a case changes


def extract(partner: str, rows: int = ROWS) -> dict[str, pl.DataFrame]:
    """A partner's tables with as many good records in each."""
    return {
        table: pl.DataFrame(
            [
                {name: None if v is None else v.format(n=n) for name, v in record.items()}
                for n in range(1, rows + 1)
            ],
            dict.fromkeys(record, pl.String),
        )
        for table, record in GOOD[partner].items()
    }


def with_value(frame: pl.DataFrame, row: int, **values: str | None) -> pl.DataFrame:
    at = pl.int_range(1, pl.len() + 1) == row
    return frame.with_columns(
        pl.when(at).then(pl.lit(value, pl.String)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def broken(partner: str, table: str, **values: str | None) -> Validated:
    frames = extract(partner)
    frames[table] = with_value(frames[table], CHANGED, **values)
    return validated_near(partner, table, frames)


def each_broken(partner: str, table: str, changes: Sequence[dict[str, str | None]]) -> Validated:
    """One extract in which change n is made to record n, and as many records are left good."""
    frames = extract(partner, 2 * len(changes))
    for row, values in enumerate(changes, 1):
        frames[table] = with_value(frames[table], row, **values)
    return validated_near(partner, table, frames)


def validated_near(partner: str, table: str, frames: dict[str, pl.DataFrame]) -> Validated:
    """A table held to its rules beside those above and below it, and no others."""
    near = {table}
    for beside in (children_of, parents_of):
        waiting = [table]
        while waiting:
            found = {*beside(partner, waiting.pop())} - near
            near |= found
            waiting += found
    some = {name: frame for name, frame in frames.items() if name in near}
    return contract.examine_extract(partner, some, as_at=AS_AT, whole=False).usable()


def parents_of(partner: str, table: str) -> list[str]:
    return [*find_table(partner, table).parents.values()]


def quarantined(validated: Validated, table: str) -> set[tuple[int, str, str]]:
    rows = validated.quarantine.filter(pl.col("table") == table)
    return set(rows.select("row", "column", "rule").iter_rows())


def noted(validated: Validated) -> set[tuple[str, str, str, int]]:
    return set(validated.noted.iter_rows())


@pytest.mark.parametrize("partner", GOOD)
def test_a_good_extract_is_kept_whole(partner):
    validated = validate_extract(partner, extract(partner), as_at=AS_AT)
    assert validated.quarantine.is_empty()
    assert validated.noted.is_empty()
    assert dict(validated.quarantine.schema) == QUARANTINE_SCHEMA
    assert dict(validated.noted.schema) == NOTED_SCHEMA
    for table in TABLES[partner]:
        frame = validated.frames[table.name]
        assert frame.height == validated.rows[table.name] == ROWS
        assert tuple(frame.columns) == table.validated_columns
        assert frame.null_count().transpose().to_series().sum() == 0
        for name, column in table.columns.items():
            assert frame[column.becomes or name].dtype == TYPES.get(column.kind, pl.String)


def test_the_good_records_hold_every_column_of_every_table():
    for partner, tables in TABLES.items():
        assert {t.name: list(t.columns) for t in tables} == {
            name: list(record) for name, record in GOOD[partner].items()
        }


# Row rules: (partner, table, what is changed, the rule that must be reported).
SEMANTIC = [
    ("police", "custody", {"dob": "2024-01-05"}, ("dob", "born_after_arrest")),
    ("police", "drug_test", {"test_date": "2024-01-04"}, ("test_date", "test_before_arrest")),
    ("probation", "sentence", {"dob": "2024-02-05"}, ("dob", "born_after_sentence")),
    (
        "probation",
        "sentence",
        {"sentence_end_date": "2024-01-04"},
        ("sentence_end_date", "sentence_ends_before_start"),
    ),
    (
        "probation",
        "requirement",
        {"end_date": "2024-01-05"},
        ("end_date", "requirement_ends_before_start"),
    ),
    (
        "probation",
        "requirement",
        {"start_date": "2024-01-04"},
        ("start_date", "requirement_before_sentence"),
    ),
    (
        "probation",
        "release",
        {"recall_date": "2024-03-05"},
        ("recall_date", "recalled_before_release"),
    ),
    (
        "probation",
        "release",
        {"release_date": "2024-01-04"},
        ("release_date", "release_before_sentence"),
    ),
    ("treatment", "episode", {"dob": "2024-02-01"}, ("dob", "born_after_referral")),
    ("treatment", "episode", {"triaged": "2024-01-04"}, ("triaged", "triaged_before_referral")),
    ("treatment", "episode", {"disd": "2024-01-09"}, ("disd", "discharged_before_triage")),
    (
        "treatment",
        "episode",
        {"triaged": None, "disd": "2024-01-04"},
        ("disd", "discharged_before_referral"),
    ),
    ("treatment", "episode", {"drug2": "1011"}, ("drug2", "drug_repeated")),
    ("treatment", "episode", {"drug3": "3201"}, ("drug2", "drug_repeated")),
    ("treatment", "episode", {"drug3": "1011", "drug2": None}, ("drug2", "drug_repeated")),
    (
        "treatment",
        "intervention",
        {"modend": "2024-01-11"},
        ("modend", "intervention_ends_before_start"),
    ),
    (
        "treatment",
        "intervention",
        {"modst": "2024-01-07"},
        ("modst", "intervention_starts_before_referral"),
    ),
    (
        "treatment",
        "intervention",
        {"modst": "2024-01-09"},
        ("modst", "intervention_before_triage"),
    ),
    (
        "treatment",
        "intervention",
        {"modexit": None},
        ("modexit", "intervention_end_and_exit_differ"),
    ),
    (
        "treatment",
        "intervention",
        {"modend": None},
        ("modexit", "intervention_end_and_exit_differ"),
    ),
    ("housing", "person", {"dob": "2024-02-05"}, ("dob", "born_after_application")),
    ("housing", "duty", {"end_date": "2024-01-05"}, ("end_date", "duty_ends_before_start")),
    ("housing", "duty", {"start_date": "2024-01-04"}, ("start_date", "duty_before_application")),
    (
        "housing",
        "tenancy",
        {"end_date": "2024-02-28"},
        ("end_date", "tenancy_ends_before_start"),
    ),
    (
        "police",
        "custody",
        {"release_date": "2024-01-04"},
        ("release_date", "left_custody_before_arrest"),
    ),
    (
        "police",
        "custody",
        {"outcome_date": "2024-01-04"},
        ("outcome_date", "outcome_before_arrest"),
    ),
    ("police", "drug_test", {"test_date": "2024-01-07"}, ("test_date", "test_after_custody")),
    (
        "police",
        "intensive_programme",
        {"dob": "2024-01-05"},
        ("dob", "born_after_joining"),
    ),
    (
        "police",
        "intensive_programme",
        {"referral_date": "2024-01-06"},
        ("start_date", "programme_starts_before_referral"),
    ),
    (
        "police",
        "intensive_programme",
        {"end_date": "2024-01-04"},
        ("end_date", "programme_ends_before_start"),
    ),
    ("police", "suspected_drug_death", {"dob": "2024-01-05"}, ("dob", "born_after_death")),
    (
        "police",
        "suspected_drug_death",
        {"reported_date": "2024-01-04"},
        ("reported_date", "reported_before_death"),
    ),
    (
        "probation",
        "release",
        {"licence_expiry_date": "2024-03-05", "recall_date": None},
        ("licence_expiry_date", "licence_expires_before_release"),
    ),
    (
        "probation",
        "release",
        {"recall_date": "2024-12-07"},
        ("recall_date", "recalled_after_licence"),
    ),
    (
        "probation",
        "release",
        {"recall_date": "2026-01-01", "licence_expiry_date": None},
        ("recall_date", "recalled_after_sentence"),
    ),
    (
        "probation",
        "enforcement",
        {"enforcement_date": "2024-01-04"},
        ("enforcement_date", "enforcement_before_sentence"),
    ),
    (
        "probation",
        "accommodation",
        {"end_date": "2024-01-04"},
        ("end_date", "accommodation_ends_before_start"),
    ),
    ("treatment", "episode", {"dob": "2006-01-06"}, ("dob", "too_young_for_service")),
    (
        "treatment",
        "episode",
        {"dob": "2006-01-06", "service_type": "young_people"},
        ("dob", "under_18_not_agreed"),
    ),
    (
        "treatment",
        "episode",
        {"dob": "2006-01-06", "service_type": None},
        ("dob", "under_18_not_agreed"),
    ),
    (
        "treatment",
        "episode",
        {"dob": "1999-01-05", "service_type": "young_people"},
        ("dob", "too_old_for_service"),
    ),
    ("treatment", "episode", {"dat": "Z00B"}, ("la", "local_authority_outside_england")),
    (
        "treatment",
        "outcomes_profile",
        {"topdate": "2024-01-04"},
        ("topdate", "profile_before_referral"),
    ),
    (
        "treatment",
        "secure_treatment",
        {"dob": "2024-01-05"},
        ("dob", "born_after_secure_treatment"),
    ),
    (
        "treatment",
        "secure_treatment",
        {"end_date": "2024-01-04"},
        ("end_date", "secure_treatment_ends_before_start"),
    ),
    (
        "treatment",
        "transfer",
        {"first_seen_date": "2024-03-05"},
        ("first_seen_date", "seen_before_release"),
    ),
    (
        "treatment",
        "transfer",
        {"release_date": "2024-01-04"},
        ("release_date", "released_before_secure_treatment"),
    ),
    ("treatment", "cj_assessment", {"dob": "2024-01-05"}, ("dob", "born_after_assessment")),
    (
        "treatment",
        "cj_assessment",
        {"assessed_date": "2024-01-04"},
        ("assessed_date", "assessed_before_initial_assessment"),
    ),
    (
        "treatment",
        "cj_caseload",
        {"closed_date": "2024-01-21"},
        ("closed_date", "case_closed_before_taken_on"),
    ),
    (
        "treatment",
        "cj_caseload",
        {"taken_on_date": "2024-01-04"},
        ("taken_on_date", "taken_on_before_assessment"),
    ),
    ("treatment", "prison_referral", {"dob": "2024-01-05"}, ("dob", "born_after_prison_referral")),
    (
        "treatment",
        "prison_referral",
        {"reported_date": "2024-01-04"},
        ("reported_date", "reported_before_referral"),
    ),
    (
        "housing",
        "application",
        {"main_duty_decision_date": "2024-01-04"},
        ("main_duty_decision_date", "decided_before_application"),
    ),
    ("housing", "person", {"case_ref": "H1"}, ("role", "second_main_applicant")),
    ("housing", "duty", {"duty": "prevention"}, ("duty", "prevention_duty_when_homeless")),
    (
        "housing",
        "temporary_accommodation",
        {"end_date": "2024-01-04"},
        ("end_date", "placement_ends_before_start"),
    ),
    (
        "housing",
        "temporary_accommodation",
        {"start_date": "2024-01-04"},
        ("start_date", "placement_before_application"),
    ),
    ("housing", "rough_sleeping", {"dob": "2024-01-05"}, ("dob", "born_after_sighting")),
]


# For kinds that have a shape: a near miss, and the rule that refuses it.
OUT_OF_SHAPE = {
    "initial": ("MA", "initial_not_a_letter"),
    "offence_code": ("THEFT", "offence_code_malformed"),
    "offence_class": ("9A2", "offence_class_malformed"),
    "home_office_code": ("92/05", "home_office_code_malformed"),
    "dat_code": ("A9B", "dat_malformed"),
    "agency": ("n-08", "agency_malformed"),
    "prison": ("NW1", "prison_malformed"),
    "days_of_28": ("29", "days_out_of_range"),
    "score_of_20": ("21", "score_out_of_range"),
    "dob": ("1902-12-31", "born_too_early"),
}


def structural():
    """For every column: what its role, kind and code list forbid."""
    for partner, tables in TABLES.items():
        for table in tables:
            for name, column in table.columns.items():
                if column.required:
                    yield partner, table.name, {name: None}, (name, "required")
                    yield partner, table.name, {name: "  "}, (name, "required")
                if column.codes and unknown_codes(column.codes) == "quarantine":
                    yield partner, table.name, {name: "?"}, (name, "code_unknown")
                if column.kind in OUT_OF_SHAPE:
                    value, rule = OUT_OF_SHAPE[column.kind]
                    yield partner, table.name, {name: value}, (name, rule)
                if column.kind == "date" or (column.kind == "dob" and column.required):
                    yield partner, table.name, {name: "06/01/2024"}, (name, "not_a_date")
                if column.kind == "key" and column.role != "parent":
                    yield partner, table.name, {name: "A|B"}, (name, "key_unusable")
                    yield partner, table.name, {name: "A\tB"}, (name, "key_unusable")
                if column.role == "parent":
                    yield (
                        partner,
                        table.name,
                        {name: "gone"},
                        (table_parent(table), "parent_missing"),
                    )


def table_parent(table) -> str:
    return next(iter(table.parents))[-1]


CASES = [*SEMANTIC, *structural()]


def case_name(case) -> str:
    partner, table, values, (_, rule) = case
    return f"{partner}.{table} {rule} {'+'.join(values)}"


@pytest.mark.parametrize(
    ("partner", "table", "column"),
    [
        (partner, table.name, name)
        for partner, tables in TABLES.items()
        for table in tables
        for name, column in table.columns.items()
        if column.kind == "date"
    ],
)
def test_what_has_happened_cannot_lie_after_the_extract(partner, table, column):
    rows, found = latest_dates(partner, table)
    the_day_after, the_day = rows[column]
    if column not in find_table(partner, table).past_dates:
        assert (the_day_after, column, "after_the_extract") not in found
    else:
        # A date may also be out of order, which is found first.
        assert the_day_after in {row for row, _, _ in found}
    assert (the_day, column, "after_the_extract") not in found


@cache
def latest_dates(
    partner: str, table: str
) -> tuple[dict[str, tuple[int, int]], set[tuple[int, str, str]]]:
    """One extract with each date of a table on the day after it, then on its own day.

    Returns:
        The two rows of each column, and what was found.
    """
    spec = find_table(partner, table)
    columns = [name for name, column in spec.columns.items() if column.kind == "date"]
    days = ((AS_AT + timedelta(days=1)).isoformat(), AS_AT.isoformat())
    dates: list[dict[str, str | None]] = [{column: day} for column in columns for day in days]
    rows = {column: (2 * at + 1, 2 * at + 2) for at, column in enumerate(columns)}
    return rows, quarantined(each_broken(partner, table, dates), table)


def test_an_application_tomorrow_is_a_slip():
    tomorrow = (AS_AT + timedelta(days=1)).isoformat()
    changed = {"application_date": tomorrow, "main_duty_decision_date": None}
    found = quarantined(broken("housing", "application", **changed), "application")
    assert found == {(CHANGED, "application_date", "after_the_extract")}


def children_of(partner: str, table: str) -> list[str]:
    return [t.name for t in TABLES[partner] if table in t.parents.values()]


@cache
def cases_together(partner: str, table: str) -> tuple[list[Case], Validated]:
    """The cases of a table, and the one extract in which case n is record n."""
    cases = [case for case in CASES if case[:2] == (partner, table)]
    return cases, each_broken(partner, table, [values for _, _, values, _ in cases])


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_a_record_that_breaks_a_rule_is_quarantined_by_it_alone(case):
    partner, table, _, (column, rule) = case
    cases, validated = cases_together(partner, table)
    row = cases.index(case) + 1
    found = {one for one in quarantined(validated, table) if one[0] == row}
    if (column, rule) == ("modend", "not_a_date"):
        # Read as no date, it also lacks the end that its way of ending asks for.
        found -= {(row, "modexit", "intervention_end_and_exit_differ")}
    assert found == {(row, column, rule)}
    for child in children_of(partner, table):
        lost = {rule for at, _, rule in quarantined(validated, child) if at == row}
        assert lost == {"parent_missing"}


@pytest.mark.parametrize(("partner", "table"), sorted({case[:2] for case in CASES}))
def test_the_good_records_beside_broken_ones_are_kept(partner, table):
    cases, validated = cases_together(partner, table)
    for name in (table, *children_of(partner, table)):
        assert validated.frames[name].height == validated.rows[name] - len(cases)


def declared_rules() -> set[tuple[str, str, str, str]]:
    """(partner, table, column, rule) of everything the models and cross rules declare."""
    found = set()
    for partner, tables in TABLES.items():
        for table in tables:
            schema = schema_of(table.model)
            for name, column in schema.columns.items():
                found |= {(partner, table.name, name, check.name) for check in column.checks}
            found |= {(partner, table.name, c.title, c.name) for c in schema.checks}
            found |= {(partner, table.name, r.column, r.rule) for r in table.cross_rules}
    return found


def test_every_declared_rule_has_a_case():
    cases = {(partner, table, *expected) for partner, table, _, expected in CASES}
    # A parent column is a key of the record above, where its form has a case of its own.
    untested = {
        rule
        for rule in declared_rules() - cases
        if find_table(*rule[:2]).columns[rule[2]].role != "parent"
        and packaged_policy().severity_of(find_table(*rule[:2]), *rule[2:]) != "note"
    }
    # What is only noted has its cases in tests/spec. These need two records, and have a test of
    # their own.
    assert {rule for *_, rule in untested} == {
        "treatment_requirement_on_custody",
        "tested_under_18",
        "duty_where_none_is_owed",
        "main_duty_not_owed",
    }


@pytest.mark.parametrize(
    ("table", "column", "settled"),
    [("tenancy", "end_date", "end_reason"), ("requirement", "end_date", "outcome")],
)
def test_a_planned_end_may_lie_ahead_until_it_is_said_how_it_came(table, column, settled):
    partner = "housing" if table == "tenancy" else "probation"
    ahead = {column: (AS_AT + timedelta(days=1)).isoformat()}
    found = quarantined(each_broken(partner, table, [ahead, {**ahead, settled: None}]), table)
    assert found == {(1, column, "after_the_extract")}


@pytest.mark.parametrize(
    ("partner", "table", "given"),
    [
        ("treatment", "episode", {"consent": "y", "ethnic": "a", "rfls": "5"}),
        ("housing", "person", {"role": "MAIN", "sex": " f "}),
        ("police", "custody", {"offence_class": "92d"}),
    ],
)
def test_a_code_may_be_in_capitals_or_not(partner, table, given):
    frames = extract(partner)
    plain = {name: value.strip().upper() for name, value in given.items()}
    if table == "person":
        plain["role"] = "main"
    results = []
    for values in (given, plain):
        changed = {**frames, table: with_value(frames[table], CHANGED, **values)}
        validated = validate_extract(partner, changed, as_at=AS_AT)
        assert validated.quarantine.is_empty()
        results.append(validated.frames[table])
    assert results[0].equals(results[1])


def test_a_refusal_of_consent_in_small_letters_is_one():
    frames = extract("treatment")
    nothing = dict.fromkeys(frames["episode"].columns)
    kept = {name: frames["episode"][name][CHANGED - 1] for name in ("agncy", "clientid")}
    row = {**nothing, **kept, "consent": "n"}
    frames["episode"] = with_value(frames["episode"], CHANGED, **row)
    assert validate_extract("treatment", frames, as_at=AS_AT).withheld["episode"] == 1


def test_what_is_only_noted_between_fields_stays_whatever_it_looks_like():
    """`child` does not look like a code, but its list knows it."""
    frames = extract("housing")
    frames["person"] = with_value(frames["person"], CHANGED, role="partner")
    validated = validate_extract("housing", frames, as_at=AS_AT)
    assert validated.quarantine.is_empty()
    assert validated.frames["person"]["role"][CHANGED - 1] == "partner"
    assert ("person", "role", "partner_without_main_applicant", 1) in validated.noted.rows()


@pytest.mark.parametrize(
    ("sentence", "description", "allowed"),
    [
        ("COEW", "DRR", True),
        ("SSO", "Alcohol treatment requirement", True),
        ("SC", "DRR", False),
        ("NC", "ATR - alcohol", False),
        ("SC", "Mental health treatment", True),
        ("SC", "RAR 20 days", True),
    ],
)
def test_drug_and_alcohol_requirements_are_on_community_orders_only(sentence, description, allowed):
    frames = extract("probation")
    frames["sentence"] = with_value(frames["sentence"], CHANGED, sentence_type=sentence)
    frames["requirement"] = with_value(frames["requirement"], CHANGED, description=description)
    found = quarantined(validate_extract("probation", frames), "requirement")
    rule = (CHANGED, "description", "treatment_requirement_on_custody")
    assert found == (set() if allowed else {rule})


BETWEEN = [
    (
        "police",
        {"custody": {"dob": "2006-01-06"}},
        ("drug_test", "test_date", "tested_under_18"),
    ),
    (
        "housing",
        {"application": {"assessment": "none"}},
        ("duty", "duty", "duty_where_none_is_owed"),
    ),
    (
        "housing",
        {
            "application": {"main_duty_decision": "no_priority_need"},
            "duty": {"duty": "main"},
        },
        ("duty", "duty", "main_duty_not_owed"),
    ),
]


@pytest.mark.parametrize("case", BETWEEN, ids=lambda case: case[2][2])
def test_a_record_that_its_parent_contradicts_is_quarantined(case):
    partner, changes, (table, column, rule) = case
    frames = extract(partner)
    for name, values in changes.items():
        frames[name] = with_value(frames[name], CHANGED, **values)
    validated = validate_extract(partner, frames, as_at=AS_AT)
    assert set(validated.quarantine.iter_rows()) == {(table, CHANGED, column, rule)}


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"dob": "2006-01-05"}, True),
        ({"dob": "2006-01-06"}, False),
        ({"dob": "1999-01-06", "service_type": "young_people"}, True),
        ({"dob": "1999-01-05", "service_type": "young_people"}, False),
        ({"dob": "1999-01-05", "service_type": None}, True),
        ({"dob": "1900-01-01", "service_type": "young_people"}, True),
        ({"dob": "1900-01-01"}, True),
        ({"dat": "Z00B", "la": None}, True),
    ],
)
def test_ages_are_read_on_the_day_of_referral(values, kept):
    assert broken("treatment", "episode", **values).quarantine.is_empty() is kept


@pytest.mark.parametrize("listed", [False, True])
def test_people_under_18_are_let_in_by_an_agreement_that_lists_them(listed):
    frames = extract("treatment")
    frames["episode"] = with_value(
        frames["episode"], CHANGED, dob="2008-01-06", service_type="young_people"
    )
    validated = validate_extract("treatment", frames, as_at=AS_AT, under_18=listed)
    found = set() if listed else {(CHANGED, "dob", "under_18_not_agreed")}
    assert quarantined(validated, "episode") == found
    assert noted(validated) == set()


@pytest.mark.parametrize(("day", "adult"), [(date(2026, 2, 28), False), (date(2026, 3, 1), True)])
def test_who_was_born_on_29_february_comes_of_age_on_1_march(day, adult):
    """Family Law Reform Act 1969, s.9: at the beginning of the anniversary."""
    person = pl.DataFrame({"dob": [date(2008, 2, 29)], "refld": [day]})
    assert person.select(of_age("refld")).item() is adult
    assert person.select(up_to_age("refld", 17)).item() is not adult


@pytest.mark.parametrize(
    ("born", "age", "day"),
    [
        (date(2008, 2, 29), 18, date(2026, 3, 1)),
        (date(2008, 2, 29), 20, date(2028, 2, 29)),
        (date(2006, 3, 1), 18, date(2024, 3, 1)),
        (date(2008, 2, 28), 18, date(2026, 2, 28)),
        (date(2007, 12, 31), 18, date(2025, 12, 31)),
    ],
)
def test_the_day_of_an_age(born, age, day):
    assert pl.select(day_of_age(pl.lit(born), age)).item() == day


def test_an_agreement_lifts_rules_that_exist():
    assert {rule for _, _, _, rule in declared_rules()} >= contract.UNDER_18


def test_a_policy_cannot_let_people_under_18_in(tmp_path):
    own = tmp_path / "policy.yaml"
    own.write_text("severity: {rules: {under_18_not_agreed: note}}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="must be reject or quarantine"):
        load_policy(own)


def test_an_extract_of_initials_only_is_as_good_as_one_with_names():
    """The NDTMS shape: no names, no NHS number and no whole postcode."""
    frames = extract("treatment")
    frames["episode"] = frames["episode"].drop("forename", "surname", "nhsno", "postcode")
    validated = validate_extract("treatment", frames, as_at=AS_AT)
    assert validated.quarantine.is_empty() and validated.noted.is_empty()
    identity = identity_frame("treatment", validated.frames).filter(pl.col("table") == "episode")
    assert identity.height == ROWS
    assert identity["forename"].null_count() == identity["postcode"].null_count() == ROWS
    assert identity["local_id"].null_count() == 0


@pytest.mark.parametrize("partner", TABLES)
def test_optional_tables_need_not_be_sent(partner):
    frames = extract(partner)
    optional = [table for table in TABLES[partner] if table.optional]
    assert optional
    for table in optional:
        del frames[table.name]
    validated = validate_extract(partner, frames, as_at=AS_AT)
    assert validated.quarantine.is_empty()
    for table in optional:
        empty = validated.frames[table.name]
        assert empty.height == validated.rows[table.name] == 0
        assert tuple(empty.columns) == table.validated_columns
    assert identity_frame(partner, validated.frames).height > 0


def test_a_code_that_a_list_lets_pass_is_counted_and_the_record_kept():
    validated = broken("treatment", "episode", religion="?", drug2="9999")
    assert validated.quarantine.is_empty()
    assert noted(validated) == {
        ("episode", "drug2", "code_unknown_passed", 1),
        ("episode", "religion", "code_unknown_passed", 1),
    }
    assert validated.frames["episode"]["drug2"][CHANGED - 1] == "9999"


HEADER = "code,label,valid_from,valid_to,status,source\n"


@pytest.mark.parametrize(
    ("day", "allowed"),
    [
        ("2023-12-31", False),
        ("2024-01-01", True),
        ("2024-03-31", True),
        ("2024-04-01", False),
        ("2025-06-30", True),
    ],
)
@pytest.mark.parametrize("unknown", ["quarantine", "pass"])
def test_a_code_is_read_against_the_day_of_the_record(day, allowed, unknown, tmp_path):
    rows = "N,Never,,,confirmed,x\nY,Then,2024-01-01,2024-03-31,confirmed,x\n"
    text = HEADER + rows + "Y,Again,2025-06-01,,confirmed,x\n"
    (tmp_path / "yes_no.csv").write_text(text, encoding="utf-8")
    (tmp_path / "lists.csv").write_text(f"list,title,unknown\nyes_no,Yes,{unknown}\n", "utf-8")
    frames = extract("probation")
    frames["sentence"] = frames["sentence"].with_columns(
        sentence_date=pl.lit("2023-01-05"), sentence_end_date=pl.lit(None, pl.String)
    )
    frames["release"] = frames["release"].with_columns(
        treatment_need=pl.lit("N"), licence_expiry_date=pl.lit(None, pl.String),
        recall_date=pl.lit(None, pl.String), sentence_expiry_date=pl.lit(None, pl.String),
    )  # fmt: skip
    frames["release"] = with_value(frames["release"], CHANGED, treatment_need="Y", release_date=day)
    validated = validate_extract("probation", frames, codes=tmp_path, as_at=AS_AT)
    refused = unknown == "quarantine" and not allowed
    rule = {(CHANGED, "treatment_need", "code_not_in_force")} if refused else set()
    assert quarantined(validated, "release") == rule
    passed = unknown == "pass" and not allowed
    count = {("release", "treatment_need", "code_not_in_force_passed", 1)} if passed else set()
    assert noted(validated) == count


def test_a_code_is_read_against_its_own_day_and_one_not_known_contradicts_nothing(tmp_path):
    rows = "80,Then,2020-01-01,2024-06-09,confirmed,x\n83,Always,,,confirmed,x\n"
    (tmp_path / "discharge_reason.csv").write_text(HEADER + rows, encoding="utf-8")
    frames = extract("treatment")
    frames["episode"] = frames["episode"].with_columns(disrsn=pl.lit("83"))
    frames["episode"] = with_value(frames["episode"], 1, disrsn="80")
    frames["episode"] = with_value(frames["episode"], 3, disrsn="80", disd=None)
    validated = validate_extract("treatment", frames, codes=tmp_path, as_at=AS_AT)
    assert quarantined(validated, "episode") == {(1, "disrsn", "code_not_in_force")}


def test_every_description_and_example_is_given_and_the_examples_keep_the_contract():
    """What a partner is shown as an example must itself be accepted, and be nobody's."""
    for partner, tables in TABLES.items():
        columns = [column for table in tables for column in table.columns.values()]
        assert all(column.description.endswith(".") and column.example for column in columns)
        assert all(table.title for table in tables)
        frames = {
            table.name: pl.DataFrame(
                {name: [column.example] for name, column in table.columns.items()}
            )
            for table in tables
        }
        validated = validate_extract(partner, frames, as_at=AS_AT)
        assert validated.quarantine.is_empty(), validated.quarantine
        assert validated.noted.is_empty(), validated.noted


EMPTIED = [
    ("police", "custody", {"pnc_id": "1979/0163001C"}, "pnc_id_invalid"),
    ("police", "custody", {"cro_number": "000000/00Z"}, "cro_number_invalid"),
    ("police", "custody", {"forename": "UNKNOWN"}, "name_placeholder"),
    ("police", "custody", {"surname": "MIG_ERROR_"}, "name_placeholder"),
    ("police", "custody", {"dob": "1900-01-01"}, "dummy_date_of_birth"),
    ("police", "custody", {"dob": "1970-01-01"}, "dummy_date_of_birth"),
    ("police", "custody", {"dob": "05/06/1980"}, "not_a_date"),
    ("police", "custody", {"postcode": "NORWICH"}, "postcode_invalid"),
    ("probation", "sentence", {"crn": "123"}, "crn_invalid"),
    ("probation", "sentence", {"noms_number": "123"}, "noms_number_invalid"),
    ("probation", "sentence", {"nino": "BG123456A"}, "nino_invalid"),
    ("treatment", "episode", {"nhsno": "9434765918"}, "nhs_number_invalid"),
    ("treatment", "episode", {"dob": "1900-01-01"}, "dummy_date_of_birth"),
    ("treatment", "episode", {"pc": "NR"}, "postcode_sector_invalid"),
    ("treatment", "episode", {"la": "Norwich"}, "la_code_invalid"),
    ("housing", "tenancy", {"uprn": "A"}, "uprn_invalid"),
]


@pytest.mark.parametrize("case", EMPTIED, ids=lambda case: f"{case[1]} {case[3]} {case[2]}")
def test_an_identifier_that_fails_its_check_is_emptied_and_noted_and_the_record_kept(case):
    partner, table, values, rule = case
    validated = broken(partner, table, **values)
    (column,) = values
    assert validated.quarantine.is_empty()
    assert noted(validated) == {(table, column, rule, 1)}
    assert validated.frames[table][column].to_list()[CHANGED - 1] is None
    assert validated.frames[table][column].null_count() == 1


@pytest.mark.parametrize(
    ("partner", "table", "values"),
    [
        ("treatment", "intervention", {"modst": None}),
        ("treatment", "episode", {"triaged": None}),
        ("housing", "person", {"dob": None}),
        ("housing", "duty", {"end_date": None, "end_reason": None}),
        ("police", "custody", {"dob": None}),
    ],
)
def test_a_date_that_is_not_given_breaks_no_rule_of_order(partner, table, values):
    assert broken(partner, table, **values).quarantine.is_empty()


def test_a_date_of_birth_that_means_unknown_is_after_nothing():
    frames = extract("police")
    frames["custody"] = with_value(
        frames["custody"], CHANGED, dob="1970-01-01", arrest_date="1969-07-20"
    )
    assert validate_extract("police", frames).quarantine.is_empty()


def test_values_are_standardised():
    police = validate_extract("police", extract("police"), as_at=AS_AT).frames["custody"]
    assert police.row(0, named=True) == {
        "custody_ref": "C1",
        "pnc_id": "1979/0163001B",
        "cro_number": "065656/91H",
        "forename": "MARY ANN",
        "surname": "OBRIEN",
        "dob": date(1980, 5, 6),
        "sex": "U",
        "ethnicity": "W1",
        "postcode": "NR31AA",
        "arrest_date": date(2024, 1, 5),
        "offence_code": "TH68001A",
        "release_date": date(2024, 1, 6),
        "offence_class": "92D",
        "home_office_code": "092/05",
        "outcome": "1",
        "outcome_date": date(2024, 2, 1),
    }
    probation = validate_extract("probation", extract("probation"), as_at=AS_AT).frames
    assert probation["sentence"]["postcode"][0] == "ZZ993VZ", "kept for the no-fixed-abode flag"
    assert probation["requirement"]["category"].to_list() == ["DRR"] * ROWS
    assert "description" not in probation["requirement"].columns
    treatment = validate_extract("treatment", extract("treatment"), as_at=AS_AT).frames["episode"]
    assert treatment.row(0, named=True)["sex"] == "F"
    assert treatment.row(0, named=True)["ethnic"] == "W1"
    assert treatment.row(0, named=True)["finitial"] == "M"
    assert treatment.row(0, named=True)["pc"] == "NR3 1"


@pytest.mark.parametrize(
    ("description", "category"),
    [
        ("Drug Rehabilitation Requirement", "DRR"),
        ("drr - 9 months", "DRR"),
        ("ATR", "ATR"),
        ("Alcohol Treatment (12m)", "ATR"),
        ("Mental Health Treatment Requirement", "MHTR"),
        ("RAR 25 days", "RAR"),
        ("Rehabilitation Activity Requirement", "RAR"),
        ("Unpaid work 120 hours", "UPW"),
        ("Curfew", "OTHER"),
        ("BATRA scheme", "OTHER"),
    ],
)
def test_a_requirement_is_read_from_its_description(description, category):
    frames = extract("probation")
    frames["requirement"] = with_value(frames["requirement"], 1, description=description)
    validated = validate_extract("probation", frames)
    assert validated.frames["requirement"]["category"][0] == category


def test_the_later_record_with_a_key_is_the_one_quarantined():
    frames = extract("police")
    frames["custody"] = with_value(frames["custody"], 3, custody_ref="C1")
    validated = validate_extract("police", frames)
    assert quarantined(validated, "custody") == {(3, "custody_ref", "duplicate_key")}
    assert quarantined(validated, "drug_test") == {(3, "custody_ref", "parent_missing")}


def test_a_valid_record_takes_the_key_that_an_invalid_one_had():
    frames = extract("police")
    frames["custody"] = with_value(frames["custody"], 1, outcome="99")
    frames["custody"] = with_value(frames["custody"], 3, custody_ref="C1")
    validated = validate_extract("police", frames)
    assert quarantined(validated, "custody") == {(1, "outcome", "code_unknown")}
    assert validated.frames["custody"]["custody_ref"].to_list() == ["C2", "C1", "C4"]


def test_a_key_of_several_columns_repeats_only_when_all_of_them_do():
    frames = extract("treatment")
    frames["episode"] = with_value(frames["episode"], 2, clientid="K1")
    for child in ("intervention", "outcomes_profile"):
        frames[child] = with_value(frames[child], 2, clientid="K1")
    assert validate_extract("treatment", frames).quarantine.is_empty()
    frames["episode"] = with_value(frames["episode"], 2, episodid="E1")
    found = quarantined(validate_extract("treatment", frames), "episode")
    assert found == {(2, "episodid", "duplicate_key")}


def test_quarantine_runs_down_from_parent_to_grandchild():
    frames = extract("housing")
    frames["application"] = with_value(frames["application"], CHANGED, assessment="?")
    validated = validate_extract("housing", frames, as_at=AS_AT)
    for table in ("person", "duty", "tenancy", "temporary_accommodation"):
        assert {r for _, _, r in quarantined(validated, table)} == {"parent_missing"}
    assert validated.quarantined == {**dict.fromkeys(GOOD["housing"], 1), "rough_sleeping": 0}


NO_CONSENT = {
    **dict.fromkeys(GOOD["treatment"]["episode"]),
    "agncy": "N0853",
    "clientid": "K2",
    "consent": "N",
}


def test_a_client_who_does_not_consent_is_withheld_and_counted():
    frames = extract("treatment")
    frames["episode"] = with_value(frames["episode"], 2, **NO_CONSENT)
    validated = validate_extract("treatment", frames)
    assert quarantined(validated, "episode") == set()
    withheld = {name: count for name, count in validated.withheld.items() if count}
    assert withheld == {"episode": 1, "intervention": 1, "outcomes_profile": 1}
    assert noted(validated) == {
        ("episode", "consent", "no_consent", 1),
        ("intervention", "episodid", "no_consent", 1),
        ("outcomes_profile", "episodid", "no_consent", 1),
    }
    assert validated.frames["episode"].height == ROWS - 1
    assert validated.quarantine.is_empty()


@pytest.mark.parametrize("table", ["episode", "secure_treatment"])
def test_an_answer_that_cannot_be_read_is_never_taken_for_consent(tmp_path, table):
    """Even where policy lets unknown codes of that list pass, or empties or notes them."""
    (tmp_path / "lists.csv").write_text("list,title,unknown\nyes_no,Yes or no,pass\n", "utf-8")
    answers = {2: "1", 3: "NO1", 4: "no"}
    frames = extract("treatment", 2 * ROWS)
    for row, answer in answers.items():
        frames[table] = with_value(frames[table], row, consent=answer)
    own = tmp_path / "policy.yaml"
    for lenient in ("note", "empty"):
        rules = {"code_unknown": lenient, "code_unknown_passed": lenient}
        own.write_text(f"severity: {{rules: {json.dumps(rules)}}}\n", encoding="utf-8")
        for codes, rule in ((tmp_path, "code_unknown_passed"), (None, "code_unknown")):
            validated = validate_extract(
                "treatment", frames, codes=codes, as_at=AS_AT, policy=load_policy(own)
            )
            assert quarantined(validated, table) == {(row, "consent", rule) for row in answers}
            assert validated.frames[table].height == 2 * ROWS - len(answers)


@pytest.mark.parametrize("table", ["episode", "secure_treatment"])
def test_no_answer_that_a_list_adds_is_taken_for_consent(tmp_path, table):
    """A list may know "not asked", which is an answer to other questions but not a consent."""
    (tmp_path / "yes_no.csv").write_text(
        "code,label,valid_from,valid_to,status,source\n"
        + "".join(f"{code},A label,,,confirmed,The partnership\n" for code in "YNX"),
        encoding="utf-8",
    )
    frames = extract("treatment")
    frames[table] = with_value(frames[table], 2, consent="x")
    validated = validate_extract("treatment", frames, codes=tmp_path, as_at=AS_AT)
    assert quarantined(validated, table) == {(2, "consent", "code_unknown")}
    assert validated.frames[table].height == ROWS - 1


def test_a_refusal_covers_the_person_in_whatever_case_a_list_has_it(tmp_path):
    (tmp_path / "yes_no.csv").write_text(
        "code,label,valid_from,valid_to,status,source\n"
        "Y,Yes,,,confirmed,The partnership\nn,No,,,confirmed,The partnership\n",
        encoding="utf-8",
    )
    frames = extract("treatment")
    frames["episode"] = with_value(frames["episode"], 2, **NO_CONSENT)
    validated = validate_extract("treatment", frames, codes=tmp_path, as_at=AS_AT)
    assert validated.withheld["episode"] == 1
    assert validated.withheld["intervention"] == 1


def test_no_frame_is_in_what_a_result_prints():
    examined = contract.examine_extract("police", extract("police"), as_at=AS_AT)
    for shown in (repr(examined), repr(examined.validated)):
        assert "shape:" not in shown and "BRIEN" not in shown.upper()


def test_what_belongs_to_a_withheld_record_is_withheld_by_its_key():
    """A transfer does not say whose it is, only to which treatment in prison it belongs."""
    frames = extract("treatment")
    secure = with_value(frames["secure_treatment"], 3, clientid="K2")
    bare = dict.fromkeys(secure.columns) | {"agncy": "N0853", "clientid": "K2", "consent": "N"}
    frames["secure_treatment"] = with_value(secure, 2, **bare)
    validated = validate_extract("treatment", frames)
    assert validated.withheld["secure_treatment"] == 2
    assert validated.withheld["transfer"] == 1


def test_nothing_more_may_be_sent_of_a_client_who_does_not_consent():
    """One client for each column, who withholds consent and of whom that column is sent."""
    columns = [name for name, value in NO_CONSENT.items() if value is None]
    example = extract("treatment")["episode"].row(0, named=True)
    more = [
        {**NO_CONSENT, "clientid": f"K{n}", column: example[column]}
        for n, column in enumerate(columns, 1)
    ]
    validated = each_broken("treatment", "episode", more)
    told = {columns[row - 1] for row, *what in quarantined(validated, "episode")
            if what == ["consent", "data_without_consent"]}  # fmt: skip
    assert told == set(columns)
    assert len(quarantined(validated, "episode")) == len(columns)
    assert validated.withheld["episode"] == 0
    kept = set(validated.frames["episode"]["clientid"])
    assert not kept & {values["clientid"] for values in more} and len(kept) == len(columns)


def test_a_blank_row_is_quarantined():
    frames = extract("police")
    frames["custody"] = with_value(frames["custody"], 2, **dict.fromkeys(GOOD["police"]["custody"]))
    found = quarantined(validate_extract("police", frames), "custody")
    assert found == {(2, "custody_ref", "required"), (2, "arrest_date", "required")}


def refused(frames: dict[str, pl.DataFrame], partner: str = "police", **options) -> ExtractRejected:
    with pytest.raises(ExtractRejected) as caught:
        validate_extract(partner, frames, **options)
    error = caught.value
    said = "".join(traceback.format_exception(error)) + repr(error.__dict__)
    assert CANARY not in said
    assert error.__cause__ is None
    assert error.__context__ is None
    return error


def test_a_missing_table_is_refused():
    frames = extract("housing")
    del frames["duty"], frames["tenancy"]
    assert "lacks duty, tenancy" in refused(frames, "housing").problem


def test_a_missing_required_column_is_refused_and_an_optional_one_is_empty():
    frames = extract("police")
    custody = frames["custody"]
    frames["custody"] = custody.drop("arrest_date")
    assert "custody table lacks arrest_date" in refused(frames).problem
    frames["custody"] = custody.drop("pnc_id", "dob", "outcome")
    kept = validate_extract("police", frames).frames["custody"]
    assert kept.columns == list(GOOD["police"]["custody"])
    assert kept["pnc_id"].null_count() == kept["dob"].null_count() == ROWS
    assert kept["dob"].dtype == pl.Date


def test_an_extract_that_names_nobody_is_refused():
    frames = extract("police")
    frames["custody"] = frames["custody"].clear()
    assert "custody table has no rows" in refused(frames).problem


def test_a_table_of_events_may_be_empty():
    frames = extract("police")
    frames["drug_test"] = frames["drug_test"].clear()
    validated = validate_extract("police", frames)
    assert validated.frames["drug_test"].height == 0
    assert validated.frames["drug_test"].columns


def test_columns_that_the_contract_does_not_know_are_left_out():
    frames = extract("police")
    frames["custody"] = frames["custody"].with_columns(pl.lit(CANARY).alias("note"))
    assert "note" not in validate_extract("police", frames).frames["custody"].columns


def test_more_than_half_of_a_table_invalid_is_refused_with_the_top_rules():
    frames = extract("police")
    for row in (1, 2):
        frames["custody"] = with_value(frames["custody"], row, outcome=CANARY)
    assert validate_extract("police", frames).quarantined["custody"] == 2
    frames["custody"] = with_value(frames["custody"], 3, outcome=CANARY, sex=CANARY)
    problem = refused(frames).problem
    assert "Of 4 rows of the police custody table, 3 are invalid" in problem
    assert "(code_unknown in outcome: 3; code_unknown in sex: 1)" in problem


@pytest.mark.parametrize(
    "error", [pl.exceptions.ComputeError(CANARY), pl.exceptions.ShapeError(CANARY)]
)
def test_an_error_of_polars_is_not_let_out(error, monkeypatch):
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(contract, "typed", fails)
    assert "police custody table could not be checked" in refused(extract("police")).problem


def test_a_check_that_fails_to_run_is_a_refusal_not_a_pass(monkeypatch):
    from schemas import models

    def fails(_: pl.Expr) -> pl.Expr:
        raise ValueError(CANARY)

    monkeypatch.setattr(models, "_possible_birth", fails)
    monkeypatch.setattr(models, "_schema_of", models._schema_of.__wrapped__)
    assert "could not be checked" in refused(extract("police")).problem


REFUSED_SETTINGS = [
    {"PANDERA_VALIDATION_ENABLED": "False"},
    {"PANDERA_VALIDATION_ENABLED": "0"},
    {"PANDERA_VALIDATION_ENABLED": "no"},
    {"PANDERA_VALIDATION_DEPTH": "SCHEMA_ONLY"},
]
SETTINGS = [*REFUSED_SETTINGS, {}, {"PANDERA_VALIDATION_ENABLED": "True"}]


def test_it_refuses_to_run_where_the_environment_switches_checks_off():
    """In a process of its own, where pandera reads each environment as it does when it starts."""
    code = (
        "import importlib, json, os, sys, pandera.config\n"
        "from schemas.contract import refuse_if_checks_are_off as check\n"
        "from schemas.errors import ConfigError\n"
        "def said(setting):\n"
        "    os.environ.clear()\n"
        "    os.environ.update(setting)\n"
        "    importlib.reload(pandera.config)\n"
        "    try: check()\n"
        "    except ConfigError: return 'refused'\n"
        "    return 'ran'\n"
        "print(json.dumps([said(one) for one in json.loads(sys.argv[1])]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(SETTINGS)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == ["refused"] * len(REFUSED_SETTINGS) + ["ran"] * 2


def test_validate_extract_looks_at_the_environment(monkeypatch):
    monkeypatch.setenv("PANDERA_VALIDATION_ENABLED", "False")
    with pytest.raises(ConfigError):
        validate_extract("police", extract("police"))


def test_the_answer_holds_no_value_but_in_its_frames():
    frames = extract("police")
    bad = dict.fromkeys(GOOD["police"]["custody"], CANARY)
    frames["custody"] = with_value(frames["custody"], 2, **bad)
    validated = validate_extract("police", frames)
    assert CANARY not in validated.quarantine.write_csv()
    assert CANARY not in validated.noted.write_csv()
    assert CANARY not in repr(validated.rows)


def test_identity_frames_have_one_shape_and_one_row_for_each_record():
    for partner, tables in TABLES.items():
        frames = validate_extract(partner, extract(partner), as_at=AS_AT).frames
        identity = identity_frame(partner, frames)
        assert dict(identity.schema) == IDENTITY_SCHEMA
        bearing = [t.name for t in tables if t.identity is not None]
        assert identity.height == sum(frames[name].height for name in bearing)
        assert set(identity["table"]) == set(bearing)


def test_identities_are_complete_and_pseudo_postcodes_are_not_in_them():
    def first(partner: str) -> dict[str, object]:
        frames = validate_extract(partner, extract(partner), as_at=AS_AT).frames
        return identity_frame(partner, frames).row(0, named=True)

    shorter = dict.fromkeys(("forename_initial", "surname_initial", "sector"))
    numbers = ("nhs_number", "nino", "pnc_id", "cro_number", "noms_number")
    nothing = {**dict.fromkeys(numbers), **shorter}
    born = {"dob": date(1980, 5, 6), "sex": "F"}
    assert first("probation") == {
        **shorter,
        "table": "sentence",
        "record_key": "S1",
        "forename": "MARY",
        "surname": "MCLEOD",
        **born,
        "postcode": None,
        "nhs_number": None,
        "nino": "AB123456C",
        "pnc_id": "1979/0163001B",
        "cro_number": "SF83/50058Z",
        "noms_number": "A1234BC",
        "local_id": "X123456",
    }
    assert first("treatment") == {
        "table": "episode",
        "record_key": "N0853|K1|E1",
        "forename": "MARY",
        "surname": "SMITH",
        **born,
        "postcode": "NR31AA",
        **nothing,
        "nhs_number": "9434765919",
        "local_id": "N0853|K1",
        "forename_initial": "M",
        "surname_initial": "S",
        "sector": "NR31",
    }
    assert first("housing") == {
        "table": "person",
        "record_key": "P1",
        "forename": "MARY",
        "surname": "SMITH",
        **born,
        "postcode": "NR31AA",
        **nothing,
        "nino": "AB123456C",
        "local_id": None,
    }


def test_a_partnership_s_own_code_list_wins(tmp_path):
    text = HEADER + "99,Local,,,unconfirmed,local\n"
    (tmp_path / "police_outcome.csv").write_text(text, encoding="utf-8")
    assert load_codes("police_outcome", tmp_path) == {"99"}
    assert load_codes("sex", tmp_path) == {"M", "F", "N", "NS"}
    frames = extract("police")
    frames["custody"] = frames["custody"].with_columns(outcome=pl.lit("99"))
    frames["custody"] = with_value(frames["custody"], 2, outcome="1")
    validated = validate_extract("police", frames, codes=tmp_path)
    assert quarantined(validated, "custody") == {(2, "outcome", "code_unknown")}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sex", ""),
        ("sex", "code\nM\n"),
        ("sex", HEADER),
        ("sex", HEADER + "M,Male,,,sure,x\n"),
        ("sex", HEADER + "M,Male,,,,x\n"),
        ("sex", HEADER + "M,Male,01/02/2024,,confirmed,x\n"),
        ("sex", HEADER + "M,Male,,2024-02-30,confirmed,x\n"),
        ("ndtms_ethnicity", HEADER + "A,B,,,confirmed,x\n"),
        (
            "ndtms_ethnicity",
            "code,label,valid_from,valid_to,status,source,maps_to\nA,B,,,confirmed,x,\n",
        ),
        ("lists", "list,title\nsex,Sex\n"),
        ("requirement_description", "pattern,category,source\nx,NOPE,x\n"),
        ("requirement_description", "pattern,category,source\n(,DRR,x\n"),
        ("requirement_description", "pattern,category,source\n,DRR,x\n"),
    ],
)
def test_an_unusable_code_list_is_a_matter_of_configuration(name, text, tmp_path):
    (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        for partner in ("police", "probation", "treatment"):
            validate_extract(partner, extract(partner), codes=tmp_path)
    assert name in caught.value.problem


def test_every_code_list_that_a_column_names_is_packaged_and_well_formed():
    for tables in TABLES.values():
        for table in tables:
            for column in table.columns.values():
                if column.codes:
                    assert load_codes(column.codes)
    assert set(crosswalk("ndtms_ethnicity").values()) <= load_codes("ethnicity")
    packaged = sorted(contract.Path(__file__).parents[2].glob("schemas/codes/*.csv"))
    lists = [path for path in packaged if path.stem not in ("lists", "requirement_description")]
    assert sorted(list_names()) == [path.stem for path in lists]
    used = {c.codes for some in TABLES.values() for t in some for c in t.columns.values()}
    assert used - {None} == set(list_names())
    for path in lists:
        frame = pl.read_csv(path, infer_schema=False)
        assert frame.columns[:6] == list(HEADER.strip().split(","))
        assert frame["code"].is_unique().all() and frame["code"].null_count() == 0
        assert frame["label"].null_count() == frame["source"].null_count() == 0
        assert frame["status"].is_in(["confirmed", "unconfirmed"]).all()
        # What is field knowledge is never passed off as read in a source.
        known = frame.filter(pl.col("status") == "confirmed")
        assert (known["source"] != "Field knowledge").all()
        assert list_title(path.stem) != path.stem


def test_a_policy_for_unknown_codes_that_does_not_exist_is_a_matter_of_configuration(tmp_path):
    (tmp_path / "lists.csv").write_text("list,title,unknown\nsex,Sex,shrug\n", "utf-8")
    with pytest.raises(ConfigError):
        unknown_codes("sex", tmp_path)
    assert unknown_codes("drug", tmp_path) == "pass"


def test_tables_stand_after_those_they_belong_to():
    for partner, tables in TABLES.items():
        seen: dict[str, tuple[str, ...]] = {}
        for table in tables:
            assert table.partner == partner
            assert set(table.key) <= set(table.columns)
            for columns, parent in table.parents.items():
                assert seen[parent] == columns
            seen[table.name] = table.key


def test_importing_the_tables_does_not_load_pandera():
    code = "import sys, schemas.tables, schemas.contract; print('pandera' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_what_a_person_must_put_right_is_one_family_of_errors():
    assert issubclass(ExtractRejected, JourneysError)
    assert issubclass(ConfigError, JourneysError)
