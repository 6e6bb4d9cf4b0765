"""The whole journey without a server: what a run leaves, and what a second run changes."""

from __future__ import annotations

import hashlib
import json
import stat
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
import yaml

from flows.clock import local_day, utc_now
from flows.context import open_control
from flows.intake.reading import SLIPS, data_reach
from flows.refresh import STEPS, run_refresh
from governance.agreements import load_agreement

if TYPE_CHECKING:
    from conftest import Partnership


def test_a_run_leaves_what_the_folder_promises(ran: Partnership) -> None:
    with open_control(ran.settings) as control:
        run = control.current_run()
    assert run is not None and run.report is not None
    assert list(run.report["seconds"]) == [step for step in STEPS if step != "commit"]
    assert sorted(p.name for p in (ran.folder / "stores" / run.run_id).iterdir()) == [
        "identity.duckdb",
        "keys.json",
        "staging.duckdb",
        "suppression.duckdb",
    ]
    release = ran.folder / "releases" / run.run_id / "warehouse.duckdb"
    assert stat.S_IMODE(release.stat().st_mode) == 0o444
    assert list((ran.folder / "drafts" / run.run_id).rglob("*.csv"))
    assert sorted(p.name for p in (ran.folder / "quarantine" / run.run_id).iterdir()) == [
        "housing.csv",
        "police.csv",
        "probation.csv",
        "treatment.csv",
    ]


def test_rows_received_are_kept_quarantined_or_withheld(ran: Partnership) -> None:
    with open_control(ran.settings) as control:
        extracts = control.staged_extracts()
    assert set(extracts) == {"police", "probation", "treatment", "housing"}
    for partner, one in extracts.items():
        files = (ran.folder / "inbox" / partner).glob("*.csv")
        sent = sum(pl.read_csv(path, infer_schema=False).height for path in files)
        assert sent == one.received == one.kept + one.quarantined + one.withheld


def test_quarantine_holds_rows_and_rules_and_no_values(ran: Partnership) -> None:
    for path in (ran.folder / "quarantine").rglob("*.csv"):
        frame = pl.read_csv(path, infer_schema=False)
        assert frame.columns == ["row", "table", "column", "rule"]
        assert frame["row"].str.contains(r"^\d+$").all()


def test_the_report_says_no_value(ran: Partnership) -> None:
    with open_control(ran.settings) as control:
        run = control.current_run()
    assert run is not None
    text = json.dumps(run.report)
    custody = pl.read_csv(ran.inbox("police", "custody"), infer_schema=False)
    for column in ("surname", "postcode", "pnc_id", "custody_ref"):
        for value in custody[column].drop_nulls().unique():
            assert f'"{value}"' not in text


@pytest.mark.usefixtures("slight")
def test_a_second_run_changes_no_person_and_doubles_nothing(ran: Partnership) -> None:
    before, people = ran.record_person(), ran.select("SELECT * FROM person ORDER BY person_id")
    events = ran.select("SELECT count(*) FROM event")
    first = ran.kept()
    report = run_refresh(ran.settings)
    assert {one["extract"] for one in report["partners"].values()} == {"unchanged"}
    assert report["linkage"]["created"] == report["linkage"]["merged"] == 0
    assert report["linkage"]["split"] == report["linkage"]["retired"] == 0
    assert ran.record_person() == before
    assert ran.select("SELECT * FROM person ORDER BY person_id") == people
    assert ran.select("SELECT count(*) FROM event") == events
    assert len([name for name in ran.kept() if name.startswith("stores/")]) == len(
        [name for name in first if name.startswith("stores/")]
    )


@pytest.mark.usefixtures("slight")
@pytest.mark.usefixtures("all_anew")
def test_the_same_people_in_another_order_are_the_same_people(ran: Partnership) -> None:
    before = ran.record_person()
    for path in (ran.folder / "inbox").rglob("*.csv"):
        frame = pl.read_csv(path, infer_schema=False)
        frame.reverse().write_csv(path)
    report = run_refresh(ran.settings)
    assert {one["extract"] for one in report["partners"].values()} == {"new"}
    # Of rows with one key the first counts, so a few records may differ; people do not.
    assert len(set(ran.record_person()) - set(before)) <= 0.02 * len(before)


@pytest.mark.usefixtures("slight")
def test_a_partner_that_sends_nothing_keeps_its_last_extract(ran: Partnership) -> None:
    people = ran.select("SELECT count(*) FROM person")
    for path in (ran.folder / "inbox" / "police").iterdir():
        path.unlink()
    report = run_refresh(ran.settings)
    assert report["partners"]["police"]["extract"] == "no new extract"
    assert report["partners"]["police"]["received"] > 0
    assert ran.select("SELECT count(*) FROM person") == people


@pytest.mark.usefixtures("slight")
def test_records_a_partner_no_longer_sends_are_gone(ran: Partnership) -> None:
    custody = pl.read_csv(ran.inbox("police", "custody"), infer_schema=False)
    gone = custody.head(20)
    custody.tail(-20).write_csv(ran.inbox("police", "custody"))
    tests = pl.read_csv(ran.inbox("police", "drug_test"), infer_schema=False)
    tests.join(gone, on="custody_ref", how="anti").write_csv(ran.inbox("police", "drug_test"))
    before = ran.select("SELECT count(*) FROM event WHERE partner = 'police'")[0][0]
    run_refresh(ran.settings)
    after = ran.select("SELECT count(*) FROM event WHERE partner = 'police'")[0][0]
    assert isinstance(before, int) and isinstance(after, int) and after < before


@pytest.mark.usefixtures("slight")
def test_terms_that_change_have_the_extract_staged_again(ran: Partnership) -> None:
    resign(ran, "housing", lambda terms: terms["tables"]["duty"].update(end_reason=["drop"]))
    report = run_refresh(ran.settings)
    extracts = {partner: one["extract"] for partner, one in report["partners"].items()}
    assert extracts.pop("housing") == "new" and set(extracts.values()) == {"unchanged"}


def test_terms_that_change_after_the_extract_is_gone_ask_for_it(ran: Partnership) -> None:
    resign(ran, "housing", lambda terms: terms["tables"]["duty"].update(end_reason=["drop"]))
    for path in (ran.folder / "inbox" / "housing").iterdir():
        path.unlink()
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 1
    assert "Ask housing to send it again" in found.stderr


@pytest.mark.usefixtures("slight")
def test_a_column_the_agreement_does_not_list_is_dropped_counted_and_told(ran: Partnership) -> None:
    path = ran.inbox("housing", "duty")
    frame = pl.read_csv(path, infer_schema=False)
    frame.with_columns(
        officer_notes=pl.lit("CANARYNOTE"), **{"Quillfeather 1": pl.lit("CANARYNOTE")}
    ).write_csv(path)
    ran.inbox("police", "suspected_drug_death").write_text("death_ref,CANARYNOTE\n1,CANARYNOTE\n")
    report = run_refresh(ran.settings)
    assert report["partners"]["housing"]["over_shared_columns"] == 2
    assert report["partners"]["police"]["over_shared_columns"] == 1
    whole = ran.folder / "over-sharing" / report["run_id"] / "police.txt"
    assert "suspected_drug_death: the whole table, unread" in whole.read_text()
    assert "suspected_drug_death,the whole table,\n" in whole.with_suffix(".csv").read_text()
    (_, said) = [one for one in report["warnings"] if "does not list; they" in one]
    told = ran.folder / "over-sharing" / report["run_id"] / "housing.txt"
    assert str(told.relative_to(ran.folder)) in said
    listed = told.with_suffix(".csv").read_bytes()
    assert listed.decode().splitlines() == [
        "table,column,rows",
        f"duty,column {frame.width + 1} of the file,{frame.height}",
        f"duty,column {frame.width + 2} of the file,{frame.height}",
    ]
    words = told.read_text()
    assert f"duty: column {frame.width + 1} of the file, in {frame.height:,} rows" in words
    assert "version 1" in words and "officer_notes" not in words
    assert "CANARYNOTE" not in words and "uillfeather" not in words
    with open_control(ran.settings) as control:
        entries = [one for one in control.audit_entries("erasure") if "report" in one.detail]
    proof = next(one for one in entries if one.partner == "housing")
    assert {one.partner for one in entries} == {"police", "housing"}
    digest = "sha256:" + hashlib.sha256(listed).hexdigest()
    assert proof.detail["report"] == digest
    assert "CANARYNOTE" not in json.dumps(report) and "officer_notes" not in json.dumps(report)


@pytest.mark.usefixtures("slight")
def test_an_extract_is_removed_where_the_agreement_says_so(ran: Partnership) -> None:
    resign(ran, "police", lambda terms: terms.update(inbox_after_staging="remove"))
    run_refresh(ran.settings)
    assert list((ran.folder / "inbox" / "police").iterdir()) == []
    assert ran.inbox("housing", "duty").exists()
    with open_control(ran.settings) as control:
        erased = control.audit_entries("erasure")
    assert [(one.partner, one.detail) for one in erased] == [
        ("police", {"files": 2}),
        (None, {"stores": 1}),  # those that the run replaced
    ]


def test_what_was_done_is_in_the_audit_record(ran: Partnership) -> None:
    ran.select("SELECT count(*) FROM person")
    with open_control(ran.settings) as control:
        entries = control.audit_entries()
    actions = [one.action for one in entries]
    assert actions.count("collection") == actions.count("alteration") == 4
    assert actions.count("combination") == 1 and actions[-1] == "consultation"
    assert all(one.actor and one.purpose for one in entries)


@pytest.mark.usefixtures("slight")
def test_a_copied_folder_runs_where_it_lands(
    ran: Partnership, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = ran.select("SELECT person_id FROM person ORDER BY 1")
    ran.folder.rename(tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.delenv("JOURNEYS_CONFIG", raising=False)
    from typer.testing import CliRunner

    from flows.cli import app

    done = CliRunner().invoke(app, ["run", "--no-server"])
    assert done.exit_code == 0, done.stderr
    asked = CliRunner().invoke(
        app, ["sql", "SELECT person_id FROM person ORDER BY 1", "--format", "csv"]
    )
    assert asked.stdout.split() == ["person_id", *(str(row[0]) for row in people)]


def test_only_the_last_releases_are_kept(ran: Partnership) -> None:
    text = ran.config.read_text().replace("keep_releases: 5", "keep_releases: 2")
    ran.config.write_text(text)
    # With the one it had run already they are three, of which the last carries over the second's.
    ids = [run_refresh(ran.settings)["run_id"] for _ in range(2)]
    # Nothing had changed, so the first one's draft still stands.
    (first,) = [p.name for p in (ran.folder / "drafts").iterdir()]
    assert sorted(p.name for p in (ran.folder / "releases").iterdir()) == [first, ids[1]]
    assert [p.name for p in (ran.folder / "stores").iterdir()] == ids[1:]


@pytest.mark.usefixtures("slight")
def test_quarantine_lists_are_kept_while_their_extract_is_staged(ran: Partnership) -> None:
    (staged_by,) = (ran.folder / "quarantine").iterdir()
    ran.config.write_text(ran.config.read_text().replace("keep_releases: 5", "keep_releases: 1"))
    for _ in range(2):
        run_refresh(ran.settings)
    assert list((ran.folder / "quarantine").iterdir()) == [staged_by]


def test_data_as_at_is_the_latest_event_and_never_ahead(ran: Partnership) -> None:
    today = local_day(utc_now())
    with open_control(ran.settings) as control:
        reached = {one.partner: one.data_as_at for one in control.staged_extracts().values()}
    assert all(date(2026, 1, 1) <= day <= min(today, date(2026, 6, 30)) for day in reached.values())


def test_a_few_mistyped_dates_do_not_stretch_an_extract() -> None:
    days = [date(2026, 6, 1) + timedelta(days=n) for n in range(30)]
    slips = [date(2026, 10, 29)] * (SLIPS - 1)
    frame = pl.DataFrame({"modst": days + slips, "dob": [date(1990, 1, 1)] * (30 + len(slips))})
    run_day = date(2026, 11, 22)
    assert data_reach([frame], run_day) == date(2026, 6, 30)
    assert data_reach([frame.head(30)], run_day) == date(2026, 6, 26)
    assert data_reach([frame], date(2026, 6, 10)) == date(2026, 6, 6)
    ahead = pl.DataFrame({"end_date": [date(2027, 1, 1)] * 40})
    assert data_reach([ahead], run_day) == run_day
    assert data_reach([], run_day) == run_day


def resign(partnership: Partnership, partner: str, change) -> None:  # type: ignore[no-untyped-def]
    """Change an agreement's terms and have it signed as it then stands."""
    path = partnership.folder / "agreements" / f"{partner}.yaml"
    terms = yaml.safe_load(path.read_text())
    change(terms)
    path.write_text(yaml.safe_dump(terms))
    digest = load_agreement(path).document_digest
    for signature in terms["signatures"]:
        signature["document_digest"] = digest
    path.write_text(yaml.safe_dump(terms))
