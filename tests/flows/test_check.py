"""`journeys check`: a partner's own desk, no configuration, nothing stored, never a value."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from flows.cli import app
from schemas.tables import TABLES
from synthetic import write_extracts

CANARY = "Xanthippequill"


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inboxes of four partners whose every record is sound."""
    folder = tmp_path_factory.mktemp("sent")
    write_extracts(120, 11, folder)
    for partner in TABLES:
        make_sound(folder / "inbox" / partner, partner)
    return folder / "inbox"


def make_sound(inbox: Path, partner: str) -> None:
    """Leave out the rows that a check finds, with those that belong to them."""
    for _ in range(4):
        found = inbox.parent / "found.csv"
        if check(partner, inbox, "--csv", found).exit_code == 0:
            break
        rows = pl.read_csv(found).filter(pl.col("outcome") == "quarantine")
        for table in rows["table"].unique():
            path = inbox / f"{table}.csv"
            bad = rows.filter(pl.col("table") == table)["row"].unique()
            frame = pl.read_csv(path, infer_schema=False).with_row_index("at", 1)
            frame.filter(~pl.col("at").is_in(bad.implode())).drop("at").write_csv(path)
    (inbox.parent / "found.csv").unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A partner's own machine: an empty folder and no partnership."""
    folder = tmp_path / "desk"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("JOURNEYS_CONFIG", raising=False)
    return folder


def check(partner: str, *words: object) -> Result:
    return CliRunner().invoke(app, ["check", partner, *map(str, words)])


def broken(sent: Path, folder: Path, row: int = 3, **values: str) -> Path:
    """A copy of the police's files in which one custody row has other values."""
    copy = folder / "police"
    copy.mkdir()
    for path in (sent / "police").iterdir():
        frame = pl.read_csv(path, infer_schema=False)
        if path.stem == "custody":
            at = pl.int_range(1, pl.len() + 1) == row
            frame = frame.with_columns(
                pl.when(at).then(pl.lit(value)).otherwise(name).alias(name)
                for name, value in values.items()
            )
        frame.write_csv(copy / path.name)
    return copy


@pytest.mark.parametrize("partner", TABLES)
def test_a_sound_extract_is_accepted_and_nothing_is_stored(
    sent: Path, desk: Path, partner: str
) -> None:
    before = {path: path.stat().st_mtime_ns for path in sent.rglob("*")}
    found = check(partner, sent / partner)
    assert found.exit_code == 0, found.output
    assert "Accepted" in found.stdout
    for table in TABLES[partner]:
        if (sent / partner / f"{table.name}.csv").exists():
            assert re.search(rf"^{table.name} +[\d,]+ +[\d,]+ +0 ", found.stdout, re.MULTILINE)
    assert list(desk.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in sent.rglob("*")} == before


def test_a_bad_row_is_told_by_row_column_rule_and_count(
    sent: Path, tmp_path: Path, desk: Path
) -> None:
    folder = broken(sent, tmp_path, outcome=CANARY)
    reports = [desk / "out" / name for name in ("check.html", "check.csv", "check.json")]
    html, rows, as_json = reports
    html.parent.mkdir()
    found = check("police", folder, "--html", html, "--csv", rows, "--json", as_json)
    assert found.exit_code == 1
    assert "Quarantined" in found.stdout
    assert re.search(r"custody\.outcome +code_unknown +quarantined +1 +3\b", found.stdout)
    with rows.open(newline="") as file:
        told = list(csv.DictReader(file))
    assert {
        "table": "custody", "row": "3", "column": "outcome", "rule": "code_unknown",
        "outcome": "quarantine", "count": "1",
    } in told  # fmt: skip
    report = json.loads(as_json.read_text())
    assert report["verdict"] == "quarantined"
    assert [(r["rule"], r["count"]) for r in report["rules"] if r["column"] == "outcome"] == [
        ("code_unknown", 1)
    ]
    page = html.read_text()
    assert "code_unknown" in page and "A code is in the code list." in page
    said = found.output + "".join(path.read_text() for path in reports)
    assert CANARY not in said


def test_no_value_of_any_record_is_in_any_report(sent: Path, tmp_path: Path, desk: Path) -> None:
    everything = dict.fromkeys(
        pl.read_csv(sent / "police" / "custody.csv", n_rows=0).columns, CANARY
    )
    folder = broken(sent, tmp_path, **everything)
    reports = [desk / name for name in ("check.html", "check.csv", "check.json")]
    html, rows, as_json = reports
    found = check("police", folder, "--html", html, "--csv", rows, "--json", as_json)
    assert found.exit_code == 1
    said = found.output + "".join(path.read_text() for path in reports)
    assert CANARY not in said
    custody = pl.read_csv(folder / "custody.csv", infer_schema=False)
    for column in ("custody_ref", "surname", "pnc_id", "postcode"):
        assert not any(value in said for value in custody[column].drop_nulls())


def test_own_record_keys_are_shown_on_the_screen_alone(
    sent: Path, tmp_path: Path, desk: Path
) -> None:
    folder = broken(sent, tmp_path, outcome=CANARY)
    key = pl.read_csv(folder / "custody.csv", infer_schema=False)["custody_ref"][2]
    reports = [desk / name for name in ("check.html", "check.csv", "check.json")]
    html, rows, as_json = reports
    assert key not in check("police", folder).output
    found = check("police", folder, "--show-keys", "--html", html, "--csv", rows, "--json", as_json)
    assert found.exit_code == 1 and key in found.stdout
    assert CANARY not in found.output
    assert not any(key in path.read_text() for path in reports)


def test_a_key_cannot_command_the_terminal(sent: Path, tmp_path: Path) -> None:
    folder = broken(sent, tmp_path, custody_ref="A\x1b[2JB[bold]C")
    found = check("police", folder, "--show-keys")
    assert "\x1b" not in found.stdout
    assert "A�[2JB[bold]C" in found.stdout


@pytest.mark.parametrize("how", ["environment", "here", "above"])
def test_a_hub_shows_no_keys(
    sent: Path, tmp_path: Path, desk: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    folder = broken(sent, tmp_path, outcome="?")
    if how == "environment":
        monkeypatch.setenv("JOURNEYS_CONFIG", "/somewhere/partnership.yaml")
    elif how == "here":
        (desk / "partnership.yaml").touch()
    else:
        (tmp_path / "partnership.yaml").touch()
    found = check("police", folder, "--show-keys")
    assert found.exit_code == 2 and "partner's own desk" in found.stderr
    assert found.stdout == ""
    assert check("police", folder).exit_code == 1, "without keys it may be checked there"


def test_a_single_table_is_checked_for_what_can_be_seen(sent: Path) -> None:
    found = check("police", sent / "police" / "drug_test.csv")
    assert found.exit_code == 0
    assert "Not checked: Whether the records of drug_test belong to records of custody" in (
        found.stdout
    )


def test_files_given_together_are_checked_together(sent: Path, tmp_path: Path) -> None:
    folder = broken(sent, tmp_path, outcome="?")
    files = [folder / "custody.csv", folder / "drug_test.csv"]
    found = check("police", *files)
    assert found.exit_code == 1 and "Not checked" not in found.stdout


def test_a_file_is_recognised_by_a_word_of_its_name_or_by_an_option(
    sent: Path, tmp_path: Path
) -> None:
    for name in ("Export_DRUG_TEST_2026-11.csv", "monday.csv"):
        (tmp_path / name).write_bytes((sent / "police" / "drug_test.csv").read_bytes())
    assert check("police", tmp_path / "Export_DRUG_TEST_2026-11.csv").exit_code == 0
    unclear = check("police", tmp_path / "monday.csv")
    assert unclear.exit_code == 2 and "not clear which table file 1" in unclear.stderr
    assert check("police", tmp_path / "monday.csv", "--table", "drug_test").exit_code == 0


def test_a_refused_extract_says_why_and_what_else_is_wrong(sent: Path, tmp_path: Path) -> None:
    folder = broken(sent, tmp_path, outcome="?")
    (folder / "drug_test.csv").write_text(f"nonsense\n{CANARY}\n")
    found = check("police", folder)
    assert found.exit_code == 1 and "Rejected" in found.stdout
    assert "The police drug_test file" in found.stdout
    assert "code_unknown" in found.stdout, "the other table is checked all the same"
    assert CANARY not in found.output


def test_an_extract_that_is_mostly_wrong_is_rejected_with_its_rows(
    sent: Path, tmp_path: Path, desk: Path
) -> None:
    folder = broken(sent, tmp_path)
    path = folder / "custody.csv"
    frame = pl.read_csv(path, infer_schema=False).with_columns(outcome=pl.lit(CANARY))
    frame.write_csv(path)
    found = check("police", folder, "--csv", desk / "check.csv")
    assert found.exit_code == 1
    assert f"Of {frame.height} rows of the police custody table" in found.stdout
    told = pl.read_csv(desk / "check.csv").filter(pl.col("rule") == "code_unknown")
    assert told.height == frame.height and CANARY not in found.output


def test_a_missing_table_of_a_folder_is_told(sent: Path, tmp_path: Path) -> None:
    folder = broken(sent, tmp_path)
    (folder / "drug_test.csv").unlink()
    found = check("police", folder)
    assert found.exit_code == 1 and "lacks drug_test" in found.stdout


def test_columns_not_sent_and_not_known_are_told(sent: Path, tmp_path: Path) -> None:
    folder = broken(sent, tmp_path)
    path = folder / "custody.csv"
    frame = pl.read_csv(path, infer_schema=False).drop("offence_class")
    frame.with_columns(pl.lit("x").alias(CANARY)).write_csv(path)
    found = check("police", folder)
    assert found.exit_code == 0
    assert "custody was sent without offence_class" in found.stdout
    assert "custody has 1 column(s) that are not in the layout" in found.stdout
    assert CANARY not in found.output


def test_an_identifier_that_is_missing_is_refused_as_the_hub_would(
    sent: Path, tmp_path: Path
) -> None:
    folder = broken(sent, tmp_path)
    path = folder / "custody.csv"
    pl.read_csv(path, infer_schema=False).drop("surname", "dob").write_csv(path)
    found = check("police", folder)
    assert found.exit_code == 1 and "Rejected" in found.stdout
    assert "lack custody.dob, custody.surname, which the layout gives" in found.stdout
    policy = tmp_path / "policy.yaml"
    policy.write_text("missing_columns: {identifier: warn}\n")
    warned = check("police", folder, "--policy", policy)
    assert warned.exit_code == 0
    assert "custody was sent without surname, dob, which the layout gives" in warned.stdout
    policy.write_text("missing_columns: {attribute: stop}\n")
    pl.read_csv(sent / "police" / "custody.csv", infer_schema=False).drop("outcome").write_csv(path)
    assert check("police", path, "--policy", policy).exit_code == 1, "of one table too"


def test_a_column_that_the_mapping_does_not_give_is_not_missing(sent: Path, tmp_path: Path) -> None:
    folder = broken(sent, tmp_path)
    path = folder / "custody.csv"
    pl.read_csv(path, infer_schema=False).drop("pnc_id").write_csv(path)
    tables = {
        name: {
            "file": f"{name}.csv",
            "columns": {c: c for c in pl.read_csv(folder / f"{name}.csv", n_rows=0).columns},
        }
        for name in ("custody", "drug_test")
    }
    mapping = {"partner": "police", "system": "ours", "title": "Ours", "tables": tables}
    (tmp_path / "police-ours.yaml").write_text(yaml.safe_dump(mapping))
    files = [folder / "custody.csv", folder / "drug_test.csv"]
    ours = ["--system", "ours", "--mappings", tmp_path]
    found = check("police", *files, *ours)
    assert found.exit_code == 0, found.stdout
    assert "custody has no pnc_id: the mapping gives none" in found.stdout
    tables["custody"]["columns"]["pnc_id"] = "PNC"
    (tmp_path / "police-ours.yaml").write_text(yaml.safe_dump(mapping))
    refused = check("police", *files, *ours)
    assert refused.exit_code == 1 and "lack custody.pnc_id" in refused.stdout


def test_rows_are_those_of_the_file_where_tables_share_it(tmp_path: Path, desk: Path) -> None:
    names = {
        "custody": ["custody_ref", "arrest_date", "forename", "surname", "dob", "outcome"],
        "drug_test": ["drug_test_ref", "custody_ref", "test_date", "result"],
    }
    tables = {
        name: {"file": "one.csv", "shared_rows": True, "columns": {c: c for c in columns}}
        for name, columns in names.items()
    }
    mapping = {"partner": "police", "system": "ours", "title": "Ours", "tables": tables}
    (tmp_path / "police-ours.yaml").write_text(yaml.safe_dump(mapping))
    person = "2024-01-05,Jo,Smith,1980-02-03"
    rows = [
        f"C1,{person},,T1,2024-01-05,NEG",
        f"C1,{person},,T2,2024-01-05,NEG",
        "",
        f"C2,{person},,,,",
        f"C3,{person},{CANARY},T3,2024-01-05,{CANARY}",
    ]
    header = "custody_ref,arrest_date,forename,surname,dob,outcome,drug_test_ref,test_date,result"
    path = tmp_path / "one.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    words = ["--system", "ours", "--mappings", tmp_path, "--csv", desk / "o.csv", "--show-keys"]
    found = check("police", path, *words)
    told = pl.read_csv(desk / "o.csv")
    assert set(told["row"]) == {5}, found.stdout
    assert {"custody", "drug_test"} == set(told["table"])
    assert re.search(r"custody +5 +C3 ", found.stdout)
    assert CANARY not in found.output


def test_tables_that_were_not_given_are_named(sent: Path) -> None:
    found = check(
        "housing", *(sent / "housing" / f"{name}.csv" for name in ("application", "person"))
    )
    assert found.exit_code == 0
    assert "Not checked: duty, tenancy: not given" in found.stdout


def test_what_is_not_read_of_a_folder_is_told(sent: Path, tmp_path: Path) -> None:
    folder = broken(sent, tmp_path)
    (folder / f"{CANARY} notes.csv").touch()
    (folder / ".hidden").touch()
    (folder / "intensive programme.csv").touch()
    found = check("police", folder)
    assert found.exit_code == 0
    assert "Not checked: 2 other file(s) of the folder" in found.stdout
    assert CANARY not in found.output
    (folder / "drug_test.csv").rename(folder / "Drug_Test.xls")
    refused = check("police", folder)
    assert refused.exit_code == 1 and "lacks drug_test" in refused.stdout
    assert "drug_test: something in the folder is named after it" in refused.stdout
    (folder / "Drug_Test.xls").unlink()
    (folder / "drug_test.csv").mkdir()
    assert "drug_test: something in the folder" in check("police", folder).stdout


@pytest.mark.parametrize("option", ["--csv", "--html", "--json"])
def test_a_report_never_takes_the_place_of_what_is_read(
    sent: Path, tmp_path: Path, option: str
) -> None:
    folder = broken(sent, tmp_path)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    link = tmp_path / "link.csv"
    link.symlink_to(folder / "custody.csv")
    policy = tmp_path / "policy.yaml"
    policy.write_text("severity: {rules: {code_unknown: reject}}\n")
    for where in (
        folder / "custody.csv",
        tmp_path / "police" / ".." / "police" / "custody.csv",
        link,
    ):
        found = check("police", folder, option, where)
        assert found.exit_code == 2 and f"The {option} " in found.stderr
    assert check("police", folder, "--policy", policy, option, policy).exit_code == 2
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_two_reports_cannot_have_one_place(sent: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    found = check("police", sent / "police", "--csv", out, "--html", out)
    assert found.exit_code == 2 and not out.exists()


def test_a_hubs_own_lists_and_policy_can_be_given(sent: Path, tmp_path: Path) -> None:
    folder = broken(sent, tmp_path, outcome="999")
    codes = tmp_path / "codes"
    codes.mkdir()
    packaged = Path(__file__).parents[2] / "schemas" / "codes" / "police_outcome.csv"
    own = packaged.read_text().rstrip("\n") + "\n999,Another outcome,,,unconfirmed,local\n"
    (codes / "police_outcome.csv").write_text(own)
    assert check("police", folder).exit_code == 1
    assert check("police", folder, "--codes", codes).exit_code == 0
    policy = tmp_path / "policy.yaml"
    policy.write_text("severity: {rules: {code_unknown: reject}}\n")
    found = check("police", folder, "--policy", policy)
    assert "Rejected" in found.stdout and "refuse the whole extract" in found.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["nobody", "."],
        ["police", "nowhere.csv"],
        ["police", "."],
        ["police"],
        [],
        ["police", ".", "--surprise"],
        ["police", ".", "--policy", "nowhere.yaml"],
        ["police", ".", "--codes", "nowhere"],
        ["police", ".", "--table", "custody"],
        ["police", ".", "--system", "nothing-known"],
    ],
    ids=" ".join,
)
def test_wrong_use(words: list[str]) -> None:
    found = CliRunner().invoke(app, ["check", *words])
    assert found.exit_code == 2
    assert "Traceback" not in found.output


def test_a_report_that_cannot_be_written_is_wrong_use(sent: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = check("police", sent / "police", "--html", tmp_path / "file" / "check.html")
    assert found.exit_code == 2 and "folder" in found.stderr and "--html page" in found.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("outcome", "code"), [("", 0), (CANARY, 1)])
def test_a_reader_that_stops_early_changes_no_verdict(
    sent: Path, tmp_path: Path, outcome: str, code: int
) -> None:
    folder = broken(sent, tmp_path, outcome=outcome)
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-c", "from flows.cli import app; app()", "check", "police", folder]
    found = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (found.returncode, found.stderr) == (code, b"")


def test_help_has_an_example() -> None:
    found = CliRunner().invoke(app, ["check", "--help"])
    assert "Example: journeys check police" in found.stdout
