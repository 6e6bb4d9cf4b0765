"""The staging store: what every partner's latest extract says, by record, without identifiers.

Rows arrive pseudonymised. ``record_id`` and every ``*_key`` are keyed digests; no name, date of
birth, full postcode or identifier is here, and no encoding either (the split-file rule).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
import polars as pl

from schemas.errors import StoreError
from warehouse.connect import store_errors

_PERSON = {
    "sex": "VARCHAR",
    "ethnicity": "VARCHAR",
    "birth_year": "INTEGER",
    "postcode_district": "VARCHAR",
    "no_fixed_abode": "BOOLEAN",
}

# Table → column → type, in the order the columns are stored.
TABLES: dict[str, dict[str, str]] = {
    "police_custody": {
        "record_id": "BIGINT NOT NULL",
        "custody_key": "BIGINT NOT NULL",
        "arrest_date": "DATE",
        "release_date": "DATE",
        "offence_code": "VARCHAR",
        "offence_class": "VARCHAR",
        "home_office_code": "VARCHAR",
        "outcome": "VARCHAR",
        "outcome_date": "DATE",
        **_PERSON,
    },
    "police_drug_test": {
        "drug_test_key": "BIGINT NOT NULL",
        "custody_key": "BIGINT NOT NULL",
        "test_date": "DATE",
        "authority": "VARCHAR",
        "result": "VARCHAR",
    },
    "police_intensive_programme": {
        "record_id": "BIGINT NOT NULL",
        "intensive_programme_key": "BIGINT NOT NULL",
        "programme": "VARCHAR",
        "referral_date": "DATE",
        "start_date": "DATE",
        "end_date": "DATE",
        "end_reason": "VARCHAR",
        **_PERSON,
    },
    "police_suspected_drug_death": {
        "record_id": "BIGINT NOT NULL",
        "suspected_drug_death_key": "BIGINT NOT NULL",
        "death_date": "DATE",
        "reported_date": "DATE",
        "suspected_drug": "VARCHAR",
        "death_status": "VARCHAR",
        **_PERSON,
    },
    "probation_sentence": {
        "record_id": "BIGINT NOT NULL",
        "sentence_key": "BIGINT NOT NULL",
        "sentence_type": "VARCHAR",
        "sentence_date": "DATE",
        "sentence_end_date": "DATE",
        "tier": "VARCHAR",
        "rosh": "VARCHAR",
        "mappa": "VARCHAR",
        "iom": "VARCHAR",
        **_PERSON,
    },
    "probation_requirement": {
        "requirement_key": "BIGINT NOT NULL",
        "sentence_key": "BIGINT NOT NULL",
        "main_category": "VARCHAR",
        "category": "VARCHAR",
        "start_date": "DATE",
        "end_date": "DATE",
        "outcome": "VARCHAR",
    },
    "probation_release": {
        "release_key": "BIGINT NOT NULL",
        "sentence_key": "BIGINT NOT NULL",
        "conditional_release_date": "DATE",
        "automatic_release_date": "DATE",
        "confirmed_release_date": "DATE",
        "release_date": "DATE",
        "licence_expiry_date": "DATE",
        "sentence_expiry_date": "DATE",
        "recall_date": "DATE",
        "treatment_need": "VARCHAR",
        "discharge_accommodation": "VARCHAR",
    },
    "probation_enforcement": {
        "enforcement_key": "BIGINT NOT NULL",
        "sentence_key": "BIGINT NOT NULL",
        "enforcement_type": "VARCHAR",
        "enforcement_date": "DATE",
    },
    "probation_accommodation": {
        "accommodation_key": "BIGINT NOT NULL",
        "sentence_key": "BIGINT NOT NULL",
        "accommodation_type": "VARCHAR",
        "start_date": "DATE",
        "end_date": "DATE",
    },
    "treatment_episode": {
        "record_id": "BIGINT NOT NULL",
        "episode_key": "BIGINT NOT NULL",
        "agncy": "VARCHAR",
        "consent": "VARCHAR",
        "religion": "VARCHAR",
        "sexual_orientation": "VARCHAR",
        "disability": "VARCHAR",
        "dat": "VARCHAR",
        "la": "VARCHAR",
        "service_type": "VARCHAR",
        "refld": "DATE",
        "triaged": "DATE",
        "cplandt": "DATE",
        "disd": "DATE",
        "disrsn": "VARCHAR",
        "rfls": "VARCHAR",
        "drug1": "VARCHAR",
        "drug2": "VARCHAR",
        "drug3": "VARCHAR",
        "route": "VARCHAR",
        "injstat": "VARCHAR",
        "accmneed": "VARCHAR",
        "employment": "VARCHAR",
        "children_living_with": "VARCHAR",
        "mental_health_need": "VARCHAR",
        "mental_health_treatment": "VARCHAR",
        "hepbstat": "VARCHAR",
        "hepcstat": "VARCHAR",
        "hepbvac": "VARCHAR",
        **_PERSON,
    },
    "treatment_intervention": {
        "intervention_key": "BIGINT NOT NULL",
        "episode_key": "BIGINT NOT NULL",
        "modal": "VARCHAR",
        "setting": "VARCHAR",
        "refmoddt": "DATE",
        "faomoddt": "DATE",
        "modst": "DATE",
        "modend": "DATE",
        "modexit": "VARCHAR",
    },
    "treatment_outcomes_profile": {
        "outcomes_profile_key": "BIGINT NOT NULL",
        "episode_key": "BIGINT NOT NULL",
        "topdate": "DATE",
        "trstage": "VARCHAR",
        "alcuse": "INTEGER",
        "opiuse": "INTEGER",
        "crause": "INTEGER",
        "cocause": "INTEGER",
        "amphuse": "INTEGER",
        "cannuse": "INTEGER",
        "otdrguse": "INTEGER",
        "ivdrguse": "INTEGER",
        "sharing": "VARCHAR",
        "shotheft": "INTEGER",
        "drgsell": "INTEGER",
        "oththeft": "VARCHAR",
        "assault": "VARCHAR",
        "psyhstat": "INTEGER",
        "pwork": "INTEGER",
        "educat": "INTEGER",
        "acuthpbm": "VARCHAR",
        "hrisk": "VARCHAR",
        "phstat": "INTEGER",
        "quallife": "INTEGER",
    },
    "treatment_secure_treatment": {
        "record_id": "BIGINT NOT NULL",
        "secure_treatment_key": "BIGINT NOT NULL",
        "consent": "VARCHAR",
        "prison": "VARCHAR",
        "drug1": "VARCHAR",
        "drug2": "VARCHAR",
        "drug3": "VARCHAR",
        "start_date": "DATE",
        "end_date": "DATE",
        "end_reason": "VARCHAR",
        **_PERSON,
    },
    "treatment_transfer": {
        "transfer_key": "BIGINT NOT NULL",
        "secure_treatment_key": "BIGINT NOT NULL",
        "release_date": "DATE",
        "receiving_agency": "VARCHAR",
        "referral_date": "DATE",
        "first_seen_date": "DATE",
    },
    "treatment_cj_assessment": {
        "record_id": "BIGINT NOT NULL",
        "cj_assessment_key": "BIGINT NOT NULL",
        "initial_assessment_date": "DATE",
        "assessed_date": "DATE",
        "needs_intervention": "VARCHAR",
        **_PERSON,
    },
    "treatment_cj_caseload": {
        "cj_caseload_key": "BIGINT NOT NULL",
        "cj_assessment_key": "BIGINT NOT NULL",
        "taken_on_date": "DATE",
        "treatment_start_date": "DATE",
        "closed_date": "DATE",
        "close_reason": "VARCHAR",
    },
    "treatment_prison_referral": {
        "record_id": "BIGINT NOT NULL",
        "prison_referral_key": "BIGINT NOT NULL",
        "prison": "VARCHAR",
        "referral_date": "DATE",
        "release_date": "DATE",
        "reported_date": "DATE",
        "referral_outcome": "VARCHAR",
        **_PERSON,
    },
    "housing_application": {
        "case_key": "BIGINT NOT NULL",
        "application_date": "DATE",
        "local_authority": "VARCHAR",
        "assessment": "VARCHAR",
        "accommodation_at_application": "VARCHAR",
        "need_drug": "VARCHAR",
        "need_alcohol": "VARCHAR",
        "need_mental_health": "VARCHAR",
        "need_learning_disability": "VARCHAR",
        "need_physical_health": "VARCHAR",
        "need_offending": "VARCHAR",
        "need_rough_sleeping": "VARCHAR",
        "need_repeat_homelessness": "VARCHAR",
        "need_domestic_abuse": "VARCHAR",
        "need_sexual_abuse": "VARCHAR",
        "need_care_leaver": "VARCHAR",
        "need_armed_forces": "VARCHAR",
        "need_modern_slavery": "VARCHAR",
        "need_young_parent": "VARCHAR",
        "main_duty_decision": "VARCHAR",
        "main_duty_decision_date": "DATE",
    },
    "housing_person": {
        "record_id": "BIGINT NOT NULL",
        "person_key": "BIGINT NOT NULL",
        "case_key": "BIGINT NOT NULL",
        "role": "VARCHAR",
        **_PERSON,
    },
    "housing_duty": {
        "duty_key": "BIGINT NOT NULL",
        "case_key": "BIGINT NOT NULL",
        "duty": "VARCHAR",
        "start_date": "DATE",
        "end_date": "DATE",
        "end_reason": "VARCHAR",
    },
    "housing_tenancy": {
        "tenancy_key": "BIGINT NOT NULL",
        "person_key": "BIGINT NOT NULL",
        "start_date": "DATE",
        "end_date": "DATE",
        "tenancy_type": "VARCHAR",
        "end_reason": "VARCHAR",
    },
    "housing_temporary_accommodation": {
        "temporary_accommodation_key": "BIGINT NOT NULL",
        "case_key": "BIGINT NOT NULL",
        "accommodation_type": "VARCHAR",
        "start_date": "DATE",
        "end_date": "DATE",
    },
    "housing_rough_sleeping": {
        "record_id": "BIGINT NOT NULL",
        "rough_sleeping_key": "BIGINT NOT NULL",
        "sighting_date": "DATE",
        "local_authority": "VARCHAR",
        **_PERSON,
    },
}
EXTRACT = {
    "partner": "VARCHAR NOT NULL",
    "data_as_at": "DATE NOT NULL",
    "rows": "BIGINT NOT NULL",
    "run_id": "VARCHAR NOT NULL",
}
PARTNERS = tuple(dict.fromkeys(name.split("_", 1)[0] for name in TABLES))

# What identifies a row of each table: the first surrogate key that is not the record's.
_KEYS = {
    name: next(column for column in columns if column.endswith("_key"))
    for name, columns in TABLES.items()
}


def key_of(table: str) -> str:
    """Return the column whose value is different in every row of a staging table."""
    return _KEYS[table]


def tables_of(partner: str) -> dict[str, dict[str, str]]:
    """Return the staging tables of one partner.

    Raises:
        StoreError: There is no such partner.
    """
    if partner not in PARTNERS:
        raise StoreError(
            "The staging store has no tables for that partner.",
            f"Use one of {', '.join(PARTNERS)}.",
        )
    return {name: cols for name, cols in TABLES.items() if name.split("_", 1)[0] == partner}


@store_errors("The staging store could not be written.", "Restore it from backup and run again.")
def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the tables and columns that are not there yet.

    Args:
        con: A connection whose default database is the staging store.

    Raises:
        StoreError: The store cannot be written.
    """
    con.execute("BEGIN TRANSACTION")
    for name, columns in {**TABLES, "extract": EXTRACT}.items():
        typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        con.execute(f"CREATE TABLE IF NOT EXISTS {name} ({typed})")
        # A store that an earlier version made gains the columns that have come since.
        for column, kind in columns.items():
            if not kind.endswith("NOT NULL"):
                con.execute(f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {column} {kind}")
    con.execute("COMMIT")


def replace_partner(
    con: duckdb.DuckDBPyConnection,
    partner: str,
    events: Mapping[str, pl.DataFrame],
    *,
    run_id: str,
    data_as_at: date,
    rows: int,
) -> None:
    """Put one partner's new extract in the place of its last one, wholly or not at all.

    Args:
        con: A connection whose default database is the staging store.
        partner: ``police``, ``probation``, ``treatment`` or ``housing``.
        events: The partner's tables, named ``custody`` or ``police_custody``, each with exactly
            the columns of :data:`TABLES`.
        run_id: The run that brought the extract.
        data_as_at: The day up to which the extract is complete.
        rows: Rows the partner sent, over all its tables, rejected ones included.

    Raises:
        StoreError: A table or column is missing or unexpected, or a value has the wrong type, or
            a key occurs twice. The store is then as it was.
    """
    expected = tables_of(partner)
    prefix = f"{partner}_"
    given = {n if n.startswith(prefix) else prefix + n: frame for n, frame in events.items()}
    _check_names(f"the {partner} extract", "table", set(expected), set(given))
    for name, columns in expected.items():
        _check_names(name, "column", set(columns), set(given[name].columns))
        if given[name].get_column(_KEYS[name]).is_duplicated().any():
            raise StoreError(
                f"The column {_KEYS[name]} of {name} holds the same key twice.",
                "Remove duplicate keys from the extract before it is staged.",
            )
    _replace(con, partner, {name: given[name] for name in expected}, run_id, data_as_at, rows)


@store_errors("The staging store could not be written.", "Restore it from backup and run again.")
def remove_partner(con: duckdb.DuckDBPyConnection, partner: str) -> None:
    """Delete all that a partner supplied from the store, which is then to be written anew.

    Args:
        con: A connection whose default database is the staging store.
        partner: Whose data.

    Raises:
        StoreError: The store cannot be written.
    """
    con.execute("BEGIN TRANSACTION")
    for name in tables_of(partner):
        con.execute(f"DELETE FROM {name}")
    con.execute("DELETE FROM extract WHERE partner = ?", [partner])
    con.execute("COMMIT")


def counts_of(con: duckdb.DuckDBPyConnection, partner: str) -> dict[str, int]:
    """Rows of each staging table of a partner, without those that have none."""
    counts = {
        name: con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
        for name in tables_of(partner)
    }
    return {name: int(rows) for name, rows in counts.items() if rows}


@store_errors(
    "A staging table could not be written: a value does not have the column's type, or the store "
    "is damaged.",
    "Check that the extract was validated; if it was, restore the store from backup.",
)
def _replace(
    con: duckdb.DuckDBPyConnection,
    partner: str,
    frames: Mapping[str, pl.DataFrame],
    run_id: str,
    data_as_at: date,
    rows: int,
) -> None:
    """Replace a partner's rows in one transaction."""
    con.execute("BEGIN TRANSACTION")
    try:
        for name, frame in frames.items():
            columns = ", ".join(TABLES[name])
            con.execute(f"DELETE FROM {name}")
            con.register("incoming", frame.select(list(TABLES[name])).to_arrow())
            con.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM incoming")
            con.unregister("incoming")
        con.execute("DELETE FROM extract WHERE partner = ?", [partner])
        con.execute("INSERT INTO extract VALUES (?, ?, ?, ?)", [partner, data_as_at, rows, run_id])
        con.execute("COMMIT")
    except duckdb.Error:
        con.execute("ROLLBACK")
        raise


def _check_names(where: str, what: str, expected: set[str], given: set[str]) -> None:
    """Raise StoreError unless the two sets of names are the same."""
    missing, extra = sorted(expected - given), sorted(given - expected)
    if missing or extra:
        said = [f"lacks the {what} {name}" for name in missing]
        said += [f"has the unexpected {what} {name}" for name in extra]
        raise StoreError(
            f"Staging refused {where}, which {', '.join(said)}.",
            "Stage exactly the tables and columns that the sharing agreement keeps.",
        )
