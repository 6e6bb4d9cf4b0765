"""`journeys agreements`: what an officer asks of agreements, before any run was made."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from flows.cli import app
from flows.clock import local_day, utc_now
from flows.start import start

TODAY = local_day(utc_now())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("agreements") / "demo"
    start(made, demo=True, today=TODAY)
    return made


def journeys(folder: Path, *words: str) -> Result:
    config = str(folder / "partnership.yaml")
    return CliRunner().invoke(app, ["agreements", *words, "--config", config])


def test_bare_it_lists_and_the_report_has_the_same(folder: Path, tmp_path: Path) -> None:
    found = journeys(folder, "--json", str(tmp_path / "states.json"))
    assert found.exit_code == 0, found.output
    assert found.stdout.count("in force") == 4
    states = yaml.safe_load((tmp_path / "states.json").read_text())
    assert {one["version"] for one in states.values()} == {1}
    assert states["police"]["days_left"] == 365


def test_a_version_that_lies_beside_the_file_is_not_passed_over_in_silence(folder: Path) -> None:
    """Nobody reads it there, and whoever put it there thinks that it will follow."""
    assert "Note" not in journeys(folder).stdout
    beside = folder / "agreements" / "housing-2.yaml"
    beside.write_text((folder / "agreements" / "housing.yaml").read_text())
    found = journeys(folder)
    beside.unlink()
    assert found.exit_code == 0 and "Note  1 more files beside" in found.stdout


def test_show_says_the_law_every_field_and_the_digest(folder: Path) -> None:
    found = journeys(folder, "show", "treatment")
    assert found.exit_code == 0
    for said in ("Article 9(2)(h)", "episode.drug1", "care record", "Digest: sha256:"):
        assert said in found.stdout
    assert journeys(folder, "show", "treatment", "--version", "1").stdout == found.stdout
    assert journeys(folder, "show", "treatment", "--version", "7").exit_code == 2
    assert journeys(folder, "show", "mayor").exit_code == 2


def test_check_and_diff_tell_what_a_new_file_would_do(folder: Path, tmp_path: Path) -> None:
    old = folder / "agreements" / "housing.yaml"
    assert journeys(folder, "check", str(old)).exit_code == 0
    content = yaml.safe_load(old.read_text())
    content["expires"] += timedelta(days=365)
    content["tables"]["person"]["shoe_size"] = ["keep"]
    new = tmp_path / "housing-2.yaml"
    new.write_text(yaml.safe_dump(content))
    checked = journeys(folder, "check", str(new))
    assert checked.exit_code == 1
    assert "shoe_size" in checked.stdout and "changed after it was signed" in checked.stdout
    assert "Digest to be signed: sha256:" in checked.stdout
    compared = journeys(folder, "diff", str(old), str(new))
    assert compared.exit_code == 0
    assert "Field added: person.shoe_size, keep." in compared.stdout
    assert journeys(folder, "diff", "housing", "1", "1").stdout == "They say the same.\n"
    assert journeys(folder, "diff", "housing").exit_code == 2


@pytest.mark.parametrize("notice", ["record-of-processing", "data-flow", "privacy-notice"])
def test_notices_are_written_whole_and_say_whom_they_leave_out(
    folder: Path, tmp_path: Path, notice: str
) -> None:
    out = tmp_path / f"{notice}.html"
    found = journeys(folder, notice, "--out", str(out))
    assert found.exit_code == 0, found.output
    assert out.read_text().endswith("</html>\n") and "Not in it" not in found.stdout
    assert journeys(folder, notice, "--out", str(tmp_path / "notice.doc")).exit_code == 2
    assert journeys(folder, notice, "--out", str(folder / "keys" / "x.md")).exit_code == 2


def test_a_partner_without_an_agreement_is_named_beside_the_notice(
    folder: Path, tmp_path: Path
) -> None:
    path = folder / "agreements" / "police.yaml"
    text = path.read_text()
    try:
        path.write_text(text.replace("retention_days: 1095", "retention_days: 9"))
        found = journeys(folder, "privacy-notice", "--out", str(tmp_path / "notice.md"))
    finally:
        path.write_text(text)
    assert "Not in it, for want of an agreement in force: police." in found.stdout
    assert "Constabulary" not in (tmp_path / "notice.md").read_text()
