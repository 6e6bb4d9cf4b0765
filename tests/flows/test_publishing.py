"""Publishing is deliberate: the draft as recorded, two different people, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import few_counts
import pytest

from flows.context import open_control
from flows.refresh import run_refresh
from governance.control import Control
from schemas.errors import StoreError

if TYPE_CHECKING:
    from conftest import Partnership


pytestmark = pytest.mark.usefixtures("slight")


def published(partnership: Partnership) -> list[Path]:
    folder = partnership.folder / "publications"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def change_settings(partnership: Partnership, old: str, new: str) -> None:
    text = partnership.config.read_text()
    assert old in text
    partnership.config.write_text(text.replace(old, new))


def drafted_again(partnership: Partnership) -> dict[str, Any]:
    """The report of a run that has something else to draft."""
    change_settings(partnership, "rounding_base: 5", "rounding_base: 10")
    report = run_refresh(partnership.settings)
    assert report["draft"]["digest"] is not None
    return report


def test_two_different_people_publish_a_draft(ran: Partnership) -> None:
    shown = ran.journeys("publish")
    assert shown.exit_code == 0 and "Waits for 2 approvals" in shown.stdout
    assert "1 of 4 counts" in shown.stdout and "One window more" in shown.stdout
    first = ran.journeys("publish", "--approve", "--officer", "A. Officer")
    assert first.exit_code == 0 and "Waits for 1 approval " in first.stdout
    again = ran.journeys("publish", "--approve", "--officer", " a. officer ")
    assert again.exit_code == 1 and "approved the draft" in again.stderr
    assert published(ran) == []
    second = ran.journeys("publish", "--approve", "--officer", "B. Officer")
    assert second.exit_code == 0 and "Published" in second.stdout
    (folder,) = published(ran)
    record = json.loads((folder / "publication.json").read_text())
    assert [one["officer"] for one in record["approvals"]] == ["A. Officer", "B. Officer"]
    with open_control(ran.settings) as control:
        (disclosure,) = control.audit_entries("disclosure")
    assert disclosure.recipients == "the partnership board"


def test_why_counts_are_masked_and_the_proof_stay_with_the_partnership(ran: Partnership) -> None:
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    (folder,) = published(ran)
    names = {path.name for path in folder.iterdir()}
    assert names == {"publication.json", "release.json", "everyone.csv", "index.html"}
    (certificate,) = (ran.folder / "certificates").rglob("*.certificate")
    assert b"populations" not in certificate.read_bytes()
    release = json.loads((folder / "release.json").read_text())["releases"][0]
    assert len(release["certificate"]) == 64


def test_a_publication_is_verified_anywhere_and_proved_by_an_officer(
    ran: Partnership, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    from flows.cli import app

    ran.journeys("publish", "--demo-officers")
    (folder,) = published(ran)
    there = folder.rename(tmp_path / "travelled")
    found = CliRunner().invoke(app, ["verify", str(there)])
    assert found.exit_code == 0 and "as it was approved" in found.stdout
    assert "Not proved" in found.stdout
    (certificate,) = (ran.folder / "certificates").rglob("*.certificate")
    proved = ran.journeys("verify", str(there), "--certificate", str(certificate))
    assert proved.exit_code == 0 and "may not be told" in proved.stdout, proved.stderr
    (there / "everyone.csv").write_text("sex,count\nFemale,3\n")
    touched = CliRunner().invoke(app, ["verify", str(there)])
    assert touched.exit_code == 1 and "not those that were approved" in touched.stderr


def test_a_nameless_approval_is_refused(ran: Partnership) -> None:
    found = ran.journeys("publish", "--approve", "--officer", "  ")
    assert found.exit_code == 1 and published(ran) == []


def test_demonstration_officers_serve_demonstrations_only(ran: Partnership) -> None:
    change_settings(ran, "demonstration: true", "demonstration: false")
    found = ran.journeys("publish", "--demo-officers")
    assert found.exit_code == 1 and published(ran) == []
    change_settings(ran, "demonstration: false", "demonstration: true")
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    assert len(published(ran)) == 1


def test_a_window_is_published_once(ran: Partnership) -> None:
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    report = run_refresh(ran.settings)
    assert report["draft"]["path"] is None and "Nothing new" in report["draft"]["said"]
    assert not report["warnings"] or all("Nothing new" not in one for one in report["warnings"])
    assert "Nothing new" in ran.journeys("status").stdout
    again = ran.journeys("publish", "--demo-officers")
    assert again.exit_code == 0 and "Published" in again.stdout
    assert len(published(ran)) == 1


def test_a_draft_that_was_touched_is_not_published(ran: Partnership) -> None:
    draft = next((ran.folder / "drafts").iterdir())
    path = next(draft.rglob("*.csv"))
    path.write_text(path.read_text() + "3")
    found = ran.journeys("publish", "--demo-officers")
    assert found.exit_code == 1 and published(ran) == []


def test_a_draft_put_in_the_place_of_another_is_not_published(ran: Partnership) -> None:
    first = next((ran.folder / "drafts").iterdir())
    report = drafted_again(ran)
    newest = ran.folder / "drafts" / report["run_id"]
    for path in [one for one in first.rglob("*") if one.is_file()]:
        (newest / path.relative_to(first)).write_bytes(path.read_bytes())
    found = ran.journeys("publish", "--demo-officers", "--draft", report["run_id"])
    assert found.exit_code == 1 and "not the one that was recorded" in found.stderr


def test_a_draft_that_would_be_made_again_stands(ran: Partnership) -> None:
    first, later = (run_refresh(ran.settings) for _ in range(2))
    assert first["draft"]["digest"] is not None
    assert later["draft"]["digest"] is None and first["run_id"] in later["draft"]["said"]
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    assert [path.name for path in published(ran)] == [first["run_id"]]


def test_an_approval_in_hand_outlives_the_nights(ran: Partnership) -> None:
    with open_control(ran.settings) as control:
        current = control.current_run()
    assert current is not None
    change_settings(ran, "keep_releases: 5", "keep_releases: 1")
    ran.journeys("publish", "--approve", "--officer", "A. Officer")
    for _ in range(2):
        report = run_refresh(ran.settings)
        assert "waits" in report["draft"]["said"] and report["draft"]["digest"] is None
    found = ran.journeys("publish", "--approve", "--officer", "B. Officer")
    assert found.exit_code == 0, found.stderr
    assert [path.name for path in published(ran)] == [current.run_id]


def test_a_draft_made_before_another_publication_is_not_published(ran: Partnership) -> None:
    older = next((ran.folder / "drafts").iterdir()).name
    report = drafted_again(ran)
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    assert [path.name for path in published(ran)] == [report["run_id"]]
    shown = ran.journeys("publish", "--draft", older)
    assert shown.exit_code == 0 and "cannot be published" in shown.stdout
    refused = ran.journeys("publish", "--demo-officers", "--draft", older)
    assert refused.exit_code == 1 and "was not checked" in refused.stderr
    assert older not in ran.journeys("status").stdout


def test_a_draft_that_counts_people_who_were_erased_is_not_published(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    (draft,) = (ran.folder / "drafts").iterdir()
    ran.journeys("publish", "--approve", "--officer", "A. Officer")
    monkeypatch.setattr(Control, "runs_before_an_erasure", lambda self: {draft.name})
    words = ("--approve", "--officer", "B. Officer", "--draft", draft.name)
    refused = ran.journeys("publish", *words)
    assert refused.exit_code == 1 and "people were erased" in refused.stderr
    assert run_refresh(ran.settings)["draft"]["digest"] is not None


def test_an_unrecorded_publication_is_cleared_away(ran: Partnership) -> None:
    with open_control(ran.settings) as control:
        current = control.current_run()
    assert current is not None
    stray = ran.folder / "publications" / current.run_id
    stray.mkdir(parents=True)
    (stray / "table.csv").write_text("people\n3\n")
    run_refresh(ran.settings)
    assert published(ran) == []


def test_a_draft_that_cannot_be_made_leaves_the_release(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("a value that must not be told")

    monkeypatch.setattr("warehouse.publish.making.make", fails)
    report = run_refresh(ran.settings)
    assert report["outcome"] == "committed" and report["draft"]["digest"] is None
    (said,) = [one for one in report["warnings"] if "Nothing was drafted" in one]
    assert "must not be told" not in said
    assert ran.select("SELECT count(*) FROM person")
    assert not (ran.folder / "certificates" / report["run_id"]).exists()


def test_without_an_earlier_publication_nothing_is_drafted(ran: Partnership) -> None:
    ran.journeys("publish", "--demo-officers")
    (folder,) = published(ran)
    kept = (folder / "release.json").read_text()
    for broken in (kept.replace('"threshold":5', '"threshold":8'), ""):
        (folder / "release.json").write_text(broken)
        report = run_refresh(ran.settings)
        assert any("nothing can be published beside it" in one for one in report["warnings"])


def test_what_is_withdrawn_leaves_and_its_window_stays_closed(ran: Partnership) -> None:
    ran.journeys("publish", "--demo-officers")
    (folder,) = published(ran)
    bare = ran.journeys("publish", "--withdraw", folder.name)
    assert bare.exit_code == 2 and "reason" in bare.stderr
    done = ran.journeys("publish", "--withdraw", folder.name, "--reason", "Half an extract")
    assert done.exit_code == 0 and "stay closed" in done.stdout, done.stderr
    assert published(ran) == [] and (ran.folder / "withdrawn" / folder.name).is_dir()
    assert f"Withdrawn       {folder.name}" in ran.journeys("status").stdout
    assert run_refresh(ran.settings)["draft"]["digest"] is None
    again = ran.journeys("publish", "--withdraw", folder.name, "--reason", "Twice")
    assert again.exit_code == 1


def test_a_window_may_be_counted_again_where_that_was_said(ran: Partnership) -> None:
    ran.journeys("publish", "--demo-officers")
    (folder,) = published(ran)
    words = ("--withdraw", folder.name, "--reason", "Half an extract", "--count-again")
    assert "single people" in ran.journeys("publish", *words).stdout
    report = run_refresh(ran.settings)
    assert report["draft"]["digest"] is not None
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    assert [path.name for path in published(ran)] == [report["run_id"]]


def test_what_a_later_pack_shows_is_withdrawn_after_it(ran: Partnership) -> None:
    ran.journeys("publish", "--demo-officers")
    (first,) = published(ran)
    change_settings(ran, "publication_period: year", "publication_period: quarter")
    later = run_refresh(ran.settings)["run_id"]
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    refused = ran.journeys("publish", "--withdraw", first.name, "--reason", "Half an extract")
    assert refused.exit_code == 1 and later in refused.stderr
    for name in (later, first.name):
        done = ran.journeys("publish", "--withdraw", name, "--reason", "Half an extract")
        assert done.exit_code == 0, done.stderr
    assert published(ran) == []


def test_one_thing_is_asked_of_publish_at_a_time(ran: Partnership) -> None:
    for words in (
        ("--approve",),
        ("--officer", "A. Officer"),
        ("--demo-officers", "--withdraw", "x"),
        ("--table", "t.yaml", "--approve", "--officer", "A. Officer"),
    ):
        assert ran.journeys("publish", *words).exit_code == 2, words


def test_the_small_table_stands_in_for_the_whole_pack() -> None:
    """Where nothing stands in, a test of the lifecycle would take minutes without a word."""
    from warehouse.publish import making

    assert making.make is few_counts.make_few
    assert issubclass(StoreError, Exception)
