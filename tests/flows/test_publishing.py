"""Publishing is deliberate: the draft as recorded, two different people, once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from flows.context import open_control
from flows.refresh import run_refresh

if TYPE_CHECKING:
    from conftest import Partnership


def published(partnership: Partnership) -> list[Path]:
    folder = partnership.folder / "publications"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_two_different_people_publish_a_draft(ran: Partnership) -> None:
    shown = ran.journeys("publish")
    assert shown.exit_code == 0 and "Waits for 2 approvals" in shown.stdout
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


def test_a_nameless_approval_is_refused(ran: Partnership) -> None:
    found = ran.journeys("publish", "--approve", "--officer", "  ")
    assert found.exit_code == 1 and published(ran) == []


def test_demonstration_officers_serve_demonstrations_only(ran: Partnership) -> None:
    text = ran.config.read_text()
    ran.config.write_text(text.replace("demonstration: true", "demonstration: false"))
    found = ran.journeys("publish", "--demo-officers")
    assert found.exit_code == 1 and published(ran) == []
    ran.config.write_text(text)
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    assert len(published(ran)) == 1


def test_the_same_tables_are_published_once(ran: Partnership) -> None:
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    assert ran.journeys("publish", "--demo-officers").exit_code == 0
    run_refresh(ran.settings)
    again = ran.journeys("publish", "--demo-officers")
    assert again.exit_code == 0 and "nothing was added" in again.stdout
    assert len(published(ran)) == 1


def test_a_draft_that_was_touched_is_not_published(ran: Partnership) -> None:
    draft = next((ran.folder / "drafts").iterdir())
    path = next(draft.glob("*.csv"))
    path.write_text(path.read_text().replace("[c]", "3"))
    found = ran.journeys("publish", "--demo-officers")
    assert found.exit_code == 1 and published(ran) == []


def test_a_draft_put_in_the_place_of_another_is_not_published(ran: Partnership) -> None:
    first = next((ran.folder / "drafts").iterdir())
    report = run_refresh(ran.settings)
    newest = ran.folder / "drafts" / report["run_id"]
    for path in first.iterdir():
        (newest / path.name).write_bytes(path.read_bytes())
    found = ran.journeys("publish", "--demo-officers")
    assert found.exit_code == 1 and "not the one that was recorded" in found.stderr


def test_an_approval_in_hand_outlives_the_nights(ran: Partnership) -> None:
    with open_control(ran.settings) as control:
        current = control.current_run()
    assert current is not None
    ran.config.write_text(ran.config.read_text().replace("keep_releases: 5", "keep_releases: 1"))
    ran.journeys("publish", "--approve", "--officer", "A. Officer")
    for _ in range(2):
        run_refresh(ran.settings)
    found = ran.journeys(
        "publish", "--approve", "--officer", "B. Officer", "--draft", current.run_id
    )
    assert found.exit_code == 0, found.stderr
    assert [path.name for path in published(ran)] == [current.run_id]


def test_an_unrecorded_publication_is_cleared_away(ran: Partnership) -> None:
    with open_control(ran.settings) as control:
        current = control.current_run()
    assert current is not None
    stray = ran.folder / "publications" / current.run_id
    stray.mkdir(parents=True)
    (stray / "table.csv").write_text("people\n3\n")
    run_refresh(ran.settings)
    assert published(ran) == []


def test_every_count_published_is_masked_or_rounded(ran: Partnership) -> None:
    import polars as pl

    ran.journeys("publish", "--demo-officers")
    (folder,) = published(ran)
    seen = 0
    for path in folder.glob("*.csv"):
        frame = pl.read_csv(path, infer_schema=False)
        for column in {"people", "numerator", "denominator"} & set(frame.columns):
            for value in frame[column].drop_nulls():
                seen += 1
                assert value in {"[c]", "[x]", "[z]"} or int(value) >= 5
                assert not value.isdigit() or int(value) % 5 == 0
    assert seen
