"""The evidence folder: whole, told honestly, signed, and found out when it is changed."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from copying import copied_whole
from leak_scan import Needles, scan_tree
from typer.testing import CliRunner

from flows.cli import app
from flows.evidence.folder import (
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    Evidence,
    NotAsMade,
    gather,
    make_evidence,
    verify_evidence,
)
from flows.evidence.given import attack_results
from flows.evidence.part import TITLES, Asked, Part
from flows.evidence.parts import GATHERED
from flows.keys.rotation import rotate
from flows.publication.publish import approve_for_demonstration
from flows.record.checkpoints import verify_record
from flows.record.signing import public_keys, sign_text
from flows.settings import Settings, load_settings
from flows.spreadsheets import csv_text
from governance.controls.mapping import ANSWERS, mapped, schemes
from schemas.errors import ConfigError, StoreError

ROOT = Path(__file__).parents[2]
TELLING = {"pnc_id", "cro_number", "crn", "noms_number", "nino", "nhsno", "postcode"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, ran_original: Path) -> Settings:
    """A partnership that has published once."""
    folder = tmp_path_factory.mktemp("evidence") / "partnership"
    copied_whole(ran_original, folder)
    found = load_settings(folder / "partnership.yaml")
    approve_for_demonstration(found)
    return found


@pytest.fixture(scope="module")
def made(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Evidence, Path]:
    return make_evidence(settings, tmp_path_factory.mktemp("made"), Asked())


@pytest.fixture
def folder(made: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[1], tmp_path / "folder"))


def part(evidence: Evidence, name: str) -> Part:
    return next(one for one in evidence.parts if one.name == name)


def test_every_part_is_there_and_what_is_missing_is_told(made) -> None:
    evidence, folder = made
    assert [one.name for one in evidence.parts] == list(GATHERED) == list(TITLES)
    assert evidence.named("failed") == []
    page, text = (folder / "index.html").read_text(), (folder / "evidence.md").read_text()
    for one in evidence.parts:
        assert one.said and one.title in page and one.title in text
        assert (folder / "parts" / f"{one.name}.csv").is_file() == bool(one.rows)
    assert part(evidence, "record").state == "found" and "as they were made" in page
    assert part(evidence, "tests").state == "missing" and "No test run was given" in page
    assert json.loads((folder / "evidence.json").read_text())["made_at"]


def test_who_keeps_the_folder_is_a_witness_of_the_record(made, settings) -> None:
    folder = made[1]
    found = verify_record(settings, [folder / "checkpoint.txt"])
    assert found.sound and found.witnesses == 1
    documents = {path.name for path in (folder / "documents").iterdir()}
    assert documents == {"record-of-processing.md", "data-flow.md", "privacy-notice.md"}


def test_what_it_says_is_so(made, settings) -> None:
    evidence, folder = made
    with (folder / "parts" / "agreements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["partner"] for row in rows] == list(settings.partners)
    assert all(
        row["state"] == "in force" and len(row["digest of the document"]) > 60 for row in rows
    )
    assert [row[2] for row in part(evidence, "publications").rows] == ["verified"]
    assert {row[0] for row in part(evidence, "keys").rows} == set(settings.keys.named)
    said = dict(part(evidence, "configuration").rows)
    assert said["smallest count that is published"] == settings.disclosure.threshold
    assert part(evidence, "attack").said[1].startswith("Packaged results")


def test_no_identifier_and_no_key_is_in_it(made, settings) -> None:
    values = set()
    for path in (settings.folder / "inbox").rglob("*.csv"):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                values |= {row[name] for name in TELLING & row.keys() if row[name]}
    keys = [one.read_text().split()[-1] for one in (settings.folder / "keys").glob("*.key")]
    assert len(values) > 300 and keys
    assert scan_tree(made[1], Needles({*values, *keys})) == {}


def test_the_page_needs_nothing_and_runs_nothing(made) -> None:
    page = (made[1] / "index.html").read_text()
    assert "default-src 'none'" in page and "<script" not in page
    assert "http://" not in page and "https://" not in page and "src=" not in page


def test_it_is_verified_by_its_own_key_and_by_one_that_was_given(made, settings, tmp_path) -> None:
    folder = made[1]
    own = verify_evidence(folder)
    assert own.signed and not own.known and own.files > 10
    given = tmp_path / "given.pub"
    given.write_text(public_keys(settings)[1].text())
    assert verify_evidence(folder, given).known
    other = public_keys(settings)[1].text()
    swapped = other.replace(public_keys(settings)[1].key.hex(), "ab" * 32)
    given.write_text(swapped)
    with pytest.raises(Exception, match=r"not of that key|public half"):
        verify_evidence(folder, given)


def test_a_key_that_was_given_before_a_rotation_knows_the_next(settings, folder, tmp_path) -> None:
    given = tmp_path / "given.pub"
    given.write_text(public_keys(settings)[1].text())
    copied_whole(settings.folder, tmp_path / "rotated")
    rotated = load_settings(tmp_path / "rotated" / "partnership.yaml")
    for epoch in (2, 3):
        rotate(rotated, "record")
        (folder / SIGNATURE).write_text(sign_text(rotated, (folder / MANIFEST).read_text()))
        (folder / PUBLIC_KEY).write_text(public_keys(rotated)[epoch].text())
        if epoch == 2:
            assert verify_evidence(folder, given).known
    with pytest.raises(NotAsMade, match=r"ask for record-key-3\.pub"):
        verify_evidence(folder, given)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "evidence.md").write_text("Everything is well."),
        lambda folder: (folder / "parts" / "keys.csv").unlink(),
        lambda folder: (folder / "parts" / "more.csv").write_text("a,b\n"),
        lambda folder: (folder / MANIFEST).write_text("nothing"),
        lambda folder: (folder / MANIFEST).unlink(),
        lambda folder: (folder / MANIFEST).write_text(
            "\n".join((folder / MANIFEST).read_text().splitlines()[1:]) + "\n"
        ),
        lambda folder: (folder / SIGNATURE).write_text("none"),
        lambda folder: (folder / PUBLIC_KEY).unlink(),
        lambda folder: ((folder / "index.html").unlink(), (folder / "index.html").symlink_to("x")),
    ],
)
def test_whatever_is_changed_is_found_out(folder, change) -> None:
    change(folder)
    with pytest.raises(
        Exception, match=r"not as listed|not a list|not there|signature|be read|is not"
    ):
        verify_evidence(folder)


def test_a_folder_whose_signature_was_taken_away_is_no_proof(folder) -> None:
    (folder / SIGNATURE).unlink()
    (folder / PUBLIC_KEY).unlink()
    with pytest.raises(NotAsMade, match="NOT signed"):
        verify_evidence(folder)
    asked = CliRunner().invoke(app, ["evidence", "--verify", str(folder)])
    assert asked.exit_code != 0 and "NOT signed" in asked.stderr
    told = CliRunner().invoke(app, ["evidence", "--verify", str(folder), "--unsigned"])
    assert told.exit_code == 0 and "NOT signed" in told.stdout
    with pytest.raises(NotAsMade, match="NOT signed"):
        verify_evidence(folder, folder / MANIFEST, unsigned=True)


def test_no_cell_is_a_formula_in_a_spreadsheet() -> None:
    for text in ("=1+1", "+1+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1"):
        (row,) = csv.reader(io.StringIO(csv_text([["a", text, -3, "-3"]]), newline=""), strict=True)
        assert row == ["a", f"'{text}", "-3", "-3"]


def test_a_lapsed_agreement_and_a_lost_key_fail_and_hide_nothing(ran) -> None:
    agreement = ran.folder / "agreements" / "police.yaml"
    today = datetime.now(UTC).date().isoformat()
    agreement.write_text(agreement.read_text().replace(f"starts: {today}", "starts: 2999-01-01"))
    (ran.folder / "keys" / "seal.key").unlink()
    found = gather(ran.settings, Asked())
    failed = {one.name for one in found.named("failed")}
    assert failed == {"agreements", "keys"}
    assert part(found, "agreements").said == ("Not in force: police.",)
    assert len(found.parts) == len(GATHERED)
    done = ran.journeys("evidence", "--out", str(ran.folder.parent / "out"))
    assert done.exit_code == 1 and "failed   Agreements" in done.stdout


def test_a_spoilt_publication_fails(settings, tmp_path) -> None:
    (published,) = (settings.folder / "publications").iterdir()
    spoilt = next(path for path in published.rglob("*.csv"))
    text = spoilt.read_text()
    spoilt.chmod(0o600)
    try:
        spoilt.write_text(text + "more\n")
        assert part(gather(settings, Asked()), "publications").state == "failed"
    finally:
        spoilt.write_text(text)


def test_results_that_were_given_are_said_to_be(ran, tmp_path) -> None:
    attack, tests = tmp_path / "mine.json", tmp_path / "tests.xml"
    one = {"attack": "insider", "target": "anchored records", "overlap": 0.2, "budget": 0.005}
    weak = {**one, "target": "bare token forename"}
    attack.write_text(
        json.dumps(
            [
                {**one, "reidentified": 0.1, "passed": False},
                {**weak, "reidentified": 0.2, "passed": False},
            ]
        )
    )
    tests.write_text(
        '<testsuites><testsuite timestamp="2026-11-22T10:00:00">'
        '<testcase classname="tests.leaks.a"/>'
        '<testcase classname="tests.leaks.a"><failure/></testcase></testsuite></testsuites>'
    )
    found = gather(ran.settings, Asked(attack, tests))
    said = part(found, "attack").said
    assert said[1] == "Results given with this folder, from mine.json."
    assert said[0].startswith("1 of 1 results") and said[2].startswith("1 of 1 weak")
    assert part(found, "tests").state == "failed"
    assert part(found, "tests").rows == (("tests.leaks.a", 2, 1, 0),)
    for text in ("", "[]", '[{"attack": 1}]', "{"):
        attack.write_text(text)
        with pytest.raises(ConfigError):
            attack_results(attack)
    tests.write_text("<a")
    broken = part(gather(ran.settings, Asked(None, tests)), "tests")
    assert broken.state == "failed" and "cannot be read" in broken.said[0]


def test_it_does_not_lie_among_what_is_kept_and_one_of_two_is_asked_for(ran) -> None:
    for words in (
        ("--out", str(ran.folder / "stores")),
        (),
        ("--out", "x", "--verify", "y"),
    ):
        assert ran.journeys("evidence", *words).exit_code == 2
    assert ran.journeys("evidence", "--verify", str(ran.folder)).exit_code == 1


def test_the_lists_of_controls_hold_together() -> None:
    names = set(GATHERED)
    known = {one.scheme for one in schemes()}
    assert len(known) == 5 and len({(one.scheme, one.ref) for one in mapped()}) == len(mapped())
    for one in mapped():
        assert one.scheme in known and one.answer in ANSWERS, one
        assert (one.status == "confirmed") is bool(one.source), one
        assert one.status in ("confirmed", "unconfirmed"), one
        assert set(one.parts) <= names, one
        assert one.here or one.answer == "outside", one
        assert one.remains or one.answer == "met" or one.here.startswith("As DSPT") or one.more, one
        for place in filter(None, one.more.split("; ")):
            assert (ROOT / place).exists(), place
    cloud = [one for one in mapped() if one.scheme == "cloud-principles"]
    essentials = [one for one in mapped() if one.scheme == "cyber-essentials"]
    assert (len(cloud), len(essentials)) == (14, 5)


def test_a_record_that_was_changed_fails(ran) -> None:
    with sqlite3.connect(ran.folder / "control.db") as database:
        database.execute("UPDATE audit_entry SET actor = 'somebody else' WHERE entry_id = 2")
    assert part(gather(ran.settings, Asked()), "record").state == "failed"


def test_evidence_of_a_record_that_takes_nothing_in_is_made_and_says_so(ran, tmp_path) -> None:
    with sqlite3.connect(ran.folder / "control.db") as database:
        database.execute("DELETE FROM record_leaf WHERE number = 2")
        database.execute("UPDATE record_head SET size = size + 1")
    with pytest.raises(StoreError, match="cannot be recorded"):
        make_evidence(ran.settings, tmp_path / "out", Asked())
    (folder,) = (tmp_path / "out").glob("evidence-*")
    assert verify_evidence(folder).signed and "failed" in (folder / "evidence.md").read_text()
