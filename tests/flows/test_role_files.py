"""A release handed out as a file: what is in it, who is told, and when there is none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asking import rows_of, write_rows
from renewing import renewed
from slight import MARTS, make_slight

from flows.context import open_control
from flows.readers.query import query_release
from flows.refresh import run_refresh
from flows.releases.kept import roll_back
from governance.agreements import load_agreement
from schemas.errors import RefusedQuery, StoreError
from warehouse.analyst import select
from warehouse.connect import open_release
from warehouse.staging import TABLES

if TYPE_CHECKING:
    from conftest import Partnership
    from typer.testing import Result

WHY = ("--to", "B. Recipient", "--reason", "Commissioning plan")


def asked(ran: Partnership, role: str = "analyst", *words: str) -> tuple[Result, Path]:
    out = ran.folder.parent / f"{role}.duckdb"
    return ran.journeys("release", "key", role, "--out", str(out), *WHY, *words), out


def key_of(file: Path) -> str:
    return file.with_name(f"{file.name}.key").read_text().strip()


def terms(ran: Partnership, partner: str, **changes: object) -> None:
    """Change an agreement and have it signed anew."""
    renewed(ran.folder, partner, **changes)


def without(ran: Partnership, partner: str, tables: tuple[str, ...], column: str) -> dict:
    """A use of some tables of an agreement, but for one column."""
    whole = load_agreement(ran.folder / "agreements" / f"{partner}.yaml").model_dump(mode="json")
    some = {
        table: {name: one for name, one in whole["tables"][table].items() if name != column}
        for table in tables
    }
    return {"in_words": "To see who is housed.", "recipients": ["analyst"], "tables": some}


def test_a_file_holds_no_record_under_part_3_and_nothing_derived_from_one(ran: Partnership) -> None:
    found, out = asked(ran)
    assert found.exit_code == 0, found.stderr
    assert "police, probation" in found.stdout
    assert out.stat().st_mode & 0o777 == 0o444
    key = out.with_name(f"{out.name}.key")
    assert key.stat().st_mode & 0o777 == 0o600
    con = open_release(out, key_of(out))
    told = {partner for (partner,) in con.execute("SELECT DISTINCT partner FROM event").fetchall()}
    assert told == {"treatment", "housing"}
    ((police, probation, people),) = con.execute(
        "SELECT count_if(known_to_police), count_if(known_to_probation), count(*) FROM person"
    ).fetchall()
    assert police == probation == 0
    ((expected,),) = ran.select(
        "SELECT count(*) FROM person WHERE known_to_treatment OR known_to_housing"
    )
    assert people == expected > 0
    # By the same clocks as in the release, or the two would tell more of a day than either.
    weeks = (
        "SELECT person_id, min(event_week), max(event_week) FROM event "
        "WHERE partner IN ('treatment', 'housing') GROUP BY 1 ORDER BY 1"
    )
    assert con.execute(weeks).fetchall() == ran.select(weeks)
    as_at = con.execute("SELECT police_as_at, treatment_as_at FROM release_info").fetchone()
    assert as_at[0] is None and as_at[1] is not None
    # No partner's key, in any column of any table.
    keys = {column for columns in TABLES.values() for column in columns if column.endswith("_key")}
    columns = {
        name for (name,) in con.execute("SELECT column_name FROM duckdb_columns()").fetchall()
    }
    assert not columns & (keys | {"record_id"})
    with pytest.raises(RefusedQuery):
        select(con, "COPY person TO 'x'")
    con.close()


@pytest.mark.usefixtures("slight")
def test_issuing_a_key_is_recorded_as_a_disclosure(ran: Partnership) -> None:
    found, _ = asked(ran, "housing-lead")
    assert found.exit_code == 0, found.stderr
    with open_control(ran.settings) as control:
        (entry,) = control.audit_entries("disclosure")
    assert entry.recipients == "B. Recipient, housing-lead"
    assert entry.detail["reason"] == "Commissioning plan"
    assert entry.detail["partners"] == "housing"
    assert str(entry.detail["file"]).startswith("sha256:")


def test_every_file_has_a_key_of_its_own(ran: Partnership, monkeypatch: pytest.MonkeyPatch) -> None:
    make_slight(monkeypatch, MARTS | {"spell"})
    (_, one), (_, other) = asked(ran, "housing-lead"), asked(ran, "treatment-commissioner")
    assert key_of(one) != key_of(other)
    with pytest.raises(StoreError):
        open_release(one, key_of(other))
    con = open_release(one, key_of(one))
    told = con.execute(
        "SELECT DISTINCT partner FROM event UNION SELECT DISTINCT partner FROM spell"
    )
    assert told.fetchall() == [("housing",)]
    con.close()


@pytest.mark.usefixtures("slight")
def test_for_a_use_only_what_the_agreements_list_for_it_can_be_looked_at(ran: Partnership) -> None:
    for partner, tables, column in (
        ("treatment", ("episode", "intervention"), "ethnic"),
        ("housing", ("application", "person"), "ethnicity"),
    ):
        terms(ran, partner, uses={"treatment-review": without(ran, partner, tables, column)})
    run_refresh(ran.settings)
    asked = "SELECT DISTINCT partner, event_type FROM event"
    seen = query_release(ran.settings, asked, use="treatment-review").rows
    assert {partner for partner, _ in seen} == {"treatment", "housing"}
    kinds = {kind for _, kind in seen}
    assert "triage" in kinds and "homelessness_application" in kinds
    assert not kinds & {"arrest", "drug_test", "sentence", "duty_start", "tenancy_start"}
    known = "SELECT count(*) FROM person WHERE ethnicity_group <> 'Not stated'"
    assert query_release(ran.settings, known, use="treatment-review").rows == [(0,)]
    assert ran.select(known) != [(0,)]
    assert {"arrest", "duty_start"} <= {kind for _, kind in ran.select(asked)}
    with pytest.raises(RefusedQuery):
        query_release(ran.settings, "ATTACH 'warehouse.duckdb'", use="treatment-review")
    with pytest.raises(StoreError, match="no part for that use"):
        query_release(ran.settings, asked, use="marketing")
    with open_control(ran.settings) as control:
        assert "treatment-review" in {one.detail.get("use") for one in control.audit_entries()}


def test_a_file_is_for_recipients_that_the_agreement_names(ran: Partnership) -> None:
    analysts = [{"role": "analyst", "organisation": "the hub"}]
    terms(ran, "housing", recipients=analysts)
    found, out = asked(ran, "housing-lead")
    assert found.exit_code == 1 and "does not name housing-lead" in found.stderr
    assert not out.exists()


@pytest.mark.usefixtures("slight")
def test_a_role_may_have_some_tables_only(ran: Partnership) -> None:
    text = ran.config.read_text()
    ran.config.write_text(
        text.replace("{partners: [housing]}", "{partners: [housing], tables: [person]}")
    )
    found, out = asked(ran, "housing-lead")
    assert found.exit_code == 0, found.stderr
    con = open_release(out, key_of(out))
    assert con.execute("SHOW TABLES").fetchall() == [("person",)]
    con.close()
    ran.config.write_text(
        text.replace("{partners: [housing]}", "{partners: [housing], tables: [cars]}")
    )
    out.unlink()
    out.with_name(f"{out.name}.key").unlink()
    found, out = asked(ran, "housing-lead")
    assert found.exit_code == 1 and "no table cars" in found.stderr
    assert not out.exists()


@pytest.mark.usefixtures("slight")
def test_what_is_agreed_to_be_under_part_2_may_be_in_a_file(ran: Partnership) -> None:
    terms(ran, "probation", processing_regime="part_2")
    found, out = asked(ran)
    assert found.exit_code == 0, found.stderr
    con = open_release(out, key_of(out))
    told = {partner for (partner,) in con.execute("SELECT DISTINCT partner FROM event").fetchall()}
    assert told == {"probation", "treatment", "housing"}
    con.close()


def test_there_is_no_file_where_there_may_be_none(ran: Partnership) -> None:
    text = ran.config.read_text()
    ran.config.write_text(text.replace("{partners: [housing]}", "{partners: [police]}"))
    found, out = asked(ran, "housing-lead")
    assert found.exit_code == 1 and "under Part 3" in found.stderr
    found, _ = asked(ran, "mayor")
    assert found.exit_code == 2 and "no such role" in found.stderr
    inside = ran.folder / "releases" / "mine.duckdb"
    found = ran.journeys("release", "key", "analyst", "--out", str(inside), *WHY)
    assert found.exit_code == 2 and "among the files" in found.stderr
    found = ran.journeys(
        "release", "key", "analyst", "--out", str(out), "--to", " ", "--reason", "Plan"
    )
    assert found.exit_code == 2
    out.write_text("something")
    found, _ = asked(ran, "housing-lead")
    assert found.exit_code == 1 and "already" in found.stderr
    with open_control(ran.settings) as control:
        assert control.audit_entries("disclosure") == []
    assert out.read_text() == "something"


def test_a_file_is_not_made_while_somebody_waits_to_be_erased(ran: Partnership) -> None:
    row = rows_of(ran.inbox("police", "custody"))[0]
    request = write_rows(ran.folder.parent / "request.csv", [{"custody_ref": row["custody_ref"]}])
    ran.journeys("rights", "erase", "--partner", "police", "--file", str(request))
    found, out = asked(ran)
    assert found.exit_code == 1 and "rights request waits" in found.stderr
    assert not out.exists()


@pytest.mark.usefixtures("slight")
def test_who_holds_a_file_of_people_who_went_is_told(ran: Partnership) -> None:
    assert asked(ran, "housing-lead")[0].exit_code == 0
    assert "To be given back" not in ran.journeys("rights", "status").stdout
    row = rows_of(ran.inbox("police", "custody"))[0]
    request = write_rows(ran.folder.parent / "request.csv", [{"custody_ref": row["custody_ref"]}])
    ran.journeys("rights", "erase", "--partner", "police", "--file", str(request))
    run_refresh(ran.settings)
    told = ran.journeys("rights", "status").stdout
    assert "To be given back" in told and "B. Recipient, housing-lead" in told


@pytest.mark.usefixtures("slight")
def test_a_file_is_of_what_people_read(ran: Partnership) -> None:
    run_refresh(ran.settings)
    roll_back(ran.settings, None, "Trying")
    found, out = asked(ran)
    assert found.exit_code == 1 and "End the rollback" in found.stderr
    assert not out.exists()


@pytest.mark.usefixtures("slight")
def test_a_file_whose_disclosure_cannot_be_recorded_is_not_there(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise StoreError("The control database is full.", "Make room.")

    monkeypatch.setattr("governance.control.Control.add_audit", fails)
    found, out = asked(ran, "housing-lead")
    assert found.exit_code == 1
    assert not out.exists() and not out.with_name(f"{out.name}.key").exists()
